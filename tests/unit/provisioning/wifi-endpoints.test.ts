import { wifiName } from "../../../modules/network/wifi-name";
import { type AccessPoint, WiFiError, type WiFiFailure } from "../../../modules/network/wifi-types";
import { MalformedMessage } from "../../../modules/provisioning/protobuf";
import { WiFiEndpoints, type WiFiStationLike } from "../../../modules/provisioning/wifi-endpoints";
import { assert, equal, sleep, test, throws, turns, until } from "../harness";
import { bytes } from "./phone";

class Station implements WiFiStationLike {
  state: WiFiStationLike["state"] = "disconnected";
  address: string | undefined;
  SSID: string | undefined;
  BSSID = "02:00:00:00:00:01";
  channel = 6;
  /** Calls, in order. */
  calls: string[] = [];
  accessPoints: AccessPoint[] = [];
  failure: WiFiFailure | undefined;
  release: () => void = () => undefined;

  async scan(): Promise<AccessPoint[]> {
    this.calls.push("scan");
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
    return this.accessPoints;
  }

  async connect({ SSID, password }: { SSID: string; password?: string }): Promise<string> {
    this.calls.push(`connect ${SSID}/${password}`);
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
    if (this.failure) throw new WiFiError(this.failure, "as asked");
    Object.assign(this, { state: "connected", address: "192.168.4.7", SSID });
    return "192.168.4.7";
  }
}

function setUp() {
  const station = new Station();
  const clock = { now: 0 };
  const configured: unknown[] = [];
  const endpoints = new WiFiEndpoints(
    { wifi: station, onWiFiConfigured: (credentials) => configured.push(credentials) },
    () => clock.now,
  );
  const ask = (endpoint: string, request: Uint8Array) => new Uint8Array(endpoints.handle(endpoint, request));
  return { station, clock, configured, endpoints, ask };
}

/** CmdSetWifiConfig for Home/secret. */
const setHome = bytes(0x08, 2, 0x62, 14, 0x0a, 4, "Home", 0x12, 6, "secret");
const apply = bytes(0x08, 4);
const getStatus = bytes(0x52, 0);
const startScan = (blocking: boolean) => (blocking ? bytes(0x52, 2, 0x08, 1) : bytes(0x52, 0));
const scanStatus = bytes(0x08, 2);
const scanResult = (start: number, count: number) => bytes(0x08, 4, 0x72, 4, 0x08, start, 0x10, count);

test("set, apply, connecting, connected: byte for byte", async () => {
  const { station, configured, ask } = setUp();
  equal(ask("prov-config", getStatus), bytes(0x08, 1, 0x5a, 2, 0x10, 2));
  equal(ask("prov-config", setHome), bytes(0x08, 3, 0x6a, 0));
  equal(station.calls, []);
  equal(ask("prov-config", apply), bytes(0x08, 5, 0x7a, 0));
  equal(ask("prov-config", getStatus), bytes(0x08, 1, 0x5a, 2, 0x10, 1));
  await sleep(1);
  equal(station.calls, ["connect Home/secret"]);
  station.release();
  await sleep(1);
  const connected = bytes(0x0a, 11, "192.168.4.7", 0x10, 3, 0x1a, 4, "Home", 0x22, 6, [2, 0, 0, 0, 0, 1], 0x28, 6);
  equal(ask("prov-config", getStatus), bytes(0x08, 1, 0x5a, connected.length + 2, 0x5a, connected.length, connected));
  equal(configured, [{ SSID: "Home", password: "secret" }]);
});

test("failures have Espressif's two reasons, and their own name beside them", async () => {
  const cases: [WiFiFailure, number][] = [
    ["AuthError", 0],
    ["NotFound", 1],
    ["NoAddress", 1],
    ["ConnectTimeout", 1],
  ];
  for (const [failure, reason] of cases) {
    const { station, configured, ask } = setUp();
    station.failure = failure;
    ask("prov-config", setHome);
    ask("prov-config", apply);
    await sleep(1);
    station.release();
    await sleep(1);
    const name = bytes(0xa2, 0x06, failure.length, failure);
    equal(ask("prov-config", getStatus), bytes(0x08, 1, 0x5a, 4 + name.length, 0x10, 3, 0x50, reason, name));
    equal(configured, []);
  }
});

test("after a failure reset allows another try; otherwise it is refused", async () => {
  const { station, ask } = setUp();
  const reset = bytes(0x08, 1, 0x5a, 0);
  equal(ask("prov-ctrl", reset), bytes(0x08, 2, 0x10, 5, 0x62, 0));
  station.failure = "AuthError";
  ask("prov-config", setHome);
  ask("prov-config", apply);
  await sleep(1);
  station.release();
  await sleep(1);
  equal(ask("prov-ctrl", reset), bytes(0x08, 2, 0x62, 0));
  equal(ask("prov-config", getStatus), bytes(0x08, 1, 0x5a, 2, 0x10, 2));
  equal(ask("prov-ctrl", bytes(0x08, 3, 0x6a, 0)), bytes(0x08, 4, 0x10, 5, 0x72, 0));
});

test("impossible credentials are an invalid argument, and applying nothing an error", () => {
  const { station, ask, endpoints } = setUp();
  const refused = bytes(0x08, 3, 0x6a, 2, 0x08, 4);
  const set = (config: Uint8Array) => ask("prov-config", bytes(0x08, 2, 0x62, config.length, config));
  equal(set(bytes(0x0a, 33, new Uint8Array(33).fill(65))), refused);
  equal(set(bytes(0x0a, 4, "Home", 0x12, 65, new Uint8Array(65).fill(65))), refused);
  equal(set(bytes(0x0a, 4, "Home", 0x1a, 5, [1, 2, 3, 4, 5])), refused);
  equal(set(bytes(0x12, 6, "secret")), refused);
  // ESP-IDF's station would join another network, "Ho".
  equal(set(bytes(0x0a, 4, "Ho", [0, 1])), refused);
  equal(set(bytes(0x0a, 4, "Home", 0x12, 2, 0xff, 0xfe)), refused);
  equal(ask("prov-config", bytes(0x08, 2)), refused);
  equal(ask("prov-config", apply), bytes(0x08, 5, 0x7a, 2, 0x08, 5));
  ask("prov-config", setHome);
  endpoints.reset();
  equal(ask("prov-config", apply), bytes(0x08, 5, 0x7a, 2, 0x08, 5));
  equal(station.calls, []);
});

test("a request cut at every byte never reaches the station", () => {
  const { station, ask } = setUp();
  const requests: [string, Uint8Array][] = [
    ["prov-config", setHome],
    ["prov-scan", bytes(0x52, 8, 0x08, 1, 0x10, 1, 0x18, 5, 0x20, 120)],
    ["prov-scan", scanResult(0, 4)],
  ];
  for (const [endpoint, request] of requests)
    for (let length = 0; length < request.length; length++) {
      try {
        const answer = ask(endpoint, request.slice(0, length));
        // Cut between two fields it is a request without its payload: the answer says so, or tells a state.
        assert(length === 0 || length === 2, `${endpoint} took ${length} bytes`);
        assert(answer.length > 0);
      } catch (error) {
        assert(error instanceof MalformedMessage, String(error));
      }
    }
  equal(ask("prov-config", apply), bytes(0x08, 5, 0x7a, 2, 0x08, 5));
  equal(station.calls, []);
});

test("messages that the endpoints do not know are malformed", () => {
  const { endpoints } = setUp();
  for (const endpoint of ["prov-config", "prov-scan", "prov-ctrl"])
    for (const message of [1, 6, 8, 99])
      if (endpoint !== "prov-ctrl" || message !== 1)
        throws(() => endpoints.handle(endpoint, bytes(0x08, message)), MalformedMessage);
});

const three: AccessPoint[] = [
  { SSID: "Home", BSSID: "02:00:00:00:00:01", channel: 6, RSSI: -48, security: "wpa2_psk" },
  { SSID: "Straße", BSSID: "02:00:00:00:00:02", channel: 11, RSSI: -70, security: "none" },
  { SSID: "C", channel: 1, RSSI: -90, security: "wpa2_wpa3_psk" },
];

test("a scan runs in the background, and its results are read in pages", async () => {
  const { station, ask } = setUp();
  station.accessPoints = three;
  equal(ask("prov-scan", startScan(false)), bytes(0x08, 1, 0x5a, 0));
  await sleep(1);
  equal(ask("prov-scan", scanStatus), bytes(0x08, 3, 0x6a, 0));
  station.release();
  await sleep(1);
  equal(ask("prov-scan", scanStatus), bytes(0x08, 3, 0x6a, 4, 0x08, 1, 0x10, 3));
  const rssi = bytes(0x18, 0xd0, [...new Uint8Array(8).fill(0xff)], 0x01);
  const home = bytes(0x0a, 4, "Home", 0x10, 6, rssi, 0x22, 6, [2, 0, 0, 0, 0, 1], 0x28, 3);
  equal(ask("prov-scan", scanResult(0, 1)), bytes(0x08, 5, 0x7a, home.length + 2, 0x0a, home.length, home));
  const strasse = bytes(
    0x0a,
    7,
    "Straße",
    0x10,
    11,
    0x18,
    0xba,
    [...new Uint8Array(8).fill(0xff)],
    0x01,
    0x22,
    6,
    [2, 0, 0, 0, 0, 2],
  );
  const last = bytes(0x0a, 1, "C", 0x10, 1, 0x18, 0xa6, [...new Uint8Array(8).fill(0xff)], 0x01, 0x28, 7);
  const entries = bytes(0x0a, strasse.length, strasse, 0x0a, last.length, last);
  equal(ask("prov-scan", scanResult(1, 2)), bytes(0x08, 5, 0x7a, entries.length, entries));
  equal(station.calls, ["scan"]);
});

test("a protection that has no number, or is not known, is not open", async () => {
  const { station, ask } = setUp();
  const modes = [
    "none",
    "wep",
    "wpa2_wpa3_psk",
    "unknown",
    "wpa3_enterprise",
    "wapi_psk",
    "owe",
    "constructor",
    undefined,
  ];
  station.accessPoints = modes.map((security) => ({ SSID: "N", channel: 0, RSSI: 0, ...(security && { security }) }));
  ask("prov-scan", startScan(false));
  await sleep(1);
  station.release();
  await sleep(1);
  const auths = modes.map((_, i) => {
    const entry = ask("prov-scan", scanResult(i, 1)).slice(6);
    return entry.length > 3 ? entry[4] : 0;
  });
  equal(auths, [0, 1, 7, 3, 3, 3, 3, 3, 3]);
});

test("a name that is no text is found, joined and told with its bytes", async () => {
  const gbk = bytes([0xb2, 0xe2, 0xca, 0xd4]);
  const { station, configured, ask } = setUp();
  station.accessPoints = [{ SSID: wifiName(gbk), channel: 1, RSSI: 0, security: "none" }];
  ask("prov-scan", startScan(false));
  await sleep(1);
  station.release();
  await sleep(1);
  equal(ask("prov-scan", scanResult(0, 1)), bytes(0x08, 5, 0x7a, 10, 0x0a, 8, 0x0a, 4, gbk, 0x10, 1));
  equal(ask("prov-config", bytes(0x08, 2, 0x62, 6, 0x0a, 4, gbk)), bytes(0x08, 3, 0x6a, 0));
  ask("prov-config", apply);
  await sleep(1);
  station.release();
  await sleep(1);
  equal(configured, [{ SSID: wifiName(gbk), password: "" }]);
  const status = ask("prov-config", getStatus);
  assert(String(status).includes(String(bytes(0x1a, 4, gbk))), String(status));
});

test("results beyond the list, and more than fit into a value, are an invalid argument", async () => {
  const { station, ask } = setUp();
  station.accessPoints = Array.from({ length: 16 }, (_, i) => ({ ...three[0], SSID: `${i}`.padEnd(32, "x") }));
  ask("prov-scan", startScan(false));
  await sleep(1);
  station.release();
  await sleep(1);
  const refused = bytes(0x08, 5, 0x10, 4, 0x7a, 0);
  equal(ask("prov-scan", scanResult(0, 17)), refused);
  equal(ask("prov-scan", scanResult(16, 1)), refused);
  equal(ask("prov-scan", scanResult(0, 16)), refused);
  for (let start = 0; start < 16; start += 4) {
    const answer = ask("prov-scan", scanResult(start, 4));
    assert(answer.length > 150 && answer.length <= 512);
  }
});

test("a phone that waits for its scan gets the list of the scan that was made when it connected", async () => {
  const { station, clock, ask, endpoints } = setUp();
  station.accessPoints = three;
  endpoints.prepare();
  await sleep(1);
  station.release();
  await sleep(1);
  endpoints.prepare();
  ask("prov-scan", startScan(true));
  equal(ask("prov-scan", scanStatus), bytes(0x08, 3, 0x6a, 4, 0x08, 1, 0x10, 3));
  equal(station.calls, ["scan"]);
  clock.now += 60_000;
  ask("prov-scan", startScan(true));
  await sleep(1);
  equal(station.calls, ["scan", "scan"]);
});

test("a name of 32 bytes and a password of 64 are the longest", () => {
  const { ask } = setUp();
  const set = (name: string, password: string) => {
    const config = bytes(0x0a, name.length, name, 0x12, password.length, password);
    return ask("prov-config", bytes(0x08, 2, 0x62, config.length, config));
  };
  const statusOf = (answer: Uint8Array) => (answer[3] ? answer[5] : 0);
  equal(statusOf(set("n".repeat(32), "p".repeat(64))), 0);
  equal(statusOf(set("n".repeat(33), "p".repeat(64))), 4);
  equal(statusOf(set("n".repeat(32), "p".repeat(65))), 4);
});

test("one scan at a time, and each begins with an empty stack", async () => {
  const { station, endpoints } = setUp();
  endpoints.prepare();
  endpoints.prepare();
  equal(station.calls, []);
  await until(() => station.calls.length > 0);
  endpoints.prepare();
  await turns(5);
  equal(station.calls, ["scan"]);
  station.release();
});

test("a camera that is in a network may be given another one; one that is not yet there may not", async () => {
  const { station, configured, ask } = setUp();
  const reprovision = bytes(0x08, 3);
  const isAllowed = () => ask("prov-ctrl", reprovision)[2] !== 0x10;
  equal(isAllowed(), false);
  ask("prov-config", setHome);
  ask("prov-config", apply);
  await until(() => station.calls.length === 1);
  equal(isAllowed(), false, "connecting");
  station.release();
  await until(() => configured.length === 1);
  equal(isAllowed(), true);
  equal(isAllowed(), false, "once");
});

test("an attempt that a newer one has taken the place of says nothing of that one", async () => {
  const { station, ask, configured } = setUp();
  station.failure = "Cancelled";
  ask("prov-config", setHome);
  ask("prov-config", apply);
  await until(() => station.calls.length === 1);
  station.release();
  await turns(5);
  equal([ask("prov-config", getStatus), configured], [bytes(0x08, 1, 0x5a, 2, 0x10, 1), []]);
});
