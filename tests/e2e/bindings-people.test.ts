/** Whose camera it is: two people, the binding function behind its rule, MQTT over WebSocket and the AWS SDK's clients. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListAttachedPoliciesCommand,
  ListPoliciesCommand,
  ListThingPrincipalsCommand,
} from "@aws-sdk/client-iot";
import { GetThingShadowCommand, UpdateThingShadowCommand } from "@aws-sdk/client-iot-data-plane";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { photoBucket as Bucket } from "../../sim/cloud/cloud.ts";
import { deployPolicies } from "../../sim/cloud/stack-policies.ts";
import { makeRequest } from "./iot-rig.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { nextMessage, PeopleRig, type Person } from "./people-rig.ts";

let rig: PeopleRig;
let alice: Person;
let bob: Person;
const [camera1, camera2, camera3, camera5, camera6] = Array.from({ length: 5 }, () => new KeyedCamera());

before(async () => {
  rig = await PeopleRig.open();
  alice = await rig.person();
  bob = await rig.person();
});
after(() => rig?.close());

const nameOf = (call: Promise<unknown>) =>
  call.then(
    () => "allowed",
    (error: Error) => error.name,
  );

/** A certificate that was made elsewhere, for a key that is not the camera's own. */
async function certificateFor(commonName: string): Promise<string> {
  const { csr: certificateSigningRequest } = await makeRequest(commonName);
  const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive: true });
  return (await rig.administrator.iot.send(command)).certificateArn!;
}

async function statusOf(certificateArn: string): Promise<string | undefined> {
  const certificateId = certificateArn.replace(/^.*\//, "");
  const { certificateDescription } = await rig.administrator.iot.send(
    new DescribeCertificateCommand({ certificateId }),
  );
  return certificateDescription?.status;
}

const principalsOf = async (thingName: string) =>
  (await rig.administrator.iot.send(new ListThingPrincipalsCommand({ thingName }))).principals;

const policiesOf = async (target: string) =>
  (await rig.administrator.iot.send(new ListAttachedPoliciesCommand({ target }))).policies?.map(
    ({ policyName }) => policyName!,
  );

test("a claim makes the thing, gives its topics, and is told of in the list", async () => {
  const answer = await alice.claim(camera1, { name: "Front door" });
  assert.deepEqual([answer.action, answer.thingName, answer.error], ["claim", camera1.thingName, undefined]);
  assert.ok(await rig.administrator.iot.send(new DescribeThingCommand({ thingName: camera1.thingName })));
  const { cameras = [] } = await alice.ask({ action: "list" });
  assert.deepEqual(cameras, answer.cameras);
  const [{ since, ...camera }] = cameras;
  assert.deepEqual(camera, { thingName: camera1.thingName, name: "Front door" });
  assert.ok(Math.abs(Date.now() - since) < 60_000);
  assert.deepEqual((await bob.ask({ action: "list" })).cameras, []);
  assert.deepEqual(rig.bindings[1], {
    user: alice.identityId,
    action: "claim",
    thing: camera1.thingName,
    status: "done",
  });
});

test("a claim again is the same claim, with another name if there is one", async () => {
  const [before, policies] = [await rig.table.get(camera1.thingName), await policiesOf(alice.identityId)];
  const again = await alice.claim(camera1);
  assert.deepEqual(again.cameras, [{ thingName: camera1.thingName, name: "Front door", since: before!.since }]);
  const renamed = await alice.claim(camera1, { name: "Back door" });
  assert.equal(renamed.cameras?.[0].name, "Back door");
  assert.deepEqual(await policiesOf(alice.identityId), policies);
  assert.equal(policies?.length, 2, "the phone's and that of her cameras");
});

test("the owner talks to the camera; somebody else does not, in any of its ways", async () => {
  const [hers, his] = [await alice.connect(), await bob.connect()];
  const heard = nextMessage(hers, (_, topic) => topic === `device/${camera1.thingName}/photos`);
  const granted = await hers.subscribeAsync([
    `device/${camera1.thingName}/photos`,
    `$aws/things/${camera1.thingName}/shadow/update/#`,
  ]);
  assert.deepEqual(
    granted.map(({ qos }) => qos),
    [0, 0],
  );
  await rig.cloud.iot.publish(`device/${camera1.thingName}/photos`, '{"imageId":"a"}');
  assert.deepEqual(await heard, { imageId: "a" });
  await hers.publishAsync(`device/${camera1.thingName}/commands`, "{}", { qos: 1 });
  const filters = [
    `device/${camera1.thingName}/photos`,
    "device/+/photos",
    "device/#",
    `$aws/things/${camera1.thingName}/shadow/update/delta`,
  ];
  const others = [
    `users/${alice.identityId}/cameras/answer`,
    "users/+/cameras/answer",
    `device/${camera1.thingName}/commands`,
  ];
  for (const filter of [...filters, ...others])
    await assert.rejects(his.subscribeAsync(filter), /Unspecified error|refused|128/, filter);
  const closed = new Promise((resolve) => his.once("close", () => resolve(true)));
  his.publish(`device/${camera1.thingName}/commands`, "{}");
  assert.ok(await closed, "a forbidden message ends the connection");
  await hers.endAsync(true);
  await assert.rejects(bob.connect(`phone-${alice.identityId}-1`), "nor does he get in under her name");
});

test("the owner's shadow over HTTPS, and nobody else's", async () => {
  const payload = Buffer.from('{"state":{"desired":{"interval":60}}}');
  await alice.data.send(new UpdateThingShadowCommand({ thingName: camera1.thingName, payload }));
  assert.equal(await nameOf(alice.data.send(new GetThingShadowCommand({ thingName: camera1.thingName }))), "allowed");
  assert.equal(
    await nameOf(bob.data.send(new GetThingShadowCommand({ thingName: camera1.thingName }))),
    "ForbiddenException",
  );
  assert.equal(
    await nameOf(bob.data.send(new UpdateThingShadowCommand({ thingName: camera1.thingName, payload }))),
    "ForbiddenException",
  );
});

test("what belongs to somebody else cannot be claimed, given a certificate, or released", async () => {
  const certificateArn = await certificateFor(camera1.thingName);
  for (const message of [
    { action: "claim", thingName: camera1.thingName },
    { action: "attach", thingName: camera1.thingName, certificateArn },
    { action: "release", thingName: camera1.thingName },
  ]) {
    const { error, ...answer } = await bob.ask(message);
    assert.deepEqual([answer.action, error?.code], [message.action, "NotYours"]);
  }
  assert.equal(
    await nameOf(
      bob.iot.send(new AttachThingPrincipalCommand({ thingName: camera1.thingName, principal: certificateArn })),
    ),
    "AccessDeniedException",
  );
  assert.deepEqual(await principalsOf(camera1.thingName), []);
  assert.equal((await rig.table.get(camera1.thingName))?.user, alice.identityId);
  assert.deepEqual(await policiesOf(bob.identityId), ["devicelink-phone"]);
});

test("IAM lets a phone attach any policy to itself: the owner's has a name that it cannot know, the others give it nothing", async () => {
  const policies = (await rig.administrator.iot.send(new ListPoliciesCommand({}))).policies?.map(
    (one) => one.policyName!,
  );
  const [hers] = (await policiesOf(alice.identityId))!.filter((name) => name !== "devicelink-phone");
  assert.match(hers, /^devicelink-owner-[0-9a-f]{32}$/);
  const known = policies!.filter((name) => !name.startsWith("devicelink-owner-"));
  assert.ok(known.includes("devicelink-camera"));
  const carol = await rig.person();
  for (const policyName of known)
    await carol.iot.send(new AttachPolicyCommand({ policyName, target: carol.identityId }));
  const guess = new AttachPolicyCommand({
    policyName: `devicelink-owner-${"0".repeat(32)}`,
    target: carol.identityId,
  });
  assert.equal(await nameOf(carol.iot.send(guess)), "ResourceNotFoundException");
  assert.equal(
    await nameOf(carol.data.send(new GetThingShadowCommand({ thingName: camera1.thingName }))),
    "ForbiddenException",
  );
  const mqtt = await carol.connect();
  await assert.rejects(mqtt.subscribeAsync(`device/${camera1.thingName}/photos`));
  await mqtt.endAsync(true);
  for (const said of [rig.bindings, await alice.ask({ action: "list" })])
    assert.doesNotMatch(JSON.stringify(said), /devicelink-owner/, "neither answers nor logs tell the name");
});

test("attach: the camera's certificate becomes the thing's, and an older one is retired", async () => {
  const first = await certificateFor(camera1.thingName);
  const message = { action: "attach", thingName: camera1.thingName, certificateArn: first };
  assert.equal((await alice.ask(message)).error, undefined);
  assert.equal((await alice.ask(message)).error, undefined, "once more is the same");
  assert.deepEqual([await principalsOf(camera1.thingName), await policiesOf(first)], [[first], ["devicelink-camera"]]);
  const second = await certificateFor(camera1.thingName);
  assert.equal((await alice.ask({ ...message, certificateArn: second })).error, undefined);
  assert.deepEqual(await principalsOf(camera1.thingName), [second]);
  assert.deepEqual([await statusOf(first), await policiesOf(first)], ["INACTIVE", []]);
  assert.equal(await statusOf(second), "ACTIVE");
  const late = await alice.ask(message);
  assert.equal(late.error?.code, "BadRequest", "a message of the past does not bring the old one back");
  assert.deepEqual([await principalsOf(camera1.thingName), await statusOf(second)], [[second], "ACTIVE"]);
});

test("attach: neither somebody else's certificate, nor one that is good for something, nor one that is not there", async () => {
  const [stranger] = (await principalsOf(camera1.thingName))!;
  assert.equal((await bob.claim(camera2)).error, undefined);
  const attach = (certificateArn: string) =>
    bob.ask({ action: "attach", thingName: camera2.thingName, certificateArn });
  assert.equal((await attach(stranger)).error?.code, "BadRequest");
  assert.equal(await statusOf(stranger), "ACTIVE");
  const powerful = await certificateFor(camera2.thingName);
  const statement = { Effect: "Allow", Action: "iot:*", Resource: "*" };
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await rig.administrator.iot.send(new CreatePolicyCommand({ policyName: "everything", policyDocument }));
  await rig.administrator.iot.send(new AttachPolicyCommand({ policyName: "everything", target: powerful }));
  assert.equal((await attach(powerful)).error?.code, "BadRequest");
  assert.equal((await attach(rig.cloud.registry.arn(`cert/${"0".repeat(64)}`))).error?.code, "BadRequest");
  assert.deepEqual(await principalsOf(camera2.thingName), []);
  const free = {
    action: "attach",
    thingName: camera3.thingName,
    certificateArn: await certificateFor(camera3.thingName),
  };
  assert.equal((await bob.ask(free)).error?.code, "NoSuchCamera");
});

test("pictures go below the owner's prefix, which the owner alone can read", async () => {
  const wanted = { imageId: "a1", byteLength: 1, contentType: "image/jpeg", requestId: "r" };
  const grant = new Promise<{ url: string; headers: Record<string, string> }>((resolve) => {
    rig.cloud.iot.on("publish", ({ topic, payload }) => {
      if (topic === `device/${camera1.thingName}/uploads/grant`) resolve(JSON.parse(payload.toString()));
    });
  });
  await rig.cloud.iot.publish(`device/${camera1.thingName}/uploads/request`, JSON.stringify(wanted));
  const { url, headers } = await grant;
  const Key = `users/${alice.identityId}/${camera1.thingName}/a1.jpg`;
  assert.equal(decodeURIComponent(new URL(url).pathname), `/${Bucket}/${Key}`);
  assert.equal(await put(url, headers), 200);
  const { Contents } = await alice.s3.send(new ListObjectsV2Command({ Bucket, Prefix: `users/${alice.identityId}/` }));
  assert.deepEqual(
    Contents?.map((object) => object.Key),
    [Key],
  );
  assert.equal(await nameOf(bob.s3.send(new GetObjectCommand({ Bucket, Key }))), "AccessDenied");
});

test("a released camera works no more, and becomes somebody else's", async () => {
  const [certificate] = (await principalsOf(camera1.thingName))!;
  const hers = await alice.connect();
  assert.equal((await alice.ask({ action: "release", thingName: camera1.thingName })).error, undefined);
  assert.equal(
    (await alice.ask({ action: "release", thingName: camera1.thingName })).error,
    undefined,
    "once more is the same",
  );
  assert.deepEqual([await statusOf(certificate), await policiesOf(certificate)], ["INACTIVE", []]);
  assert.deepEqual(await principalsOf(camera1.thingName), []);
  assert.deepEqual(await policiesOf(alice.identityId), ["devicelink-phone"]);
  assert.deepEqual((await alice.ask({ action: "list" })).cameras, []);
  await assert.rejects(
    hers.subscribeAsync(`device/${camera1.thingName}/photos`),
    "a connection of before has lost the right as well",
  );
  const refusals = rig.grants.length;
  const wanted = { imageId: "a2", byteLength: 1, requestId: "r" };
  await rig.cloud.iot.publish(`device/${camera1.thingName}/uploads/request`, JSON.stringify(wanted));
  while (rig.grants.length === refusals) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(rig.grants.at(-1)?.code, "NotBound");

  assert.equal((await bob.claim(camera1, { name: "Bought" })).error, undefined);
  assert.equal(await nameOf(bob.data.send(new GetThingShadowCommand({ thingName: camera1.thingName }))), "allowed");
  assert.equal(
    await nameOf(alice.data.send(new GetThingShadowCommand({ thingName: camera1.thingName }))),
    "ForbiddenException",
  );
  assert.equal((await alice.claim(camera1)).error?.code, "NotYours");
  assert.equal((await alice.ask({ action: "release", thingName: camera1.thingName })).error?.code, "NotYours");
  const Prefix = `users/${alice.identityId}/`;
  const { KeyCount } = await alice.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  assert.equal(KeyCount, 1, "pictures of before stay the former owner's");
});

test("a thing that is there already, made by a provisioning template, is claimed like any other", async () => {
  const attributePayload = { attributes: { serial: "5" } };
  await rig.administrator.iot.send(new CreateThingCommand({ thingName: camera5.thingName, attributePayload }));
  assert.equal((await bob.claim(camera5)).error, undefined);
  assert.equal((await bob.ask({ action: "release", thingName: camera5.thingName })).error, undefined);
});

test("nobody speaks for somebody else: the identity is that of the topic", async () => {
  const mqtt = await bob.connect();
  const closed = new Promise((resolve) => mqtt.once("close", () => resolve(true)));
  mqtt.publish(`users/${alice.identityId}/cameras/request`, '{"requestId":"r","action":"list"}');
  assert.ok(await closed);
  const { nonce = "" } = await bob.ask({ action: "challenge", identity: alice.identityId });
  const proof = camera6.sign({ identity: bob.identityId, nonce });
  const message = { action: "claim", thingName: camera6.thingName, identity: alice.identityId, nonce, ...proof };
  assert.equal((await bob.ask(message)).error, undefined);
  assert.equal((await rig.table.get(camera6.thingName))?.user, bob.identityId);
});

test("the local cloud's policies follow the project's files, as a stack that is deployed again", () => {
  const { registry } = rig.cloud;
  const { policyDocument } = registry.policy("devicelink-phone");
  for (let i = 0; i < 7; i += 1) {
    const old = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Deny", Action: `iot:${i}`, Resource: "*" },
    });
    registry.changePolicy("devicelink-phone", (policy) => {
      policy.policyDocument = old;
    });
    deployPolicies(registry);
    assert.equal(registry.policy("devicelink-phone").policyDocument, policyDocument);
  }
});

test("what is no request is refused by name", async () => {
  const key = "A".repeat(16);
  const bad: object[] = [
    {},
    { action: "delete" },
    { action: "claim" },
    { action: "claim", thingName: "robot" },
    { action: "claim", thingName: "camera-" },
    { action: "claim", thingName: "camera-a/b" },
    { action: "claim", thingName: `camera-${"x".repeat(25)}` },
    { action: "claim", thingName: 7 },
    { action: "claim", thingName: "camera-7", name: "" },
    { action: "claim", thingName: "camera-7", name: "a\nb" },
    { action: "claim", thingName: "camera-7", name: "x".repeat(65) },
    { action: "claim", thingName: "camera-7", nonce: "n".repeat(32) },
    { action: "claim", thingName: "camera-7", nonce: "n", publicKey: key, signature: key },
    { action: "claim", thingName: "camera-7", nonce: "n".repeat(32), publicKey: `${key}?`, signature: key },
    { action: "claim", thingName: "camera-7", nonce: "n".repeat(32), publicKey: key, signature: key.repeat(99) },
    { action: "claim", thingName: camera6.thingName, csr: "no request" },
    { action: "claim", thingName: camera6.thingName, csr: 7 },
    { action: "attach", thingName: camera6.thingName },
    { action: "attach", thingName: camera6.thingName, certificateArn: "arn:aws:iot:us-east-1:1:cert/x" },
  ];
  for (const message of bad) assert.equal((await bob.ask(message)).error?.code, "BadRequest", JSON.stringify(message));
  const flood = "x".repeat(50_000);
  assert.equal((await bob.ask({ action: flood, thingName: { flood } })).error?.code, "BadRequest");
  assert.ok(JSON.stringify(rig.bindings).length < 50_000, "what is sent to fill the log is not in it");
  assert.equal(await rig.table.get("camera-7"), undefined);
  assert.deepEqual(rig.failures, []);
});

/** PUT as a camera does it. @returns the status */
async function put(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { method: "PUT", ca: rig.cloud.ca.certPem, headers: { ...headers, "content-length": 1 } };
    const call = request(url, options, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    call.on("error", reject).end("x");
  });
}
