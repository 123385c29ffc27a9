/**
 * What nobody should send, to the whole firmware in a machine that is smaller than the camera's (2 KB of chunks and 256 slots): over MQTT, and
 * URLs in a Bluetooth session. Each command has exactly one answer, and the camera takes the next one.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");

let rig: LineRig;
let operator: Operator;
let thingName = "";
let starts = 0;

before(async () => {
  rig = await LineRig.open({ firmware: { manifest, module: "main" } });
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

/** Publishes bytes as a command. @returns its one answer */
async function command(payload: string | Buffer): Promise<Message> {
  const { answers } = operator.heard;
  const count = answers.length;
  await operator.client.publishAsync(`device/${thingName}/commands`, payload, { qos: 1 });
  const answer = await Promise.race([until("answer", () => answers[count]), rig.line.failed]);
  assert.equal(answers.length, count + 1, "one answer");
  return answer as Message;
}

const errorOf = (answer: Message) => (answer.error ?? {}) as { code?: string; message?: string };

async function isAlive(): Promise<void> {
  const answer = await Promise.race([operator.ask({ type: "GetDeviceInfo" }), rig.line.failed]);
  assert.equal((answer as Message).thingName, thingName);
}

const many = "1,".repeat(800);
const headers = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, "1"]));

for (const [what, payload, expected] of [
  ["800 numbers", `{"type":"x","a":[${many}1]}`, /^TooManyValues: /],
  ["340 nested brackets", `{"type":"x","a":${"[".repeat(340)}${"]".repeat(340)}}`, /^TooDeep: /],
  ["a type of 4,000 letters", `{"type":"${"x".repeat(4000)}"}`, /knows no command "x{32}"$/],
  [
    "a token of 3,000 letters",
    `{"type":"GetDeviceInfo","clientToken":"${"x".repeat(3000)}"}`,
    /clientToken is longer than 64/,
  ],
  ["100 short headers", JSON.stringify({ type: "UploadPhoto", imageId: "x", headers }), /^TooManyValues: /],
  ["a number of 3,000 digits", `{"type":"x","a":${"9".repeat(3000)}}`, /^NumberTooLong: /],
  ["a name of 3,000 letters", `{"type":"x","${"a".repeat(3000)}":1}`, /^StringTooLong: /],
  ["a byte order mark", '\ufeff{"type":"GetDeviceInfo"}', /byte order mark/],
  ["nothing but a brace", "{", /^Malformed: /],
] as const)
  test(`a command with ${what} is refused by name, over MQTT`, async () => {
    const answer = await command(payload);
    assert.match(errorOf(answer).message ?? "", expected);
    assert.ok(JSON.stringify(answer).length < 400);
    await isAlive();
  });

test("more names than a machine has room for leave nothing behind", async () => {
  for (let i = 0; i < 150; i += 1) {
    const members = Array.from({ length: 20 }, (_, k) => `"n${i}-${k}":1`);
    const answer = await command(`{"type":"GetUpload",${members.join()}}`);
    assert.equal(answer.type, "GetUpload");
  }
  await isAlive();
});

for (const [what, query] of [
  ["1,900 parameters", "a&".repeat(1900)],
  ["one parameter of 3.8 KB", `X-Amz-Signature=${"%41".repeat(1260)}`],
  [
    "a thousand signed headers",
    `X-Amz-Algorithm=x&X-Amz-Credential=x&X-Amz-Date=20260101T000000Z&X-Amz-Expires=9&X-Amz-Signature=x&X-Amz-SignedHeaders=${";".repeat(1000)}`,
  ],
] as const)
  test(`a picture for a URL with ${what}`, async () => {
    const { imageId } = await rig.owner.takePhoto({ resolution: "QVGA" });
    const from = (await rig.owner.deviceInfo()).serial;
    assert.ok(from);
    const message = { type: "UploadPhoto", imageId, url: `https://localhost:9/k?${query}` };
    const answer = (await rig.client.request("camera-upload", message).catch((error: Error) => error)) as Message &
      Error;
    if (answer instanceof Error) assert.match(answer.message, /X-Amz-SignedHeaders/);
    else {
      assert.equal((answer as Message).accepted, true);
      const isResult = (event: Message) => event.type === "UploadResult" && event.imageId === imageId;
      const result = await rig.owner.waitFor("upload result", isResult as never, 60_000);
      assert.notEqual(result.status, "stored");
    }
    await isAlive();
  });

test("the camera has not started again in all that time", async () => {
  assert.ok(starts <= 1, `${starts} starts`);
  await isAlive();
});
