import { wifiName } from "../../../modules/network/wifi-name";
import { type AccessPoint, WiFiError, type WiFiFailure } from "../../../modules/network/wifi-types";
import type { GATTConnection } from "../../../modules/provisioning/gatt-service";
import { serviceUUID } from "../../../modules/provisioning/gatt-service";
import { Improv, type ImprovHost } from "../../../modules/provisioning/improv";
import { checksum } from "../../../modules/provisioning/improv-packet";
import {
  ImprovValue,
  type ImprovValueKind,
  improvService,
  improvServiceData,
  improvServiceUUID,
} from "../../../modules/provisioning/improv-service";
import { advertisingData } from "../../../sim/radio/device/advertising-data";
import { after, assert, equal, sleep, test, until } from "../harness";
import { bytes } from "./phone";

const three: AccessPoint[] = [
  { SSID: "Home", channel: 6, RSSI: -48, security: "wpa2_psk" },
  { SSID: "Straße", channel: 11, RSSI: -70, security: "none" },
  { SSID: "C", channel: 1, RSSI: -90, security: "wpa2_wpa3_psk" },
];

class Host implements ImprovHost {
  improvOptions = { allowed: true, window: 60_000, info: ["firmware", "1.2.3", "chip", "PROV_1"] };
  hasSession = false;
  configured: unknown[] = [];
  warnings: string[] = [];
  advertised = 0;
  failure: WiFiFailure | undefined;
  scanFailure = false;
  found = three;
  wifi = {
    state: "disconnected" as "disconnected" | "connecting" | "connected",
    address: undefined,
    SSID: undefined,
    BSSID: undefined,
    channel: undefined,
    scan: async () => {
      if (this.scanFailure) throw new WiFiError("ScanFailed", "as asked");
      return this.found;
    },
    connect: async () => {
      await sleep(5);
      if (this.failure) throw new WiFiError(this.failure, "as asked");
      this.wifi.state = "connected";
      return "192.168.4.7";
    },
  };

  onWiFiConfigured(credentials: unknown): void {
    this.configured.push(credentials);
  }

  improvStateChanged(): void {
    this.advertised += 1;
  }

  onWarning(message: string): void {
    this.warnings.push(message);
  }
}

const kinds: ImprovValueKind[] = [ImprovValue.state, ImprovValue.error, ImprovValue.result];

/** A connection that writes down what it is notified of, as "kind:hex". */
class Client implements GATTConnection {
  readonly maximumWrite: number;
  heard: string[] = [];
  #improv: Improv;

  constructor(improv: Improv, { maximumWrite = 514, subscribe = true } = {}) {
    this.#improv = improv;
    this.maximumWrite = maximumWrite;
    if (subscribe) for (const kind of kinds) improv.subscribe(kind, this, `${kind}`);
  }

  notify(characteristic: unknown, value: ArrayBuffer | Uint8Array): void {
    this.heard.push(`${characteristic}:${[...new Uint8Array(value)].join(" ")}`);
  }

  send(command: number, ...data: Parameters<typeof bytes>): void {
    const body = bytes(...data);
    const packet = bytes(command, body.length, body, 0);
    packet[packet.length - 1] = checksum(packet, packet.length - 1);
    this.write(packet);
  }

  write(packet: Uint8Array): void {
    this.#improv.write(packet.slice().buffer as ArrayBuffer, this);
  }

  read(kind: ImprovValueKind): number[] {
    return [...new Uint8Array(this.#improv.read(kind, this))];
  }

  /** What it has heard since it was asked for the last time. */
  take(): string[] {
    const heard = this.heard;
    this.heard = [];
    return heard;
  }
}

function setUp(change: (host: Host) => void = () => undefined) {
  const host = new Host();
  change(host);
  const improv = new Improv(host);
  return { host, improv, client: new Client(improv) };
}

const home = [4, "Home", 6, "secret"] as const;

test("Wi-Fi settings: provisioning, provisioned, an empty result; the credentials are kept", async () => {
  const { host, improv, client } = setUp();
  equal(client.read(ImprovValue.state), [2]);
  client.send(1, ...home);
  await sleep(1);
  equal(client.take(), ["1:3"]);
  equal(improv.isFinished, false);
  await sleep(10);
  equal(client.take(), ["1:4", "4:1 0 1"]);
  equal(client.read(ImprovValue.result), [1, 0, 1]);
  equal(host.configured, [{ SSID: "Home", password: "secret" }]);
  equal(host.advertised, 2);
  improv.disconnected(client);
  equal(improv.isFinished, true);
});

test("a failure is error 3 and the state is authorized again; the next command takes the error away", async () => {
  for (const failure of ["AuthError", "NotFound", "NoAddress", "ConnectTimeout"] as const) {
    const { host, improv, client } = setUp((each) => {
      each.failure = failure;
    });
    client.send(1, ...home);
    await sleep(20);
    equal(client.take(), ["1:3", "2:3", "1:2"]);
    equal(client.read(ImprovValue.error), [3]);
    equal([host.configured, host.warnings], [[], [`Improv: ${failure}`]]);
    host.failure = undefined;
    client.send(1, ...home);
    await sleep(20);
    equal(client.take(), ["2:0", "1:3", "1:4", "4:1 0 1"]);
    improv.close();
  }
});

test("device info and scan need no authorization", async () => {
  const { improv, client } = setUp((host) => {
    host.improvOptions.allowed = false;
  });
  equal(client.read(ImprovValue.state), [1]);
  client.send(3);
  const info = bytes(3, 27, 8, "firmware", 5, "1.2.3", 4, "chip", 6, "PROV_1");
  equal(client.take(), [`4:${[...info, checksum(info, info.length)].join(" ")}`]);
  client.send(4);
  await sleep(1);
  const networks = bytes(
    4,
    43,
    4,
    "Home",
    3,
    "-48",
    4,
    "WPA2",
    7,
    "Straße",
    3,
    "-70",
    2,
    "NO",
    1,
    "C",
    3,
    "-90",
    9,
    "WPA2/WPA3",
  );
  networks[1] = networks.length - 2;
  equal(client.take(), [`4:${[...networks, checksum(networks, networks.length)].join(" ")}`]);
  improv.close();
});

test("a scan takes as many networks as fit into one notification; if none does, it is for reading", async () => {
  const { improv } = setUp();
  const small = new Client(improv, { maximumWrite: 33 });
  small.send(4);
  await sleep(1);
  equal(small.read(ImprovValue.result).length, 2 + 14 + 15 + 1);
  const tiny = new Client(improv, { maximumWrite: 16 });
  tiny.send(4);
  await sleep(1);
  const whole = tiny.read(ImprovValue.result);
  assert(whole.length > 33);
  equal(tiny.take(), [`4:${whole.slice(0, 16).join(" ")}`]);
  improv.close();
});

test("a scan that the driver refuses is an unknown error", async () => {
  const { improv, client } = setUp((host) => {
    host.scanFailure = true;
  });
  client.send(4);
  await sleep(1);
  equal(client.take(), ["2:255"]);
  improv.close();
});

test("every other command is unknown", () => {
  const { host, improv, client } = setUp();
  for (let command = 0; command < 256; command++) {
    if (command === 1 || command === 3 || command === 4) continue;
    client.send(command);
    assert(client.take().includes("2:2"), `command ${command}`);
  }
  equal(host.configured, []);
  improv.close();
});

test("what is no packet is error 1, whatever the command", () => {
  const { improv, client } = setUp();
  const malformed = [
    bytes(3, 0, 4),
    bytes(3, 0, 3, 3),
    bytes(1, 0, 1),
    bytes(1, 1, 0, 2),
    bytes(3, 1, 0, 4),
    bytes(4, 1, 7, 12),
  ];
  for (const packet of malformed) {
    client.write(packet);
    assert(client.take().includes("2:1"), [...packet].join(" "));
  }
  client.send(1, 4, "Home", 7, "secret");
  assert(client.take().includes("2:1"));
  client.write(new Uint8Array(0));
  equal(client.take(), []);
  improv.close();
});

test("a protection that nobody knows is not told as open, and a name that is no text goes out as it is", async () => {
  const { improv, client } = setUp((host) => {
    const SSID = wifiName(bytes([0xb2, 0xe2]));
    host.found = ["unknown", undefined, "none"].map((security) => ({
      SSID,
      channel: 1,
      RSSI: -1,
      ...(security && { security }),
    }));
  });
  client.send(4);
  await sleep(1);
  const entry = (protection: string) => [2, 0xb2, 0xe2, ...bytes(2, "-1", protection.length, protection)];
  const packet = bytes(4, 0, entry("YES"), entry("YES"), entry("NO"));
  packet[1] = packet.length - 2;
  equal(client.take(), [`4:${[...packet, checksum(packet, packet.length)].join(" ")}`]);
  improv.close();
});

test("settings may name a network by bytes that are no text", async () => {
  const { host, improv, client } = setUp();
  client.send(1, 4, 0xb2, 0xe2, 0xca, 0xd4, 0);
  await sleep(20);
  equal(host.configured, [{ SSID: wifiName(bytes([0xb2, 0xe2, 0xca, 0xd4])), password: "" }]);
  improv.close();
});

const refusals: [string, (host: Host, improv: Improv) => void][] = [
  ["an owner or a network", (host) => Object.assign(host.improvOptions, { allowed: false })],
  ["a session of Espressif's protocol", (host) => Object.assign(host, { hasSession: true })],
  ["the end of the window", (_host, improv) => improv.windowEnded()],
];
for (const [what, happens] of refusals)
  test(`settings are not authorized: ${what}`, async () => {
    const { host, improv, client } = setUp();
    happens(host, improv);
    improv.refresh();
    equal(client.take(), ["1:1"]);
    client.send(1, ...home);
    await sleep(10);
    equal(client.take(), ["2:4"]);
    equal(host.configured, []);
    improv.close();
  });

test("the window closes by itself, however often somebody tried in vain", async () => {
  const { host, improv, client } = setUp((each) => {
    each.improvOptions.window = 40;
    each.failure = "AuthError";
  });
  let tries = 0;
  for (; improv.state === 2 && tries < 200; tries++) {
    client.send(1, ...home);
    await until(() => client.read(ImprovValue.error)[0] !== 0);
  }
  assert(tries > 1 && tries < 200, `${tries} tries`);
  client.take();
  client.send(1, ...home);
  await sleep(1);
  equal(client.take(), ["2:0", "2:4"]);
  equal([improv.state, host.configured], [1, []]);
  improv.close();
});

test("an attempt outlives the window and the client that began it", async () => {
  const { host, improv, client } = setUp();
  client.send(1, ...home);
  improv.windowEnded();
  improv.disconnected(client);
  await sleep(20);
  equal(improv.state, 4);
  equal(host.configured, [{ SSID: "Home", password: "secret" }]);
  improv.close();
});

test("the state is for all clients, errors and results for the one that asked", async () => {
  const { improv, client } = setUp();
  const other = new Client(improv);
  const silent = new Client(improv, { subscribe: false });
  client.send(1, ...home);
  other.send(99);
  await sleep(1);
  other.send(1, ...home);
  await sleep(20);
  equal(client.take(), ["1:3", "1:4", "4:1 0 1"]);
  equal(other.take(), ["2:2", "1:3", "2:0", "2:4", "1:4"]);
  equal([other.read(ImprovValue.result), silent.heard], [[], []]);
  equal(silent.read(ImprovValue.error), [0]);
  improv.close();
});

test("a second command while one is under way is an unknown error, and the first one is answered", async () => {
  const { improv, client } = setUp();
  client.send(1, ...home);
  client.send(4);
  equal(client.take(), ["2:255"]);
  await sleep(20);
  equal(client.take(), ["1:3", "1:4", "4:1 0 1"]);
  improv.close();
});

test("a connection that cannot be notified harms nobody", async () => {
  const { improv, client } = setUp();
  const gone = new Client(improv);
  gone.notify = () => {
    throw new Error("disabled");
  };
  improv.windowEnded();
  equal(client.take(), ["1:1"]);
  gone.send(3);
  equal(gone.read(ImprovValue.result)[0], 3);
  improv.close();
});

interface Characteristic {
  uuid: string;
  properties: number;
}

test("the service: both kinds of write, and with link encryption every access wants it", () => {
  const table = (encrypted: boolean) =>
    (improvService(encrypted) as { characteristics: Characteristic[] }).characteristics.map(
      ({ uuid, properties }) => `${uuid.slice(-1)} ${properties.toString(16)}`,
    );
  equal(table(false), ["1 12", "2 12", "3 c", "4 12", "5 2"]);
  equal(table(true), ["1 8212", "2 8212", "3 100c", "4 8212", "5 202"]);
});

test("both advertising packets are just full: Espressif's UUID comes first, the name is as long as a camera's", () => {
  const scan = advertisingData({ flags: 6, services: [serviceUUID], ...improvServiceData(2) });
  equal(scan.length, 31);
  equal(scan.slice(0, 10), bytes(9, 0x16, 0x77, 0x46, 2, 6, [0, 0, 0, 0]));
  equal(advertisingData({ name: "PROV_0A1B2C", services: [improvServiceUUID] }).length, 31);
});

test("who has not subscribed hears nothing; an empty write is none, and its sender no client", async () => {
  const { host, improv } = setUp();
  after(() => improv.close());
  const silent = new Client(improv, { subscribe: false });
  silent.write(bytes());
  host.wifi.state = "connected";
  improv.refresh();
  improv.disconnected(improv as never);
  equal(silent.heard, []);
  const alone = setUp();
  after(() => alone.improv.close());
  alone.improv.disconnected(alone.client);
  new Client(alone.improv, { subscribe: false }).write(bytes());
  alone.host.wifi.state = "connected";
  alone.improv.refresh();
  equal(alone.improv.isFinished, true);
});

test("of several clients those are told that have subscribed", () => {
  const { host, improv, client } = setUp();
  after(() => improv.close());
  const silent = new Client(improv, { subscribe: false });
  silent.send(4);
  host.hasSession = true;
  improv.refresh();
  equal([client.heard.length, silent.heard], [1, []]);
});

test("a scan begins with an empty stack", async () => {
  const { host, improv, client } = setUp();
  after(() => improv.close());
  let scans = 0;
  host.wifi.scan = async () => {
    scans += 1;
    return [];
  };
  client.send(4);
  equal(scans, 0);
  await until(() => scans === 1);
});

test("when not even the first network fits into a notification, whole networks are there for reading", async () => {
  const { host, improv } = setUp();
  after(() => improv.close());
  host.found = Array.from({ length: 12 }, (_, i) => ({ SSID: "n".repeat(30), channel: 1, RSSI: -40 - i }));
  const client = new Client(improv, { maximumWrite: 20 });
  client.send(4);
  await until(() => client.read(ImprovValue.result).length > 0);
  const packet = client.read(ImprovValue.result);
  let strings = 0;
  for (let at = 2; at < packet.length - 1; at += 1 + packet[at]) strings += 1;
  equal([strings % 3, strings], [0, 18]);
});

test("what can be subscribed to is told to the camera that serves the phone; capabilities are for reading", () => {
  const told: unknown[] = [];
  const improv = { subscribe: (...values: unknown[]) => told.push(values), read: () => Uint8Array.of(7).buffer };
  const connection = { target: { improv } } as unknown as GATTConnection;
  type Callbacks = Record<"onSubscribe" | "onUnsubscribe" | "onRead", (connection: GATTConnection) => ArrayBuffer>;
  const [state, error, command, result, capabilities] = (improvService(false) as { characteristics: Callbacks[] })
    .characteristics;
  for (const characteristic of [state, error, result]) {
    characteristic.onSubscribe(connection);
    characteristic.onUnsubscribe(connection);
  }
  equal(
    told.map((values) => [(values as unknown[])[0], (values as unknown[])[2]]),
    [
      [ImprovValue.state, state],
      [ImprovValue.state, undefined],
      [ImprovValue.error, error],
      [ImprovValue.error, undefined],
      [ImprovValue.result, result],
      [ImprovValue.result, undefined],
    ],
  );
  equal([capabilities.onSubscribe, command.onSubscribe, command.onRead], [undefined, undefined, undefined]);
  const read = (characteristic: Callbacks, of: object) => [...new Uint8Array(characteristic.onRead(of as never))];
  for (const characteristic of [state, error, result, capabilities]) equal(read(characteristic, connection), [7]);
  // Improv has done its work and is gone.
  equal(
    [state, error, result, capabilities].map((characteristic) => read(characteristic, { target: {} })),
    [[4], [0], [], [0]],
  );
});
