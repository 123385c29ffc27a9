/** Who may have a certificate for a thing by fleet provisioning: the hook, what AWS IoT does with its answer, and its bundle. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  AttachThingPrincipalCommand,
  CreateProvisioningTemplateCommand,
  CreateThingCommand,
  IoTClient,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { type HookOutcome, ProvisioningHook } from "../../sim/cloud/provisioning-hook/hook.ts";
import { hookArn, serveProvisioningHook } from "../../sim/cloud/provisioning-hook/local.ts";
import { setUpFleet } from "../../sim/phone/fleet.ts";
import { makeIdentity, makeRequest } from "./iot-rig.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { LambdaRig } from "./lambda-rig.ts";

const roleArn = "arn:aws:iam::123456789012:role/provisioning";
const other = "0".repeat(64);

let directory = "";
let cloud: Cloud;
let iot: IoTClient;
const outcomes: HookOutcome[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-hook-"));
  cloud = await startCloud({ directory, out: join(directory, "out") });
  const requestHandler = { httpsAgent: { ca: cloud.ca.certPem } };
  iot = new IoTClient({ region: cloud.region, credentials: cloud.accessKey, requestHandler, endpoint: cloud.api.url });
  serveProvisioningHook(cloud, { onOutcome: (outcome) => outcomes.push(outcome) });
  await setUpFleet(iot, { templateName: "fleet", roleArn, region: cloud.region, hookArn: hookArn(cloud.region) });
});
after(async () => {
  iot?.destroy();
  await cloud?.close();
  await rm(directory, { recursive: true, force: true });
});

/** RegisterThing of a client, with a certificate that was just made. @returns the thing's name, or what it was refused with */
async function register(
  parametersOf: (certificateId: string) => Record<string, unknown>,
  { templateName = "fleet", claimCertificateId = other } = {},
): Promise<string | undefined> {
  const { csr } = await makeRequest("x");
  const { certificateId, certificateOwnershipToken: token } = await cloud.provisioning.createCertificate(csr);
  const parameters = parametersOf(certificateId) as Record<string, string>;
  const request = { templateName, token, parameters, clientId: "claim-1", claimCertificateId };
  return cloud.provisioning.registerThing(request).then(
    ({ thingName }) => thingName,
    (error) => {
      assert.equal(cloud.registry.certificate(certificateId).status, "INACTIVE", "nothing was made of it");
      return error.message;
    },
  );
}

/** A thing with a certificate. */
async function registered(thingName: string): Promise<string> {
  return (await makeIdentity(iot, thingName)).certificateId;
}

const serialOf = (thingName: string) => ({ SerialNumber: thingName.replace("camera-", "") });

test("a camera gets the thing that its key is the name of, and nobody else does", async () => {
  const [camera, stranger] = [new KeyedCamera(), new KeyedCamera()];
  const { thingName } = camera;
  const attempts: [string, (id: string) => Record<string, unknown>][] = [
    ["the serial number alone", () => serialOf(thingName)],
    ["signed by another", (id) => ({ ...stranger.signForCertificate(id), ...serialOf(thingName) })],
    ["signed for another certificate", () => camera.signForCertificate(other)],
    ["signed, but with another key", (id) => ({ ...camera.signForCertificate(id), PublicKey: stranger.publicKey })],
    ["no serial number", () => ({})],
    ["no text", () => ({ SerialNumber: 7 })],
    ["what is no name", () => ({ SerialNumber: "a/b" })],
    ["a name that is nobody's key's", () => ({ SerialNumber: "24A6CC" })],
  ];
  for (const [what, parametersOf] of attempts) assert.equal(await register(parametersOf), "AccessDenied", what);
  assert.equal(cloud.registry.things.length, 0);
  assert.equal(await register((id) => camera.signForCertificate(id)), thingName);
  assert.deepEqual(
    outcomes.map(({ reason }) => reason),
    [...attempts.map(() => "refused"), "signature"],
  );
  assert.equal(outcomes.at(-1)?.thing, thingName.replace("camera-", ""));
});

test("a camera that lost its new certificate with its power gets another one: it signs again", async () => {
  const camera = new KeyedCamera();
  await register((id) => camera.signForCertificate(id));
  assert.equal(await register((id) => camera.signForCertificate(id)), camera.thingName);
});

test("a thing that has a certificate is refused to a claim, and given to the one that is its own: rotation", async () => {
  const [mine, theirs] = [await registered("camera-0001"), await registered("camera-0002")];
  const rotate = (claimCertificateId: string) => register(() => serialOf("camera-0001"), { claimCertificateId });
  assert.equal(await rotate(other), "AccessDenied");
  assert.equal(await rotate(theirs), "AccessDenied", "another camera's");
  assert.equal(await rotate(mine), "camera-0001");
  assert.equal(outcomes.at(-1)?.reason, "rotation");
  await iot.send(new UpdateCertificateCommand({ certificateId: mine, newStatus: "INACTIVE" }));
  assert.equal(await rotate(other), "AccessDenied", "one that is not active is a certificate, too");
});

test("where nothing has to be proven: an old name that has no certificate, never one that is a key's", async () => {
  const hook = new ProvisioningHook({ iot, allowUnproven: true });
  const decide = async (thingName: string) =>
    (await hook.decide({ certificateId: other, claimCertificateId: other, parameters: serialOf(thingName) })).outcome
      .reason;
  assert.equal(await decide("camera-24A6CC"), "unproven");
  await iot.send(new CreateThingCommand({ thingName: "camera-24A6CC" }));
  assert.equal(await decide("camera-24A6CC"), "unproven", "a thing without a certificate");
  const principal = cloud.registry.arn(`cert/${await registered("camera-0003")}`);
  await iot.send(new AttachThingPrincipalCommand({ thingName: "camera-24A6CC", principal }));
  assert.equal(await decide("camera-24A6CC"), "refused");
  assert.equal(await decide(new KeyedCamera().thingName), "refused");
});

test("a hook that fails, is not there, or answers nonsense refuses; what it overrides is used", async () => {
  const answers: [string, () => Promise<unknown>, string][] = [
    ["throws", () => Promise.reject(new Error("no")), "AccessDenied"],
    ["nothing", async () => undefined, "AccessDenied"],
    ["truthy", async () => ({ allowProvisioning: "true" }), "AccessDenied"],
    [
      "overrides",
      async () => ({ allowProvisioning: true, parameterOverrides: { SerialNumber: "other" } }),
      "camera-other",
    ],
  ];
  const templateBody = cloud.provisioning.template("fleet").templateBody;
  for (const [name, run, expected] of answers) {
    const targetArn = `${hookArn(cloud.region)}-${name}`;
    cloud.provisioning.serveFunction(targetArn, run);
    const preProvisioningHook = { payloadVersion: "2020-04-01", targetArn };
    const template = {
      templateName: name,
      templateBody,
      provisioningRoleArn: roleArn,
      enabled: true,
      preProvisioningHook,
    };
    await iot.send(new CreateProvisioningTemplateCommand(template));
    assert.equal(await register(() => ({ SerialNumber: "1" }), { templateName: name }), expected, name);
  }
  const preProvisioningHook = { targetArn: hookArn("nowhere") };
  const template = {
    templateName: "gone",
    templateBody,
    provisioningRoleArn: roleArn,
    enabled: true,
    preProvisioningHook,
  };
  await iot.send(new CreateProvisioningTemplateCommand(template));
  assert.equal(await register(() => ({ SerialNumber: "1" }), { templateName: "gone" }), "AccessDenied");
});

test("the bundle, as Lambda runs it: AWS's event in, its decision out, one line in the log", async () => {
  const rig = await LambdaRig.open({
    handler: "sim/cloud/provisioning-hook/handler.ts",
    ca: cloud.ca,
    table: () => [500, {}],
  });
  try {
    const { accessKeyId, secretAccessKey } = cloud.accessKey;
    const env = {
      AWS_REGION: cloud.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: "",
      AWS_ENDPOINT_URL_IOT: cloud.api.url,
      ALLOW_UNPROVEN: "false",
    };
    const camera = new KeyedCamera();
    const common = {
      certificateId: other,
      claimCertificateId: other,
      clientId: "claim-1",
      templateArn: "arn",
      certificatePem: "",
    };
    const said = JSON.parse(await rig.invoke({ ...common, parameters: camera.signForCertificate(other) }, env));
    assert.deepEqual(said, { thing: camera.thingName.replace("camera-", ""), certificate: other, reason: "signature" });
    const refused = JSON.parse(await rig.invoke({ ...common, parameters: serialOf(camera.thingName) }, env));
    assert.equal(refused.reason, "refused");
    await assert.rejects(
      rig.invoke(common, { ...env, ALLOW_UNPROVEN: "" }),
      /environment variable ALLOW_UNPROVEN is missing/,
    );
  } finally {
    await rig.close();
  }
});
