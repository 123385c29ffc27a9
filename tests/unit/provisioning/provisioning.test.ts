/** The camera's Bluetooth side over a stack that does what the test says. */
import type { GATTConnection } from "../../../modules/provisioning/gatt-service";
import { serviceUUID } from "../../../modules/provisioning/gatt-service";
import { ImprovState } from "../../../modules/provisioning/improv-packet";
import { ImprovValue, improvServiceData, improvServiceUUID } from "../../../modules/provisioning/improv-service";
import { Provisioning, type ProvisioningOptions } from "../../../modules/provisioning/provisioning";
import * as crypto from "../../../native/tls/crypto";
import { after, equal, sleep, test, throws, turns, until } from "../harness";
import { Phone, proofOfPossession, Storage, type TestLink, text } from "./phone";

const flags = 0x06;

/** What is said of the server, and done with it. */
class Stack {
  options!: Record<string, unknown> & { target: Provisioning };
  log: unknown[] = [];

  tell(name: "onReady" | "onConnect" | "onDisconnect" | "onWarning", value?: unknown): void {
    (this.options[name] as (value?: unknown) => void).call(this.options, value);
  }
}

/** A phone, as the stack knows it. */
class Peer {
  maximumWrite = 514;
  target?: GATTConnection["target"];
  heard: unknown[] = [];
  isBroken = false;
  ended = 0;

  notify(characteristic: unknown, value: Uint8Array): void {
    if (this.isBroken) throw new Error("gone");
    this.heard.push([characteristic, ...value]);
  }

  /** What `end-link` of the simulated radio calls. */
  end(): void {
    this.ended += 1;
  }
}

function setUp(changes: Partial<ProvisioningOptions> = {}) {
  const stack = new Stack();
  const told: unknown[] = [];
  const wifi = {
    state: "disconnected" as "disconnected" | "connecting" | "connected",
    address: undefined,
    SSID: undefined,
    BSSID: undefined,
    channel: undefined,
    scans: 0,
    async scan() {
      wifi.scans += 1;
      return [];
    },
    async connect() {
      wifi.state = "connected";
      return "192.0.2.7";
    },
  };
  class Server {
    constructor(options: Stack["options"]) {
      stack.options = options;
    }
    startAdvertising(...data: unknown[]) {
      stack.log.push(data);
    }
    stopAdvertising() {
      stack.log.push("quiet");
    }
    close() {
      stack.log.push("closed");
    }
  }
  const provisioning = new Provisioning({
    io: Server,
    crypto,
    name: "PROV_1",
    proofOfPossession,
    storage: new Storage(),
    wifi,
    endpoints: {
      shape: { bytes: 6144, depth: 8, values: 64, text: 4096, name: 64 },
      has: (endpoint) => endpoint === "camera-command",
      handle: async (_endpoint, message) => message,
    },
    links: 2,
    onStateChanged: (state) => told.push(state),
    onWarning: (message) => told.push(message),
    onWiFiConfigured: (credentials) => told.push(credentials),
    ...changes,
  });
  after(() => provisioning.close());
  const connect = () => {
    const peer = new Peer();
    stack.tell("onConnect", peer);
    return peer;
  };
  /** The phone's protocol over that connection. */
  const phoneOf = (peer: Peer) => {
    const connection = peer as unknown as GATTConnection;
    return new Phone({
      write: (endpoint: string, bytes: Uint8Array) =>
        provisioning.write(endpoint, bytes.slice().buffer as ArrayBuffer, connection),
      read: (endpoint: string) => provisioning.read(endpoint, connection),
    } as unknown as TestLink);
  };
  return { stack, told, wifi, provisioning, connect, phoneOf };
}

const improv = (changes = {}) => ({ allowed: true, window: 3_600_000, info: ["a", "b", "c", "d"], ...changes });
const plain = [{ flags, services: [serviceUUID] }, { name: "PROV_1" }];
const withImprov = (state: 1 | 2 | 3 | 4) => [
  { flags, services: [serviceUUID], ...improvServiceData(state) },
  { name: "PROV_1", services: [improvServiceUUID] },
];

test("it advertises when the stack is ready, looks around for networks, and tells each state once", async () => {
  const { stack, told, wifi, provisioning, connect } = setUp();
  equal([provisioning.state, stack.log], ["starting", []]);
  stack.tell("onReady");
  await turns(2);
  equal([stack.log, told, wifi.scans], [[plain], ["advertising"], 1]);
  const first = connect();
  const second = connect();
  equal([told, provisioning.state], [["advertising", "connected"], "connected"]);
  equal(first.target === provisioning, true);
  stack.tell("onDisconnect", first);
  equal(provisioning.state, "connected");
  stack.tell("onDisconnect", second);
  stack.tell("onDisconnect", second);
  equal(told, ["advertising", "connected", "advertising"]);
  stack.tell("onWarning", "careful");
  equal(told.slice(3), ["careful"]);
});

test("a phone that connects later finds a list of networks that is no older than it may be", async () => {
  const { wifi, connect } = setUp();
  connect();
  await turns(2);
  equal(wifi.scans, 1);
});

test("the server is made for values of 512 bytes, and with link encryption without bonds", () => {
  const { options } = setUp().stack;
  equal([options.mtu, options.security], [517, undefined]);
  equal((options.services as object[]).length, 2);
  const encrypted = setUp({ linkEncryption: true, improv: improv() }).stack.options;
  equal([encrypted.security, (encrypted.services as object[]).length], [{ bond: false }, 3]);
});

test("the name has to fit into the advertisement", () => {
  for (const [length, options] of [
    [29, {}],
    [11, { improv: improv() }],
  ] as const) {
    const name = "n".repeat(length);
    equal(setUp({ ...options, name }).provisioning.state, "starting");
    throws(() => setUp({ ...options, name: `${name}n` }), RangeError);
    throws(() => setUp({ ...options, name: `${name.slice(1)}ä` }), RangeError);
  }
});

test("each phone has a session of its own, and what it reads is its own; a stranger reads nothing", async () => {
  const { provisioning, told, connect, phoneOf, stack } = setUp();
  stack.tell("onReady");
  const [first, second] = [connect(), connect()];
  const phone = phoneOf(first).open();
  equal([provisioning.state, provisioning.hasSession], ["session", true]);
  equal(await phone.ask("camera-command", { type: "Hello" }), '{"type":"Hello"}');
  equal(phoneOf(second).challenge(), 3, "too many sessions");
  const stranger = new Peer() as unknown as GATTConnection;
  provisioning.write("proto-ver", ArrayBuffer.fromString("x"), stranger);
  equal(provisioning.read("proto-ver", stranger).byteLength, 0);
  provisioning.subscribe(stranger, "x");
  stack.tell("onDisconnect", first);
  equal([provisioning.state, provisioning.hasSession], ["connected", false]);
  equal(told, ["advertising", "connected", "session", "connected"]);
  equal(phoneOf(second).challenge(), 0);
});

test("a long value is read in pieces that the link takes", () => {
  const { provisioning, connect } = setUp();
  const peer = connect();
  const value = provisioning.read("proto-ver", peer as unknown as GATTConnection);
  equal(JSON.parse(text(value)).prov.ver, "netprov-v1.2");
});

test("who has subscribed is told that there is an event, by a number that goes on to 255 and begins anew", () => {
  const { provisioning, connect, told } = setUp();
  const [first, second, third] = [connect(), connect(), connect()];
  const subscribe = (peer: Peer, value: unknown) => provisioning.subscribe(peer as unknown as GATTConnection, value);
  subscribe(first, "c1");
  subscribe(second, "c2");
  third.isBroken = true;
  provisioning.notifyEvent();
  equal([first.heard, second.heard, third.heard], [[["c1", 1]], [["c2", 1]], []]);
  subscribe(first, undefined);
  subscribe(third, "c3");
  for (let i = 2; i <= 256; i += 1) provisioning.notifyEvent();
  equal(
    [first.heard.length, second.heard.slice(-3)],
    [
      1,
      [
        ["c2", 254],
        ["c2", 255],
        ["c2", 0],
      ],
    ],
  );
  equal(told.filter((it) => it === "notification: gone").length, 255, "and nobody else misses it");
});

test("closed, it is quiet, tells nothing more, and no phone is answered", async () => {
  const { provisioning, stack, told, connect, phoneOf } = setUp();
  stack.tell("onReady");
  const peer = connect();
  phoneOf(peer).open();
  stack.log = [];
  provisioning.close();
  provisioning.close();
  equal([stack.log, provisioning.state, provisioning.hasSession], [["quiet", "closed"], "closed", false]);
  equal(told[told.length - 1], "closed");
  const { length } = told;
  stack.tell("onDisconnect", peer);
  provisioning.improvStateChanged();
  provisioning.sessionChanged();
  provisioning.notifyEvent();
  await turns(3);
  equal([told.length, stack.log.length, peer.heard], [length, 2, []]);
  equal(provisioning.read("proto-ver", peer as unknown as GATTConnection).byteLength, 0);
});

test("closed before the stack is ready, there is no advertisement to stop", () => {
  const { provisioning, stack } = setUp();
  provisioning.close();
  equal(stack.log, ["closed"]);
});

test("when no place is free a link without a session makes way, after its time and not before", async () => {
  const { provisioning, connect, phoneOf, stack } = setUp({ links: 2, patience: 250 });
  const first = connect();
  await sleep(350);
  equal(first.ended, 0, "a place is free");
  const second = connect();
  phoneOf(second).open();
  await until(() => first.ended > 0);
  equal(second.ended, 0, "it has a session");
  stack.tell("onDisconnect", first);
  const third = connect();
  provisioning.look();
  equal(third.ended, 0, "it has its time");
});

test("a session that nobody uses ends, so that another phone gets its turn", async () => {
  const { provisioning, connect, phoneOf } = setUp({ idleTimeout: 10, patience: 20 });
  phoneOf(connect()).open();
  equal(provisioning.hasSession, true);
  await until(() => !provisioning.hasSession);
  equal(provisioning.state, "connected");
});

test("Improv's state is advertised as long as the camera is in no network and nobody has a session", async () => {
  const { stack, connect, phoneOf, wifi, provisioning } = setUp({ improv: improv() });
  provisioning.improvStateChanged();
  equal(stack.log, [], "not before the stack is ready");
  stack.tell("onReady");
  equal(stack.log, [withImprov(ImprovState.authorized)]);
  const peer = connect();
  phoneOf(peer).open();
  await turns(3);
  equal(stack.log.slice(1), [withImprov(ImprovState.authorizationRequired)]);
  stack.tell("onDisconnect", peer);
  await turns(3);
  equal(stack.log.slice(2), [withImprov(ImprovState.authorized)]);
  wifi.state = "connected";
  provisioning.onWiFiConfigured({ SSID: "home", password: "secret" });
  equal([stack.log.slice(3), provisioning.improv], [[plain], undefined]);
  connect();
  await turns(3);
  equal(stack.log.length, 4, "and is nobody's business any more");
});

test("an Improv client that has gone does not keep Improv there", async () => {
  const { stack, connect, wifi, provisioning, told } = setUp({ improv: improv() });
  stack.tell("onReady");
  const peer = connect();
  provisioning.improv?.subscribe(ImprovValue.state, peer as unknown as GATTConnection, "state");
  wifi.state = "connected";
  provisioning.onWiFiConfigured({ SSID: "home", password: "secret" });
  equal(told.slice(-1), [{ SSID: "home", password: "secret" }]);
  equal(provisioning.improv === undefined, false, "the client has to be told");
  equal(peer.heard, [["state", ImprovState.provisioned]]);
  stack.tell("onDisconnect", peer);
  equal(provisioning.improv, undefined);
});

test("without Improv nothing of it is there", async () => {
  const { stack, connect, phoneOf, provisioning, wifi } = setUp();
  stack.tell("onReady");
  phoneOf(connect()).open();
  wifi.state = "connected";
  provisioning.onWiFiConfigured({ SSID: "home" });
  await turns(3);
  equal([provisioning.improv, stack.log], [undefined, [plain]]);
});
