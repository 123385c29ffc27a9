import WiFi from "embedded:network/interface/wifi";
import { WiFiStation } from "../../../modules/network/wifi-station";
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
  await rejects(third, "Cancelled");
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
  RSSI = -50;
  attempts = 0;
  outcome: number | undefined = 500;
  #onChanged: (property: string) => void;
  constructor({ onChanged }: { onChanged(property: string): void }) {
    this.#onChanged = onChanged;
    Driver.latest = this;
  }
  close() {}
  scan({ onComplete }: { onComplete(): void }) {
    onComplete();
  }
  connect() {
    this.attempts += 1;
    this.connection = 300;
    if (this.outcome !== undefined) this.move(this.outcome);
  }
  disconnect() {
    this.connection = 200;
  }
  move(connection: number) {
    this.connection = connection;
    this.#onChanged("connection");
  }
}

test("a lost connection comes back, with growing pauses while it cannot", { timeout: 20_000 }, async () => {
  const wifi = new WiFiStation({ io: Driver, random: () => 0 });
  const driver = Driver.latest;
  await wifi.connect({ SSID: "Home", password: "secret" });
  driver.outcome = 200;
  driver.move(200);
  equal(wifi.state, "disconnected");
  await sleep(400);
  equal(driver.attempts, 1);
  await sleep(200);
  equal(driver.attempts, 2);
  await sleep(1100);
  equal(driver.attempts, 3);
  await sleep(1500);
  equal(driver.attempts, 3);
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
  await sleep(700);
  assert(driver.attempts >= 2);
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
  await rejects(wifi.scan(), "ScanFailed");
  driver.scan = () => undefined;
  const impatient = new WiFiStation({ io: Driver, scanTimeout: 50 });
  Driver.latest.scan = () => undefined;
  await rejects(impatient.scan(), "ScanTimeout");
  wifi.close();
  impatient.close();
});
