import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DescribeCACertificateCommand,
  DescribeCertificateCommand,
  GetRegistrationCodeCommand,
  IoTClient,
  RegisterCACertificateCommand,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { connect, type MqttClient } from "mqtt";
import { certificateId, parseCertificate } from "../../certs/certificates.ts";
import { OwnerCA } from "../../certs/owner-ca.ts";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { policyFor } from "../../sim/phone/aws.ts";
import { makeIdentity, temporaryDirectory } from "./iot-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let iot: IoTClient;

before(async () => {
  directory = await temporaryDirectory();
  cloud = await startCloud({ directory: join(directory.path, "cloud"), out: join(directory.path, "out") });
  const requestHandler = { httpsAgent: { ca: cloud.ca.certPem } };
  iot = new IoTClient({ region: cloud.region, credentials: cloud.accessKey, requestHandler, endpoint: cloud.api.url });
  const policyDocument = await policyFor(cloud.registry.arn("x"));
  await iot.send(new CreatePolicyCommand({ policyName: "devicelink-camera", policyDocument }));
});

after(async () => {
  await cloud?.close();
  await directory?.remove();
});

async function registrationCode(): Promise<string> {
  return (await iot.send(new GetRegistrationCodeCommand({}))).registrationCode!;
}

async function register(authority: OwnerCA, registrationConfig?: object, verification?: string): Promise<string> {
  const { certificateId: id } = await iot.send(
    new RegisterCACertificateCommand({
      caCertificate: authority.certPem,
      verificationCertificate: verification ?? (await authority.verification(await registrationCode())),
      setAsActive: true,
      allowAutoRegistration: true,
      registrationConfig,
    }),
  );
  return id!;
}

function client(clientId: string, { keyPem, certPem }: { keyPem: string; certPem: string }): MqttClient {
  const { certPem: ca } = cloud.ca;
  const where = { host: "localhost", port: cloud.iot.port, protocol: "mqtts" as const };
  return connect({ ...where, ca, key: keyPem, cert: certPem, clientId, reconnectPeriod: 0 });
}

/** @returns whether the broker accepted */
async function tryToConnect(clientId: string, identity: { keyPem: string; certPem: string }): Promise<boolean> {
  const mqtt = client(clientId, identity);
  mqtt.on("error", () => {});
  const accepted = await new Promise<boolean>((resolve) => {
    mqtt.once("connect", () => resolve(true));
    mqtt.once("close", () => resolve(false));
  });
  await mqtt.endAsync(true);
  return accepted;
}

const open = (name: string) => OwnerCA.open(join(directory.path, name));

test("just-in-time registration: dropped until the one who hears the event has activated the certificate", async () => {
  const authority = await open("jitr");
  const caId = await register(authority);
  const description = (await iot.send(new DescribeCACertificateCommand({ certificateId: caId })))
    .certificateDescription;
  assert.equal(description?.status, "ACTIVE");
  assert.equal(description?.autoRegistrationStatus, "ENABLE");

  const { key: keyPem, certificate: certPem, certificateArn } = await makeIdentity(iot, "registrar");
  const allow = { Effect: "Allow", Action: ["iot:Subscribe", "iot:Receive"], Resource: "*" };
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  await iot.send(new CreatePolicyCommand({ policyName: "registrar", policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: "registrar", target: certificateArn }));
  const registrar = client("registrar", { keyPem, certPem });
  const heard: Record<string, unknown>[] = [];
  registrar.on("message", (_, payload) => heard.push(JSON.parse(payload.toString())));
  await new Promise<void>((resolve) => registrar.once("connect", () => resolve()));
  await registrar.subscribeAsync(`$aws/events/certificates/registered/${caId}`);

  const device = await authority.device("camera-jitr");
  const id = certificateId(parseCertificate(device.certPem));
  assert.equal(await tryToConnect("camera-jitr", device), false);
  assert.equal(await tryToConnect("camera-jitr", device), false, "still waiting");
  for (const deadline = Date.now() + 5000; heard.length < 2 && Date.now() < deadline; )
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard.length, 2, "told again whenever it presents itself");
  const { certificateId: told, caCertificateId, certificateStatus, awsAccountId } = heard[0];
  assert.deepEqual(
    [told, caCertificateId, certificateStatus, awsAccountId],
    [id, caId, "PENDING_ACTIVATION", "123456789012"],
  );

  const arn = cloud.registry.arn(`cert/${id}`);
  await iot.send(new UpdateCertificateCommand({ certificateId: id, newStatus: "ACTIVE" }));
  assert.equal(await tryToConnect("camera-jitr", device), false, "active without a policy is closed as well");
  await iot.send(new CreateThingCommand({ thingName: "camera-jitr" }));
  await iot.send(new AttachThingPrincipalCommand({ thingName: "camera-jitr", principal: arn }));
  await iot.send(new AttachPolicyCommand({ policyName: "devicelink-camera", target: arn }));
  assert.equal(await tryToConnect("camera-jitr", device), true);
  await registrar.endAsync(true);
});

test("a template whose parameter is not in the subject leaves the certificate pending", async () => {
  const authority = await open("poor");
  const Parameters = { "AWS::IoT::Certificate::Country": { Type: "String" } };
  const certificate = { Type: "AWS::IoT::Certificate", Properties: { CertificateId: "x" } };
  const templateBody = JSON.stringify({ Parameters, Resources: { certificate } });
  await register(authority, { templateBody, roleArn: "arn:aws:iam::123456789012:role/provisioning" });
  const device = await authority.device("camera-poor");
  assert.equal(await tryToConnect("camera-poor", device), false);
  assert.equal(await tryToConnect("camera-poor", device), false);
  const described = await iot.send(
    new DescribeCertificateCommand({ certificateId: certificateId(parseCertificate(device.certPem)) }),
  );
  assert.equal(described.certificateDescription?.status, "PENDING_ACTIVATION");
});

test("an authority is taken only from the one who holds its key, and what it did not sign stays unknown", async () => {
  const authority = await open("mine");
  const other = await open("other");
  const code = await registrationCode();
  const refused: [string, () => Promise<unknown>][] = [
    [
      "RegistrationCodeValidationException",
      async () => register(authority, undefined, await authority.verification("guessed")),
    ],
    ["CertificateValidationException", async () => register(authority, undefined, await other.verification(code))],
    ["CertificateValidationException", async () => register(authority, undefined, "nonsense")],
    ["InvalidRequestException", async () => register(authority, { templateBody: "{" })],
    ["ResourceNotFoundException", async () => register(authority, { templateName: "nothing" })],
  ];
  for (const [name, attempt] of refused) await assert.rejects(attempt(), { name });
  await register(authority);
  await assert.rejects(register(authority), { name: "ResourceAlreadyExistsException" });
  const stranger = await other.device("camera-stranger");
  assert.equal(await tryToConnect("camera-stranger", stranger), false);
  assert.equal(cloud.registry.findCertificate(certificateId(parseCertificate(stranger.certPem))), undefined);
});

test("the tool makes the authority, its proof, devices and the registration", () => {
  const at = join(directory.path, "tool");
  const tool = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "certs/owner-ca-cli.ts", at, ...args], { encoding: "utf8" });
  const authority = parseCertificate(tool("ca").stdout);
  assert.equal(statSync(join(at, "local-ca.key")).mode & 0o777, 0o600);
  assert.equal(parseCertificate(tool("verification", "abc123").stdout).subject, "CN=abc123");
  const device = tool("device", "camera-1").stdout;
  assert.equal(createPrivateKey(device).asymmetricKeyType, "ec");
  assert.equal(parseCertificate(device).issuer, authority.subject);
  const { templateBody, roleArn } = JSON.parse(tool("registration", "arn:aws:iam::123456789012:role/p").stdout);
  assert.equal(roleArn, "arn:aws:iam::123456789012:role/p");
  assert.equal(JSON.parse(templateBody).Resources.thing.Properties.ThingName.Ref, "AWS::IoT::Certificate::CommonName");
  for (const args of [[], ["ca", "x"], ["device"], ["device", "a/b"], ["registration", "role"], ["explode", "x"]])
    assert.equal(tool(...args).status, 2, args.join(" "));
});
