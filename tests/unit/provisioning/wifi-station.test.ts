import WiFi from "embedded:network/interface/wifi";
import Time from "time";
import { wifiName } from "../../../modules/network/wifi-name";
import { WiFiStation, type WiFiStationOptions } from "../../../modules/network/wifi-station";
import type { AccessPoint, WiFiCredentials } from "../../../modules/network/wifi-types";
import { assert, equal, rejects, sleep, test, until } from "../harness";

/** The simulator's surroundings: Devicelink / correct horse (-48 dBm), Cafe (open, -70 dBm), Neighbours (-79 dBm). */
const home = { SSID: "Devicelink", password: "correct horse" };

function station() {
  const states: string[] = [];
  const wifi = new WiFiStation({ io: WiFi, onStateChanged: (state) => states.push(state), random: () => 0 });
  return { wifi, states };
}

test("finds networks, the strongest first", async () => {
  const { wifi } = station();
  const both = await Promise.all([wifi.scan(), wifi.scan()]);
  equal(
    both[0].map(({ SSID }) => SSID),
    ["Devicelink", "Cafe", "Neighbours"],
  );
  equal(both[0], both[1]);
  equal([both[0][0].security, both[0][1].security], ["wpa2_psk", "none"]);
  wifi.close();
});

test("connects, to an open network as well", async () => {
  const { wifi, states } = station();
  equal(await wifi.connect(home), "127.0.0.1");
  equal([wifi.state, wifi.SSID, wifi.RSSI, wifi.channel], ["connected", "Devicelink", -48, 6]);
  await wifi.connect({ SSID: "Cafe" });
  equal(wifi.SSID, "Cafe");
  equal(states, ["connecting", "connected", "connecting", "connected"]);
  wifi.close();
  equal([wifi.state, wifi.address], ["disconnected", undefined]);
});

test("names its failures", async () => {
  const { wifi, states } = station();
  await rejects(wifi.connect({ SSID: "Devicelink", password: "wrong" }), "AuthError");
  await rejects(wifi.connect({ SSID: "Devicelink" }), "AuthError");
  await rejects(wifi.connect({ SSID: "Nowhere", password: "secret" }), "NotFound");
  await rejects(wifi.connect({ SSID: "" }), "BadCredentials");
  await rejects(wifi.connect({ SSID: "x".repeat(33) }), "BadCredentials");
  await rejects(wifi.connect({ SSID: "Home", password: "x".repeat(65) }), "BadCredentials");
  equal(wifi.failure?.code, "NotFound");
  assert(!states.includes("connected"));
  wifi.close();
});

test("a new attempt and disconnect() cancel the old one", async () => {
  const { wifi } = station();
  const first = wifi.connect({ SSID: "Cafe" });
  const second = wifi.connect(home);
  await rejects(first, "Cancelled");
  await second;
  equal(wifi.SSID, "Devicelink");
  const third = wifi.connect({ SSID: "Cafe" });
  await sleep(600);
  wifi.disconnect();
  equal((await rejects(third, "Cancelled")).message, "disconnected");
  equal(wifi.state, "disconnected");
  wifi.close();
});

test("after a failed attempt the station goes back to the network that it kept", async () => {
  const { wifi } = station();
  await wifi.connect(home);
  await rejects(wifi.connect({ SSID: "Nowhere", password: "secret" }), "NotFound");
  await until(() => wifi.state === "connected");
  equal(wifi.SSID, "Devicelink");
  wifi.close();
});

/** A driver whose link the test moves. */
class Driver {
  static latest: Driver;
  connection = 200;
  address = "10.0.0.2";
  SSID = "Home";
  BSSID = "02:00:00:00:00:01";
  MAC = "24:6f:28:00:00:01";
  RSSI = -50;
  channel = 6;
  /** Calls in order, and when each network was asked for. */
  calls: string[] = [];
  times: number[] = [];
  options: object = {};
  networks: AccessPoint[] = [];
  outcome: number | undefined = 500;
  #onChanged: (property: string) => void;
  constructor({ onChanged }: { onChanged(property: string): void }) {
    this.#onChanged = onChanged;
    Driver.latest = this;
  }
  get attempts(): number {
    return this.times.length;
  }
  close() {
    this.calls.push("close");
  }
  scan({ onFound, onComplete }: { onFound(result: AccessPoint): void; onComplete(): void }) {
    for (const network of this.networks) onFound(network);
    onComplete();
  }
  connect(options: WiFiCredentials) {
    this.calls.push(options.SSID);
    this.options = options;
    this.times.push(Date.now());
    this.connection = 300;
    if (this.outcome !== undefined) this.move(this.outcome);
  }
  disconnect() {
    this.calls.push("disconnect");
    this.connection = 200;
  }
  move(connection: number) {
    this.connection = connection;
    this.#onChanged("connection");
  }
}

function driven(options: Partial<WiFiStationOptions> = {}) {
  const states: string[] = [];
  const wifi = new WiFiStation({
    io: Driver,
    random: () => 0,
    onStateChanged: (state) => states.push(state),
    ...options,
  });
  return { wifi, driver: Driver.latest, states };
}

test("the facts of a connection are there while it is, the MAC always", async () => {
  const { wifi, driver, states } = driven();
  const facts = () => [wifi.address, wifi.SSID, wifi.BSSID, wifi.channel, wifi.RSSI];
  const nothing = [undefined, undefined, undefined, undefined, undefined];
  equal([facts(), wifi.state], [nothing, "disconnected"]);
  equal(wifi.MAC, driver.MAC);
  await wifi.connect({ SSID: "Home" });
  equal(facts(), ["10.0.0.2", "Home", "02:00:00:00:00:01", 6, -50]);
  wifi.disconnect();
  equal([facts(), wifi.state, wifi.MAC], [nothing, "disconnected", driver.MAC]);
  wifi.close();
  equal(states, ["connecting", "connected", "disconnected"]);
  equal(driver.calls, ["Home", "disconnect", "disconnect", "close"]);
});

test("the driver is given a password only where there is one", async () => {
  const { wifi, driver } = driven();
  for (const password of [undefined, "", "secret"]) {
    await wifi.connect({ SSID: "Home", password });
    equal(Object.keys(driver.options), password ? ["SSID", "password"] : ["SSID"]);
  }
  wifi.close();
});

test("a network is left before the next one is asked for", async () => {
  const { wifi, driver } = driven();
  await wifi.connect({ SSID: "Home" });
  await wifi.connect({ SSID: "Cafe" });
  equal(driver.calls, ["Home", "disconnect", "Cafe"]);
  wifi.close();
});

test("a change that is no loss changes nothing", async () => {
  const { wifi, driver, states } = driven();
  await wifi.connect({ SSID: "Home" });
  driver.move(500);
  equal([wifi.state, states.length], ["connected", 2]);
  wifi.close();
});

for (const [security, password, code] of [
  ["none", undefined, "ConnectFailed"],
  ["none", "secret", "AuthError"],
  ["wpa2_psk", undefined, "AuthError"],
  [undefined, "secret", "AuthError"],
] as const)
  test(`who is heard and does not connect, security ${security}, ${password ? "a" : "no"} password: ${code}`, async () => {
    const { wifi, driver, states } = driven();
    driver.networks = [{ SSID: "Other", RSSI: -40, channel: 1, security: "none" }];
    driver.networks.push({ SSID: "Home", RSSI: -50, channel: 1, security });
    driver.outcome = 200;
    await rejects(wifi.connect({ SSID: "Home", password }), code);
    equal([wifi.failure?.code, wifi.state, states], [code, "disconnected", ["connecting", "disconnected"]]);
    wifi.close();
  });

test("a scan keeps so many of the strongest, a name once, and none without a name", async () => {
  const { wifi, driver } = driven({ maximumResults: 3 });
  const heard: [string, number][] = [
    ["a", -60],
    ["", -10],
    ["b", -80],
    ["c", -50],
    ["a", -70],
    ["b", -40],
    ["d", -45],
    ["e", -90],
  ];
  driver.networks = heard.map(([SSID, RSSI]) => ({ SSID, RSSI, channel: 1 }));
  equal(
    (await wifi.scan()).map(({ SSID, RSSI }) => [SSID, RSSI]),
    [
      ["b", -40],
      ["d", -45],
      ["c", -50],
    ],
  );
  wifi.close();
});

test("sixteen networks are kept, if nobody says how many", async () => {
  const { wifi, driver } = driven();
  driver.networks = Array.from({ length: 20 }, (_, i) => ({ SSID: `n${i}`, RSSI: -50 - i, channel: 1 }));
  equal((await wifi.scan()).length, 16);
  wifi.close();
});

test("names and passwords of the shortest and longest kind are taken, and no zero byte in a name", async () => {
  const { wifi, driver } = driven();
  await wifi.connect({ SSID: "x" });
  wifi.disconnect();
  driver.calls = [];
  await wifi.connect({ SSID: "x".repeat(32), password: "p".repeat(64) });
  for (const SSID of ["a\u0000b", "\u00e9\u0000", wifiName(Uint8Array.of(97, 0, 98))])
    await rejects(wifi.connect({ SSID }), "BadCredentials");
  equal(driver.calls, ["x".repeat(32)]);
  wifi.close();
});

test("an attempt that another one has ended is not repeated, nor is the kept network in between", async () => {
  const { wifi, driver, states } = driven();
  await wifi.connect({ SSID: "Home" });
  driver.outcome = undefined;
  const first = wifi.connect({ SSID: "Cafe" });
  await until(() => driver.calls.includes("Cafe"));
  const second = wifi.connect({ SSID: "Other" });
  await rejects(first, "Cancelled");
  equal([wifi.state, wifi.failure, states], ["connecting", undefined, ["connecting", "connected", "connecting"]]);
  // The pause before a repetition would be half a second.
  await sleep(700);
  equal(driver.calls.at(-1), "Other");
  driver.move(500);
  equal(await second, "10.0.0.2");
  equal(driver.attempts, 3);
  wifi.close();
});

test("a network that is asked for ends the wait for the kept one", async () => {
  for (const ask of ["connect", "keep"] as const) {
    const { wifi, driver } = driven();
    driver.outcome = 200;
    wifi.keep({ SSID: "Home" });
    await until(() => wifi.failure !== undefined);
    driver.outcome = undefined;
    const asked = wifi[ask]({ SSID: "Cafe" });
    await sleep(700);
    equal(driver.calls, ["Home", "Cafe"], ask);
    driver.move(500);
    await asked;
    await until(() => wifi.state === "connected");
    wifi.close();
  }
});

test("a network that was asked for while another one was waited for comes back when it is lost", async () => {
  const { wifi, driver } = driven();
  driver.outcome = 200;
  wifi.keep({ SSID: "Home" });
  await until(() => wifi.failure !== undefined);
  driver.outcome = 500;
  await wifi.connect({ SSID: "Cafe" });
  driver.move(200);
  await until(() => wifi.state === "connected");
  equal(driver.calls, ["Home", "Cafe", "Cafe"]);
  wifi.close();
});

test("an order to keep another network ends the repetitions of the first", async () => {
  const { wifi, driver } = driven();
  driver.outcome = undefined;
  wifi.keep({ SSID: "Home" });
  await until(() => driver.attempts === 1);
  driver.outcome = 500;
  wifi.keep({ SSID: "Cafe" });
  await until(() => wifi.state === "connected");
  await sleep(700);
  equal(
    driver.calls.filter((call) => call !== "disconnect"),
    ["Home", "Cafe"],
  );
  wifi.close();
});

test("pauses are spread by chance, at most as long as they are", async () => {
  const { wifi, driver } = driven({ random: () => 1 });
  driver.outcome = 200;
  wifi.keep({ SSID: "Home" });
  await until(() => driver.attempts === 2);
  const pause = driver.times[1] - driver.times[0];
  assert(pause >= 990 && pause < 2400, `${pause}`);
  wifi.close();
});

test("another network that is to be kept is not made to wait for the failures of the first", async () => {
  const { wifi, driver } = driven();
  driver.outcome = 200;
  wifi.keep({ SSID: "Home" });
  await until(() => driver.attempts === 3);
  wifi.keep({ SSID: "Cafe" });
  await until(() => driver.attempts === 5);
  const pause = driver.times[4] - driver.times[3];
  // Half a second; it would be two by now.
  assert(pause >= 490 && pause < 1900, `${pause}`);
  wifi.close();
});

test("after closing nothing is tried again", async () => {
  const { wifi, driver } = driven();
  driver.outcome = undefined;
  wifi.keep({ SSID: "Home" });
  await until(() => driver.attempts === 1);
  wifi.close();
  driver.move(200);
  await sleep(700);
  wifi.keep({ SSID: "Home" });
  equal([driver.attempts, wifi.state], [1, "disconnected"]);
});

test("a lost connection comes back, with growing pauses while it cannot", { timeout: 20_000 }, async () => {
  const wifi = new WiFiStation({ io: Driver, random: () => 0 });
  const driver = Driver.latest;
  await wifi.connect({ SSID: "Home", password: "secret" });
  driver.outcome = 200;
  driver.move(200);
  equal(wifi.state, "disconnected");
  equal(driver.attempts, 1);
  // A slow machine makes a pause longer, never shorter.
  for (const [attempt, pause] of [
    [2, 500],
    [3, 1000],
  ]) {
    const start = Time.ticks;
    await until(() => driver.attempts === attempt);
    const waited = Time.delta(start, Time.ticks);
    assert(waited > pause * 0.8, `attempt ${attempt} after ${waited} ms`);
  }
  driver.outcome = 500;
  await until(() => wifi.state === "connected");
  equal(driver.attempts, 4);
  wifi.close();
});

test("keep() goes on until the network is there", async () => {
  const wifi = new WiFiStation({ io: Driver, random: () => 0 });
  const driver = Driver.latest;
  driver.outcome = 200;
  wifi.keep({ SSID: "Home", password: "secret" });
  await until(() => driver.attempts >= 2);
  equal(wifi.failure?.code, "NotFound");
  driver.outcome = 500;
  await until(() => wifi.state === "connected");
  equal(wifi.failure, undefined);
  wifi.close();
});

test("a network that gives no address, and one that does not answer, end in their time", async () => {
  const wifi = new WiFiStation({ io: Driver, connectTimeout: 300 });
  const driver = Driver.latest;
  driver.outcome = 400;
  await rejects(wifi.connect({ SSID: "Home" }), "NoAddress");
  driver.outcome = undefined;
  await rejects(wifi.connect({ SSID: "Home" }), "ConnectTimeout");
  equal(driver.connection, 200);
  wifi.close();
});

test("a driver that throws is a failure, not an exception", async () => {
  const wifi = new WiFiStation({ io: Driver });
  const driver = Driver.latest;
  driver.connect = () => {
    throw new Error("connect failed");
  };
  await rejects(wifi.connect({ SSID: "Home" }), "ConnectFailed");
  driver.scan = () => {
    throw new Error("scan failed");
  };
  equal((await rejects(wifi.scan(), "ScanFailed")).message, "scan failed");
  driver.scan = () => {
    throw 5;
  };
  equal((await rejects(wifi.scan(), "ScanFailed")).message, "the driver is busy");
  driver.scan = () => undefined;
  const impatient = new WiFiStation({ io: Driver, scanTimeout: 50 });
  Driver.latest.scan = () => undefined;
  await rejects(impatient.scan(), "ScanTimeout");
  wifi.close();
  impatient.close();
});
