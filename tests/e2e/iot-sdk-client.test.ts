/** The session on the SDK's own MQTT client, in the XS host: the same unit tests, and the firmware's TLS to the local IoT Core. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { IoTClient } from "@aws-sdk/client-iot";
import { startCloud } from "../../sim/cloud/cloud.ts";
import { buildFirmware, buildHost } from "../../sim/host/build.ts";
import { startDevice } from "../../sim/host/device-process.ts";
import { skipWithoutSDK as skip, withSDKClient } from "./host/sdk-client.ts";
import { makeIdentity, SessionDevice, temporaryDirectory } from "./iot-rig.ts";

const tests = join(dirname(fileURLToPath(import.meta.url)), "..");

test("unit tests of the session", { skip }, async (t) => {
  await buildHost();
  const manifest = await buildFirmware(await withSDKClient("unit", join(tests, "unit/manifest.json")));
  const files = (await readdir(join(tests, "unit/cloud"))).filter((name) => name.endsWith(".test.ts"));
  for (const file of files)
    await t.test(file, async () => {
      const storage = await mkdtemp(join(tmpdir(), "devicelink-sdk-client-"));
      const module = `tests/unit/cloud/${file.slice(0, -3)}`;
      const device = await startDevice({ manifest, module, environment: { STORAGE_DIRECTORY: storage } });
      const { code, stderr } = await device.exited;
      await rm(storage, { recursive: true });
      assert.equal(code, 0, stderr);
      const failures = device.lines.filter((line) => line.startsWith('{"test":') && !JSON.parse(line).ok);
      assert.deepEqual(failures, []);
      assert.ok(
        device.lines.some((line) => line.startsWith('{"done":')),
        "the file was finished",
      );
    });
});

test("over the firmware's TLS", { skip }, async (t) => {
  const directory = await temporaryDirectory();
  const cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out` });
  const client = new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
  });
  t.after(async () => {
    client.destroy();
    await cloud.close();
    await directory.remove();
  });
  const { endpoint, thingName: clientId, certificate, key } = await makeIdentity(client, "camera-1");
  const manifest = await withSDKClient("e2e", join(tests, "e2e/firmware/cloud/manifest.json"));
  const settings = { endpoint, clientId, root: cloud.ca.certPem, certificate, key };
  const it = await SessionDevice.start(settings, { manifest });
  t.after(() => it.stop());
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  for (const payload of ["one", "", "x".repeat(3000)])
    await it.do("publish", { topic: "device/camera-1/telemetry", payload });
  await cloud.iot.publish("device/camera-1/commands", "");
  await cloud.iot.publish("device/camera-1/commands", "after the empty one");
  await it.message("after the empty one");
});
