/** What somebody who has signed in may do in S3 and AWS IoT, with unmodified clients of the AWS SDK: only what is their own. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DescribeEndpointCommand,
  DetachPolicyCommand,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListTargetsForPolicyCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  UpdateThingShadowCommand,
} from "@aws-sdk/client-iot-data-plane";
import {
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { photoBucket as Bucket } from "../../sim/cloud/cloud.ts";
import { makeRequest } from "./iot-rig.ts";
import { Clients, PeopleRig, type Person } from "./people-rig.ts";

let rig: PeopleRig;
let alice: Person;
let bob: Person;

before(async () => {
  rig = await PeopleRig.open();
  alice = await rig.person();
  bob = await rig.person();
});
after(() => rig?.close());

interface Refusal extends Error {
  $metadata?: { httpStatusCode?: number };
}

/** Waits for a call to be refused. @returns name, status and message of the refusal */
async function refused(call: Promise<unknown>): Promise<{ name: string; status?: number; message: string }> {
  const error: Refusal = await call.then(
    () => assert.fail("this should have been refused"),
    (reason: Refusal) => reason,
  );
  return { name: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
}

const keyOf = ({ identityId }: Person, name = "camera-1/a.jpg") => `users/${identityId}/${name}`;
const user = "User: arn:aws:sts::123456789012:assumed-role/devicelink-phone/CognitoIdentityCredentials";

test("S3: one's own pictures are written, read, listed and deleted", async () => {
  const Key = keyOf(alice);
  await alice.s3.send(new PutObjectCommand({ Bucket, Key, Body: "picture" }));
  const got = await alice.s3.send(new GetObjectCommand({ Bucket, Key }));
  assert.equal(await got.Body?.transformToString(), "picture");
  const listed = await alice.s3.send(new ListObjectsV2Command({ Bucket, Prefix: keyOf(alice, "") }));
  assert.deepEqual(
    listed.Contents?.map((object) => object.Key),
    [Key],
  );
  await alice.s3.send(new DeleteObjectCommand({ Bucket, Key }));
});

test("S3: somebody else's pictures are refused, in AWS's words, and so is everything outside", async () => {
  const Key = keyOf(alice);
  await alice.s3.send(new PutObjectCommand({ Bucket, Key, Body: "picture" }));
  const { s3 } = bob;
  const { name, status, message } = await refused(s3.send(new GetObjectCommand({ Bucket, Key })));
  assert.deepEqual([name, status], ["AccessDenied", 403]);
  assert.equal(
    message,
    `${user} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${Bucket}/${Key}" because no identity-based policy allows the s3:GetObject action`,
  );
  const outside = ["camera-1/a.jpg", `users/${bob.identityId}`, "users/a.jpg", `USERS/${bob.identityId}/a`];
  for (const key of [Key, ...outside]) {
    assert.equal((await refused(s3.send(new PutObjectCommand({ Bucket, Key: key, Body: "x" })))).status, 403, key);
    assert.equal((await refused(s3.send(new DeleteObjectCommand({ Bucket, Key: key })))).status, 403, key);
    assert.equal((await refused(s3.send(new HeadObjectCommand({ Bucket, Key: key })))).status, 403, key);
  }
  const still = await rig.administrator.s3.send(new GetObjectCommand({ Bucket, Key }));
  assert.equal(await still.Body?.transformToString(), "picture");
});

test("S3: lists of anything but one's own prefix are refused, and what is missing is not told", async () => {
  const { s3 } = bob;
  for (const Prefix of [undefined, "", "users/", `users/${bob.identityId}`, keyOf(alice, "")]) {
    const { name, message } = await refused(s3.send(new ListObjectsV2Command({ Bucket, Prefix })));
    assert.equal(name, "AccessDenied", Prefix);
    assert.match(message, /s3:ListBucket on resource: "arn:aws:s3:::devicelink-photos" because/);
  }
  const missing = await refused(s3.send(new GetObjectCommand({ Bucket, Key: keyOf(bob, "camera-1/none.jpg") })));
  assert.deepEqual([missing.name, missing.status], ["AccessDenied", 403]);
  assert.match(missing.message, /s3:ListBucket/);
  assert.equal((await refused(s3.send(new ListBucketsCommand({})))).name, "AccessDenied");
  assert.equal((await refused(s3.send(new GetBucketLocationCommand({ Bucket })))).name, "AccessDenied");
  const { s3: administrator } = rig.administrator;
  const none = await refused(administrator.send(new GetObjectCommand({ Bucket, Key: "none" })));
  assert.deepEqual([none.name, none.status], ["NoSuchKey", 404], "the administrator may list, and learns it");
});

test("S3: a presigned URL can do what its signer can do, when it is used", async () => {
  const presign = (person: Person, Key: string) =>
    getSignedUrl(person.s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 600 });
  const [own, others] = [await presign(bob, keyOf(bob)), await presign(bob, keyOf(alice))];
  assert.deepEqual(await put(own), [200, undefined]);
  assert.deepEqual(await put(others), [403, "AccessDenied"]);
  const carol = await rig.person();
  const url = await presign(carol, keyOf(carol));
  rig.cloud.credentials.expire(carol.key.accessKeyId);
  assert.deepEqual(await put(url), [400, "ExpiredToken"], "the URL dies with the credentials");
});

/** PUT as a camera does it: nothing but the URL. @returns status, and code of the error */
async function put(url: string): Promise<[number | undefined, string | undefined]> {
  return new Promise((resolve, reject) => {
    const options = { method: "PUT", ca: rig.cloud.ca.certPem, headers: { "content-length": 1 } };
    const call = request(url, options, async (response) => {
      const body = (await response.toArray()).join("");
      resolve([response.statusCode, /<Code>(\w+)</.exec(body)?.[1]]);
    });
    call.on("error", reject).end("x");
  });
}

test("control plane: an endpoint, and the phone's policy for oneself", async () => {
  const { endpointAddress } = await alice.iot.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
  assert.equal(endpointAddress, rig.cloud.iot.endpoint);
  const again = new AttachPolicyCommand({ policyName: "devicelink-phone", target: alice.identityId });
  await alice.iot.send(again);
  const target = alice.identityId;
  const { policies } = await rig.administrator.iot.send(new ListAttachedPoliciesCommand({ target }));
  assert.deepEqual(
    policies?.map(({ policyName }) => policyName),
    ["devicelink-phone"],
    "once",
  );
  const targets = await rig.administrator.iot.send(new ListTargetsForPolicyCommand({ policyName: "devicelink-phone" }));
  assert.ok(targets.targets?.includes(alice.identityId));
});

test("control plane: nothing that belongs to a thing, to a certificate or to a policy", async () => {
  const { iot } = rig.administrator;
  const thingName = "camera-of-alice";
  await iot.send(new CreateThingCommand({ thingName }));
  const { csr: certificateSigningRequest } = await makeRequest("mine");
  const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive: true });
  const { certificateArn: principal = "", certificateId } = await iot.send(command);
  const policyName = "devicelink-camera";
  const denied: [string, () => Promise<unknown>][] = [
    [`thing/${thingName}`, () => bob.iot.send(new AttachThingPrincipalCommand({ thingName, principal }))],
    [`thing/${thingName}`, () => bob.iot.send(new ListThingPrincipalsCommand({ thingName }))],
    ["*", () => bob.iot.send(command)],
    ["thing/camera-9", () => bob.iot.send(new CreateThingCommand({ thingName: "camera-9" }))],
    ["*", () => bob.iot.send(new ListThingsCommand({}))],
    ["*", () => bob.iot.send(new ListCertificatesCommand({}))],
    [`cert/${certificateId}`, () => bob.iot.send(new AttachPolicyCommand({ policyName, target: principal }))],
    [
      `cert/${certificateId}`,
      () => bob.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: "INACTIVE" })),
    ],
    ["policy/mine", () => bob.iot.send(new CreatePolicyCommand({ policyName: "mine", policyDocument: "{}" }))],
    [bob.identityId, () => bob.iot.send(new DetachPolicyCommand({ policyName, target: bob.identityId }))],
    [bob.identityId, () => bob.iot.send(new ListAttachedPoliciesCommand({ target: bob.identityId }))],
    [
      "policy/devicelink-phone",
      () => bob.iot.send(new ListTargetsForPolicyCommand({ policyName: "devicelink-phone" })),
    ],
  ];
  for (const [resource, call] of denied) {
    const { name, status, message } = await refused(call());
    assert.deepEqual([name, status], ["AccessDeniedException", 403], resource);
    assert.ok(message.startsWith(`${user} is not authorized to perform: iot:`), message);
    const arn = /\//.test(resource) ? rig.cloud.registry.arn(resource) : resource;
    assert.ok(message.includes(` on resource: ${arn} `), message);
  }
  const { principals } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  assert.deepEqual(principals, [], "no phone can attach a certificate to a thing");
});

test("data plane: a shadow needs an IoT policy of the identity besides the role", async () => {
  const thingName = "camera-7";
  const payload = Buffer.from(JSON.stringify({ state: { desired: { interval: 60 } } }));
  const { data } = alice;
  const { name, status } = await refused(data.send(new GetThingShadowCommand({ thingName })));
  assert.deepEqual([name, status], ["ForbiddenException", 403]);
  const iot = rig.administrator.iot;
  const statement = { Effect: "Allow", Action: "iot:*", Resource: rig.cloud.registry.arn(`thing/${thingName}`) };
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await iot.send(new CreatePolicyCommand({ policyName: "camera-7-of-alice", policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: "camera-7-of-alice", target: alice.identityId }));
  await data.send(new UpdateThingShadowCommand({ thingName, payload }));
  const shadow = await data.send(new GetThingShadowCommand({ thingName }));
  assert.equal(JSON.parse(Buffer.from(shadow.payload!).toString()).state.desired.interval, 60);
  for (const forbidden of [
    () => data.send(new GetThingShadowCommand({ thingName: "camera-8" })),
    () => data.send(new GetThingShadowCommand({ thingName, shadowName: "other" })),
    () => data.send(new DeleteThingShadowCommand({ thingName })),
    () => bob.data.send(new GetThingShadowCommand({ thingName })),
  ])
    assert.equal((await refused(forbidden())).name, "ForbiddenException");
});

test("whoever's credentials have expired is told so, everywhere", async () => {
  const carol = await rig.person();
  rig.cloud.credentials.expire(carol.key.accessKeyId);
  assert.equal((await refused(carol.s3.send(new ListObjectsV2Command({ Bucket })))).name, "ExpiredToken");
  const call = carol.iot.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
  assert.equal((await refused(call)).name, "ExpiredTokenException");
  const other = new Clients(rig.cloud, { ...bob.key, sessionToken: undefined });
  assert.equal((await refused(other.iot.send(new ListThingsCommand({})))).name, "UnrecognizedClientException");
});
