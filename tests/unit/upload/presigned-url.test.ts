import { PresignedURL } from "../../../modules/upload/presigned-url";
import { assert, equal, test, throws } from "../harness";

const signature = "X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const credential = "X-Amz-Credential=AKID%2F20260131%2Feu-central-1%2Fs3%2Faws4_request";
const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&${credential}&X-Amz-Date=20260131T235950Z&X-Amz-Expires=900&X-Amz-SignedHeaders=content-type%3Bhost&${signature}`;

test("a virtual-hosted URL is taken apart, path and query stay verbatim", () => {
  const path = "/camera/a%20b+c%2F%E2%82%AC'(1).jpg";
  const url = PresignedURL.parse(`https://photos.s3.eu-central-1.amazonaws.com${path}?${query}`);
  equal(url.scheme, "https");
  assert(url.secure);
  equal(url.host, "photos.s3.eu-central-1.amazonaws.com");
  equal(url.authority, "photos.s3.eu-central-1.amazonaws.com");
  equal(url.port, 443);
  equal(url.target(), `${path}?${query}`);
  equal(url.targetLength, url.target().length);
  equal(url.target(3, 9), `${path}?${query}`.slice(3, 9));
  equal(url.redacted, `https://photos.s3.eu-central-1.amazonaws.com${path}`);
  equal(String(url), url.redacted);
  equal([url.addressing, url.bucket, url.region], ["virtual-hosted", "photos", "eu-central-1"]);
  equal(url.key, path.slice(1));
  equal(url.signedHeaders, ["content-type", "host"]);
  equal(url.signedAt, Date.UTC(2026, 0, 31, 23, 59, 50));
  equal(url.expiresAt, Date.UTC(2026, 1, 1, 0, 14, 50));
  assert(!url.isExpired(Date.UTC(2026, 1, 1, 0, 14, 49)));
  assert(url.isExpired(Date.UTC(2026, 1, 1, 0, 14, 50)));
});

const places: [url: string, addressing: string, bucket?: string, key?: string, region?: string][] = [
  ["https://s3.us-west-2.amazonaws.com/photos/a/b.jpg", "path", "photos", "a/b.jpg", "us-west-2"],
  ["https://s3.amazonaws.com/photos/a", "path", "photos", "a", undefined],
  ["https://bkt.s3.amazonaws.com/k", "virtual-hosted", "bkt", "k", undefined],
  ["https://bkt.s3.cn-north-1.amazonaws.com.cn/k", "virtual-hosted", "bkt", "k", "cn-north-1"],
  ["https://s3.cn-northwest-1.amazonaws.com.cn/bkt/k", "path", "bkt", "k", "cn-northwest-1"],
  ["https://my.dotted.bucket.s3.eu-west-1.amazonaws.com/k", "virtual-hosted", "my.dotted.bucket", "k", "eu-west-1"],
  ["https://a.s3.b.s3.eu-west-1.amazonaws.com/k", "virtual-hosted", "a.s3.b", "k", "eu-west-1"],
  ["https://bkt.s3.dualstack.eu-west-1.amazonaws.com/k", "virtual-hosted", "bkt", "k", "eu-west-1"],
  ["https://bkt.s3-us-west-2.amazonaws.com/k", "virtual-hosted", "bkt", "k", "us-west-2"],
  ["https://bkt.s3-accelerate.amazonaws.com/k", "virtual-hosted", "bkt", "k", undefined],
  ["https://bkt-125.cos.ap-guangzhou.myqcloud.com/k", "virtual-hosted", "bkt-125", "k", "ap-guangzhou"],
  ["https://bkt.obs.cn-north-4.myhuaweicloud.com/k", "virtual-hosted", "bkt", "k", "cn-north-4"],
  ["https://photos.localhost:8443/k", "opaque"],
  ["https://192.168.1.2:9000/photos/k", "opaque"],
  ["https://amazonaws.com/photos/k", "opaque"],
];

for (const [text, addressing, bucket, key, region] of places) {
  test(`place of ${text}`, () => {
    const url = PresignedURL.parse(text);
    equal([url.addressing, url.bucket, url.key, url.region], [addressing, bucket, key, region]);
  });
}

test("ports, and the Host header that goes with them", () => {
  const given = PresignedURL.parse(`https://photos.localhost:8443/k?${query}`);
  equal([given.port, given.authority, given.host], [8443, "photos.localhost:8443", "photos.localhost"]);
  const capital = PresignedURL.parse("http://Store.Example/k");
  equal([capital.port, capital.authority, capital.host, capital.secure], [80, "Store.Example", "store.example", false]);
});

test("a URL without a path asks for the root", () => {
  equal(PresignedURL.parse("https://h.example").target(), "/");
  const url = PresignedURL.parse("https://h.example?a=b");
  equal([url.target(), url.targetLength, url.target(1, 3)], ["/?a=b", 5, "?a"]);
});

test("other schemes of signing are opaque but for their expiry", () => {
  const cos = PresignedURL.parse(
    "https://b-1.cos.ap-guangzhou.myqcloud.com/k?q-sign-algorithm=sha1&q-ak=A&q-sign-time=1700000000%3B1700003600&q-signature=f",
  );
  equal([cos.signedAt, cos.expiresAt, cos.signedHeaders], [1700000000000, 1700003600000, undefined]);
  const obs = PresignedURL.parse("https://b.obs.x.myhuaweicloud.com/k?AccessKeyId=A&Expires=1700003600&Signature=s%3D");
  equal([obs.expiresAt, obs.signedHeaders], [1700003600000, undefined]);
  const bare = PresignedURL.parse("https://store.example/put/secret-token");
  equal([bare.expiresAt, bare.isExpired(Date.UTC(2999, 0)), bare.signedHeaders], [undefined, false, undefined]);
});

test("parameters by exact name, decoded", () => {
  const url = PresignedURL.parse("https://h.example/k?Xa=1&a=%41%2Fb&empty=&flag&broken=%zz");
  equal(url.parameter("a"), "A/b");
  equal(url.parameter("empty"), "");
  equal(url.parameter("flag"), "");
  equal(url.parameter("broken"), undefined);
  equal(url.parameter("A"), undefined);
});

const faults: [code: string, url: string][] = [
  ["MalformedURL", ""],
  ["MalformedURL", "photos/1.jpg"],
  ["MalformedURL", "https://h.example/k#part"],
  ["URLTooLong", `https://h.example/${"k".repeat(5000)}`],
  ["URLTooLong", `https://h.example/?${"q".repeat(4078)}`],
  ["URLTooLong", `https://h.example/${"k".repeat(1263)}?q=1`],
  ["URLTooLong", `https://h.example/${"k".repeat(1263)}`],
  ["IllegalCharacter", "https://h.example/a b"],
  ["IllegalCharacter", "https://h.example/a\r\nX: y"],
  ["IllegalCharacter", "https://h.example/\u00fc"],
  ["UnsupportedScheme", "ftp://h.example/k"],
  ["UnsupportedScheme", "HTTPS://h.example/k"],
  ["MalformedHost", "https:///k"],
  ["MalformedHost", "https://user:password@h.example/k"],
  ["MalformedHost", "https://h..example/k"],
  ["MalformedHost", "https://-h.example/k"],
  ["MalformedHost", "https://[::1]/k"],
  ["MalformedPort", "https://h.example:/k"],
  ["MalformedPort", "https://h.example:0/k"],
  ["MalformedPort", "https://h.example:65536/k"],
  ["MalformedPort", "https://h.example:8a/k"],
  ["MissingParameter", `https://h.example/k?${query.replace(signature, "")}`],
  ["MissingParameter", `https://h.example/k?${query.replace(credential, "X-Amz-Credential=")}`],
  ["MalformedDate", `https://h.example/k?${query.replace("20260131T", "20260231T")}`],
  ["MalformedDate", `https://h.example/k?${query.replace("T235950Z", "T245950Z")}`],
  ["MalformedDate", `https://h.example/k?${query.replace("20260131T235950Z", "2026-01-31")}`],
  ["MalformedExpires", `https://h.example/k?${query.replace("=900", "=604801")}`],
  ["MalformedExpires", `https://h.example/k?${query.replace("=900", "=-1")}`],
  ["MalformedExpires", `https://h.example/k?${query.replace("=900", "=soon")}`],
  ["HostNotSigned", `https://h.example/k?${query.replace("content-type%3Bhost", "content-type")}`],
];

for (const [code, text] of faults) {
  test(`${code}: ${text.slice(0, 60).replace(/[\r\n]/g, "~")}`, () => {
    const error = throws(() => PresignedURL.parse(text), code);
    assert(text.length < 12 || !error.message.includes(text.slice(8, 20)), "the message tells the URL");
  });
}

test("many words, each judged by itself, with what is between them", () => {
  const url = PresignedURL.parse("https://h.example/k?token=abc%2Fdefghijklm%4aopqrst%zzuvwxyz%2");
  const told = '  wwwwwwwwwwww <abc/defghijklm> wwwwwwwwwwww,"jopqrst%zzuvwxyz"! short lmJopqrst%zz end';
  equal(url.redact(told), '  wwwwwwwwwwww <...> wwwwwwwwwwww,"..."! short ... end');
  equal(url.redact("nothing that is secret"), "nothing that is secret");
  equal(url.redact(""), "");
});

test("a URL has up to 4,096 characters, 1,280 of them before the query", () => {
  equal(PresignedURL.parse(`https://h.example/?${"q".repeat(4077)}`).targetLength, 4079);
  equal(PresignedURL.parse(`https://h.example/${"k".repeat(1262)}?q=1`).redacted.length, 1280);
  equal(PresignedURL.parse(`https://h.example/${"k".repeat(1262)}`).redacted.length, 1280);
});

test("what a server echoes of the query is masked", () => {
  const url = PresignedURL.parse(
    `https://h.example/k?${query}&X-Amz-Security-Token=abc%2Fdefghijklmnop%3D%3D&short=xyz`,
  );
  const value = signature.split("=")[1];
  equal(url.redact(`<${value}> and ${value}`), "<...> and ...");
  equal(url.redact("token abc/defghijklmnop== here, abc%2Fdefghijklmnop%3D%3D there"), "token ... here, ... there");
  equal(url.redact("Request has expired"), "Request has expired");
});

test("signed headers are counted before they are taken apart", () => {
  const url = (names: string) => `https://b.s3.amazonaws.com/k?${query.replace("content-type%3Bhost", names)}`;
  const names = Array.from({ length: 31 }, (_, i) => `x${i}`).join(";");
  equal(PresignedURL.parse(url(`${names};host`)).signedHeaders?.length, 32);
  throws(() => PresignedURL.parse(url(`${names};x;host`)), "MalformedURL");
  throws(() => PresignedURL.parse(url(`host${";".repeat(3000)}`)), "MalformedURL");
});

test("names of signed headers are counted from the first character on", () => {
  const text = `https://b.s3.amazonaws.com/k?${query.replace("content-type%3Bhost", `${";".repeat(3000)}host`)}`;
  equal(throws(() => PresignedURL.parse(text), "MalformedURL").name, "URLError");
});

test("of a credential its key is a secret; a day, a region and a service are none", () => {
  const of = (key: string) =>
    PresignedURL.parse(
      `https://h.example/k?${query.replace(credential, `X-Amz-Credential=${key}%2F20260131%2Feu-central-1`)}`,
    );
  equal(of("AKIDEXAMPLEKEY").redact("AKIDEXAMPLEKEY of 20260131/eu-central-1"), "... of 20260131/eu-central-1");
  equal(of("").redact("for 20260131/eu-central-1"), "for 20260131/eu-central-1");
});

test("eleven characters of a value may be told, twelve may not", () => {
  const parse = (more: string) => PresignedURL.parse(`https://h.example/k?${query}&${more}`);
  equal(parse("token=abcdefghijkl").redact("xxabcdefghijkxx xxabcdefghijklxx"), "xxabcdefghijkxx ...");
  equal(parse("token=abcdefghijk").redact("abcdefghijk abcdefghijkx"), "abcdefghijk abcdefghijkx");
  // Pieces of a long value that lie across the places where it is cut to be looked at.
  const long = Array.from({ length: 100 }, (_, i) => `k${i.toString(36).padStart(2, "0")}w`).join("");
  for (let at = 0; at + 12 <= long.length; at += 7) equal(parse(`t=${long}`).redact(long.slice(at, at + 12)), "...");
  const coded = [...long].map((it) => `%${it.charCodeAt(0).toString(16)}`).join("");
  for (let at = 0; at + 12 <= long.length; at += 13) equal(parse(`t=${coded}`).redact(long.slice(at, at + 12)), "...");
});
