import { ShadowSettings } from "../../../modules/app/shadow-settings";
import { CloudError } from "../../../modules/cloud/cloud-error";
import type { Wishes } from "../../../modules/cloud/shadow-message";
import { after, equal, test } from "../harness";
import { feed } from "../json/feed";

interface Sent {
  topic: string;
  message: Record<string, unknown>;
}

/** A camera with two settings, and the session with its cloud. */
class Bench {
  sent: Sent[] = [];
  added: string[] = [];
  state: Record<string, unknown> = { brightness: 0, resolution: "VGA" };
  settings = this;
  events = this;
  clientId = "camera-1";
  isBroken = false;
  shadow = new ShadowSettings(this);

  /** SettingsStore: brightness up to 4. @returns true when there is something to report */
  fulfil({ values }: Wishes): boolean {
    for (const [name, value] of Object.entries(values)) if (name in this.state) this.state[name] = value;
    return true;
  }

  get report(): object {
    return this.state;
  }

  add(type: string, { code }: Record<string, unknown>): void {
    this.added.push(`${type} ${code}`);
  }

  now(): number {
    return 1;
  }

  async publish(topic: string, payload: string, { QoS }: { QoS: number }): Promise<void> {
    equal(QoS, 0);
    if (this.isBroken) throw new CloudError("NotConnected", "QoS 0 is not queued");
    this.sent.push({ topic, message: JSON.parse(payload) });
  }

  constructor() {
    after(() => this.shadow.sessionChanged(false));
  }

  /** A session begins, as far as it may listen. */
  begin(): void {
    this.shadow.follow(this);
    this.shadow.granted("");
    this.shadow.sessionChanged(true);
  }

  /** As the session does it. */
  receive(suffix: string, message: object | string, thing = "camera-1"): void {
    const topic = `$aws/things/${thing}/shadow/${suffix}`;
    const stream = this.shadow.open(topic);
    if (stream) this.shadow.receive(topic, feed(stream, message));
  }

  /** The cloud accepts the last request, whatever it was. */
  accept(document: object): void {
    const { topic, message } = this.sent[this.sent.length - 1];
    const operation = topic.slice(topic.lastIndexOf("/") + 1);
    this.receive(`${operation}/accepted`, { clientToken: message.clientToken, timestamp: 1, ...document });
  }

  take(): Sent[] {
    return this.sent.splice(0);
  }
}

/** What goes out does so in promise jobs. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await undefined;
}

/** The state in an update, if that is what was sent. */
const reported = ({ message }: Sent) => (message.state as { reported?: object } | undefined)?.reported;

async function online(): Promise<Bench> {
  const bench = new Bench();
  bench.begin();
  await settled();
  return bench;
}

test("it listens to its own shadow and to nothing else", () => {
  const bench = new Bench();
  for (const { topic } of bench.shadow.follow(bench)) {
    equal(topic.startsWith("$aws/things/camera-1/shadow/"), true, topic);
    equal(/[+#]/.test(topic), false, topic);
  }
});

test("nothing is said before the broker lets it listen", async () => {
  const bench = new Bench();
  bench.shadow.follow(bench);
  bench.shadow.sessionChanged(true);
  await settled();
  equal(bench.sent, []);
  bench.shadow.granted("");
  await settled();
  equal(bench.sent.length, 1);
  equal(bench.sent[0].topic, "$aws/things/camera-1/shadow/get");
});

test("what was desired before is fulfilled, then everything is reported", async () => {
  const bench = await online();
  bench.accept({ version: 3, state: { desired: { brightness: 2 }, delta: { brightness: 2 } } });
  await settled();
  equal(bench.state.brightness, 2);
  const update = bench.take()[1];
  equal(update.topic, "$aws/things/camera-1/shadow/update");
  equal(reported(update), { brightness: 2, resolution: "VGA" });
});

test("a delta becomes a setting and is reported; an older one, and another thing's, do nothing", async () => {
  const bench = await online();
  bench.accept({ version: 3, state: {} });
  await settled();
  bench.accept({ version: 4, state: {} });
  await settled();
  bench.take();
  bench.receive("update/delta", { version: 6, timestamp: 1, state: { resolution: "HD" } });
  await settled();
  equal(bench.state.resolution, "HD");
  equal(reported(bench.sent[0]), { brightness: 0, resolution: "HD" });
  bench.receive("update/delta", { version: 5, timestamp: 1, state: { resolution: "QVGA" } });
  bench.receive("update/delta", { version: 9, timestamp: 1, state: { resolution: "QVGA" } }, "camera-2");
  await settled();
  equal(bench.state.resolution, "HD");
});

test("a new session starts from the beginning; what is late from the last one is dropped", async () => {
  const bench = await online();
  const [old] = bench.take();
  bench.shadow.sessionChanged(false);
  bench.begin();
  await settled();
  equal(bench.sent.length, 1);
  bench.receive("get/accepted", {
    clientToken: old.message.clientToken,
    version: 2,
    state: { delta: { brightness: 4 } },
  });
  await settled();
  equal(bench.state.brightness, 0);
});

test("where listening is forbidden nothing is said: a forbidden PUBLISH would end the connection", async () => {
  const topic = "$aws/things/camera-1/shadow/get/accepted";
  const bench = new Bench();
  bench.shadow.follow(bench);
  bench.shadow.granted(`device/camera-1/commands ${topic}`);
  bench.shadow.sessionChanged(true);
  await settled();
  equal(bench.sent, []);
  const later = await online();
  later.take();
  later.shadow.sessionFailed(new CloudError("SubscriptionRefused", topic));
  later.shadow.sessionChanged(false);
  later.shadow.sessionChanged(true);
  await settled();
  equal(later.sent, []);
  const other = new Bench();
  other.shadow.follow(other);
  other.shadow.granted("device/camera-1/commands");
  other.shadow.sessionFailed(new CloudError("SubscriptionRefused", "device/camera-1/commands"));
  other.shadow.sessionChanged(true);
  await settled();
  equal(other.sent.length, 1, "another topic is another matter");
});

test("what the cloud refuses is an Error event with its name", async () => {
  const bench = await online();
  const { message } = bench.take()[0];
  bench.receive("get/rejected", { clientToken: message.clientToken, code: 403, message: "Forbidden", timestamp: 1 });
  await settled();
  equal(bench.added.length, 1);
  equal(bench.added[0].startsWith("Error Shadow"), true, bench.added[0]);
});

test("noise harms nobody, before there is a session and after", async () => {
  const bench = new Bench();
  bench.receive("update/delta", { version: 1, state: { brightness: 1 } });
  bench.shadow.sessionChanged(true);
  bench.shadow.sessionChanged(false);
  bench.begin();
  await settled();
  for (const text of ["", "null", "[]", "{", '{"version":"x"}']) bench.receive("update/delta", text);
  bench.receive("", "");
  await settled();
  equal(bench.state, { brightness: 0, resolution: "VGA" });
});

test("what is too large for the session is told of when it is about the shadow, and was too large", async () => {
  const bench = await online();
  const topic = "$aws/things/camera-1/shadow/update/delta";
  bench.shadow.sessionFailed(new CloudError("AckTimeout", `9000 bytes on ${topic}`));
  bench.shadow.sessionFailed(new CloudError("MessageTooLarge", "9000 bytes on device/camera-1/commands"));
  equal(bench.added, []);
  bench.shadow.sessionFailed(new CloudError("MessageTooLarge", `9000 bytes on ${topic}`));
  equal(bench.added, ["Error ShadowMalformed"]);
});

test("a new session takes the place of the last one, with what was under way in it", async () => {
  const bench = await online();
  const [{ message }] = bench.take();
  bench.shadow.follow(bench);
  bench.receive("get/accepted", { clientToken: message.clientToken, version: 2, state: { delta: { brightness: 4 } } });
  await settled();
  equal([bench.state.brightness, bench.sent], [0, []]);
});

test("messages wait only where a session says so", () => {
  const bench = new Bench();
  equal(bench.shadow.isBehind, false);
  bench.shadow.follow(bench);
  equal(bench.shadow.isBehind, false);
  bench.shadow.follow(Object.assign(Object.create(null), { clientId: "camera-1", isBehind: true }));
  equal(bench.shadow.isBehind, true);
});
