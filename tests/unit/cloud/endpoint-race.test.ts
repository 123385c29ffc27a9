import Timer from "timer";
import { EndpointRace } from "../../../modules/cloud/endpoint-race";
import { equal, sleep, test, until } from "../harness";

type Callback = (this: object, count?: number) => void;

interface Options {
  host: string;
  address: string;
  port: number;
  target: object;
  window: number;
  onWritable: Callback;
  onReadable: Callback;
  onError: Callback;
}

/** What becomes of a connection to an address: milliseconds until it stands, or is refused; undefined: never. */
type Fate = { connects?: number; fails?: number; throws?: boolean };

/** A network whose names and addresses do what the test says, and whoever races in it. */
class Net {
  readonly sockets: { options: Options; closed: boolean }[] = [];
  readonly lookUps: string[] = [];
  result?: number | string;
  results = 0;
  resolverClosed = false;
  readonly #names: Record<string, { address?: string; after: number }>;
  readonly #fates: Record<string, Fate>;

  constructor(names: Record<string, { address?: string; after: number }>, fates: Record<string, Fate>) {
    this.#names = names;
    this.#fates = fates;
  }

  race(candidates: (string | undefined)[], timeout = 200): EndpointRace {
    const dns = { io: NetResolver as never, net: this };
    return new EndpointRace({ candidates, dns, TCP: { io: NetSocket as never, net: this, window: 5 }, timeout }, this);
  }

  onWinner(index: number): void {
    this.result = index;
    this.results += 1;
  }

  onNoWinner({ code }: { code: string }): void {
    this.result = code;
    this.results += 1;
  }

  lookUp(host: string) {
    this.lookUps.push(host);
    return this.#names[host];
  }

  fate({ address, port }: Options): Fate {
    return this.#fates[`${address}:${port}`] ?? {};
  }

  get open(): number {
    return this.sockets.filter(({ closed }) => !closed).length;
  }
}

class NetResolver {
  #net: Net;
  #timers: Timer[] = [];
  constructor({ net }: { net: Net }) {
    this.#net = net;
  }
  resolve({ host, onResolved, onError }: { host: string; onResolved(h: string, a: string): void; onError(): void }) {
    const { address, after } = this.#net.lookUp(host) ?? { after: 1 };
    const answer = () => (address ? onResolved(host, address) : onError());
    this.#timers.push(Timer.set(answer, after));
  }
  close() {
    for (const timer of this.#timers) Timer.clear(timer);
    this.#net.resolverClosed = true;
  }
}

class NetSocket {
  target: object;
  options: Options;
  closed = false;
  constructor(options: Options & { net: Net }) {
    this.options = options;
    this.target = options.target;
    const { connects, fails, throws } = options.net.fate(options);
    if (throws) throw new Error("no socket is left");
    options.net.sockets.push(this);
    if (connects !== undefined) Timer.set(() => this.closed || options.onWritable.call(this, 100), connects);
    if (fails !== undefined) Timer.set(() => this.closed || options.onError.call(this), fails);
  }
  close() {
    this.closed = true;
  }
}

const at = (address: string, after = 1) => ({ address, after });

test("the first to connect wins; all connections and the look-up are closed", async () => {
  const net = new Net(
    { a: at("1"), b: at("2"), c: at("3") },
    { "1:8883": { connects: 60 }, "2:443": { connects: 10 }, "3:8883": { connects: 30 } },
  );
  net.race(["a", "b:443", "c"]);
  await until(() => net.results > 0);
  equal(net.result, 1);
  equal(net.sockets.length, 3);
  equal(net.open, 0);
  equal(net.resolverClosed, true);
  equal(net.sockets[0].options.window, 5, "options of the TCP socket are handed on");
  await sleep(80);
  equal(net.results, 1);
});

test("a slow look-up loses as a slow connection does", async () => {
  const net = new Net({ a: at("1", 50), b: at("2") }, { "1:8883": { connects: 0 }, "2:8883": { connects: 10 } });
  net.race(["a", "b"]);
  await until(() => net.results > 0);
  equal(net.result, 1);
  equal(net.sockets.length, 1);
});

test("one that is dark, refuses, cannot be opened or has no name does not keep the others from winning", async () => {
  const fates = { "1:8883": {}, "2:8883": { fails: 1 }, "3:8883": { throws: true }, "5:8883": { connects: 40 } };
  const net = new Net({ a: at("1"), b: at("2"), c: at("3"), d: { after: 1 }, e: at("5") }, fates);
  net.race(["a", "b", "c", "d", "e"]);
  await until(() => net.results > 0);
  equal(net.result, 4);
  equal(net.open, 0);
});

test("nobody: as soon as all have refused, and at the latest in time", async () => {
  const refusing = new Net({ a: at("1"), b: { after: 1 } }, { "1:8883": { fails: 5 } });
  refusing.race(["a", "b"], 5000);
  await until(() => refusing.results > 0);
  equal(refusing.result, "NoEndpoint");
  const dark = new Net({ a: at("1"), b: at("2", 300) }, {});
  dark.race(["a", "b"], 50);
  await until(() => dark.results > 0);
  equal(dark.result, "NoEndpoint");
  equal(dark.open, 0);
  equal(dark.resolverClosed, true);
});

test("those that are left out do not take part", async () => {
  const net = new Net({ a: at("1"), b: at("2") }, { "1:8883": { connects: 0 }, "2:8883": { connects: 20 } });
  net.race([undefined, "b"]);
  await until(() => net.results > 0);
  equal(net.result, 1);
  equal(net.lookUps, ["b"]);
});

test("two ports of one name: one look-up, two connections", async () => {
  const net = new Net({ a: at("1") }, { "1:8883": {}, "1:443": { connects: 5 } });
  net.race(["a", "a:443"]);
  await until(() => net.results > 0);
  equal(net.result, 1);
  equal(net.lookUps, ["a"]);
});

test("a race that is closed tells nothing and leaves nothing", async () => {
  const net = new Net({ a: at("1"), b: at("2", 30) }, { "1:8883": { connects: 20 } });
  const race = net.race(["a", "b"]);
  await sleep(10);
  race.close();
  await sleep(60);
  equal(net.results, 0);
  equal(net.open, 0);
  equal(net.sockets.length, 1);
});

test("a winner that fails before it is told is a winner all the same", async () => {
  const net = new Net({ a: at("1") }, { "1:8883": { connects: 5, fails: 5 } });
  net.race(["a"]);
  await until(() => net.results > 0);
  equal(net.result, 0);
  await sleep(20);
  equal(net.results, 1);
});
