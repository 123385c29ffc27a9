/** A session behind a NAT that forgets idle connections without a word; the device's time runs faster than ours. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IoTClient } from "@aws-sdk/client-iot";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { ForgetfulNAT } from "./forgetful-nat.ts";
import { type Identity, makeIdentity, SessionDevice, temporaryDirectory } from "./iot-rig.ts";

/** Device seconds in one of ours. */
const timeScale = 30;
/** Device seconds after which the NAT forgets: the first interval's pings (210 s) come too late, those of the next one (105 s) in time. */
const patience = 150;
/** What takes our milliseconds, not the device's: a handshake, on a busy machine. */
const patient = { connectTimeout: 600_000, connackTimeout: 600_000, acknowledgeTimeout: 600_000 };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let identity: Identity;

before(async () => {
  directory = await temporaryDirectory();
  const limits = { connectsPerSecond: 1000 };
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, limits });
  const client = new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
  });
  identity = await makeIdentity(client, "camera-1");
  client.destroy();
});

after(async () => {
  await cloud?.close();
  await directory?.remove();
});

test("pings come sooner until the NAT does not forget, and a command arrives after any silence", async (t) => {
  const nat = await ForgetfulNAT.to(Number(identity.endpoint.split(":")[1]), (patience / timeScale) * 1000);
  t.after(() => nat.close());
  const { certificate, key, thingName: clientId } = identity;
  const endpoint = `localhost:${nat.port}`;
  const settings = { endpoint, clientId, root: cloud.ca.certPem, certificate, key, ...patient };
  const device = await SessionDevice.start(settings, { timeScale });
  t.after(() => device.stop());
  await device.do("subscribe", { topics: ["device/camera-1/commands"] });
  await device.event("dead connection", ({ code }) => code === "KeepAliveTimeout");
  assert.equal(nat.forgotten, 1);
  await device.state("connected", device.events.length);
  // Six times as long as the NAT waits: a command at the end of each silence arrives at once, by the same connection.
  const opened = nat.opened;
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, (2 * patience * 1000) / timeScale));
    await cloud.iot.publish("device/camera-1/commands", `command ${i}`);
    await device.message(`command ${i}`);
  }
  assert.deepEqual([nat.opened, nat.forgotten], [opened, 1]);
});
