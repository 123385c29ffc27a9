import Timer from "timer";
import { Connectivity } from "../../../modules/app/connectivity";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test } from "../harness";

function setUp() {
  const records = new RecordStore("connect-test");
  records.delete("wifi");
  const identities = new IdentityStore(records);
  identities.erase();
  const wifi = {
    connected: false,
    refusals: 0,
    connect: async () => {
      if (wifi.refusals-- > 0) throw new Error("no such network");
      wifi.connected = true;
    },
  };
  const clock = {
    isSet: false,
    synchronize: async () => {
      clock.isSet = true;
    },
  };
  const states: string[] = [];
  const sessions: { closed: boolean; thingName: string }[] = [];
  const connectivity = new Connectivity({
    wifi,
    clock,
    identities,
    records,
    openSession: ({ thingName }) => {
      const session = { closed: false, thingName };
      sessions.push(session);
      const close = () => {
        session.closed = true;
      };
      return { connected: false, close };
    },
    onStateChanged: (state) => states.push(state),
  });
  const register = (thingName: string) =>
    identities.replace({ thingName, endpoint: "broker", certificate: "c", key: "k" });
  return { connectivity, wifi, clock, states, sessions, register };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => void Timer.set(() => resolve(), milliseconds));

test("a camera without owner waits", async () => {
  const { connectivity, sessions } = setUp();
  connectivity.advance();
  await pause(1);
  equal(connectivity.state, "unprovisioned");
  equal(sessions.length, 0);
});

test("Wi-Fi, then the clock, then the session", async () => {
  const { connectivity, states, sessions, register } = setUp();
  register("cam");
  connectivity.keepCredentials({ SSID: "net" });
  await pause(5);
  equal(states.join(), "joining,settingClock,connecting");
  equal(sessions.length, 1);
  connectivity.sessionChanged(true);
  equal(connectivity.state, "online");
  connectivity.sessionChanged(false);
  equal(connectivity.state, "connecting");
});

test("Wi-Fi first and the identity later gives one session", async () => {
  const { connectivity, sessions, register } = setUp();
  connectivity.keepCredentials({ SSID: "net" });
  await pause(5);
  equal(sessions.length, 0);
  register("cam");
  connectivity.identityChanged();
  connectivity.advance();
  await pause(5);
  equal(sessions.length, 1);
});

test("a new identity ends the old session", async () => {
  const { connectivity, sessions, register } = setUp();
  register("one");
  connectivity.keepCredentials({ SSID: "net" });
  await pause(5);
  register("two");
  connectivity.identityChanged();
  await pause(5);
  equal(sessions.map(({ thingName, closed }) => `${thingName} ${closed}`).join(), "one true,two false");
});

test("lost Wi-Fi closes the session and opens a new one after joining again", async () => {
  const { connectivity, wifi, sessions, register } = setUp();
  register("cam");
  connectivity.keepCredentials({ SSID: "net" });
  await pause(5);
  wifi.connected = false;
  connectivity.wifiLost();
  await pause(5);
  equal(sessions.length, 2);
  equal(sessions[0].closed, true);
});

test("a network that is away is tried again", async () => {
  const { connectivity, wifi, sessions, register } = setUp();
  wifi.refusals = 2;
  register("cam");
  connectivity.keepCredentials({ SSID: "net" });
  await pause(100);
  equal(sessions.length, 0);
  equal(connectivity.state, "joining");
  await pause(2000 + 4000 + 500);
  equal(sessions.length, 1);
});
