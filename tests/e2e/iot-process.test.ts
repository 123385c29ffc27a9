/** The cloud as a process, killed without warning: what was acknowledged before is there afterwards. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AwsRegistrar, type LocalCloud } from "../../sim/phone/aws.ts";
import { nodeArguments } from "../../sim/start/bundles.ts";
import { makeRequest, SessionDevice, type SessionEvent, temporaryDirectory } from "./iot-rig.ts";

const script = join(dirname(fileURLToPath(import.meta.url)), "../../sim/cloud/main.ts");

type Listening = LocalCloud & { mqtt: { port: number; endpoint: string }; rootCA: string };

class CloudProcess {
  readonly events: SessionEvent[] = [];
  #child: ChildProcess;
  #waiting = new Set<() => void>();

  constructor(directory: string) {
    const args = [...nodeArguments(script), "--directory", `${directory}/cloud`, "--out", `${directory}/out`];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.events.push(JSON.parse(line));
      for (const wake of this.#waiting) wake();
    });
  }

  async event(name: string, fits: (event: SessionEvent) => boolean = () => true): Promise<SessionEvent> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const found = this.events.find((event) => event.event === name && fits(event));
      if (found) return found;
      if (Date.now() > deadline)
        throw new Error(`the cloud did not say ${name}: ${JSON.stringify(this.events.slice(-5))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async end(signal: NodeJS.Signals | "stdin"): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode) return this.#child.exitCode;
    const exit = once(this.#child, "exit");
    if (signal === "stdin") this.#child.stdin!.end();
    else this.#child.kill(signal);
    return (await exit)[0];
  }
}

async function start(directory: string, t: TestContext): Promise<{ cloud: CloudProcess; listening: Listening }> {
  const cloud = new CloudProcess(directory);
  t.after(() => cloud.end("SIGKILL"));
  const listening = (await cloud.event("listening")) as unknown as Listening;
  assert.equal(cloud.events[0].event, "listening", "the first line");
  return { cloud, listening };
}

/** Resolves when the file has the text: what happens to sessions is gathered for a moment before it is written. */
async function kept(path: string, text: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; await delay(20)) {
    if ((await readFile(path, "utf8").catch(() => "")).includes(text)) return;
    if (Date.now() > deadline) throw new Error(`${path} has no ${text}`);
  }
}

test("a killed cloud comes back as the same one, and the device with it", async (t) => {
  const directory = await temporaryDirectory();
  t.after(() => directory.remove());
  const first = await start(directory.path, t);
  assert.equal((await stat(first.listening.credentials)).mode & 0o777, 0o600);
  const root = await readFile(first.listening.rootCA, "utf8");
  const { key, csr } = await makeRequest("camera-1");
  const registrar = new AwsRegistrar({ cloud: first.listening, rootCA: root });
  const { endpoint, certPem } = await registrar.registerThing({ thingName: "camera-1", csrPem: csr });
  assert.equal(endpoint, first.listening.mqtt.endpoint);

  const it = await SessionDevice.start({
    endpoint,
    clientId: "camera-1",
    root,
    certificate: certPem,
    key,
    backoff: { minimum: 1000, maximum: 2000 },
  });
  t.after(() => it.stop());
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  await it.do("publish", { topic: "device/camera-1/photos", payload: "one" });
  const { bytes } = await first.cloud.event("publish", ({ topic }) => topic === "device/camera-1/photos");
  assert.equal(bytes, 3);
  await kept(`${directory.path}/cloud/sessions.json`, "device/camera-1/commands");

  await first.cloud.end("SIGKILL");
  await it.state("backing-off");
  const late = it.do("publish", { topic: "device/camera-1/photos", payload: "kept" });
  const second = await start(directory.path, t);
  assert.deepEqual(second.listening.mqtt, first.listening.mqtt);
  const { sessionPresent } = await second.cloud.event("connect");
  assert.equal(sessionPresent, true);
  await late;

  const url = await registrar.presignPhoto({ thingName: "camera-1", imageId: "1" });
  assert.match(url, /\/devicelink-photos\/camera-1\/1\.jpg\?.*X-Amz-SignedHeaders=host&/);
  const text = JSON.stringify([...first.cloud.events, ...second.cloud.events]);
  assert.ok(!text.includes("X-Amz-Signature") && !text.includes("secretAccessKey"), "no secret in what it says");
  assert.equal(await second.cloud.end("SIGTERM"), 0);
});

test("it ends with whoever has started it", async (t) => {
  const directory = await temporaryDirectory();
  t.after(() => directory.remove());
  const { cloud } = await start(directory.path, t);
  assert.equal(await cloud.end("stdin"), 0);
});
