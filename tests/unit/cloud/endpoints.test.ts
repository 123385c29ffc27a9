import { parseEndpoint } from "../../../modules/cloud/endpoint";
import { equal, sleep, test, until } from "../harness";
import { FakeBroker, types } from "./fake-broker";

const regions = ["eu.example", "us.example", "ap.example"];

/** Hosts of the connections on which a CONNECT came, in their order. */
const connects = ({ sockets }: FakeBroker) =>
  sockets.filter((socket) => socket.sent(types.CONNECT).length).map(({ options }) => options.host);

test("one TLS connection, to the winner; the session says which it is", async () => {
  const broker = new FakeBroker({ darkHosts: ["eu.example", "ap.example"] });
  const session = broker.session({ endpoint: regions });
  equal(session.endpoint, undefined);
  session.connect();
  await until(() => session.connected);
  equal(session.endpoint, "us.example");
  equal(connects(broker), ["us.example"]);
  equal(broker.sockets.filter(({ closed }) => !closed).length, 1);
  equal(broker.states, ["resolving", "connecting", "connected"]);
  session.close();
  equal(broker.escaped, []);
});

test("the preferred one is tried first, without a race", async () => {
  const broker = new FakeBroker();
  const session = broker.session({ endpoint: regions, preferredEndpoint: "ap.example" });
  session.connect();
  await until(() => session.connected);
  equal(session.endpoint, "ap.example");
  equal(broker.sockets.length, 1);
  session.close();
});

test("one that takes connections and never answers is left, though it wins every race", async () => {
  const broker = new FakeBroker({ muteHosts: ["eu.example"], darkHosts: ["us.example"] });
  const session = broker.session({ endpoint: regions, connackTimeout: 20, preferredEndpoint: "eu.example" });
  session.connect();
  await until(() => session.connected);
  equal(session.endpoint, "ap.example");
  equal(connects(broker), ["eu.example", "eu.example", "eu.example", "ap.example"]);
  equal(broker.errors, ["ConnackTimeout", "ConnackTimeout", "ConnackTimeout"]);
  session.close();
  equal(broker.escaped, []);
});

test("the one in use goes dark: the session moves on, and its messages with it", async () => {
  const broker = new FakeBroker();
  const session = broker.session({
    endpoint: regions,
    preferredEndpoint: "eu.example",
    connectTimeout: 30,
    stableTime: 5,
  });
  session.connect();
  await until(() => session.connected);
  await sleep(15);
  broker.script.darkHosts = ["eu.example"];
  broker.socket.fail();
  await until(() => !session.connected);
  const sent = session.publish("telemetry", "kept");
  await sent;
  equal(session.endpoint === "eu.example", false);
  equal(broker.socket.sent(types.PUBLISH)[0].payload, "kept");
  session.close();
});

test("all dark: races with growing pauses, for ever; and back when one is there again", async () => {
  const broker = new FakeBroker({ darkHosts: regions });
  const session = broker.session({ endpoint: regions, raceTimeout: 15 });
  session.connect();
  await until(() => broker.errors.length >= 3);
  equal(new Set(broker.errors).size, 1);
  equal(broker.errors[0], "NoEndpoint");
  equal(session.state, "backing-off");
  equal(session.endpoint, undefined);
  equal(connects(broker), []);
  broker.script.darkHosts = ["us.example"];
  broker.script.unknownHosts = ["ap.example"];
  await until(() => session.connected);
  equal(session.endpoint, "eu.example");
  session.close();
});

test("disconnected and closed in the middle of a race: nothing is left open, nothing follows", async () => {
  for (const end of ["disconnect", "close"] as const) {
    const broker = new FakeBroker({ darkHosts: regions });
    const session = broker.session({ endpoint: regions });
    session.connect();
    session.connect();
    await until(() => broker.sockets.length === 3);
    session[end]();
    equal(broker.sockets.filter(({ closed }) => !closed).length, 0);
    await sleep(150);
    equal(broker.sockets.length, 3);
    equal(broker.errors, []);
    if (end === "disconnect") {
      broker.script.darkHosts = [];
      session.connect();
      await until(() => session.connected);
      session.close();
    }
  }
});

test("on port 443 the winner is spoken to with AWS's protocol name, and by its full name", async () => {
  const china = "a1b2c3.ats.iot.cn-north-1.amazonaws.com.cn:443";
  equal(parseEndpoint(china), {
    host: "a1b2c3.ats.iot.cn-north-1.amazonaws.com.cn",
    port: 443,
    applicationLayerProtocolNegotiation: ["x-amzn-mqtt-ca"],
  });
  const broker = new FakeBroker({ darkHosts: ["eu.example"] });
  const session = broker.session({ endpoint: ["eu.example", china] });
  session.connect();
  await until(() => session.connected);
  const { host, port, secure } = broker.socket.options;
  equal([host, port], ["a1b2c3.ats.iot.cn-north-1.amazonaws.com.cn", 443]);
  equal(secure?.applicationLayerProtocolNegotiation, ["x-amzn-mqtt-ca"]);
  session.close();
});

test("when all others are dark the one that was left is tried again at once", async () => {
  const broker = new FakeBroker({ muteHosts: ["eu.example"], darkHosts: ["us.example"] });
  const session = broker.session({
    endpoint: ["eu.example", "us.example"],
    preferredEndpoint: "eu.example",
    connackTimeout: 20,
    raceTimeout: 300,
  });
  session.connect();
  await until(() => connects(broker).length === 4);
  equal(connects(broker), Array(4).fill("eu.example"));
  equal(new Set(broker.errors), new Set(["ConnackTimeout"]));
  session.close();
});
