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
import type { Principal } from "../../sim/cloud/credentials.ts";
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
    const temporary = rig.credentials.issue({ principal: accessKey.principal, seconds: 3600 });
    const url = await rig.presign("sts", { key: temporary });
    assert.equal((await put(url)).status, 200);
    assert.equal(
      (await put(await rig.presign("sts", { key: { ...temporary, sessionToken: "other" } }))).code,
      "InvalidToken",
    );
    assert.equal((await put(url.replace(/&X-Amz-Security-Token=[^&]*/, ""))).code, "InvalidToken");
    rig.credentials.expire(temporary.accessKeyId);
    const dead = await put(url);
    assert.deepEqual([dead.status, dead.code], [400, "ExpiredToken"]);
  });

  test("what the signer may not do", async (t) => {
    const reader: Principal = { type: "role", roleName: "reader" };
    const strict = await S3Rig.open({
      objection: ({ principal, action, bucket: name, key }) =>
        principal.type === "administrator" || (action === "s3:GetObject" && `${name}/${key}` === `${bucket}/k`)
          ? undefined
          : `${action} is not for everybody`,
    });
    t.after(() => strict.close());
    const key = strict.credentials.issue({ principal: reader, seconds: 60 });
    const client = strict.client({ key });
    await strict.client().send(new PutObjectCommand({ Bucket: bucket, Key: "k", Body: "x" }));
    assert.ok(await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "k" })));
    for (const forbidden of [
      new HeadObjectCommand({ Bucket: bucket, Key: "other" }),
      new DeleteObjectCommand({ Bucket: bucket, Key: "k" }),
      new ListObjectsV2Command({ Bucket: bucket }),
    ]) {
      const failure = await client.send(forbidden as HeadObjectCommand).catch((error) => error);
      assert.equal(failure.$metadata.httpStatusCode, 403);
    }
    const answer = await strict.send(await strict.presign("k", { key }), "x");
    assert.deepEqual([answer.status, answer.code], [403, "AccessDenied"]);
    assert.match(answer.body, /<Message>s3:PutObject is not for everybody</);
  });

  test("the SDK's default checksum of an empty body refuses a picture", async () => {
    const url = await getSignedUrl(rig.client(), new PutObjectCommand({ Bucket: bucket, Key: "trap" }));
    assert.match(url, /x-amz-checksum-crc32=AAAAAA/);
    assert.equal((await put(url)).code, "BadDigest");
    assert.equal((await rig.send(url)).status, 200);
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
