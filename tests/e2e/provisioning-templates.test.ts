import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CreateProvisioningTemplateCommand, IoTClient } from "@aws-sdk/client-iot";
import { connect, type MqttClient } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { Provisioning } from "../../sim/cloud/provisioning.ts";
import { evaluateTemplate } from "../../sim/cloud/provisioning-template.ts";
import { createClaim } from "../../sim/phone/fleet.ts";
import { makeRequest, temporaryDirectory } from "./iot-rig.ts";

const minute = 60_000;
const certificate = {
  Type: "AWS::IoT::Certificate",
  Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "ACTIVE" },
};
const template = (ThingName: unknown, more: object = {}) =>
  JSON.stringify({
    Parameters: {
      Serial: { Type: "String" },
      Site: { Type: "String", Default: "home" },
      "AWS::IoT::Certificate::Id": {},
    },
    Mappings: { Sites: { home: { code: "H" }, work: { code: "W" } } },
    Resources: { certificate, thing: { Type: "AWS::IoT::Thing", Properties: { ThingName } } },
    ...more,
  });

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let provisioning: Provisioning;
let iot: IoTClient;
let now = Date.now();
const clients: MqttClient[] = [];

before(async () => {
  directory = await temporaryDirectory();
  cloud = await startCloud({ directory: join(directory.path, "cloud"), out: join(directory.path, "out") });
  const { ca, registry } = cloud;
  provisioning = new Provisioning({ path: join(directory.path, "own.json"), registry, ca, now: () => now });
  provisioning.createTemplate({ ...fleet, templateName: "own", type: "FLEET_PROVISIONING" });
  const requestHandler = { httpsAgent: { ca: ca.certPem } };
  iot = new IoTClient({ region: cloud.region, credentials: cloud.accessKey, requestHandler, endpoint: cloud.api.url });
});

after(async () => {
  for (const client of clients) await client.endAsync(true);
  await cloud?.close();
  await directory?.remove();
});

const fleet = {
  templateName: "fleet",
  templateBody: template({ Ref: "Serial" }),
  provisioningRoleArn: "arn:aws:iam::123456789012:role/provisioning",
  enabled: true,
};

test("the functions of templates", () => {
  const cases: [unknown, string][] = [
    [{ Ref: "Serial" }, "a-1"],
    [{ "Fn::Join": ["-", ["camera", { Ref: "Serial" }]] }, "camera-a-1"],
    [{ "Fn::Select": ["1", { "Fn::Split": ["-", { Ref: "Serial" }] }] }, "1"],
    [{ "Fn::FindInMap": ["Sites", { Ref: "Site" }, "code"] }, "H"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: AWS's own syntax
    [{ "Fn::Sub": "${Site}:${Serial}" }, "home:a-1"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: AWS's own syntax
    [{ "Fn::Sub": ["${x}_${Serial}", { x: "y" }] }, "y_a-1"],
  ];
  const given = { Serial: "a-1", "AWS::IoT::Certificate::Id": "id" };
  for (const [ThingName, expected] of cases)
    assert.equal(evaluateTemplate(template(ThingName), given).thing?.thingName, expected);
  const configured = template("x", {
    DeviceConfiguration: { endpoint: { "Fn::Join": ["", ["iot-", { Ref: "Site" }]] } },
  });
  assert.deepEqual(evaluateTemplate(configured, given).deviceConfiguration, { endpoint: "iot-home" });
  const bad: [string, object][] = [
    [template({ Ref: "Nobody" }), given],
    [template({ "Fn::Explode": "x" }), given],
    [template("x"), { Serial: "1" }],
    [JSON.stringify({ Resources: {} }), given],
    [JSON.stringify({ Resources: { certificate, queue: { Type: "AWS::SQS::Queue" } } }), given],
  ];
  for (const [body, values] of bad)
    assert.throws(() => evaluateTemplate(body, values as Record<string, string>), { name: "TemplateError" });
});

const register = (token: string, Serial: string) =>
  provisioning.registerThing({ templateName: "own", token, parameters: { Serial }, clientId: "claim-1" });

test("a token is good once, for an hour, and then its certificate is gone", async () => {
  const { csr } = await makeRequest("x");
  const first = await provisioning.createCertificate(csr);
  assert.equal(cloud.registry.certificate(first.certificateId).status, "INACTIVE");
  const answer = await register(first.certificateOwnershipToken, "one");
  assert.deepEqual(answer, { deviceConfiguration: {}, thingName: "one" });
  assert.equal(cloud.registry.certificate(first.certificateId).status, "ACTIVE");
  const again = () => register(first.certificateOwnershipToken, "one");
  await assert.rejects(again, { message: "InvalidCertificateOwnershipToken" });

  const second = await provisioning.createCertificate(csr);
  now += 61 * minute;
  const late = () => register(second.certificateOwnershipToken, "two");
  await assert.rejects(late, { message: "InvalidCertificateOwnershipToken" });
  assert.equal(cloud.registry.findCertificate(second.certificateId), undefined);
});

test("a claim is good for five minutes", async () => {
  const claim = await provisioning.createClaim("own");
  assert.ok(new X509Certificate(claim.certPem).checkPrivateKey(createPrivateKey(claim.keyPem)));
  now += 4 * minute;
  assert.equal(provisioning.isExpired(claim.certificateId), false);
  now += minute;
  assert.equal(provisioning.isExpired(claim.certificateId), true);
});

/** A device with a claim, and the answers that it hears. */
async function claimant(clientId: string): Promise<{ client: MqttClient; heard: [string, Record<string, string>][] }> {
  const { privKey: key, certPem: cert } = await createClaim(iot, "fleet");
  const where = { host: "localhost", port: cloud.iot.port, protocol: "mqtts" as const, ca: cloud.ca.certPem };
  const client = connect({ ...where, key, cert, clientId, reconnectPeriod: 0 });
  clients.push(client);
  const heard: [string, Record<string, string>][] = [];
  client.on("message", (topic, payload) => heard.push([topic.split("/").at(-1)!, JSON.parse(payload.toString())]));
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  for (const topic of [csrTopic, registerTopic])
    await client.subscribeAsync([`${topic}/accepted`, `${topic}/rejected`], { qos: 1 });
  return { client, heard };
}

const csrTopic = "$aws/certificates/create-from-csr/json";
const registerTopic = "$aws/provisioning-templates/fleet/provision/json";

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; !condition() && Date.now() < deadline; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

test("over MQTT: answers go to the one who asked, and rejections have AWS's shape", async () => {
  await iot.send(new CreateProvisioningTemplateCommand(fleet));
  const one = await claimant("one");
  const two = await claimant("two");
  const { csr } = await makeRequest("x");
  await one.client.publishAsync(csrTopic, JSON.stringify({ certificateSigningRequest: csr }), { qos: 1 });
  await until(() => one.heard.length === 1);
  const [end, { certificateOwnershipToken, certificatePem, certificateId }] = one.heard[0];
  assert.equal(end, "accepted");
  assert.ok(certificatePem.startsWith("-----BEGIN CERTIFICATE-----"));
  assert.equal(certificateId.length, 64);

  const ask = async (topic: string, payload: string) => {
    one.heard.length = 0;
    await one.client.publishAsync(topic, payload, { qos: 1 });
    await until(() => one.heard.length === 1);
    const [outcome, { statusCode, errorCode, errorMessage }] = one.heard[0];
    assert.equal(typeof errorMessage, "string");
    return `${outcome} ${statusCode} ${errorCode}`;
  };
  assert.equal(await ask(csrTopic, "{}"), "rejected 400 InvalidCertificateSigningRequest");
  assert.equal(await ask(csrTopic, "nonsense"), "rejected 400 InvalidPayload");
  const wrong = JSON.stringify({ certificateOwnershipToken: "x", parameters: { Serial: "1" } });
  assert.equal(await ask(registerTopic, wrong), "rejected 400 InvalidCertificateOwnershipToken");
  const poor = JSON.stringify({ certificateOwnershipToken, parameters: {} });
  assert.equal(await ask(registerTopic, poor), "rejected 400 InvalidParameters");
  assert.deepEqual(two.heard, []);
});
