import { parseEndpoint } from "../../../modules/cloud/endpoint";
import { assert, equal, test, throws, turns, until } from "../harness";
import { FakeBroker, text, types } from "./fake-broker";

test("connects with a persistent session, the will and a keep-alive that AWS IoT takes", async () => {
  const broker = new FakeBroker();
  const session = broker.session({ keepAlive: 5, will: { topic: "device/thing/telemetry", message: "gone", QoS: 1 } });
  session.connect();
  await until(() => session.connected);
  const { body } = broker.socket.packets[0];
  equal(body.slice(0, 8), Uint8Array.of(0, 4, 77, 81, 84, 84, 4, 0x0c), "MQTT 3.1.1, clean session 0, will with QoS 1");
  equal((body[8] << 8) | body[9], 30);
  equal(text(body.slice(12, 17)), "thing");
  equal(text(body.slice(-4)), "gone");
  equal(broker.states, ["resolving", "connecting", "connected"]);
  equal([broker.socket.options.host, broker.socket.options.port], ["broker.example", 8883]);
  session.close();
  await until(() => broker.socket.closed);
  equal(broker.escaped, []);
});

test("CONNACK is understood however it is cut", async () => {
  for (const pace of [1, 2, 3, 4]) {
    const broker = new FakeBroker({ pace });
    const session = broker.session();
    session.connect();
    await until(() => session.connected);
    session.close();
    equal(broker.escaped, []);
  }
});

test("a connection cut before any byte of CONNACK is a refusal", async () => {
  for (let cut = 0; cut < 4; cut += 1) {
    const broker = new FakeBroker({ connack: false });
    const session = broker.session();
    session.connect();
    await until(() => broker.sockets.length === 1 && broker.socket.sent(types.CONNECT).length === 1);
    broker.socket.receive(...[0x20, 2, 0, 0].slice(0, cut));
    await turns(5);
    broker.socket.fail();
    await until(() => broker.errors.length > 0);
    equal(broker.errors[0], "Refused");
    equal(session.state, "refused");
    assert(broker.socket.closed);
    session.close();
    equal(broker.escaped, []);
  }
});

test("every return code of CONNACK has its name", async () => {
  for (const [connack, code] of [
    [1, "Refused"],
    [2, "Refused"],
    [3, "ServerUnavailable"],
    [4, "Refused"],
    [5, "Refused"],
    [7, "Refused"],
  ] as const) {
    const broker = new FakeBroker({ connack });
    const session = broker.session();
    session.connect();
    await until(() => broker.errors.length > 0);
    equal(broker.errors[0], code, `return code ${connack}`);
    equal(session.state, code === "Refused" ? "refused" : "backing-off");
    session.close();
    equal(broker.escaped, []);
  }
});

test("errors of the TLS socket pass through with their code", async () => {
  const broker = new FakeBroker({ dark: true });
  const session = broker.session();
  session.connect();
  await until(() => broker.sockets.length === 1);
  broker.socket.fail(Object.assign(new Error("unknown authority"), { code: "UnknownCA" }));
  await until(() => broker.errors.length > 0);
  equal(broker.errors, ["UnknownCA"]);
  session.close();
});

test("a socket that cannot be made, a name that is not found, a host that does not answer: each has a name and is tried again", async () => {
  const noTime = Object.assign(new Error("the clock is not set"), { code: "NoTime" });
  for (const [script, code] of [
    [{ constructorError: noTime }, "NoTime"],
    [{ address: undefined }, "ResolveFailed"],
    [{ dark: true }, "ConnectTimeout"],
    [{ silentNames: true }, "ConnectTimeout"],
    [{ connack: false }, "ConnackTimeout"],
  ] as const) {
    const broker = new FakeBroker(script);
    const session = broker.session({ connectTimeout: 100, connackTimeout: 100 });
    session.connect();
    await until(() => broker.errors.length >= 2);
    equal(broker.errors.slice(0, 2), [code, code]);
    session.disconnect();
    equal(broker.resolvers, 0, `${code}: look-ups are left`);
    const good = { constructorError: undefined, address: "10.0.0.1", dark: false, silentNames: false, connack: 0 };
    Object.assign(broker.script, good);
    session.connect();
    await until(() => session.connected);
    session.close();
    equal(broker.resolvers, 0);
    equal(broker.escaped, []);
  }
});

test("the connection may be cut after any byte that the device sends, and nothing is lost", async () => {
  // CONNECT has 19 bytes, SUBSCRIBE 26 and PUBLISH 32.
  for (let cutAfter = 1; cutAfter <= 77; cutAfter += 1) {
    const broker = new FakeBroker({ cutAfter, sessionPresent: cutAfter % 2 === 1 });
    const session = broker.session({ backoff: { minimum: 2, maximum: 2 } });
    session.connect();
    const granted = session.subscribe([{ topic: "device/thing/commands", QoS: 1 }]);
    await session.publish("device/thing/telemetry", "hello");
    await granted;
    await until(() => broker.sockets.length >= 2 && session.connected);
    equal(broker.sockets.length, 2);
    const packets = broker.sockets.flatMap((socket) => socket.packets);
    assert(packets.some(({ payload, topic }) => topic === "device/thing/telemetry" && payload === "hello"));
    assert(packets.some(({ type }) => type === types.SUBSCRIBE));
    session.close();
    equal(broker.escaped, []);
  }
});

test("closing at any moment is quiet", async () => {
  for (let wait = 0; wait < 12; wait += 1) {
    const broker = new FakeBroker({ pace: 1 });
    const session = broker.session();
    session.connect();
    session.subscribe([{ topic: "a", QoS: 1 }]).catch(() => {});
    await turns(wait);
    session.close();
    const states = broker.states.length;
    await turns(20);
    equal(session.state, "disconnected");
    equal(broker.states.length, states);
    equal(broker.escaped, []);
    assert(broker.sockets.every(({ closed }) => closed));
  }
});

test("an orderly end says DISCONNECT", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  session.connect();
  await until(() => session.connected);
  await turns(5);
  const written: number[] = [];
  const write = broker.socket.write.bind(broker.socket);
  broker.socket.write = (data) => {
    written.push(...new Uint8Array(data as ArrayBuffer));
    return write(data);
  };
  session.disconnect();
  equal(written, [0xe0, 0]);
  session.connect();
  await until(() => session.connected);
  session.close();
});

test("packets that no broker sends end the connection", async () => {
  for (const bytes of [
    [0x20, 3, 0, 0, 0],
    [0x20, 2, 2, 0],
    [0x40, 2, 0, 1],
    [0x20, 0x80, 0x80, 0x80, 0x80, 1],
  ]) {
    const broker = new FakeBroker({ connack: false });
    const session = broker.session();
    session.connect();
    await until(() => broker.sockets.length === 1 && broker.socket.sent(types.CONNECT).length === 1);
    broker.socket.receive(...bytes);
    await until(() => broker.errors.length > 0);
    equal(broker.errors[0], "MalformedPacket");
    session.close();
    equal(broker.escaped, []);
  }
});

test("on port 443 the socket is told the ALPN name, and keeps what else it was told", async () => {
  for (const [endpoint, protocols] of [
    ["broker.example:443", ["x-amzn-mqtt-ca"]],
    ["broker.example", undefined],
  ] as const) {
    const broker = new FakeBroker();
    const session = broker.session({ endpoint, socket: { ...broker.parts.socket, secure: { roots: ["root"] } } });
    session.connect();
    await until(() => session.connected);
    const { secure } = broker.socket.options;
    equal([secure?.roots, secure?.applicationLayerProtocolNegotiation], [["root"], protocols]);
    session.close();
  }
});

test("an endpoint is a host with an optional port, and 443 needs ALPN", () => {
  equal(parseEndpoint("a1-ats.iot.eu-west-1.amazonaws.com"), {
    host: "a1-ats.iot.eu-west-1.amazonaws.com",
    port: 8883,
  });
  equal(parseEndpoint("localhost:18883"), { host: "localhost", port: 18883 });
  equal(parseEndpoint("b.ats.iot.cn-north-1.amazonaws.com.cn:443"), {
    host: "b.ats.iot.cn-north-1.amazonaws.com.cn",
    port: 443,
    applicationLayerProtocolNegotiation: ["x-amzn-mqtt-ca"],
  });
  const name = (length: number) => "a".repeat(length);
  equal(parseEndpoint(`${name(253)}:65535`), { host: name(253), port: 65_535 });
  equal(parseEndpoint("a:1"), { host: "a", port: 1 });
  for (const bad of [
    name(254),
    "a:000443",
    "",
    ":8883",
    "a:",
    "a:0",
    "a:65536",
    "a:1:2",
    "https://a",
    "a b",
    "a:8883x",
    "-a",
    "[::1]:8883",
  ])
    throws(() => parseEndpoint(bad), "InvalidEndpoint");
});

test("the state is told when it changes: a session that is disconnected already says nothing", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  session.disconnect();
  await turns(2);
  equal(broker.states, []);
  session.connect();
  await until(() => session.connected);
  session.disconnect();
  session.disconnect();
  await turns(2);
  equal(broker.states, ["resolving", "connecting", "connected", "disconnected"]);
  session.close();
});
