/**
 * Messages of the seeded generator to the whole firmware in a machine with 2 KB of chunks, 256 slots and 64 slots of stack less than the camera's, over real
 * MQTT and in real Bluetooth sessions of security 2. Each command has exactly one answer, which has the verdict that it has to have, and the camera is the
 * same process at the end. SEED=N for other messages.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { jsonVerdicts, type Kind } from "./firmware/structure/wire.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";
import { type Generated, generateMessage, wrongVerdict } from "./structure/generated-message.ts";
import { Tally } from "./structure/tally.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");
const first = Number(process.env.SEED ?? 1);
const overMQTT = 2000;
const overBluetooth = 1500;
/** Commands that wait at the broker at once. */
const batch = 20;
/** What is no JSON ends a Bluetooth session, and another one takes its time: so many of them are sent. */
const malformedLimit = 12;
/** Milliseconds, for a machine that has much else to do. */
const patience = 120_000;

let rig: LineRig;
let operator: Operator;
let thingName = "";
let starts = 0;

before(async () => {
  // The broker of AWS ends the connection of whoever sends more than a hundred messages in a second.
  rig = await LineRig.open({ firmware: { manifest, module: "main" }, cloudImports: [join(here, "burst-cloud.ts")] });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith("label:")) starts += 1;
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
  const table = new JsonBindingTable(rig.line.cloud.bindings);
  await table.claim({ thing: thingName, user: "us-east-1:5e0f5b4c", since: Date.now(), policy: "none" });
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

/** The next so many of a kind. */
function* messagesOf(kind: Kind, count: number): Generator<Generated & { seed: number }> {
  for (let seed = first; count > 0; seed += 1) {
    const message = generateMessage(seed);
    if (message.kind !== kind) continue;
    count -= 1;
    yield { ...message, seed };
  }
}

const send = (topic: string, bytes: Buffer) =>
  operator.client.publishAsync(`device/${thingName}/${topic}`, bytes, { qos: 1 });

/** The name of an error, or that of the bound that the message has broken. */
function verdictOf({ code, message = "" }: { code?: string; message?: string } = {}): string {
  if (message.startsWith("InvalidMessage: ")) return "Malformed";
  return code === "BadMessage"
    ? (jsonVerdicts.find((name) => message.startsWith(`${name}: `)) ?? message)
    : (code ?? "");
}

async function report(transport: string, { count, damaged, verdicts }: Tally): Promise<void> {
  const { chunkBytesPeak, slotsPeak, stackPeak } = await rig.line.statistics();
  const peaks = { chunkBytesPeak, slotsPeak, stackPeak };
  console.log(JSON.stringify({ transport, seed: first, count, damaged, verdicts, peaks }));
  assert.ok(verdicts.accepted > count / 40, `${verdicts.accepted} accepted`);
  assert.ok(verdicts.Malformed > 0 && verdicts.TooDeep > 0 && verdicts.TooManyValues > 0);
}

test(`${overMQTT} generated commands over MQTT, and grants between them`, { timeout: 600_000 }, async () => {
  const tally = new Tally();
  const { answers } = operator.heard;
  const grants = messagesOf("grant", overMQTT / batch);
  const commands = [...messagesOf("command", overMQTT)];
  for (let at = 0; at < commands.length; at += batch) {
    const some = commands.slice(at, at + batch);
    answers.length = 0;
    await send("uploads/grant", grants.next().value!.bytes);
    await Promise.all(some.map(({ bytes }) => send("commands", bytes)));
    const all = until(`${some.length} answers`, () => (answers.length >= some.length ? true : undefined), patience);
    await Promise.race([all, rig.line.failed]).catch((error: Error) =>
      assert.fail(`SEED=${some[0].seed}: ${error.message}`),
    );
    // One by one and in their order, so whoever asks last is answered last.
    const told = (await operator.ask({ type: "GetDeviceInfo" }, patience)).thingName;
    assert.equal(told, thingName);
    assert.equal(answers.length, some.length + 1, `SEED=${some[0].seed}`);
    for (const [i, message] of some.entries()) {
      const verdict = verdictOf(answers[i].error as Message | undefined);
      assert.equal(wrongVerdict(message, verdict), "", `SEED=${message.seed}`);
      tally.add(message, verdict);
    }
  }
  await report("MQTT", tally);
});

/** Whoever opens another session after one that has ended. */
async function request({ bytes }: Generated): Promise<string> {
  if (!rig.client.hasSession) await rig.client.openSession((await rig.line.label).pop);
  const answer = rig.client.request("camera-command", bytes);
  return Promise.race([answer, rig.line.failed]).then(() => "", verdictOf);
}

test(`${overBluetooth} generated commands in Bluetooth sessions`, { timeout: 600_000 }, async () => {
  const tally = new Tally();
  let malformed = 0;
  for (const message of messagesOf("bluetooth", Infinity)) {
    if (tally.count === overBluetooth) break;
    // A message that is no JSON is wrong with any other verdict.
    if (wrongVerdict(message, "") && !wrongVerdict(message, "TooLong")) malformed += 1;
    if (malformed > malformedLimit && !wrongVerdict(message, "TooLong")) continue;
    const verdict = await request(message);
    assert.equal(wrongVerdict(message, verdict), "", `SEED=${message.seed}`);
    tally.add(message, verdict);
  }
  await report("Bluetooth", tally);
});

test("the camera is the same process, and answers both ways", async () => {
  assert.ok(starts <= 1, `${starts} starts`);
  await rig.provision();
  assert.equal((await rig.owner.deviceInfo()).thingName, thingName);
  assert.equal((await operator.ask({ type: "GetDeviceInfo" }, patience)).thingName, thingName);
});
