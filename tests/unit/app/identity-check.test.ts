import {
  certificateFor,
  checkCertificate,
  checkCredentials,
  checkKey,
  checkRoots,
} from "../../../modules/app/identity-check";
import { amazonRoots } from "../../../modules/network/roots";
import { KeyPair } from "../../../native/tls/crypto";
import { equal, test, throws } from "../harness";
import { selfSigned } from "./self-signed";

/** For a key that is nowhere; good from 2026-11-30 to 2036-11-27. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBKDCBzgIUPvntiF+EhBQiJ1v6f/ObfL/AFw8wCgYIKoZIzj0EAwIwFTETMBEG
A1UEAwwKRXhhbXBsZSBDQTAeFw0yNjExMzAxNjMzMTRaFw0zNjExMjcxNjMzMTRa
MBgxFjAUBgNVBAMMDWV4YW1wbGUgdGhpbmcwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAASVM5PhrF7iuy35ZFcJQeKmEskz3y0Mp/QsS/vhYQgao4uQaDQzyEZcDRZA
LxlK3glJfEXPvTkXeLE+kLibznbYMAoGCCqGSM49BAMCA0kAMEYCIQDJrA+yOJi7
vsGZcR3P7YsZju1BVis5z9xIJDYEVu3x9QIhAL/nrznLQQbM9WHJjAlGru8NoxY/
ljk5vCUpUR2wlqYe
-----END CERTIFICATE-----
`;
const [root] = amazonRoots;
const rootText = `${root}\n`;
const body = certificate.split("\n").slice(1, -2).join("\n");
const pair = new KeyPair();
const key = pair.exportPEM();
const now = Date.UTC(2027, 0, 1);
const block = (label: string, text = body) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;

/** The same text as others would hand it in. */
const variants = (text: string): Record<string, string> => ({
  plain: text,
  "literal \\n": text.replace(/\n/g, "\\n"),
  "literal \\r\\n": text.replace(/\n/g, "\\r\\n"),
  indented: text.replace(/^/gm, "    "),
  tabs: text.replace(/^/gm, "\t"),
  CRLF: text.replace(/\n/g, "\r\n"),
  "byte order mark": `\ufeff${text}`,
  "one line": text.replace(/\n/g, " "),
  "text around": `subject=CN = x\n\n${text}\n# end`,
});

/** How the refusal reads. */
function reason(check: () => unknown, code: string): string {
  return throws(check, code).message;
}

test("what leaves no doubt is mended: a key", () => {
  for (const [name, text] of Object.entries(variants(key))) equal(checkKey(text), key, name);
});

test("what leaves no doubt is mended: roots", () => {
  for (const [name, text] of Object.entries(variants(rootText))) equal(checkRoots(text, now), rootText, name);
  const all = amazonRoots.map((pem) => `${pem}\n`).join("");
  equal(checkRoots(all, now), all);
});

test("what leaves no doubt is read: a certificate, which is for another key all the same", () => {
  for (const [name, text] of Object.entries(variants(certificate)))
    equal(
      reason(() => checkCertificate(text, key, now), "BadCertificate"),
      "the certificate (certPem) is for another key than the camera's (or privKey)",
      name,
    );
});

const texts: [what: string, text: string, end: string][] = [
  ["a path", "/certs/AmazonRootCA1.pem", "is no PEM text"],
  ["nothing that makes sense", "x", "is no PEM text"],
  ["base64 alone", body, "is base64 without the lines -----BEGIN and -----END"],
  ["a cut", certificate.slice(0, 300), "was cut: its -----END line is missing"],
  ["a hole", block("CERTIFICATE", `${body.slice(0, 64)}?${body.slice(64)}`), "has something in it that is no base64"],
  ["a digit too few", block("CERTIFICATE", body.slice(0, -1)), "has something in it that is no base64"],
  ["a request", block("CERTIFICATE REQUEST"), "is a certificate request"],
  ["a public key", block("PUBLIC KEY"), "is a public key"],
  ["a private key", block("PRIVATE KEY"), "is or has a private key"],
  ["certificate and key", certificate + block("PRIVATE KEY"), "is or has a private key"],
  ["a list", block("PKCS7"), "is PEM of another kind"],
  ["no certificate in it", block("CERTIFICATE", "MIIB"), "cannot be parsed"],
];

for (const [what, text, end] of texts)
  test(`the true reason: ${what}`, () => {
    const asCertificate = reason(() => checkCertificate(text, key, now), "BadCertificate");
    equal(asCertificate, `the certificate (certPem) ${end}`);
    equal(
      reason(() => checkRoots(text, now), "BadRoots"),
      `the root certificate (rootCA) ${end}`,
    );
  });

test("the true reason: keys", () => {
  const keys: [string, string][] = [
    [certificate, "is a certificate"],
    [block("CERTIFICATE REQUEST"), "is a certificate request"],
    [block("PUBLIC KEY"), "is a public key"],
    [block("ENCRYPTED PRIVATE KEY"), "is encrypted"],
    [block("RSA PRIVATE KEY", `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n${body}`), "is encrypted"],
    [block("OPENSSH PRIVATE KEY"), "is PEM of another kind"],
    [key + key, "has several keys"],
    [block("PRIVATE KEY"), "cannot be parsed"],
    [key.slice(0, 60), "was cut: its -----END line is missing"],
    ["", "is no PEM text"],
  ];
  for (const [text, end] of keys)
    equal(
      reason(() => checkKey(text), "BadKey"),
      `the key (privKey) ${end}`,
    );
});

test("roots that have expired, or are none", () => {
  const late = Date.UTC(2039, 0, 1);
  equal(
    reason(() => checkRoots(rootText, late), "BadRoots"),
    "the root certificate (rootCA) has expired, by this camera's clock",
  );
  equal(
    reason(() => checkRoots(rootText, Date.UTC(2014, 0, 1)), "BadRoots"),
    "the root certificate (rootCA) is not valid yet, by this camera's clock",
  );
  equal(checkRoots(rootText, 0), rootText, "a clock that is not set");
  equal(
    reason(() => checkRoots(certificate, now), "BadRoots"),
    "the root certificate (rootCA) is no authority that can vouch for a server",
  );
});

test("all of it is judged, the key first", () => {
  throws(() => checkCredentials({ certificate: "x", key: "x", rootCA: "x" }, now), "BadKey");
  throws(() => checkCredentials({ certificate: "x", key, rootCA: "x" }, now), "BadCertificate");
  throws(() => checkCredentials({ certificate, key }, now), "BadCertificate");
});

test("a failure that has no words here is told as it is", () => {
  const symbol = Symbol("no text") as unknown as string;
  equal(/^the key \(privKey\) cannot be used: /.test(reason(() => checkKey(symbol), "BadKey")), true);
});

test("a certificate that was fetched is for the request of now, or for an earlier one, or none at all", () => {
  const own = selfSigned(pair);
  equal(certificateFor(own, key, now), own);
  equal(certificateFor(certificate, key, now), undefined, "for an earlier request");
  equal(
    reason(() => certificateFor("x", key, now), "BadCertificate"),
    "the certificate is no PEM text",
  );
  equal(
    reason(() => certificateFor(own, key, Date.UTC(2037, 0, 1)), "BadCertificate"),
    "the certificate has expired, by this camera's clock",
  );
});

test("what is good is given back as it is to be stored", () => {
  const own = selfSigned(pair);
  const alone = { certificate: own, key };
  checkCredentials(alone, now);
  equal(alone, { certificate: own, key });
  // Indented, as some editors leave it: what it means takes its place.
  const indented = { certificate: own, key, rootCA: rootText.replace(/^/gm, "  ") };
  checkCredentials(indented, now);
  equal(indented, { certificate: own, key, rootCA: rootText });
  throws(() => checkCredentials({ certificate: own, key, rootCA: "x" }, now), "BadRoots");
});
