/** The engine as XS sees it: what it takes, refuses and gives. Its work is tested in C (tests/native/tls-*.c), the socket around it in tls-session. */
import { KeyPair } from "../../../native/tls/crypto";
import TLSEngine, { type TLSEngineOptions } from "../../../native/tls/tls";
import { assert, equal, test, throws } from "../harness";
import { pattern } from "./bytes";
import { issueServer, serverName } from "./certificates";
import { TLSServer } from "./tls-server";

const credentials = issueServer();
const usual: TLSEngineOptions = { host: serverName, roots: [credentials.root], time: Date.now() };
const buffer = new Uint8Array(2000);

function engineWith(options: Partial<TLSEngineOptions> = {}): TLSEngine {
  return new TLSEngine({ ...usual, ...options });
}

/** What there is from each to the other, until neither has anything more. */
function talk(engine: TLSEngine, server: TLSServer): void {
  for (let flight = 0; flight < 3; flight += 1) {
    for (let count = engine.take(buffer); count; count = engine.take(buffer)) server.feed(buffer.slice(0, count));
    const data = server.take();
    for (let at = 0; at < data.length && engine.wanted; )
      at += engine.feed(data.subarray(at), Math.min(engine.wanted, data.length - at));
  }
}

function connected(options: Partial<TLSEngineOptions> = {}) {
  const engine = engineWith(options);
  const server = new TLSServer(credentials);
  talk(engine, server);
  equal([engine.error, engine.connected, engine.version], [undefined, true, "TLSv1.2"]);
  return { engine, server };
}

const errorOf = (options: Partial<TLSEngineOptions>) => engineWith(options).error;

test("a time is from 2025 on, and a number", () => {
  for (const time of [0, -1, Date.UTC(2025, 0, 1) - 1, Number.NaN, 1e15, Number.POSITIVE_INFINITY])
    equal(errorOf({ time }), "NoTime", `${time}`);
  for (const time of [Date.UTC(2025, 0, 1), Date.UTC(2100, 0, 1)]) equal(errorOf({ time }), undefined, `${time}`);
});

test("hosts have up to 255 bytes, protocols up to 31, and there are up to four of these", () => {
  equal(errorOf({ host: "h".repeat(255) }), undefined);
  throws(() => engineWith({ host: "h".repeat(256) }));
  equal(errorOf({ host: "" }), "BadOptions");
  const longest = "p".repeat(31);
  equal(errorOf({ protocols: [longest, "a", "b", "c"] }), undefined);
  throws(() => engineWith({ protocols: [`${longest}p`] }));
  throws(() => engineWith({ protocols: ["a", "b", "c", "d", "e"] }), RangeError);
  equal(errorOf({ protocols: [] }), undefined);
  equal(errorOf({ protocols: [""] }), "BadOptions");
});

test("roots are texts or bytes, and there is at least one", () => {
  equal(errorOf({ roots: [] }), "BadRoots");
  equal(errorOf({ roots: [pattern(100)] }), "BadRoots");
  equal(errorOf({ roots: ["no PEM"] }), "BadRoots");
  throws(() => engineWith({ roots: [5 as never] }));
  throws(() => engineWith({ roots: [credentials.root, 5 as never] }));
});

test("the roots are let go when the handshake is over, however it ends", () => {
  const { engine } = connected();
  equal((engine as unknown as { roots: unknown }).roots, undefined);
  const refused = engineWith({ roots: [issueServer().root] });
  assert((refused as unknown as { roots: unknown }).roots, "during the handshake");
  talk(refused, new TLSServer(credentials));
  equal([refused.error, (refused as unknown as { roots: unknown }).roots], ["UnknownCA", undefined]);
});

test("a client's certificate has its key, and a key its certificate", () => {
  const { certificate, key } = credentials;
  equal(errorOf({ certificate, key }), undefined);
  for (const options of [{ certificate }, { key }, { certificate: pattern(50), key }])
    equal(errorOf(options), "BadClientCertificate");
  equal(errorOf({ certificate, key, datesLater: true }), "BadOptions");
  const closed = new KeyPair();
  closed.close();
  throws(() => engineWith({ certificate, key: closed }));
});

test("counts and offsets are within the buffer", () => {
  const { engine, server } = connected();
  for (const count of [-1, buffer.length + 1]) {
    throws(() => engine.take(buffer, count), RangeError);
    throws(() => engine.feed(buffer, count), RangeError);
    throws(() => engine.write(buffer, count), RangeError);
  }
  equal([engine.take(buffer, 0), engine.feed(buffer, 0), engine.write(buffer, buffer.length)], [0, 0, 0]);
  equal(engine.write(pattern(10), 4), 6);
  talk(engine, server);
  equal(server.received, pattern(10).slice(4));
  equal(engine.write(pattern(30), 0, true), 30);
  equal(engine.take(buffer), 0, "more belongs to it");
  equal(engine.write(pattern(1), 1, false), 0);
  talk(engine, server);
  equal(server.records, [6, 30]);
  equal([engine.capacity(-1), engine.capacity(0)], [0, 0]);
  assert(engine.capacity(1000) > 800);
});

test("plaintext byte by byte, and into a buffer", () => {
  const { engine, server } = connected();
  equal([engine.read(), engine.read(buffer), engine.readable], [undefined, 0, 0]);
  server.send(Uint8Array.of(0, 255, 3, 4));
  talk(engine, server);
  equal([engine.readable, engine.wanted], [4, 0]);
  equal([engine.read(), engine.read(), engine.readable], [0, 255, 2]);
  equal(engine.read(buffer), 2);
  equal(buffer.slice(0, 2), Uint8Array.of(3, 4));
  equal([engine.write(0), engine.write(255)], [1, 1]);
  talk(engine, server);
  equal(server.received, Uint8Array.of(0, 255));
});

test("what ends a session, and its facts", () => {
  const { engine, server } = connected();
  equal([engine.alert, engine.detail, engine.peerClosed, engine.protocol], [undefined, 0, false, undefined]);
  const { bytes, peakBytes } = engine;
  assert(bytes === undefined ? peakBytes === undefined : bytes > 1000 && peakBytes! > bytes);
  engine.closeNotify();
  server.closeNotify();
  talk(engine, server);
  equal([server.alerts, engine.peerClosed, engine.error], [[0], true, undefined]);
  const other = connected();
  other.server.alert(2, 80);
  talk(other.engine, other.server);
  equal([other.engine.error, other.engine.alert], ["PeerAlert", 80]);
  assert(other.engine.detail !== 0);
});

test("dates are judged by a time that is a number", () => {
  const { engine } = connected({ datesLater: true, time: Date.UTC(2026, 0, 1) });
  equal(engine.judgeDates(Date.UTC(2026, 6, 1)), true);
  const other = connected({ datesLater: true, time: Date.UTC(2026, 0, 1) }).engine;
  equal([other.judgeDates(Number.NaN), other.error], [false, "BadTime"]);
});

test("closed twice is closed, and then everything else throws", () => {
  const { engine } = connected();
  engine.close();
  engine.close();
  const uses: (() => unknown)[] = [
    () => engine.take(buffer),
    () => engine.feed(buffer),
    () => engine.read(),
    () => engine.write(1),
    () => engine.capacity(1000),
    () => engine.closeNotify(),
    () => engine.judgeDates(1),
    () => engine.error,
    () => engine.bytes,
  ];
  for (const use of uses) assert(/closed/.test(throws(use).message));
});
