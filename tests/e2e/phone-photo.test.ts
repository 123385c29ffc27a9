/** Pictures from the shutter to the gallery, over Bluetooth and over MQTT, on the real line. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { knownCodes } from "../../sim/phone/advice.ts";
import type { CameraClient } from "../../sim/phone/camera-client.ts";
import { PhotoFlow, photoSteps } from "../../sim/phone/photo-flow.ts";
import { SetupFlow } from "../../sim/phone/setup-flow.ts";
import { network } from "../../sim/start/processes.ts";
import { type Person, PhoneRig } from "./phone-rig.ts";

let rig: PhoneRig;
let anna: Person;
let client: CameraClient;
let thingName = "";

before(async () => {
  // Seconds-long credentials: each of these tests lives through some renewals.
  rig = await PhoneRig.open({ credentialSeconds: 5, pictures: 12 });
  anna = await rig.person();
  client = await rig.client();
  const flow = new SetupFlow({ client, cloud: anna.cloud, ...(await rig.label()) });
  flow.chooseNetwork(network);
  await flow.run();
  thingName = flow.thingName ?? "";
});
after(async () => {
  await client?.close();
  await anna?.cloud.close();
  await rig?.[Symbol.asyncDispose]();
});

const photoFlow = () => new PhotoFlow({ cloud: anna.cloud, thingName, client, resolution: "QVGA" });
const states = (flow: PhotoFlow) => flow.steps.map(({ state, advice }) => advice?.code ?? state);
const allDone = photoSteps.map(() => "done");

async function link(): Promise<void> {
  if (!client.hasSession) await client.reconnect();
}

for (const transport of ["bluetooth", "mqtt"] as const)
  test(`a picture over ${transport}: thumbnail, progress, and the same bytes in the gallery`, async () => {
    if (transport === "mqtt") await client.disconnect();
    const flow = photoFlow();
    const seen: number[] = [];
    flow.on("change", ({ progress }) => progress && seen.at(-1) !== progress.sent && seen.push(progress.sent));
    const picture = await flow.run();
    assert.equal(flow.transport, transport);
    assert.deepEqual(states(flow), allDone);
    assert.deepEqual([...(flow.thumbnail ?? [])].slice(0, 3), [0xff, 0xd8, 0xff]);
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      seen,
      "never backwards",
    );
    assert.deepEqual(flow.progress, { sent: flow.photo?.byteLength, total: flow.photo?.byteLength });
    assert.equal(picture.bytes, flow.photo?.byteLength);
    const [newest] = (await anna.cloud.gallery.list({ limit: 1 })).pictures;
    assert.deepEqual(newest, picture);
    const content = Buffer.from(await (await anna.cloud.gallery.get(picture)).arrayBuffer());
    assert.equal(content.length, picture.bytes);
    assert.equal(content.subarray(0, 2).toString("hex"), "ffd8");
  });

test("the link is lost after each message: the flow goes on over MQTT", async (t) => {
  for (const lost of ["TakePhoto", "GetThumbnail", "UploadPhoto", "GetUpload"])
    await t.test(lost, async () => {
      await link();
      const real = client.request;
      client.request = async (endpoint, message, options) => {
        const isIt = (message as { type?: string }).type === lost;
        if (isIt) client.request = real;
        const answer = await real.call(client, endpoint, message, options);
        if (isIt) await client.disconnect();
        return answer;
      };
      const flow = photoFlow();
      await flow.run();
      assert.equal(flow.transport, lost === "GetUpload" ? flow.transport : "mqtt");
      assert.deepEqual(states(flow), allDone);
    });
});

test("cancelled while it is on its way, and taken up again: the same picture", async () => {
  await link();
  const flow = photoFlow();
  const controller = new AbortController();
  flow.on("change", ({ steps }) => {
    if (steps.find(({ name }) => name === "upload")?.state === "active") controller.abort();
  });
  await assert.rejects(flow.run({ signal: controller.signal }), { code: "Cancelled" });
  const imageId = flow.photo?.imageId;
  const picture = await flow.run();
  assert.equal(picture.imageId, imageId);
});

test("a URL that is dead when the camera uses it is replaced without a word: the camera asks the cloud for another", async () => {
  await link();
  const flow = photoFlow();
  const real = anna.cloud.presignPhoto;
  rig.events.length = 0;
  anna.cloud.presignPhoto = async (request) => {
    const url = await real.call(anna.cloud, { ...request, expiresIn: 1 });
    await delay(2_200);
    return url;
  };
  await flow.run().finally(() => {
    anna.cloud.presignPhoto = real;
  });
  assert.deepEqual(states(flow), allDone);
  assert.ok(
    rig.events.some(
      ({ event, status, imageId }) => event === "grant" && status === "granted" && imageId === flow.photo?.imageId,
    ),
  );
});

test("an upload that is refused: it has a name, and run() sends the same picture again", async () => {
  await link();
  const flow = photoFlow();
  const real = anna.cloud.presignPhoto;
  // A signature for another picture.
  anna.cloud.presignPhoto = async (request) => (await real.call(anna.cloud, request)).replace(".jpg?", "-other.jpg?");
  const error = await flow.run().then(
    () => assert.fail("it was stored"),
    (error) => error,
  );
  anna.cloud.presignPhoto = real;
  assert.ok(knownCodes.includes(error.code), error.code);
  assert.equal(flow.steps.find(({ name }) => name === "upload")?.advice?.code, error.code);
  const imageId = flow.photo?.imageId;
  assert.equal((await flow.run()).imageId, imageId);
  assert.deepEqual(states(flow), allDone);
});

test("somebody else's camera takes no pictures for others", async () => {
  await using ben = await rig.person();
  const flow = new PhotoFlow({ cloud: ben.cloud, thingName });
  await ben.cloud.connect();
  await assert.rejects(flow.run(), { code: "AccessDenied" });
  assert.equal(flow.steps[0].advice?.code, "AccessDenied");
});

test("after release the camera is nobody's: no commands, no more pictures, and somebody else can claim it", async () => {
  await anna.cloud.release(thingName);
  await assert.rejects(anna.cloud.live(thingName).open(), { code: "AccessDenied" });
  await using ben = await rig.person();
  await link();
  const flow = new SetupFlow({ client, cloud: ben.cloud, ...(await rig.label()), label: "Ben's" });
  await flow.run();
  const photo = new PhotoFlow({ cloud: ben.cloud, thingName, client });
  const picture = await photo.run();
  assert.ok(picture.key.startsWith(`users/${ben.account.identityId}/`));
  await assert.rejects(anna.cloud.gallery.get(picture), { code: "AccessDenied" });
});

test("the activity list tells of every channel, and no secret", async () => {
  const text = JSON.stringify(anna.activity.entries);
  for (const channel of ["cognito", "iot", "mqtt", "s3"]) assert.ok(text.includes(`"channel":"${channel}"`), channel);
  const { sessionToken, secretAccessKey } = await anna.account.credentials();
  const { proofOfPossession } = await rig.label();
  const secrets = [sessionToken.slice(0, 12), secretAccessKey, proofOfPossession, network.passphrase];
  for (const secret of [...secrets, "Correct-Horse", "X-Amz-Signature="]) assert.ok(!text.includes(secret), secret);
});
