/** The local cloud, judged by clients that nobody here wrote: the AWS SDK's IoT client, and npm mqtt as a device. */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { connect as connectTCP } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTLS, type TLSSocket } from "node:tls";
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  GetPolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { policyFor } from "../../sim/phone/aws.ts";
import { type Identity, makeIdentity, makeRequest, temporaryDirectory } from "./iot-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let client: IoTClient;
let identity: Identity;

const limits = { connectsPerSecond: 1000 };

function makeClient(overrides = {}): IoTClient {
  return new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey }, // the SDK writes into it
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
    maxAttempts: 1,
    ...overrides,
  });
}

async function start(): Promise<void> {
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, limits });
  client?.destroy();
  client = makeClient();
}

before(async () => {
  directory = await temporaryDirectory();
  await start();
  identity = await makeIdentity(client, "camera-1");
});

after(async () => {
  client?.destroy();
  await cloud?.close();
  await directory?.remove();
});

const policyDocument = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
});

test("control plane: a thing, its certificate and its policy, from making to deleting", async () => {
  const { csr } = await makeRequest("life");
  const thing = await client.send(
    new CreateThingCommand({ thingName: "life", attributePayload: { attributes: { model: "mega" } } }),
  );
  assert.equal(thing.thingArn, "arn:aws:iot:us-east-1:123456789012:thing/life");
  const made = await client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr }));
  const certificateId = made.certificateId!;
  const principal = made.certificateArn!;
  assert.match(certificateId, /^[0-9a-f]{64}$/);
  await client.send(new CreatePolicyCommand({ policyName: "life", policyDocument }));
  await client.send(new AttachPolicyCommand({ policyName: "life", target: principal }));
  await client.send(new AttachThingPrincipalCommand({ thingName: "life", principal }));

  const described = await client.send(new DescribeCertificateCommand({ certificateId }));
  assert.equal(described.certificateDescription?.status, "INACTIVE");
  assert.equal(described.certificateDescription?.certificatePem, made.certificatePem);
  assert.ok(Math.abs(described.certificateDescription.creationDate!.getTime() - Date.now()) < 60_000);
  assert.deepEqual((await client.send(new DescribeThingCommand({ thingName: "life" }))).attributes, { model: "mega" });
  assert.ok((await client.send(new ListThingsCommand({}))).things?.some(({ thingName }) => thingName === "life"));
  const { principals } = await client.send(new ListThingPrincipalsCommand({ thingName: "life" }));
  assert.deepEqual(principals, [principal]);
  const { policies } = await client.send(new ListAttachedPoliciesCommand({ target: principal }));
  assert.deepEqual(
    policies?.map(({ policyName }) => policyName),
    ["life"],
  );
  assert.equal((await client.send(new GetPolicyCommand({ policyName: "life" }))).policyDocument, policyDocument);
  const { endpointAddress } = await client.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
  assert.equal(endpointAddress, `localhost:${cloud.iot.port}`);

  await client.send(new UpdateCertificateCommand({ certificateId, newStatus: "ACTIVE" }));
  await assert.rejects(client.send(new DeleteThingCommand({ thingName: "life" })), { name: "InvalidRequestException" });
  await assert.rejects(client.send(new DeletePolicyCommand({ policyName: "life" })), {
    name: "DeleteConflictException",
  });
  const deleteCertificate = () => client.send(new DeleteCertificateCommand({ certificateId }));
  await assert.rejects(deleteCertificate(), { name: "CertificateStateException" });
  await client.send(new UpdateCertificateCommand({ certificateId, newStatus: "INACTIVE" }));
  await assert.rejects(deleteCertificate(), { name: "DeleteConflictException" });
  await client.send(new DetachThingPrincipalCommand({ thingName: "life", principal }));
  await client.send(new DetachPolicyCommand({ policyName: "life", target: principal }));
  await deleteCertificate();
  await client.send(new DeletePolicyCommand({ policyName: "life" }));
  await client.send(new DeleteThingCommand({ thingName: "life" }));
  await assert.rejects(client.send(new DescribeThingCommand({ thingName: "life" })), {
    name: "ResourceNotFoundException",
  });
});

test("control plane: errors have AWS's names and status", async () => {
  const cases: [() => Promise<unknown>, string, number][] = [
    [() => client.send(new DescribeThingCommand({ thingName: "none" })), "ResourceNotFoundException", 404],
    [() => client.send(new CreateThingCommand({ thingName: "not allowed" })), "InvalidRequestException", 400],
    [
      () =>
        client.send(new CreateThingCommand({ thingName: "camera-1", attributePayload: { attributes: { a: "b" } } })),
      "ResourceAlreadyExistsException",
      409,
    ],
    [
      () => client.send(new CreatePolicyCommand({ policyName: "devicelink-camera", policyDocument })),
      "ResourceAlreadyExistsException",
      409,
    ],
    [
      () => client.send(new CreatePolicyCommand({ policyName: "p", policyDocument: "{}" })),
      "MalformedPolicyException",
      400,
    ],
    [
      () =>
        client.send(
          new CreatePolicyCommand({
            policyName: "p",
            policyDocument: policyDocument.replace('"*"', `"${"x".repeat(2048)}"`),
          }),
        ),
      "MalformedPolicyException",
      400,
    ],
    [
      () => client.send(new AttachPolicyCommand({ policyName: "none", target: identity.certificateArn })),
      "ResourceNotFoundException",
      404,
    ],
    [
      () => client.send(new AttachPolicyCommand({ policyName: "devicelink-camera", target: "arn:aws:iam::1:role/x" })),
      "InvalidRequestException",
      400,
    ],
    [
      () => client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: "no request" })),
      "InvalidRequestException",
      400,
    ],
    [
      () => client.send(new DescribeCertificateCommand({ certificateId: "0".repeat(64) })),
      "ResourceNotFoundException",
      404,
    ],
    [() => client.send(new DescribeEndpointCommand({ endpointType: "iot:Nothing" })), "InvalidRequestException", 400],
  ];
  for (const [call, name, status] of cases) {
    const error = await call().then(
      () => assert.fail(`${name} expected`),
      (failure) => failure,
    );
    assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [name, status], error.message);
  }
});

test("control plane: who does not sign, or signs with something else, gets nothing", async () => {
  const { accessKeyId, secretAccessKey } = cloud.accessKey;
  for (const [overrides, name] of [
    [{ credentials: { accessKeyId, secretAccessKey: `${secretAccessKey.slice(1)}x` } }, "InvalidSignatureException"],
    [{ credentials: { accessKeyId: "AKIANOBODY", secretAccessKey } }, "UnrecognizedClientException"],
    [{ credentials: { accessKeyId, secretAccessKey, sessionToken: "x" } }, "UnrecognizedClientException"],
    [{ region: "eu-west-1" }, "InvalidSignatureException"],
  ] as const) {
    const other = makeClient(overrides);
    await assert.rejects(other.send(new ListThingsCommand({})), { name });
    other.destroy();
  }
  const { default: https } = await import("node:https");
  const [response] = await once(https.get(`${cloud.api.url}/things`, { ca: cloud.ca.certPem }), "response");
  assert.equal(response.statusCode, 403);
  response.resume();
});

test("the cloud is the same after a restart: things, certificates, policies, ports, credentials", async () => {
  const facts = () => {
    const { s3, iot, api, accessKey, ca } = cloud;
    return [s3.port, iot.port, api.port, accessKey.accessKeyId, accessKey.secretAccessKey, ca.certPem];
  };
  const before = facts();
  await cloud.close();
  await start();
  assert.ok(facts().every((fact, i) => fact === before[i]));
  const { principals } = await client.send(new ListThingPrincipalsCommand({ thingName: "camera-1" }));
  assert.deepEqual(principals, [identity.certificateArn]);
  const mqtt = await device();
  await mqtt.endAsync();
});

test("the policy of the cameras has no wildcard but in their own shadow and jobs, fits AWS's limit and follows partition and region", async () => {
  const longest = await policyFor("arn:aws-us-gov:iot:us-gov-west-1:210987654321:cert/x");
  assert.ok(longest.length < 2048, `${longest.length} characters`);
  const document = await policyFor("arn:aws-cn:iot:cn-north-1:210987654321:cert/x");
  const own = /\$aws\/things\/\$\{iot:Connection\.Thing\.ThingName\}\/(shadow\/(get|update)\/?|jobs\/)\*"/g;
  assert.ok(!document.replaceAll(own, '"').includes("*"));
  const resources: string[] = JSON.parse(document).Statement.flatMap(
    ({ Resource }: { Resource: string[] }) => Resource,
  );
  for (const resource of resources)
    assert.match(resource, /^arn:aws-cn:iot:cn-north-1:210987654321:(client|topic|topicfilter)\//);
});

async function device(options: IClientOptions = {}): Promise<MqttClient> {
  const { certificate: cert, key, thingName: clientId } = identity;
  const ca = cloud.ca.certPem;
  const url = `mqtts://localhost:${cloud.iot.port}`;
  const mqtt = await connectAsync(url, { ca, cert, key, clientId, clean: true, reconnectPeriod: 0, ...options }, false);
  mqtt.on("error", () => {});
  return mqtt;
}

const emitter = (mqtt: MqttClient) => mqtt as unknown as EventEmitter;

test("npm mqtt as the camera: publishes, subscribes, is told; presence events of its coming and going", async (t) => {
  const presence: string[] = [];
  const observer = await observerDevice(t);
  await observer.subscribeAsync("$aws/events/presence/#", { qos: 0 });
  observer.on("message", (_topic, payload) => {
    const { eventType, clientId, disconnectReason } = JSON.parse(payload.toString());
    presence.push([eventType, clientId, disconnectReason].filter(Boolean).join(" "));
  });
  const mqtt = await device();
  await mqtt.subscribeAsync("device/camera-1/commands", { qos: 1 });
  const message = once(emitter(mqtt), "message");
  await cloud.iot.publish("device/camera-1/commands", "x");
  assert.equal((await message)[0], "device/camera-1/commands");
  await mqtt.publishAsync("device/camera-1/telemetry", "y", { qos: 1 });
  await mqtt.endAsync();
  while (presence.length < 2) await delay(10);
  assert.deepEqual(presence, ["connected camera-1", "disconnected camera-1 CLIENT_INITIATED_DISCONNECT"]);
});

/** A client of the same account that may see everything. */
async function observerDevice(t: { after(body: () => Promise<void>): void }): Promise<MqttClient> {
  const { key, csr } = await makeRequest("observer");
  const { certificateArn, certificatePem } = await client.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
  );
  await client.send(new CreatePolicyCommand({ policyName: "observer", policyDocument }));
  await client.send(new AttachPolicyCommand({ policyName: "observer", target: certificateArn }));
  const mqtt = await device({ cert: certificatePem, key, clientId: "observer" });
  t.after(async () => {
    await mqtt.endAsync(true);
  });
  return mqtt;
}

test("limits: what AWS would not take ends the connection", async () => {
  const violations: [string, (mqtt: MqttClient) => unknown][] = [
    ["topic of more than 256 bytes", (mqtt) => mqtt.publish(`device/camera-1/${"x".repeat(250)}`, "x")],
    ["topic with more than 7 slashes", (mqtt) => mqtt.publish("device/camera-1/1/2/3/4/5/6/7", "x")],
    ["payload of more than 128 KB", (mqtt) => mqtt.publish("device/camera-1/telemetry", Buffer.alloc(128 * 1024 + 1))],
    ["more than 8 filters", (mqtt) => mqtt.subscribe(Array.from({ length: 9 }, (_, i) => `device/camera-1/${i}`))],
    ["a foreign topic", (mqtt) => mqtt.publish("device/camera-2/telemetry", "x")],
  ];
  for (const [what, violate] of violations) {
    const mqtt = await device();
    const end = once(emitter(mqtt), "close");
    violate(mqtt);
    await Promise.race([end, delay(5000).then(() => assert.fail(`${what}: the connection is still there`))]);
    mqtt.end(true);
  }
});

test("a QoS 2 PUBLISH and SUBSCRIBE get no answer, and the connection goes on", async () => {
  const mqtt = await device();
  let answered = false;
  mqtt.publish("device/camera-1/telemetry", "x", { qos: 2 }, (error) => {
    answered ||= !error;
  });
  mqtt.subscribe("device/camera-1/commands", { qos: 2 }, (error) => {
    answered ||= !error;
  });
  await delay(300);
  assert.equal(answered, false);
  await mqtt.publishAsync("device/camera-1/telemetry", "y", { qos: 1 });
  await mqtt.endAsync(true);
});

test("more than a hundred messages in a second are discarded without an answer", async (t) => {
  const seen: number[] = [];
  const note = ({ payload }: { payload: Buffer }) => seen.push(Number(payload.toString()));
  cloud.iot.on("publish", note);
  const mqtt = await device();
  // All in one moment of the broker's clock, however long they take.
  const now = performance.now();
  t.mock.method(performance, "now", () => now);
  for (let i = 0; i < 300; i += 1) mqtt.publish("device/camera-1/telemetry", String(i), { qos: 0 });
  // It is answered when all that came before has been judged.
  await mqtt.subscribeAsync("device/camera-1/commands", { qos: 1 });
  for (const deadline = Date.now() + 5000; seen.length < 100 && Date.now() < deadline; ) await delay(10);
  await delay(100); // for one too many
  cloud.iot.off("publish", note);
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i),
  );
  await mqtt.endAsync(true);
});

test("keep-alive: what is asked for is clamped, and whoever is silent for one and a half times is dropped", async () => {
  const granted: number[] = [];
  const note = ({ keepAlive }: { keepAlive: number }) => granted.push(keepAlive);
  cloud.iot.on("connect", note);
  for (const keepalive of [0, 10, 600, 6000]) await (await device({ keepalive })).endAsync();
  cloud.iot.off("connect", note);
  assert.deepEqual(granted, [1200, 30, 600, 1200]);

  const out = await temporaryDirectory();
  const quick = await startCloud({
    directory: `${out.path}/cloud`,
    out: out.path,
    limits: { ...limits, keepAliveMinimum: 1, keepAliveMaximum: 1 },
  });
  quick.registry.addCertificate(identity.certificate, "ACTIVE");
  quick.registry.createPolicy("all", policyDocument);
  quick.registry.attachPolicy("all", identity.certificateArn);
  const { certificate: cert, key } = identity;
  const ca = [quick.ca.certPem];
  const socket = connectTLS({ host: "localhost", port: quick.iot.port, ca, cert, key });
  await once(socket, "secureConnect");
  const reason = once(quick.iot, "disconnect");
  socket.write(Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 1, 0, 1, 97]));
  const started = Date.now();
  assert.equal((await reason)[0].reason, "MQTT_KEEP_ALIVE_TIMEOUT");
  assert.ok(Date.now() - started >= 1400);
  socket.destroy();
  await quick.close();
  await out.remove();
});

test("a certificate that nobody knows gets through the handshake and is closed at CONNECT without a byte", async () => {
  const { certPem: cert, keyPem: key } = await cloud.ca.issueClient({ commonName: "stranger" });
  const socket: TLSSocket = connectTLS({ host: "localhost", port: cloud.iot.port, ca: cloud.ca.certPem, cert, key });
  await once(socket, "secureConnect");
  const received: Buffer[] = [];
  socket.on("data", (data) => received.push(data));
  socket.on("error", () => {});
  await delay(100);
  assert.equal(socket.closed, false, "nothing happens before CONNECT");
  socket.write(Buffer.from([0x10, 20, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 8, ...Buffer.from("camera-1")]));
  await once(socket, "close");
  assert.equal(Buffer.concat(received).length, 0);
});

test("bytes that are not TLS, and TLS that is not MQTT, harm nobody", async () => {
  const plain = connectTCP(cloud.iot.port, "127.0.0.1");
  plain.on("error", () => {});
  plain.end("GET / HTTP/1.1\r\n\r\n");
  await once(plain, "close");
  const { certificate: cert, key } = identity;
  const socket = connectTLS({ host: "localhost", port: cloud.iot.port, ca: cloud.ca.certPem, cert, key });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${"x".repeat(200)}\r\n\r\n`);
  await once(socket, "close");
  await (await device()).endAsync();
});

test("packets that end too early close their connection, and nobody else's: without a certificate, before any CONNECT", async () => {
  // PUBLISH without a topic, with half of its length, with less of it than it says; SUBSCRIBE and UNSUBSCRIBE without anything; a CONNECT of nothing.
  for (const hex of ["3000", "300100", "3002ffff", "32020001", "8200", "8201ff", "820000ffff", "a200", "1000"]) {
    const socket = connectTLS({ host: "localhost", port: cloud.iot.port, ca: cloud.ca.certPem });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    const closed = once(socket, "close", { signal: AbortSignal.timeout(10_000) });
    socket.write(Buffer.from(hex, "hex"));
    await closed.catch(() => assert.fail(`${hex}: the connection is still there`));
  }
  await (await device()).endAsync();
});
