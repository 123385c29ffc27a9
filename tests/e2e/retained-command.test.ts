/** Commands that come late: kept by the broker for whoever subscribes, past their time, or a second time after a restart. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

let rig: LineRig;
let operator: Operator;
let thingName = "";
let events: Message[] = [];

before(async () => {
  rig = await LineRig.open();
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"n":')) events.push(JSON.parse(line));
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

const publish = (message: object, retain = false) =>
  operator.client.publishAsync(`device/${thingName}/commands`, JSON.stringify(message), { qos: 1, retain });
/** The camera has done with starting. */
const isReady = () => operator.persist({ type: "TakePhoto", resolution: "QVGA" }, ({ imageId }) => Boolean(imageId));
const answersTo = (token: string) => operator.heard.answers.filter(({ clientToken }) => clientToken === token);
const codeOf = ({ error }: Message) => (error as { code: string } | undefined)?.code;

/** Off and on again, as with the mains switch. */
async function restart(): Promise<void> {
  await rig.line.stopCamera("SIGKILL");
  events = [];
  await rig.line.startCamera();
  await Promise.race([
    until("online", () => events.find(({ type, state }) => type === "CloudState" && state === "online"), 60_000),
    rig.line.failed,
  ]);
  // Answered when everything that the subscription brought has been taken.
  await operator.ask({ type: "GetUpload" }, 60_000);
}

test("a command that expired while the camera was away is refused, one that did not is carried out", {
  timeout: 120_000,
}, async () => {
  await rig.line.stopCamera("SIGKILL");
  const late = Date.now() + 1000;
  await publish({ type: "TakePhoto", resolution: "QVGA", clientToken: "late", expires: late });
  await publish({ type: "TakePhoto", resolution: "QVGA", clientToken: "in time", expires: Date.now() + 3_600_000 });
  await until("end of its time", () => (Date.now() > late ? true : undefined));
  await rig.line.startCamera();
  const [refused] = await until("answer", () => (answersTo("late").length ? answersTo("late") : undefined), 60_000);
  assert.equal(codeOf(refused), "Expired");
  const [taken] = await until("answer", () => (answersTo("in time").length ? answersTo("in time") : undefined), 60_000);
  // It may be starting still.
  assert.ok(taken.imageId || codeOf(taken) === "Busy", JSON.stringify(taken));
});

test("a retained TakePhoto is carried out when it is published, and never again", { timeout: 180_000 }, async () => {
  const command = { type: "TakePhoto", resolution: "QVGA", clientToken: "kept-by-the-broker" };
  await isReady();
  await publish(command, true);
  await until("answer", () => answersTo("kept-by-the-broker")[0]);
  assert.ok(answersTo("kept-by-the-broker")[0].imageId);
  for (let start = 0; start < 3; start += 1) {
    await restart();
    await until("event", () => events.find(({ type, code }) => type === "Error" && code === "Retained"));
    assert.ok(!events.some(({ type }) => type === "PhotoCaptured"), `picture at start ${start}`);
  }
  assert.deepEqual(
    answersTo("kept-by-the-broker").map(codeOf),
    [undefined, "Retained"],
    "told once, and not at each start",
  );
  await operator.client.publishAsync(`device/${thingName}/commands`, "", { qos: 1, retain: true });
  await restart();
  assert.ok(!events.some(({ code }) => code === "Retained"), "an empty retained message takes it away");
});

test("a command that comes a second time after a restart is not carried out", { timeout: 120_000 }, async () => {
  const command = { type: "TakePhoto", resolution: "QVGA", clientToken: "again" };
  await isReady();
  await publish(command);
  await until("answer", () => answersTo("again")[0]);
  await restart();
  await publish(command);
  await until("answer", () => answersTo("again")[1]);
  assert.deepEqual(answersTo("again").map(codeOf), [undefined, "Repeated"]);
  assert.ok(!events.some(({ type }) => type === "PhotoCaptured"));
});
