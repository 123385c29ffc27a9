/** A camera that changes hands: what its former owner has sent, and the broker has kept for it, never reaches the next one. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { UpdateCertificateCommand } from "@aws-sdk/client-iot";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { CameraOwner } from "../../sim/phone/camera-owner.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { LineRig } from "./line-rig.ts";
import { Operator } from "./operator.ts";

let rig: LineRig;
let operator: Operator;
const connections: ProcessEvent[] = [];

before(async () => {
  rig = await LineRig.open();
  await rig.provision();
});
after(async () => {
  await operator?.close();
  await rig?.close();
});

/** The next owner's phone: over Bluetooth, with a certificate of their own. */
async function registerAnew(): Promise<void> {
  const { name, pop } = await rig.line.label;
  const client = new CameraClient(await RadioCentral.open({ port: rig.line.radioPort }));
  try {
    await client.connect(name);
    await client.openSession(pop);
    const owner = new CameraOwner({ client, rootCA: rig.rootCA, registrar: rig.registrar });
    await owner.register(CameraOwner.thingNameOf(await owner.deviceInfo()));
  } finally {
    await client.close();
  }
}

test("commands that wait for the camera are dropped when it is registered anew; the session after that lasts", async () => {
  const { thingName, certificateId } = (await rig.owner.deviceInfo()) as Record<string, string>;
  operator = await Operator.connect(rig.line.cloud, thingName);
  rig.line.onCloudEvent = (event) => {
    if (event.event === "connect" && event.clientId === thingName) connections.push(event);
  };
  const send = (clientToken: string) => {
    const command = JSON.stringify({ type: "GetTelemetry", clientToken });
    return operator.client.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  };
  await rig.dropPhone();
  await rig.line.stopCamera("SIGKILL");
  await send("former owner");
  await operator.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: "INACTIVE" }));
  await rig.line.startCamera();
  await registerAnew();
  const info = await operator.persist({ type: "GetDeviceInfo" }, ({ certificateId: fresh, applyState }) =>
    Boolean(fresh && fresh !== certificateId && applyState === "applied"),
  );
  assert.equal(info.thingName, thingName, "it is the same thing");
  assert.equal(
    operator.heard.answers.some(({ clientToken }) => clientToken === "former owner"),
    false,
  );
  assert.deepEqual(
    connections.slice(0, 2).map(({ clean, sessionPresent }) => [clean, sessionPresent]),
    [
      [true, false],
      [false, false],
    ],
    "one clean session, then one that lasts",
  );
});
