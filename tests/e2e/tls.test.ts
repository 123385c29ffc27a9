/**
 * TLS of the firmware against Node's TLS server (OpenSSL): whom the device trusts, whom it refuses under which name, and what the other
 * side hears of it.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import type tls from "node:tls";
import {
  certificateToPem,
  exportPrivateKey,
  generateKeyPair,
  importPrivateKey,
  issueCertificate,
  parseCertificate,
} from "../../certs/certificates.ts";
import { type KeyType, LocalCA } from "../../certs/local-ca.ts";
import { type Answer, pattern, Rig, type Task, TLSPeer } from "./host/tls-rig.ts";

const day = 86_400_000;
const names = ["localhost", "127.0.0.1"];
let rig: Rig;
let ca: LocalCA;

before(async () => {
  rig = await Rig.start();
  ca = await LocalCA.create();
});
after(() => rig?.stop());

interface Result extends Answer {
  peer: TLSPeer;
}

/** Connects the device once to a server with these options and closes everything. */
async function connectOnce(
  options: tls.TlsOptions,
  task: Partial<Task> = {},
  onConnection?: (socket: tls.TLSSocket) => void,
): Promise<Result> {
  const peer = await TLSPeer.start(options, onConnection);
  try {
    const answer = await rig.run({ port: peer.port, roots: [ca.certPem], closeAfter: 0, ...task });
    if (answer.code) await peer.error();
    return { ...answer, peer };
  } finally {
    await peer.close();
  }
}

async function serverOptions(authority: LocalCA, options: Partial<Parameters<LocalCA["issueServer"]>[0]> = {}) {
  const { keyPem, chainPem } = await authority.issueServer({ names, ...options });
  return { key: keyPem, cert: chainPem };
}

for (const rootType of ["P-256", "RSA"] as KeyType[])
  for (const keyType of ["P-256", "P-384", "RSA"] as KeyType[])
    for (const intermediate of [false, true])
      test(`accepts a ${keyType} server ${intermediate ? "below an intermediate" : "directly"} below a ${rootType} root`, async () => {
        const authority = await LocalCA.create({ keyType: rootType });
        const options = await serverOptions(authority, { keyType, intermediate });
        const result = await connectOnce(options, { roots: [authority.certPem] });
        assert.deepEqual(result.outcomes, { "connected closed": 1 }, result.message);
        assert.equal(result.peer.sockets.length, 1);
        assert.equal((result.peer.sockets[0] as unknown as { servername: string }).servername, "localhost");
        assert.match(result.version!, /^TLSv1\.[23]$/);
      });

test("accepts with several roots, a wrong one first, two of them in one text", async () => {
  const others = await Promise.all([LocalCA.create({ name: "A" }), LocalCA.create({ name: "B", keyType: "RSA" })]);
  const options = await serverOptions(ca, { intermediate: true });
  const result = await connectOnce(options, { roots: [others[0].certPem, others[1].certPem + ca.certPem] });
  assert.deepEqual(result.outcomes, { "connected closed": 1 }, result.message);
});

test("the roots that the firmware brings do not trust the local authority, but go with it", async () => {
  const options = await serverOptions(ca);
  assert.equal((await connectOnce(options, { amazonRoots: true, roots: [] })).code, "UnknownCA");
  const result = await connectOnce(options, { amazonRoots: true });
  assert.deepEqual(result.outcomes, { "connected closed": 1 }, result.message);
});

test("knows an address from a name", async () => {
  const options = await serverOptions(ca);
  const good = await connectOnce(options, { host: "127.0.0.1" });
  assert.deepEqual(good.outcomes, { "connected closed": 1 }, good.message);
  const onlyName = await connectOnce(await serverOptions(ca, { names: ["localhost"] }), { host: "127.0.0.1" });
  assert.equal(onlyName.code, "NameMismatch");
});

test("a server with TLS 1.2 at most", async () => {
  const result = await connectOnce({ ...(await serverOptions(ca)), maxVersion: "TLSv1.2" });
  assert.deepEqual([result.connected, result.version], [true, "TLSv1.2"], result.message);
});

test("a server with TLS 1.1 at most: no session", async () => {
  const options = await serverOptions(ca, { keyType: "RSA" });
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
  const result = await connectOnce({ ...options, ...old });
  // OpenSSL says that there is no cipher for it, which is as true.
  assert.ok(result.code === "ProtocolVersion" || result.alert === 40, result.message);
  assert.equal(result.connected, false);
});

test("a server with TLS 1.3 only: a session, or ProtocolVersion where the library ends at 1.2", async () => {
  const result = await connectOnce({ ...(await serverOptions(ca)), minVersion: "TLSv1.3" });
  if (result.connected) assert.equal(result.version, "TLSv1.3");
  else assert.deepEqual([result.code, result.alert], ["ProtocolVersion", 70]);
});

test("a server without a common cipher: an alert", async () => {
  const options = { ...(await serverOptions(ca, { keyType: "RSA" })), maxVersion: "TLSv1.2" } as const;
  const result = await connectOnce({ ...options, ciphers: "AES256-SHA" });
  assert.deepEqual([result.code, result.alert], ["PeerAlert", 40]);
});

/** Refused: the device names the reason, the server hears it. */
async function refused(options: tls.TlsOptions, code: string, alert: RegExp, task: Partial<Task> = {}): Promise<void> {
  const result = await connectOnce(options, task);
  assert.equal(result.code, code, result.message);
  assert.equal(result.connected, false);
  assert.equal(result.errors, 1);
  assert.match(await result.peer.error(), alert);
  assert.equal(result.peer.sockets.length, 0, "the server has a session");
}

test("refuses an unknown authority", async () => {
  const other = await LocalCA.create({ name: "Somebody Else" });
  await refused(await serverOptions(other), "UnknownCA", /ALERT_UNKNOWN_CA/);
  await refused(await serverOptions(other, { keyType: "RSA", intermediate: true }), "UnknownCA", /ALERT_UNKNOWN_CA/);
});

test("refuses an authority that has the same name", async () => {
  await refused(await serverOptions(await LocalCA.create()), "UnknownCA", /ALERT_UNKNOWN_CA/);
});

test("refuses a certificate for another name", async () => {
  await refused(await serverOptions(ca, { names: ["example.com"] }), "NameMismatch", /ALERT_BAD_CERTIFICATE/);
  await refused(await serverOptions(ca, { names: ["*.localhost"] }), "NameMismatch", /ALERT_BAD_CERTIFICATE/);
});

test("refuses expired and not yet valid certificates, at the time that the clock gives", async () => {
  const past = { notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - 2 * day) };
  const future = { notBefore: new Date(Date.now() + 2 * day), notAfter: new Date(Date.now() + 3 * day) };
  await refused(await serverOptions(ca, past), "Expired", /CERTIFICATE_EXPIRED/);
  await refused(await serverOptions(ca, future), "NotYetValid", /CERTIFICATE_UNKNOWN/);
  const then = await connectOnce(await serverOptions(ca, future), { time: Date.now() + 2.5 * day });
  assert.deepEqual(then.outcomes, { "connected closed": 1 }, then.message);
  await refused(await serverOptions(ca), "Expired", /CERTIFICATE_EXPIRED/, { time: Date.now() + 4000 * day });
});

test("refuses a leaf that signed itself, with the real authority appended", async () => {
  const { privateKey, publicKey } = await generateKeyPair();
  const leaf = await issueCertificate({ role: "server", commonName: "localhost", names, publicKey, privateKey });
  const options = { key: await exportPrivateKey(privateKey), cert: certificateToPem(leaf) + ca.certPem };
  await refused(options, "UnknownCA", /ALERT_UNKNOWN_CA/);
});

test("refuses a leaf that was signed by a leaf of the real authority", async () => {
  const authority = await LocalCA.create();
  const { keyPem, certPem } = await authority.issueServer({ names });
  const certificate = parseCertificate(certPem);
  const issuer = { certificate, privateKey: await importPrivateKey(keyPem, certificate) };
  const { privateKey: key, publicKey } = await generateKeyPair();
  const forged = await issueCertificate({ role: "server", commonName: "localhost", names, publicKey, issuer });
  const chain = certificateToPem(forged) + certificateToPem(certificate);
  const options = { key: await exportPrivateKey(key), cert: chain };
  await refused(options, "BadChain", /ALERT_UNKNOWN_CA/, { roots: [authority.certPem] });
});

test("refuses a certificate that is only for clients", async () => {
  const { keyPem, certPem } = await ca.issueClient({ commonName: "localhost" });
  const result = await connectOnce({ key: keyPem, cert: certPem });
  assert.match(result.code!, /NameMismatch|BadCertificate/);
  assert.equal(result.connected, false);
});

test("says nothing to anybody without the time", async () => {
  const peer = await TLSPeer.start(await serverOptions(ca));
  for (const time of [0, 5000, Date.UTC(2024, 11, 31)]) {
    const result = await rig.run({ port: peer.port, roots: [ca.certPem], time });
    assert.equal(result.code, "NoTime");
  }
  assert.deepEqual([peer.errors, peer.sockets], [[], []]);
  await peer.close();
});

test("names what it was given and cannot use", async () => {
  const options = await serverOptions(ca);
  const { keyPem, certPem } = await ca.issueClient({ commonName: "camera" });
  assert.equal((await connectOnce(options, { roots: ["nonsense"] })).code, "BadRoots");
  assert.equal((await connectOnce(options, { roots: [] })).code, "BadRoots");
  assert.equal((await connectOnce(options, { certificate: certPem })).code, "BadClientCertificate");
  assert.equal((await connectOnce(options, { certificate: "nonsense", key: keyPem })).code, "BadClientCertificate");
  assert.equal((await connectOnce(options, { certificate: certPem, key: "nonsense" })).code, "BadKey");
});

for (const keyType of ["P-256", "P-384", "RSA"] as KeyType[])
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
    test(`mutual TLS with a ${keyType} key, ${maxVersion} at most`, async () => {
      const { keyPem, certPem } = await ca.issueClient({ commonName: "camera-1", keyType });
      const options = { ...(await serverOptions(ca)), ca: ca.certPem, requestCert: true, maxVersion };
      const subjects: string[] = [];
      const task = { certificate: certPem, key: keyPem, closeAfter: 5 };
      const result = await connectOnce(options, task, (socket) => {
        subjects.push(String(socket.getPeerCertificate().subject.CN));
        socket.end("hello");
      });
      assert.equal(result.received, 5, result.message);
      assert.deepEqual(subjects, ["camera-1"]);
    });

test("a server that drops a device that it does not know: ConnectionLost, or what TLS 1.3 says", async () => {
  const other = await LocalCA.create({ name: "Somebody Else" });
  const { keyPem, certPem } = await other.issueClient({ commonName: "camera-1" });
  const options = { ...(await serverOptions(ca)), ca: ca.certPem, requestCert: true };
  // Node's server makes the session and closes it without a word, as AWS IoT does.
  const unknown = await connectOnce(options, { certificate: certPem, key: keyPem, closeAfter: 1 });
  assert.match(unknown.code!, /^(ConnectionLost|PeerAlert)$/, unknown.message);
  assert.match((await connectOnce(options, { closeAfter: 1 })).code!, /^(ConnectionLost|PeerAlert)$/);
});

test("ALPN: a common protocol, none, and a server that knows of none", async () => {
  const options = await serverOptions(ca);
  const protocols = ["x-amzn-mqtt-ca"];
  const common = await connectOnce({ ...options, ALPNProtocols: ["http/1.1", "x-amzn-mqtt-ca"] }, { protocols });
  assert.deepEqual([common.connected, common.protocol], [true, "x-amzn-mqtt-ca"]);
  const none = await connectOnce({ ...options, ALPNProtocols: ["http/1.1"] }, { protocols });
  assert.deepEqual([none.code, none.alert], ["NoApplicationProtocol", 120]);
  const ignorant = await connectOnce(options, { protocols });
  assert.equal(ignorant.code, "NoApplicationProtocol");
  assert.match(await ignorant.peer.error(), /ALERT_NO_APPLICATION_PROTOCOL|ALERT/);
});

test("data both ways, to the end, in records of 16 KB", async () => {
  const sent = pattern(300_000);
  const received: Buffer[] = [];
  const result = await connectOnce(await serverOptions(ca), { send: sent.length, closeAfter: undefined }, (socket) => {
    let count = 0;
    socket.on("data", (data) => {
      received.push(data);
      count += data.length;
      if (count === sent.length) socket.end(sent);
    });
  });
  assert.equal(result.code, "ConnectionClosed", result.message);
  assert.ok(Buffer.concat(received).equals(sent), "the server got other bytes");
  assert.equal(result.received, sent.length);
  assert.equal(result.sha256, createHash("sha256").update(sent).digest("hex"));
});
