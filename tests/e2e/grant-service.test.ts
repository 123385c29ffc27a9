/** The function that answers cameras, with the real presigner, and the rule in front of it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { S3Client } from "@aws-sdk/client-s3";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { createHandler, type GrantServices } from "../../sim/cloud/grants/grant-service.ts";
import { largestPicture } from "../../sim/cloud/grants/request.ts";
import { grantRuleSQL } from "../../sim/cloud/grants/rule.ts";
import { TopicRule } from "../../sim/cloud/topic-rule.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const thing = "camera-1";
const request = { thing, imageId: "abc-1", byteLength: 30_000, contentType: "image/jpeg", requestId: "r+/=1" };
/** As long as those of a role really are. */
const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret", sessionToken: "t".repeat(1100) };

let directory = "";
let table: JsonBindingTable;
let published: { topic: string; payload: string }[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-grants-"));
  table = new JsonBindingTable(join(directory, "bindings.json"));
  await table.put({ thing, user: "alice" });
});
beforeEach(() => {
  published = [];
});
after(() => rm(directory, { recursive: true, force: true }));

function services(given: Partial<GrantServices> = {}): GrantServices {
  const s3 = new S3Client({ region: "eu-west-1", credentials, requestChecksumCalculation: "WHEN_REQUIRED" });
  const publish = async (topic: string, payload: string) => void published.push({ topic, payload });
  return { table, s3, bucket: "photos", publish, ...given };
}

const answered = () => published.map(({ payload }) => JSON.parse(payload));

test("a bound camera gets a URL for one object below its owner's prefix", async () => {
  const outcome = await createHandler(services({ now: () => 5000 }))(request);
  assert.deepEqual(outcome, { thing, imageId: "abc-1", status: "granted", user: "alice" });
  assert.equal(published[0].topic, "device/camera-1/uploads/grant");
  const [{ imageId, requestId, url: text, headers, expires }] = answered();
  assert.deepEqual([imageId, requestId], ["abc-1", "r+/=1"]);
  assert.deepEqual(headers, { "Content-Type": "image/jpeg", "Content-Length": "30000", "If-None-Match": "*" });
  assert.equal(expires, 905_000, "fifteen minutes, in milliseconds since 1970");
  const url = new URL(text);
  assert.equal(url.origin + url.pathname, "https://photos.s3.eu-west-1.amazonaws.com/users/alice/camera-1/abc-1.jpg");
  assert.equal(url.searchParams.get("X-Amz-SignedHeaders"), "content-length;content-type;host;if-none-match");
  assert.equal(url.searchParams.get("X-Amz-Expires"), "900");
  assert.equal(url.searchParams.get("x-amz-checksum-crc32"), null, "no checksum of an empty body");
  assert.ok(published[0].payload.length < 4096, "fits the camera's messages");
});

test("no URL lives longer than an hour", async () => {
  for (const [expiresIn, expected] of [
    [3600, "3600"],
    [86_400, "3600"],
    [0, "1"],
    [60.9, "60"],
  ] as const) {
    published = [];
    await createHandler(services({ expiresIn }))(request);
    assert.equal(new URL(answered()[0].url).searchParams.get("X-Amz-Expires"), expected);
  }
});

test("a camera that is bound to nobody is refused by name, and so is one that has been released", async () => {
  const handler = createHandler(services());
  for (const stranger of ["camera-2", "__proto__", "constructor"]) {
    const outcome = await handler({ ...request, thing: stranger });
    assert.deepEqual([outcome.status, outcome.code], ["refused", "NotBound"]);
  }
  assert.deepEqual(answered()[0], {
    imageId: "abc-1",
    requestId: "r+/=1",
    error: { code: "NotBound", message: "camera-2 is bound to no user" },
  });
  await table.put({ thing: "camera-3", user: "bob" });
  assert.equal((await handler({ ...request, thing: "camera-3" })).status, "granted");
  await table.startRelease("camera-3", "bob");
  assert.equal(
    (await handler({ ...request, thing: "camera-3" })).code,
    "NotBound",
    "from the first moment of a release",
  );
  await table.delete("camera-3");
  assert.equal((await handler({ ...request, thing: "camera-3" })).code, "NotBound");
});

test("an imageId cannot lead out of the camera's prefix, and is not echoed", async () => {
  const tricks = [
    "../camera-2/x",
    "a/b",
    "a\\b",
    "..",
    ".",
    "a.jpg",
    "%2e%2e",
    "",
    "-x",
    " x",
    "ä",
    "x\n",
    "x".repeat(65),
    5,
  ];
  for (const imageId of [...tricks, null, undefined, {}, ["a"]]) {
    const outcome = await createHandler(services())({ ...request, imageId });
    assert.deepEqual([outcome.status, outcome.code], ["refused", "BadImageId"], JSON.stringify(imageId));
  }
  assert.deepEqual(published, []);
});

test("a thing name or requestId that no camera can have gets no answer", async () => {
  const handler = createHandler(services());
  for (const name of ["../x", "a/b", "a#", "+", "", 7, undefined, "x".repeat(129)])
    assert.equal((await handler({ ...request, thing: name })).code, "BadThing", String(name));
  for (const requestId of ["a b", "", '"', 7, undefined, null, "x".repeat(65)])
    assert.equal((await handler({ ...request, requestId })).code, "BadRequestId", String(requestId));
  assert.deepEqual(published, []);
});

test("what is sent to fill the log is not in it", async () => {
  const flood = "x".repeat(100_000);
  for (const nonsense of [flood, [flood], { flood }, 7]) {
    const outcome = await createHandler(services())({ ...request, thing: nonsense, imageId: nonsense });
    assert.deepEqual(JSON.parse(JSON.stringify(outcome)), { status: "refused", code: "BadThing" });
  }
});

test("what a picture cannot be is refused by name, and answered", async () => {
  const cases: [object, string][] = [
    [{ byteLength: undefined }, "BadByteLength"],
    [{ byteLength: 0 }, "BadByteLength"],
    [{ byteLength: 1.5 }, "BadByteLength"],
    [{ byteLength: "30000" }, "BadByteLength"],
    [{ byteLength: largestPicture + 1 }, "PictureTooLarge"],
    [{ contentType: "text/html" }, "BadContentType"],
    [{ contentType: 1 }, "BadContentType"],
  ];
  for (const [fields, code] of cases)
    assert.equal((await createHandler(services())({ ...request, ...fields })).code, code);
  assert.deepEqual(
    answered().map(({ error }) => error.code),
    cases.map(([, code]) => code),
  );
  const { contentType: _left, ...without } = request;
  assert.equal((await createHandler(services())(without)).status, "granted", "a JPEG unless said otherwise");
});

test("a grant that the camera could not take is refused instead", async () => {
  const s3 = new S3Client({ region: "eu-west-1", credentials: { ...credentials, sessionToken: "t".repeat(4000) } });
  assert.equal((await createHandler(services({ s3 }))(request)).code, "GrantTooLarge");
  assert.equal(answered()[0].error.code, "GrantTooLarge");
});

test("when the table, the signer or the broker fails the function fails, so that it is run again", async () => {
  const fail = () => Promise.reject(new Error("throttled"));
  await assert.rejects(createHandler(services({ table: { get: fail } }))(request), /throttled/);
  await assert.rejects(createHandler(services({ publish: fail }))(request), /throttled/);
  const s3 = new S3Client({ region: "eu-west-1", credentials: fail });
  await assert.rejects(createHandler(services({ s3 }))(request), /throttled/);
  assert.deepEqual(published, []);
});

test("the rule takes the thing from the topic, whatever the camera says", () => {
  const payload = Buffer.from(
    JSON.stringify({ imageId: "a", requestId: "r", byteLength: 1, thing: "camera-2", more: 1 }),
  );
  const rule = new TopicRule(grantRuleSQL);
  assert.deepEqual(rule.select("device/camera-1/uploads/request", payload), {
    imageId: "a",
    byteLength: 1,
    requestId: "r",
    thing: "camera-1",
  });
  for (const topic of ["device/camera-1/uploads/grant", "device/a/b/uploads/request", "x/device/a/uploads/request"])
    assert.equal(rule.select(topic, payload), undefined);
  for (const text of ["", "{", "null", "5", "[]"])
    assert.deepEqual(rule.select("device/camera-1/uploads/request", Buffer.from(text)), { thing: "camera-1" });
});

test("a rule that is not understood here is not run here", () => {
  for (const sql of [
    "SELECT * FROM 'a/+'",
    "SELECT a FROM 'b' WHERE a > 1",
    "SELECT topic(2) FROM 'a/b'",
    "SELECT a b FROM 'c'",
  ])
    assert.throws(() => new TopicRule(sql), SyntaxError, sql);
  const rule = new TopicRule("SELECT a, topic(1) AS b FROM 'x.y/+/z'");
  assert.deepEqual(rule.select("x.y/1/z", Buffer.from('{"a":1,"b":2}')), { a: 1, b: "x.y" });
  assert.equal(rule.select("xzy/1/z", Buffer.from("{}")), undefined, "a dot is a dot");
});
