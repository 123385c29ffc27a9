/** What certs/ makes, judged by others: Node's crypto and TLS. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { embedRoots, target } from "../../certs/embed-roots.ts";
import { BadRequestError, type KeyType, LocalCA } from "../../certs/local-ca.ts";

const here = fileURLToPath(new URL("../../certs", import.meta.url));

async function temporary(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "devicelink-ca-"));
  await run(directory).finally(() => rm(directory, { recursive: true }));
}

/** Made by OpenSSL; the key was thrown away. */
const request = `-----BEGIN CERTIFICATE REQUEST-----
MIHOMHUCAQAwEzERMA8GA1UEAwwIY2FtZXJhLTEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASYRNs9VPDTelyD1uD11IPo91P/A0y79+Ed1mGDlevfnYSVO0pIxbOP
v2l/G3Rk1d5A9DJLXC6/GTcm5JqzeUM3oAAwCgYIKoZIzj0EAwIDSQAwRgIhAK9M
kSDM5b0E00JiwOS3OhZNLW3yVI3HLhYGkP1tUVr0AiEA3v7Nmz7aSXr7UxF2TstQ
zNvBDcfGcM6I54hUqOWov14=
-----END CERTIFICATE REQUEST-----
`;

for (const keyType of ["P-256", "P-384", "RSA"] as KeyType[])
  test(`certificates of a ${keyType} authority: chain, names, purposes`, async () => {
    const authority = await LocalCA.create({ keyType });
    const root = new X509Certificate(authority.certPem);
    assert.ok(root.ca && root.verify(root.publicKey));
    const server = await authority.issueServer({ names: ["s3.local", "127.0.0.1"], keyType, intermediate: true });
    const [leaf, intermediate, ...rest] = server.chainPem
      .split(/(?<=END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem));
    assert.equal(rest.length, 0);
    assert.ok(leaf!.checkIssued(intermediate!) && leaf!.verify(intermediate!.publicKey));
    assert.ok(intermediate!.ca && intermediate!.checkIssued(root) && intermediate!.verify(root.publicKey));
    assert.equal(leaf!.ca, false);
    assert.equal(leaf!.checkHost("s3.local"), "s3.local");
    assert.equal(leaf!.checkIP("127.0.0.1"), "127.0.0.1");
    assert.equal(leaf!.checkHost("other.local"), undefined);
    assert.ok(leaf!.checkPrivateKey(createPrivateKey(server.keyPem)));
    assert.deepEqual(leaf!.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
    const client = new X509Certificate((await authority.issueClient({ commonName: "camera-1" })).certPem);
    assert.equal(client.subject, "CN=camera-1");
    assert.deepEqual(client.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  });

test("an authority that is kept is the same for all who open it, and its key is nobody else's", () =>
  temporary(async (directory) => {
    const [a, b] = await Promise.all([LocalCA.open(directory), LocalCA.open(directory)]);
    assert.equal(a.certPem, b.certPem);
    const { certPem } = await (await LocalCA.open(directory)).issueServer({ names: ["x"] });
    assert.ok(new X509Certificate(certPem).verify(new X509Certificate(a.certPem).publicKey));
    assert.equal((await stat(join(directory, "local-ca.key"))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(directory)).sort(), ["local-ca.crt", "local-ca.key"]);
    assert.equal(await readFile(join(directory, "local-ca.crt"), "utf8"), a.certPem);
  }));

test("requests: the sender must hold the key, the name may be given", async () => {
  const authority = await LocalCA.create();
  const issued = await authority.issueFromCsr(request, { days: 1 });
  const certificate = new X509Certificate(issued.certPem);
  assert.equal(certificate.subject, "CN=camera-1");
  assert.equal(certificate.fingerprint256.replaceAll(":", "").toLowerCase(), issued.certificateId);
  assert.ok(Date.parse(certificate.validTo) < Date.now() + 2 * 86_400_000);
  const renamed = await authority.issueFromCsr(request, { commonName: "AWS IoT Certificate" });
  assert.equal(new X509Certificate(renamed.certPem).subject, "CN=AWS IoT Certificate");

  const body = request.split("\n").slice(1, -2).join("");
  const der = Buffer.from(body, "base64");
  for (const at of [20, der.length - 5]) {
    const changed = Buffer.from(der);
    changed[at]! ^= 1;
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await assert.rejects(authority.issueFromCsr(pem), BadRequestError);
  }
  await assert.rejects(authority.issueFromCsr("nonsense"), BadRequestError);
});

test("by hand", () =>
  temporary(async (directory) => {
    const run = (...args: string[]) =>
      promisify(execFile)(process.execPath, ["--import", "tsx", join(here, "local-ca-cli.ts"), directory, ...args]);
    const root = new X509Certificate((await run("root")).stdout);
    const { stdout } = await run("server", "localhost", "::1");
    assert.ok(
      new X509Certificate(stdout.slice(stdout.indexOf("-----BEGIN CERT"))).checkPrivateKey(createPrivateKey(stdout)),
    );
    await writeFile(join(directory, "request.pem"), request);
    assert.ok(new X509Certificate((await run("sign", join(directory, "request.pem"))).stdout).verify(root.publicKey));
    await assert.rejects(run("server"), /usage/);
  }));

test("the roots are what they are taken for, and the firmware has them", async () => {
  assert.equal(await readFile(target, "utf8"), await embedRoots(), "run certs/embed-roots.ts");
  const readme = await readFile(join(here, "README.md"), "utf8");
  const files = await readdir(join(here, "roots"));
  assert.equal(files.length, 5);
  for (const file of files) {
    const root = new X509Certificate(await readFile(join(here, "roots", file)));
    assert.ok(root.ca && root.verify(root.publicKey), file);
    assert.ok(Date.parse(root.validTo) > Date.now() + 365 * 86_400_000, `${file} ends soon`);
    assert.ok(readme.includes(root.fingerprint256.replaceAll(":", "").toLowerCase()), `${file} is not in the README`);
  }
});
