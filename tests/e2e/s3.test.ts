/** The stand-in for S3, against the unmodified AWS SDK, against curl, and in every answer that a device can get from it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { errorCodes } from "../../sim/cloud/s3/errors.ts";
import { accessKey, bucket, region, S3Rig, testCA } from "./s3-rig.ts";

const photo = randomBytes(70_000);
const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("hex");

let rig: S3Rig;
before(async () => {
  rig = await S3Rig.open();
});
after(() => rig.close());

describe("the AWS SDK's client", () => {
  test("puts, gets, looks at and deletes an object, path style and virtual-hosted", async () => {
    for (const virtualHosted of [false, true]) {
      const client = rig.client({ virtualHosted });
      const Key = `sdk/${virtualHosted}.jpg`;
      const put = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key,
          Body: photo,
          ContentType: "image/jpeg",
          Metadata: { "image-id": "7" },
        }),
      );
      assert.equal(put.ETag, `"${md5(photo)}"`);
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      assert.equal(head.ContentLength, photo.length);
      assert.deepEqual(head.Metadata, { "image-id": "7" });
      const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: "ENABLED" }));
      assert.equal(got.ContentType, "image/jpeg");
      assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), photo);
      assert.deepEqual(await readFile(rig.path(Key)), photo);
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      await assert.rejects(client.send(new HeadObjectCommand({ Bucket: bucket, Key })), { name: "NotFound" });
    }
  });

  test("uploads a stream (aws-chunked with a checksum trailer)", async () => {
    const Body = Readable.from([photo.subarray(0, 10), photo.subarray(10, 30_000), photo.subarray(30_000)]);
    await rig.client().send(new PutObjectCommand({ Bucket: bucket, Key: "stream", Body, ContentLength: photo.length }));
    assert.deepEqual(await readFile(rig.path("stream")), photo);
  });

  test("asks for a range", async () => {
    const client = rig.client();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "range", Body: photo }));
    const part = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "range", Range: "bytes=100-199" }));
    assert.equal(part.ContentRange, `bytes 100-199/${photo.length}`);
    assert.deepEqual(Buffer.from((await part.Body?.transformToByteArray()) ?? []), photo.subarray(100, 200));
    const outside = client.send(new GetObjectCommand({ Bucket: bucket, Key: "range", Range: "bytes=70000-" }));
    await assert.rejects(outside, { name: "InvalidRange" });
  });

  test("finds its buckets", async () => {
    const client = rig.client();
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    await assert.rejects(client.send(new HeadBucketCommand({ Bucket: "nobody" })), { name: "NotFound" });
    assert.equal((await client.send(new GetBucketLocationCommand({ Bucket: bucket }))).LocationConstraint, region);
    const { Buckets } = await client.send(new ListBucketsCommand());
    assert.deepEqual(
      Buckets?.map(({ Name }) => Name),
      [bucket],
    );
  });

  test("lists objects in pages, with prefix and delimiter", async (t) => {
    const own = await S3Rig.open();
    t.after(() => own.close());
    const client = own.client();
    const keys = ["a/1", "a/2", "a/b/3", "c", "d e+f&<g>", "ü"];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x" }));
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 2, ContinuationToken }));
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    assert.deepEqual(seen, keys);
    const folder = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "a/", Delimiter: "/" }));
    assert.deepEqual(
      [folder.Contents?.map(({ Key }) => Key), folder.CommonPrefixes?.map(({ Prefix }) => Prefix), folder.KeyCount],
      [["a/1", "a/2"], ["a/b/"], 3],
    );
    const root = await client.send(new ListObjectsV2Command({ Bucket: bucket, Delimiter: "/", StartAfter: "a/2" }));
    assert.deepEqual(
      [root.Contents?.map(({ Key }) => Key), root.CommonPrefixes?.map(({ Prefix }) => Prefix)],
      [["c", "d e+f&<g>", "ü"], undefined],
    );
  });

  test("keys of every kind keep their identity, and none leads out of the bucket", async (t) => {
    const own = await S3Rig.open();
    t.after(() => own.close());
    const client = own.client();
    const keys = [
      "../../out",
      "./a",
      "d//b",
      "a/",
      "/a",
      "%2e%2e/x",
      "a/.hidden",
      "..b/..",
      "~'()*!",
      "日本/写真.jpg",
      `${"k".repeat(1000)}/é`,
    ];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }));
    for (const Key of keys) {
      const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      assert.equal(await got.Body?.transformToString(), Key);
    }
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(Contents?.map(({ Key }) => Key).sort(), [...keys].sort());
    assert.deepEqual((await readdir(own.directory)).sort(), [".s3", bucket]);
    await assert.rejects(access(join(own.directory, "..", "out")));
    const conflict = client.send(new PutObjectCommand({ Bucket: bucket, Key: "%2e%2e/x/y", Body: "y" }));
    await assert.rejects(conflict, { name: "InvalidArgument" });
  });

  test("sees the errors by name", async () => {
    const get = (options: Parameters<S3Rig["client"]>[0], Bucket = bucket) =>
      rig.client(options).send(new GetObjectCommand({ Bucket, Key: "nothing" }));
    await assert.rejects(get({}), { name: "NoSuchKey" });
    await assert.rejects(get({}, "nobody"), { name: "NoSuchBucket" });
    await assert.rejects(get({ key: { ...accessKey, secretAccessKey: "wrong" } }), { name: "SignatureDoesNotMatch" });
    await assert.rejects(get({ key: { ...accessKey, accessKeyId: "AKIDNOBODY" } }), { name: "InvalidAccessKeyId" });
    await assert.rejects(get({ region: "us-west-2" }), { name: "AuthorizationHeaderMalformed" });
  });
});

describe("presigned URLs", () => {
  const put = async (url: string, headers?: Record<string, string>) => rig.send(url, "hello", { headers });

  test("PUT, GET and HEAD, path style and virtual-hosted", async () => {
    for (const virtualHosted of [false, true]) {
      const url = await rig.presign("a b/+ü.jpg", { virtualHosted });
      assert.equal(new URL(url).hostname, virtualHosted ? `${bucket}.localhost` : "localhost");
      const answer = await put(url);
      assert.deepEqual([answer.status, answer.headers.etag], [200, `"${md5(Buffer.from("hello"))}"`]);
      assert.match(String(answer.headers["x-amz-request-id"]), /^[0-9A-F]{16}$/);
      assert.ok(answer.headers["x-amz-id-2"]);
      const client = rig.client({ virtualHosted });
      const input = { Bucket: bucket, Key: "a b/+ü.jpg" };
      const get = await rig.send(await getSignedUrl(client, new GetObjectCommand(input)), "", {
        method: "GET",
        raw: true,
      });
      assert.deepEqual([get.status, get.body], [200, "hello"]);
      const head = await rig.send(await getSignedUrl(client, new HeadObjectCommand(input)), "", {
        method: "HEAD",
        raw: true,
      });
      assert.deepEqual([head.status, head.headers["content-length"]], [200, "5"]);
    }
  });

  test("signed headers must be there with their values", async () => {
    const url = await rig.presign("typed", { ContentType: "image/jpeg" });
    assert.match(url, /X-Amz-SignedHeaders=content-type%3Bhost/);
    assert.equal((await put(url, { "Content-Type": "image/jpeg" })).status, 200);
    assert.equal((await put(url, { "Content-Type": "image/png" })).code, "SignatureDoesNotMatch");
    assert.equal((await put(url)).code, "SignatureDoesNotMatch");
  });

  test("unsigned x-amz-* headers are refused by name, other headers are not", async () => {
    const url = await rig.presign("headers");
    const answer = await put(url, { "x-amz-meta-a": "1" });
    assert.deepEqual([answer.status, answer.code], [403, "AccessDenied"]);
    assert.match(answer.body, /<HeadersNotSigned>x-amz-meta-a<\/HeadersNotSigned>/);
    assert.equal((await put(url, { "Content-Type": "image/jpeg", "X-Other": "1" })).status, 200);
  });

  test("metadata signed into the query arrives", async () => {
    assert.equal((await put(await rig.presign("meta", { Metadata: { id: "9" } }))).status, 200);
    const head = await rig.client().send(new HeadObjectCommand({ Bucket: bucket, Key: "meta" }));
    assert.deepEqual(head.Metadata, { id: "9" });
  });

  test("any change of the URL breaks the signature", async () => {
    const url = await rig.presign("exact");
    const changes: [string | RegExp, string][] = [
      ["/exact?", "/other?"],
      [/X-Amz-Expires=300/, "X-Amz-Expires=301"],
      [/(X-Amz-Signature=)(.)/, "$10$2"],
      [/X-Amz-SignedHeaders=host/, "X-Amz-SignedHeaders=host%3Bx-amz-acl"],
      [/$/, "&x-amz-acl=public-read"],
    ];
    for (const [from, to] of changes) {
      const answer = await put(url.replace(from, to));
      assert.deepEqual([answer.status, answer.code], [403, "SignatureDoesNotMatch"], String(from));
      assert.match(
        answer.body,
        /<StringToSign>AWS4-HMAC-SHA256[\s\S]*<CanonicalRequest>PUT\n[\s\S]*<CanonicalRequestBytes>50 55 54 /,
      );
    }
    const get = await rig.send(url, "", { method: "GET", raw: true });
    assert.equal(get.code, "SignatureDoesNotMatch");
  });

  test("too late, too early, for too long", async () => {
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
    const late = await put(await rig.presign("k", { signedAt: ago(70), expiresIn: 60 }));
    assert.deepEqual([late.status, late.code], [403, "AccessDenied"]);
    assert.match(
      late.body,
      /<Message>Request has expired<\/Message><X-Amz-Expires>60<.*<Expires>20.*Z<.*<ServerTime>20.*Z</,
    );
    const early = await put(await rig.presign("k", { signedAt: ago(-3600) }));
    assert.match(early.body, /<Code>AccessDenied<\/Code><Message>Request is not valid yet</);
    const good = await rig.presign("k");
    for (const expires of ["604801", "-1", "soon"]) {
      const answer = await put(good.replace("X-Amz-Expires=300", `X-Amz-Expires=${expires}`));
      assert.deepEqual([answer.status, answer.code], [400, "AuthorizationQueryParametersError"], expires);
    }
  });

  test("credentials that are none", async () => {
    const unknown = await put(await rig.presign("k", { key: { ...accessKey, accessKeyId: "AKIDNOBODY" } }));
    assert.deepEqual([unknown.status, unknown.code], [403, "InvalidAccessKeyId"]);
    const wrong = await put(await rig.presign("k", { key: { ...accessKey, secretAccessKey: "wrong" } }));
    assert.deepEqual([wrong.status, wrong.code], [403, "SignatureDoesNotMatch"]);
    const elsewhere = await put(await rig.presign("k", { region: "us-west-2" }));
    assert.deepEqual([elsewhere.status, elsewhere.code], [400, "AuthorizationQueryParametersError"]);
    assert.match(elsewhere.body, /<Region>eu-central-1<\/Region>/);
    const good = await rig.presign("k");
    for (const name of ["Credential", "Date", "SignedHeaders", "Signature", "Algorithm", "Expires"]) {
      const answer = await put(good.replace(new RegExp(`X-Amz-${name}=[^&]*&?`), ""));
      assert.deepEqual([answer.status, answer.code], [400, "AuthorizationQueryParametersError"], name);
    }
    assert.equal((await put(good.replace(/\?.*/, ""))).code, "AccessDenied");
    assert.equal((await put(good.replace(/\?.*/, "?AWSAccessKeyId=a&Signature=b&Expires=1"))).code, "InvalidRequest");
  });

  test("temporary credentials: the token belongs to the URL, and dies", async () => {
    const temporary = { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "s", sessionToken: "token/+=".repeat(100) };
    rig.server.accessKeys.push({ ...temporary });
    const key = rig.server.accessKeys.at(-1)!;
    const url = await rig.presign("sts", { key: temporary });
    assert.equal((await put(url)).status, 200);
    assert.equal(
      (await put(await rig.presign("sts", { key: { ...temporary, sessionToken: "other" } }))).code,
      "InvalidToken",
    );
    assert.equal((await put(url.replace(/&X-Amz-Security-Token=[^&]*/, ""))).code, "InvalidToken");
    key.expiration = new Date(Date.now() - 1000);
    const dead = await put(url);
    assert.deepEqual([dead.status, dead.code], [400, "ExpiredToken"]);
  });

  test("what the signer may not do", async () => {
    rig.server.accessKeys.push({ accessKeyId: "AKIDREADER", secretAccessKey: "r", deny: ["s3:PutObject"] });
    const key = { accessKeyId: "AKIDREADER", secretAccessKey: "r" };
    const answer = await put(await rig.presign("k", { key }));
    assert.deepEqual([answer.status, answer.code], [403, "AccessDenied"]);
    assert.match(answer.body, /<Message>Access Denied</);
  });

  test("the SDK's default checksum of an empty body refuses a picture", async () => {
    const url = await getSignedUrl(rig.client(), new PutObjectCommand({ Bucket: bucket, Key: "trap" }));
    assert.match(url, /x-amz-checksum-crc32=AAAAAA/);
    assert.equal((await put(url)).code, "BadDigest");
    assert.equal((await rig.send(url)).status, 200);
  });
});

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

const curl = await promisify(execFile)("curl", ["--version"]).catch(() => undefined);

describe("curl", { skip: curl ? false : "curl is not installed" }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "devicelink-curl-"));
    await writeFile(join(folder, "ca.pem"), (await testCA()).certPem);
    await writeFile(join(folder, "photo.jpg"), photo);
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (url: string, ...more: string[]) => {
    const fixed = ["--silent", "--show-error", "--max-time", "20", "--cacert", join(folder, "ca.pem")];
    const { stdout } = await promisify(execFile)("curl", [...fixed, "-w", "\n%{http_code}", ...more, url]);
    const at = stdout.lastIndexOf("\n");
    return { body: stdout.slice(0, at), status: Number(stdout.slice(at + 1)) };
  };

  test("uploads and downloads, path style and virtual-hosted", async () => {
    for (const virtualHosted of [false, true]) {
      const url = await rig.presign("curl.jpg", { virtualHosted });
      const { port } = rig.server;
      const resolve = ["--resolve", `${bucket}.localhost:${port}:127.0.0.1`];
      assert.deepEqual(await run(url, ...resolve, "-T", join(folder, "photo.jpg")), { body: "", status: 200 });
      assert.deepEqual(await readFile(rig.path("curl.jpg")), photo);
    }
  });

  test("learns that a chunked upload is not implemented, and why a URL is refused", async () => {
    const chunked = await run(
      await rig.presign("k"),
      "-T",
      join(folder, "photo.jpg"),
      "-H",
      "Transfer-Encoding: chunked",
    );
    assert.equal(chunked.status, 501);
    assert.match(chunked.body, /<Header>Transfer-Encoding</);
    const expired = await rig.presign("k", { signedAt: new Date(Date.now() - 10_000), expiresIn: 1 });
    const refused = await run(expired, "-T", join(folder, "photo.jpg"));
    assert.equal(refused.status, 403);
    assert.match(refused.body, /Request has expired/);
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
