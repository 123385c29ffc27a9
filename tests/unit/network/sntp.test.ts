import Timer from "timer";
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
type Server = (request: Uint8Array) => ArrayBuffer[];

/** A network in which only these servers are. */
function network(servers: Record<string, Server>) {
  const open = new Set<object>();
  class UDP {
    #options: { onReadable(count: number): void };
    #answers: ArrayBuffer[] = [];
    constructor(options: { onReadable(count: number): void }) {
      this.#options = options;
      open.add(this);
    }
    write(buffer: Uint8Array, address: string, port: number): void {
      const answers = servers[`${address}:${port}`](buffer);
      if (!answers.length) return;
      Timer.set(() => {
        this.#answers = answers;
        if (open.has(this)) this.#options.onReadable(answers.length);
      }, 5);
    }
    read(): never {
      return this.#answers.shift() as never;
    }
    close(): void {
      open.delete(this);
    }
  }
  const resolver = {
    resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void {
      const isThere = Object.keys(servers).some((name) => name.startsWith(`${options.host}:`));
      Timer.set(() => (isThere ? options.onResolved(options.host, options.host) : options.onError()));
    },
  };
  const randomBytes = (count: number) => new Uint8Array(count).fill(7).buffer;
  const ask = (name: string, look: object = resolver) =>
    new SNTP(name, { UDP: { io: UDP as never }, resolver: look as typeof resolver, randomBytes, timeout: 50 });
  return { ask, open };
}

const good: Server = (request) => [packet({ origin: request.slice(40, 48) })];
const liar: Server = () => [packet({ origin: nonce })];

test("a server is asked at port 123, or where its name says", async () => {
  const { ask, open } = network({ "good:123": good, "good:1123": good });
  for (const name of ["good", "good:1123"]) {
    const time = await ask(name).getTime();
    assert(time >= june + 500 && time < june + 1000, `${time - june}`);
    equal([ask(name).name, ask(name).isProven], [name, false]);
  }
  equal(open.size, 0);
});

test("an answer counts behind packets that are none", async () => {
  const { ask } = network({ "good:123": (request) => [...liar(request), new ArrayBuffer(3), ...good(request)] });
  assert((await ask("good").getTime()) >= june + 500);
});

test("a socket that takes nothing: said at once", async () => {
  const { ask, open } = network({ "elsewhere:1123": good });
  assert((await rejects(ask("elsewhere").getTime(), "NoAnswer")).message.includes("cannot be asked"));
  equal(open.size, 0);
});

test("an address that comes twice, or too late: one socket, or none", async () => {
  const { ask, open } = network({ "good:123": good, "silent:123": () => [] });
  let resolved: ((host: string, address: string) => void) | undefined;
  const resolver = {
    resolve(options: { onResolved(host: string, address: string): void }): void {
      resolved = options.onResolved;
    },
  };
  const time = ask("good", resolver).getTime();
  resolved!("good", "good");
  resolved!("good", "good");
  equal(open.size, 1);
  assert((await time) >= june + 500);
  await rejects(ask("silent", resolver).getTime(), "NoAnswer");
  resolved!("silent", "silent");
  equal(open.size, 0);
});

test("a server that is silent, lies or is not there: NoAnswer, HostNotFound, and no socket is left", async () => {
  const { ask, open } = network({ "silent:123": () => [], "liar:123": liar });
  await rejects(ask("silent").getTime(), "NoAnswer");
  await rejects(ask("liar").getTime(), "NoAnswer");
  await rejects(ask("missing").getTime(), "HostNotFound");
  equal(open.size, 0);
});
