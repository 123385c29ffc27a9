import Timer from "timer";
import { Connectivity } from "../../../modules/app/connectivity";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test, turns } from "../harness";
import { giveIdentity } from "../storage/given-identity";

/** A session that writes down what is done to it. */
class RecordedSession {
  log: string[];
  constructor(thingName: string) {
    this.log = [thingName];
  }
  connect() {
    this.log.push("connect");
  }
  disconnect() {
    this.log.push("disconnect");
  }
  close() {
    this.log.push("close");
  }
}

function setUp() {
  const records = new RecordStore("connect-test");
  records.delete("wifi");
  const identities = new IdentityStore(records);
  identities.erase();
  const wifi = {
    state: "disconnected" as "disconnected" | "connected",
    kept: [] as string[],
    keep: ({ SSID }: { SSID: string }) => void wifi.kept.push(SSID),
  };
  const clock = {
    isSet: false,
    failures: 0,
    synchronize: async () => {
      if (clock.failures-- > 0) throw new Error("no time server");
      clock.isSet = true;
    },
  };
  const states: string[] = [];
  const sessions: RecordedSession[] = [];
  const openSession = ({ thingName }: { thingName: string }) => {
    if (thingName === "bad") throw new Error("InvalidEndpoint");
    const session = new RecordedSession(thingName);
    sessions.push(session);
    return session;
  };
  const connectionChanged = (state: string, detail?: object) => void states.push(detail ? `${state}!` : state);
  const openProvisioning = () => openSession({ thingName: "provisioning" });
  const failures: unknown[] = [];
  const identityFailed = (error: unknown) => void failures.push(error);
  const host = { wifi, clock, identities, records, openSession, openProvisioning, identityFailed, connectionChanged };
  const connectivity = new Connectivity(host);
  const register = (thingName: string) =>
    giveIdentity(identities, { thingName, endpoint: "broker", certificate: "c", key: "k" });
  const join = () => {
    wifi.state = "connected";
    connectivity.wifiChanged();
  };
  const lose = () => {
    wifi.state = "disconnected";
    connectivity.wifiChanged();
  };
  return { connectivity, identities, records, wifi, clock, states, sessions, failures, register, join, lose };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => void Timer.set(() => resolve(), milliseconds));

test("a camera without owner waits", async () => {
  const { connectivity, states, sessions, join } = setUp();
  connectivity.start();
  equal([connectivity.state, states], ["unprovisioned", []]);
  join();
  await pause(5);
  equal(connectivity.state, "unprovisioned");
  equal(sessions.length, 0);
});

test("after power-on the kept network is joined, then the clock is set, then the session connects", async () => {
  const { connectivity, records, wifi, states, sessions, register, join } = setUp();
  register("cam");
  records.write("wifi", { SSID: "net" });
  connectivity.start();
  equal(wifi.kept.join(), "net");
  join();
  await pause(5);
  equal(states.join(), "joining,settingClock,connecting");
  equal(sessions[0].log.join(), "cam,connect");
  connectivity.sessionChanged(true);
  equal(connectivity.state, "online");
  connectivity.sessionChanged(false);
  equal(connectivity.state, "connecting");
});

test("Wi-Fi first and the identity later gives one session", async () => {
  const { connectivity, sessions, register, join } = setUp();
  join();
  connectivity.keepCredentials({ SSID: "net", password: "secret" });
  await pause(5);
  equal(sessions.length, 0);
  register("cam");
  connectivity.identityChanged();
  await pause(1);
  equal(sessions.length, 1);
});

test("a new identity ends the old session", async () => {
  const { connectivity, sessions, register, join } = setUp();
  register("one");
  join();
  await pause(5);
  register("two");
  connectivity.identityChanged();
  await pause(1);
  equal(sessions.map(({ log }) => log.join(" ")).join(), "one connect close,two connect");
});

test("the session outlives a loss of Wi-Fi", async () => {
  const { connectivity, sessions, register, join, lose } = setUp();
  register("cam");
  connectivity.keepCredentials({ SSID: "net" });
  join();
  await pause(5);
  connectivity.sessionChanged(true);
  lose();
  equal(connectivity.state, "joining");
  connectivity.sessionChanged(false);
  equal(connectivity.state, "joining", "the end of the session is no news then");
  join();
  await pause(1);
  equal(sessions.length, 1);
  equal(sessions[0].log.join(), "cam,connect,disconnect,connect");
});

test("telemetry is told what went wrong on the way", async () => {
  const { connectivity, register, join, lose } = setUp();
  const counted = () => Object.values(connectivity.counters).join();
  register("cam");
  connectivity.keepCredentials({ SSID: "net", password: "secret" });
  lose();
  join();
  await pause(5);
  connectivity.sessionChanged(false);
  connectivity.sessionChanged(false, { error: { code: "Refused" } });
  equal(counted(), "0,0,1");
  connectivity.sessionChanged(true, { endpoint: "broker" });
  lose();
  lose();
  equal(counted(), "1,1,1", "Wi-Fi, connected, failed");
});

test("while an identity is fetched that session connects, is let go with Wi-Fi, and ends with a new identity", async () => {
  const { connectivity, identities, records, sessions, register, join, lose } = setUp();
  identities.order({ endpoint: "broker", template: "t", certificate: "c", key: "k" });
  records.write("wifi", { SSID: "net" });
  join();
  await pause(5);
  equal([connectivity.state, connectivity.session], ["connecting", undefined]);
  lose();
  join();
  await turns(1);
  equal(
    sessions.map(({ log }) => log.join(" ")),
    ["provisioning connect disconnect connect"],
  );
  register("cam");
  connectivity.identityChanged();
  await turns(1);
  equal(
    sessions.map(({ log }) => log.join(" ")),
    ["provisioning connect disconnect connect close", "cam connect"],
  );
});

test("a time server that is away is tried again", async () => {
  const { clock, states, sessions, register, join } = setUp();
  clock.failures = 1;
  register("cam");
  join();
  await pause(100);
  equal(sessions.length, 0);
  equal(states.join(), "settingClock,settingClock!");
  await pause(2000);
  equal(sessions.length, 1);
});

test("an identity that no session can be made of is reported, and another one helps", async () => {
  const { connectivity, states, sessions, failures, register, join } = setUp();
  register("bad");
  join();
  await pause(5);
  equal(states.slice(-1).join(), "connecting!");
  equal(failures.map(String), ["Error: InvalidEndpoint"]);
  register("good");
  connectivity.identityChanged();
  await pause(1);
  equal(sessions.length, 1);
});

test("a session is not opened for what was true a moment ago", async () => {
  const { sessions, register, join, lose } = setUp();
  register("cam");
  join();
  await pause(5);
  equal(sessions.length, 1);
  const other = setUp();
  other.clock.isSet = true;
  other.register("cam");
  other.join();
  other.lose();
  await turns(2);
  equal(other.sessions.length, 0, "the network has gone");
  other.join();
  other.identities.erase();
  await turns(2);
  equal([other.sessions.length, other.failures], [0, []], "nobody's camera any more");
  lose();
});

test("a network that is kept is joined from then on; who is online stays so", async () => {
  const { connectivity, clock, states, register, join } = setUp();
  clock.isSet = true;
  connectivity.keepCredentials({ SSID: "net" });
  equal(connectivity.state, "joining");
  register("cam");
  join();
  await pause(5);
  connectivity.sessionChanged(true);
  connectivity.keepCredentials({ SSID: "net", password: "another" });
  connectivity.advance();
  await pause(5);
  equal([connectivity.state, states], ["online", ["joining", "connecting", "online"]]);
});
