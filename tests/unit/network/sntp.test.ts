import Timer from "timer";
import { Clock } from "../../../modules/network/clock";
import { createRequest, parseAnswer, SNTP } from "../../../modules/network/sntp";
import { assert, equal, rejects, test } from "../harness";

const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A server's packet (RFC 5905, figure 8). */
function packet(changes: {
  first?: number;
  stratum?: number;
  origin?: Uint8Array;
  seconds?: number;
  fraction?: number;
}) {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  bytes[0] = changes.first ?? 0x24;
  bytes[1] = changes.stratum ?? 2;
  bytes.set(changes.origin ?? nonce, 24);
  view.setUint32(40, changes.seconds ?? 3989260800); // 2026-06-01
  view.setUint32(44, changes.fraction ?? 0x80000000);
  return bytes.buffer;
}

const june = Date.UTC(2026, 5, 1);

test("a request is 48 bytes of a version 4 client, with the nonce as transmit time", () => {
  const request = createRequest(nonce);
  equal(request.length, 48);
  equal(request[0], 0x23);
  equal(request.subarray(40), nonce);
  assert(request.subarray(1, 40).every((byte) => byte === 0));
});

test("an answer gives the time, before and after the overflow of 2036", () => {
  equal(parseAnswer(packet({}), nonce), june + 500);
  equal(parseAnswer(packet({ seconds: 1, fraction: 0 }), nonce), Date.UTC(2036, 1, 7, 6, 28, 17));
});

test("what is no answer is none", () => {
  equal(parseAnswer(packet({ origin: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9) }), nonce), undefined);
  equal(parseAnswer(packet({ first: 0x23 }), nonce), undefined); // a client
  equal(parseAnswer(packet({ first: 0xe4 }), nonce), undefined); // not synchronized
  equal(parseAnswer(packet({ stratum: 0 }), nonce), undefined); // kiss of death
  equal(parseAnswer(packet({ stratum: 16 }), nonce), undefined);
  equal(parseAnswer(packet({ seconds: 0 }), nonce), undefined);
  equal(parseAnswer(packet({}).slice(0, 47), nonce), undefined);
});

/** Time servers by name: how they answer. */
type Server = (request: Uint8Array) => ArrayBuffer | undefined;

/** A network in which only these servers are. */
function network(servers: Record<string, Server>) {
  const open = new Set<object>();
  class UDP {
    #options: { onReadable(count: number): void };
    #answer?: ArrayBuffer;
    constructor(options: { onReadable(count: number): void }) {
      this.#options = options;
      open.add(this);
    }
    write(buffer: Uint8Array, address: string, port: number): void {
      equal(port, 123);
      const answer = servers[address](buffer);
      if (!answer) return;
      Timer.set(() => {
        this.#answer = answer;
        if (open.has(this)) this.#options.onReadable(1);
      }, 5);
    }
    read(): never {
      return this.#answer as never;
    }
    close(): void {
      open.delete(this);
    }
  }
  const resolver = {
    resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void {
      Timer.set(() => (servers[options.host] ? options.onResolved(options.host, options.host) : options.onError()));
    },
  };
  const sntp = new SNTP({
    UDP: { io: UDP as never },
    resolver,
    randomBytes: (count) => new Uint8Array(count).fill(7).buffer,
    servers: ["missing", "silent", "liar", "good"].filter((name) => name === "missing" || servers[name]),
    timeout: 50,
  });
  return { sntp, open };
}

const good: Server = (request) => packet({ origin: request.slice(40, 48) });
const liar: Server = () => packet({ origin: nonce });
const silent: Server = () => undefined;

test("servers that are not there, silent or lying are passed over, and no socket is left", async () => {
  const { sntp, open } = network({ silent, liar, good });
  const time = await sntp.getTime();
  assert(time >= june + 500 && time < june + 1000, `${time - june}`);
  equal(open.size, 0);
});

test("nobody answers: NoAnswer", async () => {
  const { sntp, open } = network({ silent });
  await rejects(sntp.getTime(), "NoAnswer");
  equal(open.size, 0);
});

test("the clock is set by its source and goes on", async () => {
  let told = 0;
  const clock = new Clock({ source: network({ good }).sntp, setSystemTime: (seconds) => (told = seconds) });
  await clock.synchronize();
  assert(clock.isSet);
  assert(Math.abs(clock.now() - june - 500) < 1000, "another time");
  equal(told, Math.floor(june / 1000));
});

test("a clock without a source: set on a desktop, otherwise NoTimeSource; a source from before our time: BadTime", async () => {
  const clock = new Clock();
  assert(clock.isSet);
  await clock.synchronize();
  clock.set(5000);
  assert(!clock.isSet);
  await rejects(clock.synchronize(), "NoTimeSource");
  const wrong = new Clock({ source: { getTime: async () => 86_400_000 } });
  await rejects(wrong.synchronize(), "BadTime");
});
