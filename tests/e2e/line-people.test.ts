/** Several people at once, the whole line in real processes: one phone at a time in the room, and as many as want over MQTT. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

let rig: LineRig;
let people: Operator[] = [];
let thingName = "";

before(async () => {
  rig = await LineRig.open();
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  for (const name of ["anna", "bert"]) people.push(await Operator.connect(rig.line.cloud, thingName, name));
});

after(async () => {
  for (const person of people) await person.close();
  people = [];
  await rig?.close();
});

const codeOf = (answer: object) => (answer as { error?: { code: string } }).error?.code;

/** How often the answer to a token was heard, by whom. */
const answersTo = (token: unknown, by: Operator) =>
  by.heard.answers.filter(({ clientToken }) => clientToken === token).length;

test("commands of two people that come at the same time are each answered once, to both", async () => {
  const types = ["GetDeviceInfo", "GetUpload", "Nonsense"];
  const asked = people.flatMap((person) => [0, 1, 2, 3].map((i) => person.ask({ type: types[i % types.length] })));
  const answers = await Promise.all(asked);
  assert.equal(new Set(answers.map(({ clientToken }) => clientToken)).size, 8);
  for (const [i, { type }] of answers.entries()) assert.equal(type, types[(i % 4) % types.length]);
  // Whatever would come twice has come by then.
  for (const person of people) await person.ask({ type: "GetDeviceInfo" });
  for (const { clientToken } of answers) for (const person of people) assert.equal(answersTo(clientToken, person), 1);
});

test("a command that the broker delivers again while others come in between is not carried out again", async () => {
  const [anna, bert] = people;
  const before = (await rig.owner.deviceInfo()).photo;
  const command = JSON.stringify({ type: "TakePhoto", resolution: "QVGA", clientToken: "once" });
  const send = () => anna.client.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  await send();
  const { imageId } = await until("answer", () => anna.heard.answers.find(({ clientToken }) => clientToken === "once"));
  assert.notEqual(imageId, before);
  await bert.ask({ type: "GetUpload" });
  await send();
  assert.equal((await bert.ask({ type: "GetDeviceInfo" })).photo, imageId, "still the same picture");
  assert.equal(answersTo("once", anna), 1);
});

test("everybody wants a picture now: one is taken, the others are told that the camera is busy", async () => {
  const wishes: Promise<object>[] = people.map((person) => person.ask({ type: "TakePhoto", resolution: "QVGA" }));
  wishes.push(
    rig.client.request("camera-command", { type: "TakePhoto", resolution: "QVGA" }).catch((error) => ({ error })),
  );
  const answers = (await Promise.all(wishes)) as Message[];
  const taken = answers.filter((answer) => answer.imageId);
  assert.ok(taken.length >= 1, JSON.stringify(answers));
  assert.equal(
    new Set(taken.map(({ imageId }) => imageId)).size,
    taken.length,
    "a picture of their own for all who got one",
  );
  for (const answer of answers) if (!answer.imageId) assert.equal(codeOf(answer), "Busy");
});

test("a second phone is told that the camera is busy, and gets in when the first is gone; MQTT goes on meanwhile", async () => {
  const { name, pop } = await rig.line.label;
  const second = new CameraClient(await RadioCentral.open({ port: rig.line.radioPort }));
  try {
    await second.connect(name);
    await assert.rejects(second.openSession(pop), { code: "Busy" });
    assert.equal((await second.version()).devicelink?.busy, true);
    await assert.rejects(second.request("camera-command", { type: "GetDeviceInfo" }), "there is no session");
    assert.equal((await people[0].ask({ type: "GetDeviceInfo" })).state, "online");
    assert.equal((await rig.owner.deviceInfo()).thingName, thingName, "the first is not disturbed");
    await rig.dropPhone();
    for (const deadline = Date.now() + 10_000; ; ) {
      const code = await second.openSession(pop).then(
        () => undefined,
        (error) => error.code,
      );
      if (!code) break;
      assert.equal(code, "Busy");
      assert.ok(Date.now() < deadline, "the second phone gets in");
    }
    const info = (await second.request("camera-command", { type: "GetDeviceInfo" })) as Message;
    assert.equal(info.thingName, thingName);
    const [viaMQTT, viaBluetooth] = await Promise.all([
      people[1].ask({ type: "GetUpload" }),
      second.request("camera-upload", { type: "GetUpload" }) as Promise<Message>,
    ]);
    const { clientToken: _, ...same } = viaMQTT;
    assert.deepEqual(viaBluetooth, same, "the same answer on both ways");
  } finally {
    await second.close();
  }
});
