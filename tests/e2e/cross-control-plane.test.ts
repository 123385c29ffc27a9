/** The control plane, judged by the AWS SDK's own paginators, and policies that change while somebody is connected. */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { after, before, test } from "node:test";
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateThingCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteThingCommand,
  DescribeThingCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IoTClient,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListThingsCommand,
  paginateListAttachedPolicies,
  paginateListCACertificates,
  paginateListCertificates,
  paginateListPolicies,
  paginateListPrincipalThings,
  paginateListProvisioningTemplates,
  paginateListTargetsForPolicy,
  paginateListThingPrincipals,
  paginateListThings,
  SetDefaultPolicyVersionCommand,
  UpdateThingCommand,
} from "@aws-sdk/client-iot";
import { connectAsync } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { type Identity, makeIdentity, temporaryDirectory } from "./iot-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let client: IoTClient;
const cameras: Identity[] = [];

before(async () => {
  directory = await temporaryDirectory();
  const limits = { connectsPerSecond: 1000 };
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, limits });
  client = new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
    maxAttempts: 1,
  });
  for (const name of ["camera-b", "camera-a", "camera-c"]) cameras.push(await makeIdentity(client, name));
  for (let i = 0; i < 40; i += 1)
    cloud.registry.createThing(`sensor-${String(i).padStart(2, "0")}`, { floor: String(i % 4) });
});

after(async () => {
  client?.destroy();
  await cloud?.close();
  await directory?.remove();
});

const allow = (Action: string) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });

/** Sizes of the pages, and what was in all of them. */
async function readAll<Page, Item>(pages: AsyncIterable<Page>, itemsOf: (page: Page) => Item[] | undefined) {
  const sizes: number[] = [];
  const items: Item[] = [];
  for await (const page of pages) {
    const found = itemsOf(page) ?? [];
    sizes.push(found.length);
    items.push(...found);
  }
  return { sizes, items };
}

test("the SDK's paginators read each list to its end", async () => {
  const paging = { client, pageSize: 2 };
  const [camera] = cameras;
  const things = await readAll(paginateListThings({ ...paging, pageSize: 20 }, {}), (page) => page.things);
  assert.deepEqual(things.sizes, [20, 20, 3]);
  const names = things.items.map(({ thingName }) => thingName);
  assert.deepEqual(names.slice(0, 3), ["camera-a", "camera-b", "camera-c"]);
  assert.equal(new Set(names).size, 43);
  const onFloor = { attributeName: "floor", attributeValue: "1" };
  const some = await readAll(paginateListThings({ ...paging, pageSize: 4 }, onFloor), (page) => page.things);
  assert.deepEqual(some.sizes, [4, 4, 2]);

  const certificates = await readAll(paginateListCertificates(paging, {}), (page) => page.certificates);
  assert.deepEqual(certificates.sizes, [2, 1]);
  const ids = certificates.items.map(({ certificateId }) => certificateId);
  assert.deepEqual(new Set(ids), new Set(cameras.map(({ certificateId }) => certificateId)));
  const oldestFirst = await readAll(
    paginateListCertificates(paging, { ascendingOrder: true }),
    (page) => page.certificates,
  );
  assert.deepEqual(oldestFirst.items.map(({ certificateId }) => certificateId).reverse(), ids);

  const target = camera.certificateArn;
  for (const policyName of ["p1", "p2", "p3", "p4"]) {
    await client.send(new CreatePolicyCommand({ policyName, policyDocument: allow("iot:Connect") }));
    await client.send(new AttachPolicyCommand({ policyName, target }));
  }
  const attached = await readAll(paginateListAttachedPolicies(paging, { target }), (page) => page.policies);
  assert.deepEqual(
    [attached.sizes, attached.items.map(({ policyName }) => policyName)],
    [
      [2, 2, 1],
      ["devicelink-camera", "p1", "p2", "p3", "p4"],
    ],
  );
  const all = await readAll(paginateListPolicies(paging, {}), (page) => page.policies);
  assert.ok(all.items.length >= 5);
  const policyName = "devicelink-camera";
  const targets = await readAll(paginateListTargetsForPolicy(paging, { policyName }), (page) => page.targets);
  assert.deepEqual([targets.sizes, new Set(targets.items)], [[2, 1], new Set(cameras.map((it) => it.certificateArn))]);

  for (const thingName of ["sensor-00", "sensor-01"]) cloud.registry.attachThing(thingName, target);
  for (const { certificateArn } of cameras) cloud.registry.attachThing("sensor-02", certificateArn);
  const ofCamera = await readAll(paginateListPrincipalThings(paging, { principal: target }), (page) => page.things);
  assert.deepEqual(ofCamera, { sizes: [2, 2], items: ["camera-b", "sensor-00", "sensor-01", "sensor-02"] });
  const principals = await readAll(
    paginateListThingPrincipals(paging, { thingName: "sensor-02" }),
    (page) => page.principals,
  );
  assert.deepEqual(principals.sizes, [2, 1]);
  const templates = await readAll(paginateListProvisioningTemplates(paging, {}), (page) => page.templates);
  const authorities = await readAll(paginateListCACertificates(paging, {}), (page) => page.certificates);
  assert.deepEqual([templates.sizes, authorities.sizes], [[0], [0]]);
});

test("pages without a size have 25; what comes and goes in between is neither missed nor told twice", async () => {
  const first = await client.send(new ListThingsCommand({}));
  assert.equal(first.things?.length, 25);
  const last = first.things?.at(-1)?.thingName;
  await client.send(new DeleteThingCommand({ thingName: last }));
  await client.send(new CreateThingCommand({ thingName: "aaa" }));
  const { things = [], nextToken } = await client.send(new ListThingsCommand({ nextToken: first.nextToken }));
  assert.equal(nextToken, undefined);
  assert.equal(things[0].thingName, `sensor-${String(Number(last?.slice(-2)) + 1).padStart(2, "0")}`);
  const invalid = { name: "InvalidRequestException" };
  await assert.rejects(client.send(new ListThingsCommand({ maxResults: 251 })), invalid);
  await assert.rejects(client.send(new ListPoliciesCommand({ pageSize: 0 })), invalid);
  await assert.rejects(client.send(new ListThingsCommand({ nextToken: "x" })), invalid);
});

test("attributes of a thing change, with its version", async () => {
  const thingName = "sensor-03";
  const change = (attributes: Record<string, string>, merge: boolean, expectedVersion?: number) =>
    client.send(new UpdateThingCommand({ thingName, attributePayload: { attributes, merge }, expectedVersion }));
  await change({ room: "1" }, true);
  await change({ floor: "" }, true, 2);
  await assert.rejects(change({ room: "2" }, true, 2), { name: "VersionConflictException" });
  const { attributes, version } = await client.send(new DescribeThingCommand({ thingName }));
  assert.deepEqual([attributes, version], [{ room: "1" }, 3]);
  await change({ only: "this" }, false);
  assert.deepEqual((await client.send(new DescribeThingCommand({ thingName }))).attributes, { only: "this" });
});

test("a policy's new version is in force at once when it becomes the default, also for who is connected", async () => {
  const policyName = "devicelink-camera";
  const { policyDocument: original } = await client.send(new GetPolicyCommand({ policyName }));
  const [{ certificate: cert, key, thingName: clientId }] = cameras;
  const url = `mqtts://localhost:${cloud.iot.port}`;
  const mqtt = await connectAsync(url, { ca: cloud.ca.certPem, cert, key, clientId, reconnectPeriod: 0 }, false);
  mqtt.on("error", () => {});
  const telemetry = `device/${clientId}/telemetry`;
  await mqtt.publishAsync(telemetry, "1", { qos: 1 });

  const policyDocument = original!.replaceAll("/telemetry", "/telemetrie");
  const added = await client.send(new CreatePolicyVersionCommand({ policyName, policyDocument }));
  assert.deepEqual([added.policyVersionId, added.isDefaultVersion], ["2", false]);
  await mqtt.publishAsync(telemetry, "2", { qos: 1 });
  await client.send(new SetDefaultPolicyVersionCommand({ policyName, policyVersionId: "2" }));
  const closed = once(mqtt as unknown as EventEmitter, "close");
  mqtt.publish(telemetry, "3", { qos: 1 });
  await closed;

  const { policyVersions = [] } = await client.send(new ListPolicyVersionsCommand({ policyName }));
  assert.deepEqual(
    policyVersions.map(({ versionId, isDefaultVersion }) => [versionId, isDefaultVersion]),
    [
      ["1", false],
      ["2", true],
    ],
  );
  const first = await client.send(new GetPolicyVersionCommand({ policyName, policyVersionId: "1" }));
  assert.deepEqual([first.policyDocument, first.isDefaultVersion], [original, false]);
  const conflict = { name: "DeleteConflictException" };
  const remove = (policyVersionId: string) =>
    client.send(new DeletePolicyVersionCommand({ policyName, policyVersionId }));
  await assert.rejects(remove("2"), conflict);
  await client.send(new SetDefaultPolicyVersionCommand({ policyName, policyVersionId: "1" }));
  await remove("2");
  await assert.rejects(remove("2"), { name: "ResourceNotFoundException" });
});

test("versions: five at most, counted on, and kept over a restart; a policy with several cannot be deleted", async () => {
  const policyName = "versions";
  await client.send(new CreatePolicyCommand({ policyName, policyDocument: allow("iot:Connect") }));
  const add = (Action: string) =>
    client.send(new CreatePolicyVersionCommand({ policyName, policyDocument: allow(Action), setAsDefault: true }));
  for (const action of ["a:2", "a:3", "a:4", "a:5"]) await add(action);
  await assert.rejects(add("a:6"), { name: "VersionsLimitExceededException" });
  await assert.rejects(client.send(new CreatePolicyVersionCommand({ policyName, policyDocument: "{" })), {
    name: "MalformedPolicyException",
  });
  await client.send(new DeletePolicyVersionCommand({ policyName, policyVersionId: "3" }));
  assert.equal((await add("a:6")).policyVersionId, "6");
  await assert.rejects(client.send(new DeletePolicyCommand({ policyName })), { name: "DeleteConflictException" });
  const { defaultVersionId, policyDocument } = await client.send(new GetPolicyCommand({ policyName }));
  assert.deepEqual([defaultVersionId, policyDocument], ["6", allow("a:6")]);
  const { Registry } = await import("../../sim/cloud/registry.ts");
  const path = `${directory.path}/cloud/registry.json`;
  const again = new Registry({ path, region: cloud.region, accountId: cloud.registry.accountId });
  assert.deepEqual(again.policy(policyName), cloud.registry.policy(policyName));
  for (const policyVersionId of ["1", "2", "4", "5"])
    await client.send(new DeletePolicyVersionCommand({ policyName, policyVersionId }));
  await client.send(new DeletePolicyCommand({ policyName }));
});
