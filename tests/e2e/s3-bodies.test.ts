/** The stand-in for S3: bodies of every kind, faults on demand, and what it keeps. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { errorCodes } from "../../sim/cloud/s3/errors.ts";
import { bucket, S3Rig } from "./s3-rig.ts";

const photo = randomBytes(70_000);
const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("hex");

let rig: S3Rig;
before(async () => {
  rig = await S3Rig.open();
});
after(() => rig.close());

describe("bodies", () => {
  const missing = (key: string) => assert.rejects(access(rig.path(key)), { code: "ENOENT" });

  test("HTTP's chunked coding is not implemented", async () => {
    const headers = { "Transfer-Encoding": "chunked" };
    const answer = await rig.send(await rig.presign("chunked"), "hello", { headers, raw: true });
    assert.deepEqual([answer.status, answer.code], [501, "NotImplemented"]);
    assert.match(
      answer.body,
      /<Error><Code>NotImplemented<\/Code><Message>A header you provided implies functionality that is not implemented<\/Message><Header>Transfer-Encoding<\/Header><RequestId>\w+<\/RequestId><HostId>/,
    );
    await missing("chunked");
  });

  test("a store like COS takes it", async (t) => {
    const cos = await S3Rig.open({ acceptChunked: true });
    t.after(() => cos.close());
    const headers = { "Transfer-Encoding": "chunked" };
    const answer = await cos.send(await cos.presign("chunked"), photo, { headers, raw: true });
    assert.equal(answer.status, 200);
    assert.deepEqual(await readFile(cos.path("chunked")), photo);
  });

  test("no length at all", async () => {
    const answer = await exchange(
      rig,
      await rig.presign("k"),
      (target, host) => `PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(
      answer,
      /^HTTP\/1\.1 411 [\s\S]*<Code>MissingContentLength<[\s\S]*You must provide the Content-Length HTTP header/,
    );
  });

  test("a body that ends early, and nothing is stored", async () => {
    const head = (target: string, host: string) =>
      `PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhello`;
    const answer = await exchange(rig, await rig.presign("short"), head, { end: true });
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*<Code>IncompleteBody</);
    await missing("short");
  });

  test("a client that stalls", async (t) => {
    const own = await S3Rig.open({ idleTimeout: 200 });
    t.after(() => own.close());
    const head = (target: string, host: string) =>
      `PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhello`;
    const answer = await exchange(own, await own.presign("stall"), head);
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*<Code>RequestTimeout</);
    await assert.rejects(access(own.path("stall")));
  });

  test("too large", async (t) => {
    const own = await S3Rig.open({ maximumLength: 1000 });
    t.after(() => own.close());
    const answer = await own.send(await own.presign("large"), photo);
    assert.deepEqual([answer.status, answer.code], [400, "EntityTooLarge"]);
    assert.match(answer.body, /<ProposedSize>70000<\/ProposedSize><MaxSizeAllowed>1000</);
  });

  const digests: [string, (bytes: Buffer) => string][] = [
    ["Content-MD5", (bytes) => createHash("md5").update(bytes).digest("base64")],
    ["x-amz-checksum-sha1", (bytes) => createHash("sha1").update(bytes).digest("base64")],
    ["x-amz-checksum-sha256", (bytes) => createHash("sha256").update(bytes).digest("base64")],
    // "123456789" is what CRCs are checked with (RFC 3720, B.4, and the catalogue of parametrised CRC algorithms).
    ["x-amz-checksum-crc32", () => Buffer.from("cbf43926", "hex").toString("base64")],
    ["x-amz-checksum-crc32c", () => Buffer.from("e3069283", "hex").toString("base64")],
  ];

  for (const [name, digest] of digests) {
    test(`${name}: compared with the body`, async () => {
      const body = Buffer.from("123456789");
      const key = `digest/${name}`;
      const field = name === "Content-MD5" ? "ContentMD5" : `Checksum${name.slice(15).toUpperCase()}`;
      for (const unhoistable of [[], [name]]) {
        const url = await rig.presign(key, { [field]: digest(body), unhoistable });
        const inQuery = url.includes(`&${name}=`);
        const headers: Record<string, string> = inQuery ? {} : { [name]: digest(body) };
        assert.equal((await rig.send(url, body, { headers })).status, 200);
        const answer = await rig.send(url, "12345678?", { headers });
        assert.deepEqual([answer.status, answer.code], [400, "BadDigest"]);
        assert.deepEqual(await readFile(rig.path(key)), body);
      }
    });
  }

  test("a digest that is none", async () => {
    const url = await rig.presign("k", { ContentMD5: "abc" });
    assert.equal((await rig.send(url, "x", { headers: { "Content-MD5": "abc" } })).code, "InvalidDigest");
  });

  test("If-None-Match: * creates, and does not replace", async () => {
    const url = await rig.presign("once", { IfNoneMatch: "*" });
    const headers = { "If-None-Match": "*" };
    assert.equal((await rig.send(url, "first", { headers })).status, 200);
    const again = await rig.send(url, "second", { headers });
    assert.deepEqual([again.status, again.code], [412, "PreconditionFailed"]);
    assert.match(again.body, /<Condition>If-None-Match</);
    assert.equal(await readFile(rig.path("once"), "utf8"), "first");
    const race = await rig.presign("race", { IfNoneMatch: "*" });
    const answers = await Promise.all(["a", "b", "c", "d"].map((text) => rig.send(race, text, { headers })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  });

  test("100-continue: asked for when all is well, otherwise refused before the body", async () => {
    const good = await rig.send(await rig.presign("expect"), "hello", { headers: { Expect: "100-continue" } });
    assert.deepEqual([good.status, good.continued], [200, true]);
    const url = await rig.presign("expect", { signedAt: new Date(Date.now() - 10_000), expiresIn: 1 });
    const bad = await rig.send(url, "hello", { headers: { Expect: "100-continue" } });
    assert.deepEqual([bad.status, bad.continued], [403, false]);
    assert.equal(rig.requests.at(-1)?.received, 0);
  });

  test("bucket and key", async () => {
    assert.equal((await rig.send(await rig.presign("k", { Bucket: "nobody" }), "x")).code, "NoSuchBucket");
    const long = await rig.send(await rig.presign("k".repeat(1025)), "x");
    assert.deepEqual([long.status, long.code], [400, "KeyTooLongError"]);
    assert.equal((await rig.send(await rig.presign("k".repeat(1024)), "x")).status, 200);
    const post = await rig.send((await rig.presign("k")).replace(/\?.*/, ""), "x", { method: "POST" });
    assert.equal(post.code, "AccessDenied");
  });
});

describe("faults on demand", () => {
  test("every error code, early and late", async () => {
    for (const answer of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
      for (const afterBytes of [undefined, 1]) {
        rig.server.faults.add({ action: { answer }, afterBytes });
        const got = await rig.send(await rig.presign("fault"), photo);
        assert.deepEqual([got.status, got.code], [errorCodes[answer][0], answer]);
        assert.match(got.body, /<RequestId>[0-9A-F]{16}<\/RequestId><HostId>.+<\/HostId><\/Error>$/);
      }
    }
    await assert.rejects(access(rig.path("fault")));
    assert.equal((await rig.send(await rig.presign("fault"), photo)).status, 200);
  });

  test("cut at any byte of the body: nothing is stored", async () => {
    for (const afterBytes of [undefined, 0, 1, 40_000, photo.length]) {
      for (const cut of ["reset", "end"] as const) {
        rig.server.faults.add({ afterBytes, action: { cut } });
        await assert.rejects(rig.send(await rig.presign("cut"), photo));
        await assert.rejects(access(rig.path("cut")));
      }
    }
  });

  test("the answer cut: the object is there, and the client cannot know", async () => {
    rig.server.faults.add({ action: { cutAnswer: 20 } });
    await assert.rejects(rig.send(await rig.presign("unheard"), photo));
    assert.deepEqual(await readFile(rig.path("unheard")), photo);
  });

  test("only for a key, for so many requests, with headers and elements", async () => {
    const action = {
      answer: "TemporaryRedirect",
      headers: { Location: "https://x" },
      elements: { Endpoint: "x" },
    } as const;
    rig.server.faults.add({ key: "there", times: 2, action });
    assert.equal((await rig.send(await rig.presign("here"), "x")).status, 200);
    for (const status of [307, 307, 200])
      assert.equal((await rig.send(await rig.presign("there"), "x")).status, status);
    assert.equal(rig.server.faults.pending, 0);
  });

  test("a pause, another ETag, an answer of any form", async () => {
    rig.server.faults.add({ afterBytes: 10, action: { stall: 300 } });
    const start = Date.now();
    assert.equal((await rig.send(await rig.presign("slow"), photo)).status, 200);
    assert.ok(Date.now() - start >= 290);
    rig.server.faults.add({ action: { etag: "0".repeat(32) } });
    assert.equal((await rig.send(await rig.presign("etag"), "x")).headers.etag, `"${"0".repeat(32)}"`);
    rig.server.faults.add({ action: { raw: "HTTP/1.1 299 Odd\r\nContent-Length: 1\r\n\r\n!" } });
    const odd = await rig.send(await rig.presign("odd"), "x");
    assert.deepEqual([odd.status, odd.body], [299, "!"]);
  });
});

describe("state", () => {
  test("survives a restart, with what was half-written gone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-s3-"));
    const first = await S3Rig.open({ directory });
    await first
      .client()
      .send(new PutObjectCommand({ Bucket: bucket, Key: "a/b", Body: photo, ContentType: "image/jpeg" }));
    const half = first.send(await first.presign("half"), photo, { headers: { "Content-Length": photo.length + 1 } });
    await new Promise((resolve) => first.server.once("progress", resolve));
    await Promise.all([first.close(), assert.rejects(half)]);
    await writeFile(join(directory, bucket, "by-hand.jpg"), photo);

    const second = await S3Rig.open({ directory });
    const got = await second.client().send(new GetObjectCommand({ Bucket: bucket, Key: "a/b" }));
    assert.deepEqual([got.ContentType, got.ETag], ["image/jpeg", `"${md5(photo)}"`]);
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), photo);
    const byHand = await second.client().send(new HeadObjectCommand({ Bucket: bucket, Key: "by-hand.jpg" }));
    assert.equal(byHand.ETag, `"${md5(photo)}"`);
    const { Contents } = await second.client().send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(
      Contents?.map(({ Key }) => Key),
      ["a/b", "by-hand.jpg"],
    );
    assert.deepEqual(await readdir(join(directory, ".s3", "pending")), []);
    await second.close();
    await rm(directory, { recursive: true });
  });

  test("tells of objects, progress and requests", async () => {
    const objects: object[] = [];
    let last = 0;
    rig.server.on("object", (object) => objects.push(object));
    rig.server.on("progress", ({ received, total }) => {
      assert.ok(received > last && total === photo.length);
      last = received;
    });
    await rig.send(await rig.presign("told"), photo);
    assert.equal(last, photo.length);
    const sha256 = createHash("sha256").update(photo).digest("hex");
    assert.deepEqual(objects, [
      { bucket, key: "told", bytes: photo.length, etag: md5(photo), sha256, path: rig.path("told") },
    ]);
    assert.deepEqual(rig.requests.at(-1), {
      method: "PUT",
      bucket,
      key: "told",
      status: 200,
      code: "",
      received: photo.length,
    });
    rig.server.removeAllListeners("object").removeAllListeners("progress");
  });
});

/** What a server says to bytes that no HTTP library would send. */
async function exchange(
  on: S3Rig,
  url: string,
  head: (target: string, host: string) => string,
  { end = false } = {},
): Promise<string> {
  const { connect } = await import("node:tls");
  const { pathname, search, host } = new URL(url);
  const options = { servername: "localhost", ca: on.ca.certPem, allowHalfOpen: true };
  const socket = connect(on.server.port, "127.0.0.1", options);
  const text = head(pathname + search, host);
  if (end) socket.end(text);
  else socket.write(text);
  let answer = "";
  socket.setEncoding("utf8").on("data", (part) => {
    answer += part;
  });
  await new Promise((resolve, reject) => {
    socket
      .on("end", resolve)
      .on("error", reject)
      .setTimeout(5000, () => reject(new Error("no answer")));
  });
  socket.destroy();
  return answer;
}
