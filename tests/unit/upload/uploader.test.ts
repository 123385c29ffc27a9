import { uploadFrame } from "../../../modules/upload/uploader";
import { Digest } from "../../../native/tls/crypto";
import { assert, equal, test } from "../harness";
import { characters, errorAnswer, ok, Rig, secret, url } from "./store-script";
import { isWholeFrame, SyntheticFrame } from "./synthetic-frame";

/** MD5 of the synthetic frame of 1000 bytes. */
function md5(byteLength: number): string {
  const digest = new Digest("MD5");
  const bytes = new Uint8Array(byteLength);
  new SyntheticFrame(byteLength).read(bytes);
  digest.write(bytes);
  let text = "";
  for (const byte of new Uint8Array(digest.close())) text += (256 + byte).toString(16).slice(1);
  return text;
}

const stored = (etag: string, more = "") =>
  `HTTP/1.1 200 OK\r\n${more}x-amz-request-id: R7\r\nETag: "${etag}"\r\nContent-Length: 0\r\n\r\n`;

test("a frame is stored, and the ETag is that of what was sent", async () => {
  const rig = new Rig({ Digest });
  equal([rig.connection.host, rig.connection.port], ["photos.s3.eu-central-1.amazonaws.com", 443]);
  rig.connection.drain(5744);
  assert(isWholeFrame(rig.connection.body, 1000));
  rig.connection.answer(stored(md5(1000)));
  const result = await rig.finish();
  equal(result, {
    status: "stored",
    code: "",
    message: "",
    action: "stored",
    httpStatus: 200,
    etag: md5(1000),
    verified: true,
    bytes: 1000,
    attempts: 1,
    requestId: "R7",
    frameIntact: false,
    uncertain: false,
    url: "https://photos.s3.eu-central-1.amazonaws.com/camera/1.jpg",
  });
});

test("windows of 1 to 300 bytes, both framings", { timeout: 60_000 }, async () => {
  for (let window = 1; window <= 300; window += window < 12 ? 1 : 37) {
    for (const framing of ["length", "chunked"] as const) {
      const rig = new Rig({ framing });
      rig.connection.drain(window);
      if (framing === "length") assert(isWholeFrame(rig.connection.body, 1000), `window ${window}`);
      else equal(characters(rig.connection.body.slice(-7)), "\r\n0\r\n\r\n", `window ${window}`);
      rig.connection.answer(ok, window);
      equal((await rig.finish()).status, "stored");
    }
  }
});

test("large writes where the socket has room for them", async () => {
  const rig = new Rig({ frame: new SyntheticFrame(12_000) });
  rig.connection.drain(5744);
  assert(rig.connection.writes <= 7, `${rig.connection.writes} writes for a head and 12,000 bytes`);
  rig.upload.close();
  await rig.finish();
});

test("progress goes up to the end, and who watches cannot disturb", async () => {
  const seen: number[] = [];
  const rig = new Rig({
    onProgress: (sent, total) => {
      seen.push(sent);
      equal(total, 1000);
      throw new Error("not to be noticed");
    },
  });
  rig.connection.drain(100);
  assert(seen.length >= 10);
  for (let i = 1; i < seen.length; i += 1) assert(seen[i] > seen[i - 1]);
  equal(seen[seen.length - 1], 1000);
  rig.connection.answer(ok);
  equal((await rig.finish()).status, "stored");
});

test("uploadFrame gives the same result", async () => {
  const result = await uploadFrame({
    url: "nonsense",
    frame: new SyntheticFrame(1),
    connect: () => assert(false) as never,
  });
  equal([result.status, result.code], ["needURL", "MalformedURL"]);
});

test("100-continue: the body goes out when the store asks for it", async () => {
  const rig = new Rig({ expectContinue: undefined });
  rig.connection.drain(5744);
  assert(rig.connection.head.includes("Expect: 100-continue"));
  equal([rig.connection.body.length, rig.frame.reads], [0, 0]);
  rig.connection.answer("HTTP/1.1 100 Continue\r\n\r\n", 3);
  rig.connection.drain(5744);
  assert(isWholeFrame(rig.connection.body, 1000));
  rig.connection.answer(ok);
  equal((await rig.finish()).status, "stored");
});

test("100-continue: a refused request leaves the frame alone", async () => {
  const rig = new Rig({ expectContinue: true, frame: new SyntheticFrame(1000, { rewindable: false }) });
  rig.connection.drain(5744);
  rig.connection.answer(errorAnswer(403, "AccessDenied", "Request has expired"));
  const result = await rig.finish();
  equal([result.status, result.frameIntact, result.bytes, rig.frame.reads], ["needURL", true, 0, 0]);
});

test("100-continue: a store that says nothing gets the body after a second", async () => {
  const rig = new Rig({ expectContinue: true });
  rig.connection.drain(5744);
  rig.timers.advance(900);
  equal(rig.frame.reads, 0);
  rig.timers.advance(400);
  rig.connection.drain(5744);
  assert(isWholeFrame(rig.connection.body, 1000));
  rig.connection.answer(`HTTP/1.1 100 Continue\r\n\r\n${ok}`);
  equal((await rig.finish()).status, "stored");
});

test("100-continue: refused by name, then left out", async () => {
  const rig = new Rig({ expectContinue: true });
  rig.connection.drain(5744);
  rig.connection.answer("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
  rig.timers.advance(3000);
  rig.connection.drain(5744);
  assert(!rig.connection.head.includes("Expect"));
  rig.connection.answer(ok);
  equal([(await rig.finish()).status, rig.connections.length], ["stored", 2]);
});

for (const step of [1, 1000]) {
  test(`a 403 while the body goes out is acted on at once (answer in pieces of ${step})`, async () => {
    const rig = new Rig({ frame: new SyntheticFrame(100_000) });
    rig.connection.drain(1000, 8000);
    const before = rig.connection.sent.length;
    rig.connection.answer(errorAnswer(403, "AccessDenied", "Request has expired"), step);
    const result = await rig.finish();
    equal([result.status, result.code, result.message], ["needURL", "AccessDenied", "Request has expired"]);
    equal([result.httpStatus, result.requestId, result.attempts, result.frameIntact], [403, "7A", 1, true]);
    equal(rig.connection.sent.length, before);
  });
}

test("the rest of an early answer is waited for, but not long", async () => {
  const rig = new Rig({ frame: new SyntheticFrame(100_000) });
  rig.connection.drain(1000, 8000);
  const before = rig.connection.sent.length;
  rig.connection.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 300\r\n\r\n<Error><Code>Inva");
  rig.connection.drain(1000);
  equal(rig.connection.sent.length, before, "bytes sent after the refusal");
  rig.timers.advance(5000);
  const result = await rig.finish();
  equal([result.status, result.code], ["needURL", "HTTP 403"]);
});

test("success before the body was sent is not believed", async () => {
  const rig = new Rig({ frame: new SyntheticFrame(100_000), backoff: { attempts: 1 } });
  rig.connection.drain(1000, 8000);
  rig.connection.answer(ok);
  const result = await rig.finish();
  equal([result.status, result.code], ["failed", "EarlySuccess"]);
});

test("an ETag that is not the MD5 of what was sent: again, once, then failed", async () => {
  const rig = new Rig({ Digest });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    rig.connection.drain(5744);
    rig.connection.answer(stored("0".repeat(32)));
    rig.timers.advance(5000);
  }
  const result = await rig.finish();
  equal([result.status, result.code, result.attempts, result.verified], ["failed", "ETagMismatch", 2, false]);
});

const unverifiable: [string, string][] = [
  ["KMS", stored("0".repeat(32), "x-amz-server-side-encryption: aws:kms\r\n")],
  ["a customer's key", stored("0".repeat(32), "x-amz-server-side-encryption-customer-algorithm: AES256\r\n")],
  ["no MD5", stored("abc-3")],
  ["no ETag", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
];

for (const [name, answer] of unverifiable) {
  test(`stored but unverified: ${name}`, async () => {
    const rig = new Rig({ Digest });
    rig.connection.drain(5744);
    rig.connection.answer(answer);
    const result = await rig.finish();
    equal([result.status, result.verified, rig.connections.length], ["stored", false, 1]);
  });
}

test("verified with AES256 announced, capitals and a weak ETag aside", async () => {
  const rig = new Rig({ Digest });
  rig.connection.drain(5744);
  rig.connection.answer(stored(md5(1000).toUpperCase(), "x-amz-server-side-encryption: AES256\r\n"));
  equal((await rig.finish()).verified, true);
});

test("URLs that are of no use", async () => {
  const cases: [string, Partial<ConstructorParameters<typeof Rig>[0]>][] = [
    ["MalformedURL", { url: "" }],
    ["MalformedURL", { url: undefined as unknown as string }],
    ["InsecureURL", { url: url.replace("https", "http") }],
    ["URLExpired", { clock: { isSet: true, now: () => Date.UTC(2026, 0, 1, 1) } }],
    ["HeaderNotSigned", { headers: [["x-amz-acl", "private"]] }],
    ["SignedHeaderMissing", { url: url.replace("=host", "=content-type%3Bhost") }],
  ];
  for (const [code, options] of cases) {
    const rig = new Rig(options);
    const result = await rig.finish();
    equal([result.status, result.code, result.attempts, result.frameIntact], ["needURL", code, 0, true]);
    equal([result.action, rig.connections.length], ["newURL", 0]);
  }
});

test("a clock that is not set, or before the expiry, does not matter", async () => {
  for (const clock of [
    { isSet: false, now: () => Date.UTC(2099, 0) },
    { isSet: true, now: () => Date.UTC(2026, 0, 1, 0, 59, 59) },
  ]) {
    const rig = new Rig({ clock });
    equal(rig.connections.length, 1);
    rig.upload.close();
    await rig.finish();
  }
});

test("a URL that expires between two attempts", async () => {
  let now = Date.UTC(2026, 0, 1);
  const rig = new Rig({ clock: { isSet: true, now: () => now } });
  rig.connection.drain(5744);
  rig.connection.answer(errorAnswer(503, "SlowDown"));
  now = Date.UTC(2026, 0, 1, 2);
  rig.timers.advance(10_000);
  const result = await rig.finish();
  equal([result.status, result.code, result.attempts, result.frameIntact], ["needURL", "URLExpired", 1, true]);
});

test("an empty frame is refused", async () => {
  for (const length of [0, -1, Number.NaN]) {
    const result = await new Rig({ frame: new SyntheticFrame(length) }).finish();
    equal([result.status, result.code, result.action], ["failed", "EmptyFrame", "stop"]);
  }
});

test("what the store echoes of the query does not get into the result", async () => {
  const rig = new Rig();
  rig.connection.drain(5744);
  rig.connection.answer(errorAnswer(403, "SignatureDoesNotMatch", `you sent ${secret}`));
  const result = await rig.finish();
  equal([result.status, result.action, result.message], ["failed", "bug", "you sent ..."]);
});

test("a result is told once, whatever comes after it", async () => {
  const told: string[] = [];
  const rig = new Rig({ onResult: ({ status }) => told.push(status) });
  rig.connection.drain(5744);
  rig.connection.answer(ok);
  rig.upload.close();
  rig.upload.close();
  await rig.finish();
  equal(told, ["stored"]);
});

test("an answer whose head has come has its time, however many pieces of its body come", async () => {
  const rig = new Rig({ backoff: { attempts: 1 } });
  rig.connection.drain(5744);
  rig.connection.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 5000\r\n\r\n<Error>");
  for (let i = 0; i < 60 && !rig.connection.closed; i += 1) {
    rig.timers.advance(1000);
    if (!rig.connection.closed) rig.connection.answer(" ");
  }
  equal(rig.connection.closed, true);
  equal((await rig.finish()).httpStatus, 403);
});

test("a write that ends the upload and fails is no trouble", async () => {
  const rig = new Rig();
  const { connection } = rig;
  Object.defineProperty(connection, "write", {
    value: () => {
      rig.upload.close();
      throw new Error("broken pipe");
    },
  });
  connection.drain(100);
  equal((await rig.finish()).status, "closed");
});
