/** The data plane beside shadows, judged by the AWS SDK's client: messages, lists of shadows, connections that are ended. */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { after, before, test } from "node:test";
import {
  DeleteConnectionCommand,
  DeleteThingShadowCommand,
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  ListNamedShadowsForThingCommand,
  PublishCommand,
  UpdateThingShadowCommand,
} from "@aws-sdk/client-iot-data-plane";
import type { MqttClient } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import type { AccessKey } from "../../sim/cloud/credentials.ts";
import { temporaryDirectory } from "./iot-rig.ts";
import { connectSigned } from "./websocket-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let client: IoTDataPlaneClient;
let listener: MqttClient;

before(async () => {
  directory = await temporaryDirectory();
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out` });
  client = clientOf(cloud.accessKey);
  const host = `localhost:${cloud.data.port}`;
  const door = { origin: `wss://${host}`, host, ca: cloud.ca.certPem };
  listener = await connectSigned(door, cloud.accessKey, { clientId: "listener" });
  await listener.subscribeAsync("#", { qos: 1 });
});

after(async () => {
  client?.destroy();
  await listener?.endAsync(true);
  await cloud?.close();
  await directory?.remove();
});

function clientOf({ accessKeyId, secretAccessKey, sessionToken }: AccessKey): IoTDataPlaneClient {
  const requestHandler = { httpsAgent: { ca: cloud.ca.certPem } };
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  return new IoTDataPlaneClient({
    region: cloud.region,
    endpoint: cloud.data.url,
    credentials,
    requestHandler,
    maxAttempts: 1,
  });
}

const heard = () => once(listener as unknown as EventEmitter, "message");

test("a message published over HTTPS reaches who listens, as bytes and with its QoS", async () => {
  const payload = Buffer.from([0, 255, 1, 128]);
  for (const qos of [0, 1] as const) {
    const message = heard();
    await client.send(new PublishCommand({ topic: "device/camera 1/ünï+".replace("+", ""), qos, payload }));
    const [topic, bytes, packet] = await message;
    assert.deepEqual([topic, bytes, packet.qos], ["device/camera 1/ünï", payload, qos]);
  }
  const empty = heard();
  await client.send(new PublishCommand({ topic: "nothing" }));
  assert.equal((await empty)[1].length, 0);
  const retained = heard();
  await client.send(new PublishCommand({ topic: "kept", payload: Buffer.from("x"), retain: true, qos: 1 }));
  await retained;
  const again = heard();
  await listener.subscribeAsync("kept", { qos: 1 });
  assert.equal((await again)[2].retain, true);
});

test("what the broker would not take, HTTPS does not take", async () => {
  const publish = (fields: object) => client.send(new PublishCommand({ topic: "a", ...fields }));
  const invalid = { name: "InvalidRequestException" };
  await assert.rejects(publish({ topic: "a/b/c/d/e/f/g/h/i" }), invalid);
  await assert.rejects(publish({ topic: "x".repeat(257) }), invalid);
  await assert.rejects(publish({ topic: "a/+" }), invalid);
  await assert.rejects(publish({ qos: 2 }), invalid);
  await assert.rejects(publish({ payload: Buffer.alloc(128 * 1024 + 1) }), { name: "RequestEntityTooLargeException" });
  await publish({ payload: Buffer.alloc(128 * 1024) });
  await assert.rejects(client.send(new GetRetainedMessageCommand({ topic: "kept" })), {
    name: "UnknownOperationException",
  });
});

test("named shadows are listed in pages", async () => {
  const thingName = "camera-1";
  const payload = Buffer.from('{"state":{"reported":{"a":1}}}');
  for (const shadowName of [undefined, "c", "a", "b", "gone"])
    await client.send(new UpdateThingShadowCommand({ thingName, shadowName, payload }));
  await client.send(new UpdateThingShadowCommand({ thingName: "camera-10", shadowName: "other", payload }));
  await client.send(new DeleteThingShadowCommand({ thingName, shadowName: "gone" }));
  const first = await client.send(new ListNamedShadowsForThingCommand({ thingName, pageSize: 2 }));
  assert.deepEqual(first.results, ["a", "b"]);
  const { nextToken } = first;
  const second = await client.send(new ListNamedShadowsForThingCommand({ thingName, pageSize: 2, nextToken }));
  assert.deepEqual([second.results, second.nextToken], [["c"], undefined]);
});

test("a connection is ended over HTTPS", async () => {
  const { port } = cloud.gateway;
  const door = { origin: `ws://127.0.0.1:${port}`, host: `data.iot.localhost:${port}` };
  const mqtt = await connectSigned(door, cloud.accessKey, { clientId: "somebody" });
  const gone = once(cloud.iot, "disconnect");
  const closed = once(mqtt as unknown as EventEmitter, "close");
  await client.send(new DeleteConnectionCommand({ clientId: "somebody" }));
  await closed;
  assert.equal((await gone)[0].reason, "API_INITIATED_DISCONNECT");
  const command = new DeleteConnectionCommand({ clientId: "somebody" });
  await assert.rejects(client.send(command), { name: "ResourceNotFoundException" });
});

test("a person publishes what role and policies allow, over HTTPS as over MQTT", async () => {
  const identityId = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
  const principal = { type: "identity", identityId, identityPoolId: `${identityId}0` } as const;
  const person = clientOf(cloud.credentials.issue({ principal, seconds: 3600 }));
  const own = `users/${identityId}/cameras/request`;
  const publish = (topic: string, retain = false) => person.send(new PublishCommand({ topic, qos: 1, retain }));
  const forbidden = { name: "ForbiddenException" };
  await assert.rejects(publish(own), forbidden, "no policy is attached");
  const Statement = [{ Effect: "Allow", Action: "iot:Publish", Resource: "*" }];
  cloud.registry.createPolicy("all", JSON.stringify({ Version: "2012-10-17", Statement }));
  cloud.registry.attachPolicy("all", identityId);
  const message = heard();
  await publish(own);
  assert.equal((await message)[0], own);
  await assert.rejects(publish("users/us-east-1:somebody/cameras/request"), forbidden, "not in the role");
  await assert.rejects(publish(own, true), forbidden, "iot:RetainPublish is an action of its own");
  await assert.rejects(person.send(new DeleteConnectionCommand({ clientId: "listener" })), forbidden);
  person.destroy();
});
