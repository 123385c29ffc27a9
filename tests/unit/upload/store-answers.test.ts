/** What a store says is judged, bounded, and repeated only as far as it gives nothing away. */
import type { HeaderList } from "../../../modules/upload/header-list";
import type { UploadResult } from "../../../modules/upload/uploader";
import { Digest } from "../../../native/tls/crypto";
import { assert, equal, test } from "../harness";
import { errorAnswer, Rig, secret, url } from "./store-script";
import { SyntheticFrame } from "./synthetic-frame";

const foreignETag = "6c7ba9c5a141421e1c03cb9807c97c74";

function md5(byteLength: number): string {
  const digest = new Digest("MD5");
  const bytes = new Uint8Array(byteLength);
  new SyntheticFrame(byteLength).read(bytes);
  digest.write(bytes);
  let text = "";
  for (const byte of new Uint8Array(digest.close())) text += (256 + byte).toString(16).slice(1);
  return text;
}

/** One attempt, answered so. */
async function answered(answer: string, options: ConstructorParameters<typeof Rig>[0] = {}): Promise<UploadResult> {
  const rig = new Rig({ Digest, backoff: { attempts: 1 }, ...options });
  rig.connection.drain(5744);
  rig.connection.answer(answer);
  return rig.finish();
}

const success = (etag: string, headers = "") =>
  `HTTP/1.1 200 OK\r\nETag: "${etag}"\r\n${headers}Content-Length: 0\r\n\r\n`;
const amazon = "x-amz-request-id: R7\r\n";

const unpromised: [store: string, headers: string][] = [
  ["OBS with KMS", "x-obs-server-side-encryption: kms\r\nx-obs-request-id: 0000018F\r\n"],
  ["COS with KMS", "x-cos-server-side-encryption: cos/kms\r\nx-cos-request-id: NjAwMA==\r\n"],
  ["OSS with KMS", "x-oss-server-side-encryption: KMS\r\nx-oss-request-id: 5C1B\r\n"],
  ["OBS with a customer's key", "x-obs-server-side-encryption-customer-algorithm: AES256\r\nx-obs-request-id: 1\r\n"],
  ["S3 with KMS", `${amazon}x-amz-server-side-encryption: aws:kms\r\n`],
  ["S3 with two layers of KMS", `${amazon}x-amz-server-side-encryption: aws:kms:dsse\r\n`],
  ["S3 with a customer's key", `${amazon}x-amz-server-side-encryption-customer-algorithm: AES256\r\n`],
  ["S3 with a key's name only", `${amazon}X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id: arn:aws:kms:k\r\n`],
  ["a store that speaks both dialects", `${amazon}x-obs-server-side-encryption: kms\r\n`],
  ["a store of another dialect", "x-oss-request-id: 5C1B\r\n"],
  ["a store that says nothing of itself", ""],
];

for (const [store, headers] of unpromised) {
  test(`ETag of ${store}: another than the MD5 is stored, unverified; the MD5 is verified`, async () => {
    const other = await answered(success(foreignETag, headers));
    equal([other.status, other.verified, other.etag, other.attempts], ["stored", false, foreignETag, 1]);
    const same = await answered(success(md5(1000), headers));
    equal([same.status, same.verified], ["stored", true]);
  });
}

test("ETags that cannot be an MD5 are stored, unverified", async () => {
  for (const etag of [
    `${foreignETag}-2`,
    foreignETag.slice(1),
    `${foreignETag}0`,
    "0x8DB2",
    "",
    `g${foreignETag.slice(1)}`,
  ]) {
    const { status, verified } = await answered(success(etag, amazon));
    equal([status, verified], ["stored", false], etag);
  }
  const express = url.replace("photos.s3.eu-central-1", "photos--euc1-az1--x-s3.s3express-euc1-az1.eu-central-1");
  equal((await answered(success(foreignETag, amazon), { url: express })).status, "stored");
});

test("where MD5 is promised another ETag is a damage, with and without Amazon's own encryption", async () => {
  for (const headers of [amazon, `${amazon}x-amz-server-side-encryption: AES256\r\n`]) {
    const { status, code, verified, uncertain } = await answered(success(foreignETag, headers));
    equal([status, code, verified, uncertain], ["failed", "ETagMismatch", false, false]);
  }
});

test("a damaged picture that cannot be replaced is not sent again", async () => {
  const rig = new Rig({ Digest, headers: [["If-None-Match", "*"]] as const });
  rig.connection.drain(5744);
  rig.connection.answer(success(foreignETag, amazon));
  const result = await rig.finish();
  equal([result.status, result.code, result.action, result.attempts], ["failed", "ETagMismatch", "stop", 1]);
});

for (const [what, type, body] of [
  ["an empty document", "application/xml", ""],
  ["JSON", "application/json", '{"Code":"SlowDown","Message":"later"}'],
  ["HTML", "text/html", "<!DOCTYPE html><html><Code>SlowDown</Code><h1>Forbidden</h1></html>"],
  ["XML of something else", "application/xml", "<Code>SlowDown</Code><Error><Code>SlowDown</Code></Error>"],
  ["half a document", "application/xml", "<Error><Code>SlowDown"],
] as const) {
  test(`${what} instead of an error document: the status decides`, { timeout: 60_000 }, async () => {
    for (const [status, verdict, action] of [
      [400, "failed", "stop"],
      [401, "needURL", "newURL"],
      [403, "needURL", "newURL"],
      [404, "failed", "stop"],
      [413, "failed", "stop"],
      [501, "failed", "bug"],
      [503, "failed", "retry"],
    ] as const) {
      const head = `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
      const result = await answered(head + body);
      equal(
        [result.status, result.action, result.code, result.httpStatus],
        [verdict, action, `HTTP ${status}`, status],
      );
    }
  });
}

test("a document that does not end: read up to a bound, and the status decides", { timeout: 60_000 }, async () => {
  const rig = new Rig({ backoff: { attempts: 1 } });
  rig.connection.drain(5744);
  rig.connection.answer("HTTP/1.1 503 X\r\nContent-Type: text/html\r\n\r\n<html>");
  let pieces = 0;
  for (; !rig.connection.closed && pieces < 1000; pieces += 1) rig.connection.answer("<p>busy</p>".repeat(93));
  assert(pieces >= 60 && pieces <= 70, `${pieces} KB were read`);
  const result = await rig.finish();
  equal([result.status, result.action, result.code], ["failed", "retry", "HTTP 503"]);
});

for (const code of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
  test(`a store whose code is ${code}: retried, and told`, async () => {
    const rig = new Rig();
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      rig.connection.drain(5744);
      rig.connection.answer(errorAnswer(503, code));
      rig.timers.advance(10_000);
    }
    const result = await rig.finish();
    equal([result.status, result.code, result.attempts], ["failed", code, 4]);
  });
}

test("a redirect tells where to", async () => {
  for (const [status, code] of [
    [301, "PermanentRedirect"],
    [307, "TemporaryRedirect"],
  ] as const) {
    const result = await answered(
      errorAnswer(status, code, "ask there", "<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint>"),
    );
    equal([result.status, result.code, result.endpoint], ["needURL", code, "s3.eu-west-1.amazonaws.com"]);
  }
});

const expiry = Date.UTC(2026, 0, 1, 1);
const http = (time: number) => new Date(time).toUTCString();

for (const [name, offset, status] of [
  ["a second before", -1000, "failed"],
  ["at", 0, "needURL"],
  ["after", 1000, "needURL"],
] as const) {
  test(`AccessDenied without a word, ${name} the URL's end by the store's clock`, async () => {
    const answer = errorAnswer(403, "AccessDenied").replace("\r\n", `\r\nDate: ${http(expiry + offset)}\r\n`);
    equal((await answered(answer)).status, status);
  });

  test(`AccessDenied without a word, ${name} the URL's end by the camera's clock`, async () => {
    let now = expiry - 60_000;
    const clock = { isSet: true, now: () => now };
    const rig = new Rig({ clock });
    rig.connection.drain(5744);
    now = expiry + offset;
    rig.connection.answer(errorAnswer(403, "AccessDenied"));
    equal((await rig.finish()).status, status);
  });
}

test("a clock that is not set says nothing of the URL's end", async () => {
  const clock = { isSet: false, now: () => expiry + 1000 };
  equal((await answered(errorAnswer(403, "AccessDenied"), { clock })).status, "failed");
});

test("BadDigest: once more, unless the checksum was signed by somebody who has not seen the picture", async () => {
  const checksum = url.replace("&X-Amz-Signature", "&x-amz-checksum-crc32=AAAAAA%3D%3D&X-Amz-Signature");
  const cases: [attempts: number, options: ConstructorParameters<typeof Rig>[0]][] = [
    [2, {}],
    [2, { headers: [["x-checksum", "1"]] }],
    [1, { url: checksum }],
    [1, { url: url.replace("&X-Amz-Signature", "&Content-MD5=AAAAAA%3D%3D&X-Amz-Signature") }],
    [1, { headers: [["Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="]] }],
    [1, { url: url.replace("=host", "=host%3Bx-amz-checksum-sha256"), headers: [["X-Amz-Checksum-SHA256", "x"]] }],
  ];
  for (const [attempts, options] of cases) {
    const rig = new Rig(options);
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      rig.connection.drain(5744);
      rig.connection.answer(errorAnswer(400, "BadDigest"));
      rig.timers.advance(10_000);
    }
    const result = await rig.finish();
    equal([result.status, result.code, result.attempts], ["failed", "BadDigest", attempts]);
  }
});

test("create-only: 412 counts as stored after an attempt whose answer was lost, and only then", async () => {
  const options = { headers: [["If-None-Match", "*"]] as const, expectContinue: true };
  const lost = new Rig(options);
  lost.connection.drain(5744);
  lost.connection.answer("HTTP/1.1 100 Continue\r\n\r\n");
  lost.connection.drain(5744);
  lost.connection.end();
  lost.timers.advance(20_000);
  lost.connection.drain(5744);
  lost.connection.answer(errorAnswer(412, "PreconditionFailed"));
  const stored = await lost.finish();
  equal([stored.status, stored.code, stored.verified, stored.etag], ["stored", "PreconditionFailed", false, undefined]);
  equal([stored.bytes, stored.uncertain], [1000, false]);

  const cut = new Rig({ headers: options.headers });
  cut.connection.drain(100, 900);
  cut.connection.end();
  cut.timers.advance(20_000);
  cut.connection.drain(5744);
  cut.connection.answer(errorAnswer(412, "PreconditionFailed"));
  const other = await cut.finish();
  equal([other.status, other.code, other.action, other.uncertain], ["failed", "PreconditionFailed", "stop", false]);

  const first = await answered(errorAnswer(412, "PreconditionFailed"), options);
  equal([first.status, first.code, first.bytes], ["failed", "PreconditionFailed", 0]);
  const again = await answered(errorAnswer(412, "PreconditionFailed"), { ...options, mayBeThere: true });
  equal([again.status, again.bytes], ["stored", 1000]);
  const plain = await answered(errorAnswer(412, "PreconditionFailed"), { mayBeThere: true });
  equal(plain.status, "failed");
});

const token = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDk+long=";
const withToken = `${url}&X-Amz-Security-Token=${encodeURIComponent(token)}`;
const passphrase = "correct-horse-battery-staple";
const headers: HeaderList = [
  ["x-amz-meta-secret", passphrase],
  ["Content-Type", "image/jpeg"],
];
/** In whatever way a store may repeat it. */
const echoes: [how: string, text: string][] = [
  ["the signature", secret],
  ["the signature in capitals", secret.toUpperCase()],
  ["part of the signature", secret.slice(3, 17)],
  ["the signature in a word", `sig:${secret.slice(0, 30)};`],
  ["the URL", withToken],
  ["the query", withToken.split("?")[1].replaceAll("&", "&amp;")],
  ["the token", token],
  ["the token, encoded", encodeURIComponent(token)],
  ["the token, cut", token.slice(0, 20)],
  ["a header", passphrase],
  ["a header in a word", `x-amz-meta-secret:${passphrase}`],
  ["the access key", "AKIDEXAMPLE0"],
];
const keyed = withToken.replace("AKIDEXAMPLE", "AKIDEXAMPLE0").replace("=host", "=host%3Bx-amz-meta-secret");

for (const [how, text] of echoes) {
  test(`a store that echoes ${how}: in no result`, async () => {
    const retried: string[] = [];
    const onRetry = (_: number, code: string) => retried.push(code);
    for (const [status, elements] of [
      [403, { message: `not ${text} at all` }],
      [403, { code: text }],
      [503, { code: text }],
      [301, { code: "PermanentRedirect", more: `<Endpoint>${text}</Endpoint>` }],
      [400, { more: `<RequestId>${text}</RequestId>` }],
    ] as [number, { code?: string; message?: string; more?: string }][]) {
      const { code = "Strange", message = "", more = "" } = elements;
      const rig = new Rig({ url: keyed, headers, onRetry, backoff: { attempts: 2 } });
      for (let attempt = 0; attempt < 2; attempt += 1) {
        rig.connection.drain(5744);
        rig.connection.answer(
          errorAnswer(status, code, message, more).replace("\r\n", `\r\nx-oss-request-id: ${text}\r\n`),
        );
        rig.timers.advance(10_000);
      }
      const result = await rig.finish();
      assertSilent(JSON.stringify(result), text);
      equal(result.httpStatus, status);
    }
    const stored = await answered(success(text, `x-amz-request-id: ${text}\r\n`), { url: keyed, headers });
    equal(stored.status, "stored");
    assertSilent(JSON.stringify(stored) + retried.join(), text);
  });
}

/** No eleven letters of it, but for what everybody knows. */
function assertSilent(said: string, text: string): void {
  const secrets = [secret, token, encodeURIComponent(token), passphrase, "AKIDEXAMPLE0"];
  for (const one of secrets)
    for (let at = 0; at + 12 <= one.length; at += 1)
      assert(!said.toLowerCase().includes(one.toLowerCase().slice(at, at + 12)), `${text}: ${said}`);
}

test("what is no secret is told as it is", async () => {
  const message =
    "Query-string authentication version 4 requires X-Amz-Credential in region 'eu-central-1' for image/jpeg";
  const result = await answered(errorAnswer(400, "AuthorizationQueryParametersError", message), {
    url: keyed,
    headers,
  });
  equal([result.message, result.code, result.requestId], [message, "AuthorizationQueryParametersError", "7A"]);
});

test("words of a store are bounded: what is too long, or has other letters, is not told", async () => {
  const word = (length: number) => "Ab1".repeat(100).slice(0, length);
  const refused = (code: string, more = "") => answered(errorAnswer(400, code, "m".repeat(230), more));
  equal((await refused(word(64))).code, word(64));
  for (const code of [word(65), "Two Words", "1st", "a&lt;b", "x/y", ""])
    equal((await refused(code)).code, "HTTP 400", code);
  equal((await refused("X")).message, "m".repeat(200));

  const etag = async (text: string) => (await answered(success(text))).etag;
  equal(
    [await etag(word(64)), await etag(word(65)), await etag("a b"), await etag('a"b')],
    [word(64), undefined, undefined, undefined],
  );

  const request = async (text: string) => (await answered(success("e", `x-oss-request-id: ${text}\r\n`))).requestId;
  equal([await request(word(96)), await request(word(97)), await request("a b")], [word(96), undefined, undefined]);

  const endpoint = async (text: string) =>
    (await answered(errorAnswer(301, "PermanentRedirect", "", `<Endpoint>${text}</Endpoint>`))).endpoint;
  equal(
    [await endpoint(word(128)), await endpoint(word(129)), await endpoint("h/?a=b")],
    [word(128), undefined, undefined],
  );
  equal(await endpoint("https://bucket.obs.cn-north-4.example:8443"), "https://bucket.obs.cn-north-4.example:8443");
});

test("an ETag is that of what was stored: a redirect's is none", async () => {
  const answer = (status: number) => `HTTP/1.1 ${status} X\r\nETag: "abc"\r\nContent-Length: 0\r\n\r\n`;
  equal((await answered(answer(299))).etag, "abc");
  equal((await answered(answer(300))).etag, undefined);
});
