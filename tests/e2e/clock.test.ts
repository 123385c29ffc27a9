/** A camera whose clock starts in 1970, as a chip's does: time servers that are right, wrong, silent, and change their minds. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, type TestContext, test } from "node:test";
import { callShadow } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";
import { type NTPScript, NTPServer, ntpAnswer } from "./time-rig.ts";

const fixture = (year: number) => readFile(new URL(`fixtures/ntp-answer-${year}.bin`, import.meta.url));
const right: NTPScript = () => ntpAnswer(Date.now());

interface Telemetry {
  clock: string;
  timeSource: string;
  time: number;
  schedule: { due: number; stored: number; next: number; skipped: Record<string, number> };
}

class ClockRig {
  readonly rig: LineRig;
  readonly servers: NTPServer[];
  /** Events that the camera has told. */
  readonly events: { type: string; code?: string; state?: string; error?: { code: string } }[] = [];

  #environment: Record<string, string>;

  private constructor(rig: LineRig, servers: NTPServer[], environment: Record<string, string>) {
    this.#environment = environment;
    this.rig = rig;
    this.servers = servers;
    rig.line.onCameraLine = (line) => {
      if (line.startsWith('{"n":')) this.events.push(JSON.parse(line));
    };
  }

  static async open(t: TestContext, scripts: NTPScript[]): Promise<ClockRig> {
    const servers = await Promise.all(scripts.map((script) => NTPServer.start(script)));
    const environment = { TIME_SERVERS: servers.map(({ name }) => name).join(), TIME_HTTPS_PORT: "9" };
    const rig = await LineRig.open({ environment });
    t.after(async () => {
      await rig.close();
      for (const server of servers) server.close();
    });
    return new ClockRig(rig, servers, environment);
  }

  /** Power is cut, and comes back: from now on the time servers answer so. The broker's host speaks HTTPS at the data plane's port. */
  async restart(scripts: NTPScript[], hasHTTPS = true): Promise<void> {
    await this.rig.line.stopCamera();
    await this.rig.dropPhone();
    this.events.length = 0;
    for (const [index, script] of scripts.entries()) this.servers[index].answer = script;
    if (hasHTTPS) this.#environment.TIME_HTTPS_PORT = new URL(this.rig.line.cloud.data.url).port;
    await this.rig.line.startCamera();
  }

  async telemetry(): Promise<Telemetry> {
    const report = await this.rig.client.request("camera-command", { type: "GetTelemetry" });
    return report as unknown as Telemetry;
  }

  async until(what: string, fits: () => boolean | Promise<boolean>, limit = 150_000): Promise<void> {
    for (const deadline = Date.now() + limit; !(await fits()); await new Promise((resolve) => setTimeout(resolve, 50)))
      if (Date.now() > deadline) throw new Error(`no ${what}: ${JSON.stringify(this.events.slice(-5))}`);
  }

  failed(code: string): boolean {
    return this.events.some(({ error, code: own }) => error?.code === code || own === code);
  }

  async schedule(captureInterval: number): Promise<void> {
    const { data, region, rootCA, credentials } = this.rig.line.cloud;
    const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8") };
    const key = JSON.parse(await readFile(credentials, "utf8"));
    const { thingName } = (await this.rig.owner.deviceInfo()) as { thingName: string };
    const body = JSON.stringify({ state: { desired: { captureInterval } } });
    const { status } = await callShadow({ ...access, credentials: key }, "POST", thingName, body);
    assert.equal(status, 200);
    await this.until("schedule", async () => (await this.telemetry()).schedule.next > 0);
  }
}

const near = (time: number) => assert.ok(Math.abs(time - Date.now()) < 60_000, new Date(time).toISOString());

// They wait more than they work: side by side.
describe("a clock that starts in 1970", { concurrency: 3 }, () => {
  test("two servers that agree: online with a confirmed clock", async (t) => {
    const it = await ClockRig.open(t, [right, right]);
    await it.rig.provision();
    const { clock, timeSource, time } = await it.telemetry();
    assert.deepEqual([clock, timeSource], ["confirmed", it.servers[1].name]);
    near(time);
  });

  test("one server alone: online, doubtful, until the store's Date confirms it with the first picture", async (t) => {
    const it = await ClockRig.open(t, [right]);
    await it.rig.provision();
    assert.equal((await it.telemetry()).clock, "doubtful");
    await it.rig.picture();
    assert.equal((await it.telemetry()).clock, "confirmed");
    assert.ok(it.events.some(({ type, state }) => type === "ClockSet" && state === "confirmed"));
  });

  for (const year of [2036, 2025])
    test(`all servers say ${year}: not believed, and the camera is right as soon as they are; the book counts nothing`, async (t) => {
      const answer = await fixture(year);
      const it = await ClockRig.open(t, [right, right]);
      await it.rig.provision();
      await it.schedule(600);
      const { schedule } = await it.telemetry();
      const wrong: NTPScript = () => Buffer.from(answer);
      await it.restart([wrong, wrong], false);
      await it.until("BadTime", () => it.failed("BadTime"));
      for (const server of it.servers) server.answer = right;
      await it.rig.provision();
      const after = await it.telemetry();
      near(after.time);
      assert.deepEqual([after.clock, after.schedule.due, after.schedule.next], ["confirmed", 0, schedule.next]);
    });

  test("servers agree on a year in which our certificates are over: TLS says Expired, and who can prove it tells the time", async (t) => {
    const wrong: NTPScript = () => ntpAnswer(Date.now() + 3 * 365 * 86_400_000);
    const it = await ClockRig.open(t, [right, right]);
    await it.rig.provision();
    await it.schedule(600);
    const { schedule } = await it.telemetry();
    await it.restart([wrong, wrong]);
    await it.rig.provision();
    const { clock, timeSource, time, schedule: after } = await it.telemetry();
    assert.deepEqual([clock, timeSource], ["confirmed", "https"]);
    near(time);
    assert.ok(it.failed("Expired"), "it was not believed at first");
    assert.deepEqual([after.due, after.next], [0, schedule.next], "the book counts nothing");
  });

  test("UDP is blocked: the time comes from the Date of the broker's host by HTTPS", async (t) => {
    const it = await ClockRig.open(t, [right, right]);
    await it.rig.provision();
    await it.restart([() => undefined, () => undefined]);
    await it.rig.provision();
    const { clock, timeSource, time } = await it.telemetry();
    assert.deepEqual([clock, timeSource], ["confirmed", "https"]);
    near(time);
  });

  test("servers agree on a time that is two hours ahead, which no certificate contradicts: the first picture's URL does", async (t) => {
    const wrong: NTPScript = () => ntpAnswer(Date.now() + 2 * 3_600_000);
    const it = await ClockRig.open(t, [right, right]);
    await it.rig.provision();
    await it.restart([wrong, wrong]);
    await it.rig.provision();
    assert.equal((await it.telemetry()).clock, "confirmed");
    await it.rig.persist();
    await it.until("right clock", async () => (await it.telemetry()).timeSource === "https");
    near((await it.telemetry()).time);
    assert.ok(it.events.some(({ type }) => type === "ClockDoubted"));
  });
});
