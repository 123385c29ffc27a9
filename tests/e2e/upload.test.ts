/**
 * Uploads by a device process (the firmware's modules in XS, with the chip's memory) over real TLS to the stand-in for S3: byte for byte,
 * through every fault, and never half.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { createServer, type TlsOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { LocalCA } from "../../certs/local-ca.ts";
import type { FaultAction } from "../../sim/cloud/s3/faults.ts";
import type { S3ProcessSettings } from "./fixtures/s3-process.ts";
import { frameBytes, outcomeOf, startUpload, type UploadOutcome } from "./host/upload-rig.ts";
import type { UploadTask } from "./host/upload-task.ts";
import { accessKey, bucket, longTokenKey, region, S3Rig } from "./s3-rig.ts";

const large = 3_000_000;
const small = 30_000;
const medium = 300_000;
/** Retries that do not make the test wait. */
const backoff = { attempts: 4, base: 50, limit: 200 };

let rig: S3Rig;
before(async () => {
  rig = await S3Rig.open();
});
after(() => rig.close());

type Task = Partial<UploadTask> & { key?: string };

async function upload(task: Task = {}, on = rig): Promise<UploadOutcome> {
  const { key = "photo.jpg", ...rest } = task;
  const url = rest.url ?? (await on.presign(key));
  const outcome = await outcomeOf(
    await startUpload({ roots: [on.ca.certPem], byteLength: medium, backoff, ...rest, url }),
  );
  const signature = /X-Amz-Signature=(\w+)/.exec(url)?.[1];
  assert.ok(signature && !outcome.output.includes(signature), "the signature is in the log");
  return outcome;
}

async function assertStored(key: string, byteLength: number, on = rig): Promise<void> {
  assert.ok((await readFile(on.path(key))).equals(frameBytes(byteLength)), `${key} is not what was sent`);
}

const assertMissing = (key: string, on = rig) => assert.rejects(access(on.path(key)), { code: "ENOENT" });

describe("one picture", () => {
  for (const virtualHosted of [false, true]) {
    test(`is stored byte for byte, ${virtualHosted ? "virtual-hosted" : "path style"}`, async () => {
      const key = `whole/${virtualHosted}.jpg`;
      const result = await upload({ url: await rig.presign(key, { virtualHosted }) });
      assert.deepEqual([result.status, result.verified, result.bytes, result.attempts], ["stored", true, medium, 1]);
      assert.equal(result.progress.at(-1), medium);
      assert.match(result.requestId ?? "", /^[0-9A-F]{16}$/);
      const host = `${virtualHosted ? `${bucket}.` : ""}localhost:${rig.server.port}`;
      assert.equal(result.url, `https://${host}/${virtualHosted ? "" : `${bucket}/`}${key}`);
      await assertStored(key, medium);
    });
  }

  test("of one byte, and with an odd length", async () => {
    for (const byteLength of [1, 4097, 65_535]) {
      assert.equal((await upload({ byteLength })).status, "stored");
      await assertStored("photo.jpg", byteLength);
    }
  });

  test("with signed headers, and with a long token in the URL", async () => {
    const url = await rig.presign("signed.jpg", { ContentType: "image/jpeg", key: longTokenKey });
    assert.ok(url.length > 1900);
    const result = await upload({ url, headers: [["Content-Type", "image/jpeg"]] });
    assert.equal(result.status, "stored");
    await assertStored("signed.jpg", medium);
    const other = await upload({ url, headers: [["Content-Type", "image/png"]] });
    assert.deepEqual([other.status, other.code, other.action], ["failed", "SignatureDoesNotMatch", "bug"]);
    const without = await upload({ url });
    assert.deepEqual([without.status, without.code, without.attempts], ["needURL", "SignedHeaderMissing", 0]);
  });

  test("takes the same memory for 30 KB and for 3 MB", async () => {
    const [short, long] = await Promise.all([
      upload({ key: "30k", byteLength: small, sample: 2 }),
      upload({ key: "3m", byteLength: large, sample: 20 }),
    ]);
    assert.deepEqual([short.status, long.status], ["stored", "stored"]);
    await assertStored("3m", large);
    for (const { memory } of [short, long]) {
      const bytes = memory.live.slots * 16 + memory.live.chunkBytes;
      assert.ok(bytes <= 32 * 1024, `${bytes} bytes in use`);
    }
    const more = (name: "slots" | "chunkBytes") => long.memory.live[name] - short.memory.live[name];
    assert.ok(
      more("slots") <= 50 && more("chunkBytes") <= 512,
      `${more("slots")} slots, ${more("chunkBytes")} bytes more`,
    );
    assert.equal(long.memory.stackPeak, short.memory.stackPeak);
  });
});

describe("framing", () => {
  test("chunked coding: S3 does not take it, and says so before the body", async () => {
    const result = await upload({ key: "chunked", framing: "chunked" });
    assert.deepEqual([result.status, result.code, result.action, result.bytes], ["failed", "NotImplemented", "bug", 0]);
    assert.equal(result.frameIntact, true);
    await assertMissing("chunked");
  });

  test("chunked coding: a store that takes it gets the same bytes", async (t) => {
    const cos = await S3Rig.open({ acceptChunked: true });
    t.after(() => cos.close());
    for (const byteLength of [1, 4096, large]) {
      const result = await upload({ framing: "chunked", byteLength }, cos);
      assert.deepEqual([result.status, result.verified], ["stored", true]);
      await assertStored("photo.jpg", byteLength, cos);
    }
  });

  test("a frame that ends early: nothing is padded, nothing is stored", async () => {
    const result = await upload({ key: "early", endsAfter: 100_000 });
    assert.deepEqual([result.status, result.code, result.attempts], ["failed", "FrameEndedEarly", 2]);
    await assertMissing("early");
  });
});

describe("refusals", () => {
  test("an expired URL: the device knows by its clock", async () => {
    const url = await rig.presign("too-late", { signedAt: new Date(Date.now() - 60_000), expiresIn: 30 });
    const result = await upload({ url });
    assert.deepEqual([result.status, result.code, result.attempts], ["needURL", "URLExpired", 0]);
    assert.ok(!rig.requests.some(({ key }) => key === "too-late"));
  });

  test("an expired URL: the store knows better than the device's clock, and the picture stays untouched", async () => {
    const url = await rig.presign("late", { signedAt: new Date(Date.now() - 60_000), expiresIn: 30 });
    const result = await upload({ url, clockOffset: -45_000, rewindable: false });
    assert.deepEqual([result.status, result.code, result.message], ["needURL", "AccessDenied", "Request has expired"]);
    assert.deepEqual([result.bytes, result.frameIntact, rig.requests.at(-1)?.received], [0, true, 0]);
  });

  test("a 403 while the body is going out is heard at once", async () => {
    for (const expectContinue of [true, false]) {
      rig.server.faults.add({
        afterBytes: 100_000,
        action: { answer: "AccessDenied", message: "Request has expired" },
      });
      const result = await upload({ key: "refused", byteLength: large, expectContinue });
      assert.deepEqual([result.status, result.code, result.httpStatus], ["needURL", "AccessDenied", 403]);
      assert.ok(result.bytes < large, `${result.bytes} bytes were sent`);
      assert.equal(result.frameIntact, true);
      await assertMissing("refused");
    }
  });

  const refusals: [name: string, url: (rig: S3Rig) => Promise<string>, status: string, code: string][] = [
    [
      "an unknown key",
      (on) => on.presign("k", { key: { ...accessKey, accessKeyId: "AKIDNOBODY" } }),
      "needURL",
      "InvalidAccessKeyId",
    ],
    [
      "a wrong secret",
      (on) => on.presign("k", { key: { ...accessKey, secretAccessKey: "x" } }),
      "failed",
      "SignatureDoesNotMatch",
    ],
    ["no such bucket", (on) => on.presign("k", { Bucket: "nobody" }), "failed", "NoSuchBucket"],
    ["a key too long", (on) => on.presign("k".repeat(1025)), "failed", "KeyTooLongError"],
    [
      "another region",
      (on) => on.presign("k", { region: "us-west-2" }),
      "needURL",
      "AuthorizationQueryParametersError",
    ],
    [
      "a checksum of something else",
      (on) => getSignedUrl(on.client(), new PutObjectCommand({ Bucket: bucket, Key: "k" })),
      "failed",
      "BadDigest",
    ],
  ];
  for (const [name, url, status, code] of refusals) {
    test(name, async () => {
      const result = await upload({ url: await url(rig) });
      assert.deepEqual([result.status, result.code], [status, code]);
      assert.equal(result.attempts, 1);
    });
  }

  test("If-None-Match: another picture that is there already is neither replaced nor taken for this one", async () => {
    const url = await rig.presign("once", { IfNoneMatch: "*" });
    const headers = [["If-None-Match", "*"]] as const;
    assert.equal((await upload({ url, headers, byteLength: small })).status, "stored");
    const again = await upload({ url, headers, byteLength: medium });
    assert.deepEqual([again.status, again.code, again.bytes], ["failed", "PreconditionFailed", 0]);
    await assertStored("once", small);
  });

  test("If-None-Match: an answer that was lost, and the picture is there: stored once", async () => {
    const url = await rig.presign("answer-lost", { IfNoneMatch: "*" });
    rig.server.faults.add({ key: "answer-lost", action: { cutAnswer: 0 } });
    const result = await upload({ url, headers: [["If-None-Match", "*"]] });
    assert.deepEqual([result.status, result.code, result.attempts], ["stored", "PreconditionFailed", 2]);
    assert.deepEqual([result.verified, result.bytes], [false, medium]);
    await assertStored("answer-lost", medium);
  });

  test("a server that nobody vouches for gets no byte of the request", async () => {
    const stranger = await LocalCA.create();
    const result = await upload({ key: "unseen", roots: [stranger.certPem] });
    assert.deepEqual([result.status, result.code, result.action], ["failed", "UnknownCA", "stop"]);
    assert.deepEqual([result.bytes, result.attempts], [0, 1]);
    assert.ok(!rig.requests.some(({ key }) => key === "unseen"));
  });

  test("redirects ask for another URL", async () => {
    for (const answer of ["TemporaryRedirect", "PermanentRedirect"] as const) {
      rig.server.faults.add({ action: { answer, elements: { Endpoint: "elsewhere.example" } } });
      const result = await upload({});
      assert.deepEqual([result.status, result.code, result.endpoint], ["needURL", answer, "elsewhere.example"]);
    }
  });
});

describe("TLS that cannot be agreed on", () => {
  const offers: [name: string, options: TlsOptions][] = [
    ["no common cipher suite", { maxVersion: "TLSv1.2", ciphers: "AES256-SHA" }],
    ["an old version", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }],
  ];
  for (const [name, options] of offers) {
    test(`${name}: asked once`, async (t) => {
      const { chainPem, keyPem } = await rig.ca.issueServer({ names: ["localhost"] });
      let connections = 0;
      const server = createServer({ ...options, cert: chainPem, key: keyPem }).listen(0, "127.0.0.1");
      server.on("connection", () => {
        connections += 1;
      });
      await once(server, "listening");
      t.after(() => server.close());
      const url = (await rig.presign("k")).replace(/:\d+/, `:${(server.address() as AddressInfo).port}`);
      const result = await upload({ url });
      assert.deepEqual([result.status, result.action, result.attempts], ["failed", "stop", 1], JSON.stringify(result));
      assert.match(result.code, /^(PeerAlert|ProtocolVersion|HandshakeFailure)$/);
      assert.equal(connections, 1);
    });
  }
});

describe("faults that pass", () => {
  test("503 and 500, then stored", async () => {
    rig.server.faults.add(
      { action: { answer: "SlowDown" } },
      { afterBytes: 50_000, action: { answer: "InternalError" } },
      { afterBytes: medium, action: { answer: "ServiceUnavailable" } },
    );
    const result = await upload({ key: "busy" });
    assert.deepEqual([result.status, result.attempts, result.verified], ["stored", 4, true]);
    assert.deepEqual(result.retries, ["SlowDown", "InternalError", "ServiceUnavailable"]);
    await assertStored("busy", medium);
  });

  const passing: [string, number | undefined, FaultAction][] = [
    ["reset at once", undefined, { cut: "reset" }],
    ["reset in the body", 100_000, { cut: "reset" }],
    ["ended in the body", 100_000, { cut: "end" }],
    ["reset after the body", medium, { cut: "reset" }],
    ["another ETag", undefined, { etag: "0".repeat(32) }],
    ...[0, 1, 8, 17, 100].map(
      (bytes) => [`answer cut at byte ${bytes}`, undefined, { cutAnswer: bytes }] as [string, undefined, FaultAction],
    ),
    ["an answer that is none", 10, { raw: "220 smtp.example ESMTP\r\n" }],
  ];
  for (const [name, afterBytes, action] of passing) {
    test(`${name}: sent again`, async () => {
      rig.server.faults.add({ afterBytes, action });
      const result = await upload({ key: "again" });
      assert.deepEqual([result.status, result.attempts, result.verified], ["stored", 2, true], JSON.stringify(result));
      assert.equal(rig.server.faults.pending, 0);
      await assertStored("again", medium);
    });
  }

  test("a store that falls silent: bounded waits, then once more", async () => {
    // Longer than a busy store takes for the second attempt.
    const limits = { stall: 1000, answer: 2000, continue: 500 };
    const cases: [string, number | undefined][] = [
      ["mute-before", undefined],
      ["mute-during", 50_000],
      ["mute-after", medium],
    ];
    const each = cases.map(async ([key, afterBytes]) => {
      rig.server.faults.add({ key, afterBytes, action: { stall: 60_000 } });
      const result = await upload({ key, limits });
      assert.deepEqual([result.status, result.attempts], ["stored", 2], key);
      assert.match(result.retries[0], /^(SendTimeout|AnswerTimeout)$/);
      await assertStored(key, medium);
    });
    await Promise.all(each);
  });

  test("a code that is the name of something in every object: bounded attempts, and a result", async () => {
    const document = "<Error><Code>constructor</Code><Message></Message></Error>";
    const head = `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\nContent-Length: ${document.length}`;
    rig.server.faults.add({ times: 4, action: { raw: `${head}\r\n\r\n${document}` } });
    const result = await upload({ key: "constructor" });
    assert.deepEqual([result.status, result.code, result.attempts], ["failed", "constructor", 4]);
  });

  test("attempts are bounded, and what is known is told", async () => {
    rig.server.faults.add({ times: 4, afterBytes: medium, action: { cut: "reset" } });
    const result = await upload({ key: "never" });
    assert.deepEqual([result.status, result.action, result.attempts], ["failed", "retry", 4]);
    assert.deepEqual([result.uncertain, result.frameIntact, result.bytes], [true, true, medium]);
    await assertMissing("never");
  });

  test("a picture that cannot be read twice", async () => {
    rig.server.faults.add({ afterBytes: 100_000, action: { cut: "reset" } });
    const lost = await upload({ key: "unique", rewindable: false });
    assert.deepEqual([lost.status, lost.frameIntact, lost.attempts], ["needRetake", false, 1]);
    await assertMissing("unique");
    rig.server.faults.add({ action: { answer: "SlowDown" } });
    const kept = await upload({ key: "unique", rewindable: false });
    assert.deepEqual([kept.status, kept.attempts], ["stored", 2]);
    await assertStored("unique", medium);
  });

  test("closed at any time: all of it or nothing", async () => {
    for (const closeAfter of [0, 5, 15, 30, 60, 100]) {
      const key = `closed-${closeAfter}`;
      const result = await upload({ key, byteLength: large, closeAfter });
      assert.match(result.status, /^(closed|stored)$/);
      if (result.status === "stored") await assertStored(key, large);
      else await assertMissing(key);
    }
  });
});

describe("nobody there", () => {
  test("no server, no name", async () => {
    const url = await rig.presign("k");
    const dead = await S3Rig.open();
    const port = dead.server.port;
    await dead.close();
    const refused = await upload({ url: url.replace(/:\d+/, `:${port}`), backoff: { ...backoff, attempts: 2 } });
    assert.deepEqual([refused.status, refused.action, refused.attempts], ["failed", "retry", 2]);
    assert.equal(refused.code, "ConnectionFailed");
    const unknown = await upload({ url: url.replace("localhost", "nobody.invalid"), backoff: { attempts: 1 } });
    assert.deepEqual([unknown.status, unknown.code], ["failed", "HostNotFound"]);
  });
});

describe("the store is killed", () => {
  let folder: string;
  let ca: LocalCA;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "devicelink-upload-"));
    ca = await LocalCA.open(join(folder, "authority"));
  });
  after(() => rm(folder, { recursive: true }));

  const script = fileURLToPath(new URL("./fixtures/s3-process.ts", import.meta.url));

  /** A process that is killed by SIGKILL when it has received so many bytes; it says when it listens, and where. */
  async function startStore(
    directory: string,
    port: number,
    killAt: number,
  ): Promise<{ child: ChildProcess; port: number }> {
    const settings: S3ProcessSettings = {
      authority: join(folder, "authority"),
      directory,
      port,
      keys: [accessKey],
      region,
      buckets: [bucket],
    } satisfies S3ProcessSettings;
    const child = spawn(process.execPath, ["--no-warnings", "--import", "tsx", script], {
      env: { ...process.env, S3: JSON.stringify(settings) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject).once("exit", () => reject(new Error("the store has ended")));
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const event = JSON.parse(line);
        if (event.event === "listening") resolve({ child, port: event.port });
        if (event.event === "progress" && event.received >= killAt) child.kill("SIGKILL");
      });
    });
  }

  for (const killAt of [1, large / 2, large]) {
    test(`at ${killAt} of ${large} bytes: nothing half, and stored once it is back`, { timeout: 60_000 }, async (t) => {
      const directory = await mkdtemp(join(folder, "bucket-"));
      const first = await startStore(directory, 0, killAt);
      const dead = new Promise((resolve) => first.child.once("exit", resolve));
      const url = await presignFor(first.port);
      const limits = { connect: 5000, answer: 5000 };
      const task = {
        url,
        roots: [ca.certPem],
        byteLength: large,
        limits,
        backoff: { attempts: 50, base: 200, limit: 400 },
      };
      const device = await startUpload(task);
      await dead;
      const objects = await readdir(join(directory, bucket));
      if (killAt < large) assert.deepEqual(objects, []);
      else if (objects.length)
        assert.ok((await readFile(join(directory, bucket, "photo.jpg"))).equals(frameBytes(large)));
      const second = await startStore(directory, first.port, Number.POSITIVE_INFINITY);
      t.after(() => second.child.kill("SIGKILL"));
      const result = await outcomeOf(device);
      assert.equal(result.status, "stored", JSON.stringify(result));
      assert.ok(result.attempts > 1);
      assert.ok((await readFile(join(directory, bucket, "photo.jpg"))).equals(frameBytes(large)));
      assert.deepEqual(await readdir(join(directory, ".s3", "pending")), []);
    });
  }

  async function presignFor(port: number): Promise<string> {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const client = new S3Client({
      endpoint: `https://localhost:${port}`,
      region,
      forcePathStyle: true,
      credentials: accessKey,
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
    return getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: "photo.jpg" }));
  }
});

test("the device is killed in the middle: nothing half, and the next one can do it", async () => {
  const url = await rig.presign("device-killed");
  const device = await startUpload({ url, roots: [rig.ca.certPem], byteLength: large }, (line) => {
    if (line.includes('"progress"')) device.kill("SIGKILL");
  });
  assert.equal((await device.exited).signal, "SIGKILL");
  await assertMissing("device-killed");
  assert.equal((await upload({ url, byteLength: large })).status, "stored");
  await assertStored("device-killed", large);
});
