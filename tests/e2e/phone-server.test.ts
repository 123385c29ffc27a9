import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { checkLabel, formatLabel, groupedProof, parseLabel, readProof } from "../../sim/phone/label.ts";
import { longestMessage } from "../../sim/phone/radio-protocol.ts";
import { type PhoneServer, type PhoneServerOptions, servePhone } from "../../sim/phone/server.ts";
import { startRadio } from "../../sim/radio/radio.ts";
import { settings } from "./phone-page-rig.ts";

async function serve(t: TestContext, options: Partial<PhoneServerOptions> = {}): Promise<PhoneServer> {
  const top = await mkdtemp(join(tmpdir(), "phone-server-"));
  const directory = join(top, "page");
  await mkdir(join(directory, "assets"), { recursive: true });
  await writeFile(join(directory, "index.html"), "<!doctype html>");
  await writeFile(join(directory, "assets", "app-1a2b.js"), "export {};");
  await writeFile(join(top, "secret.json"), "{}");
  const server = await servePhone({ settings, directory, ...options });
  t.after(async () => {
    await server.close();
    await rm(top, { recursive: true, force: true });
  });
  return server;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Paths as they are: `fetch` would tidy them up. */
function get(
  { port }: PhoneServer,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, method }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** The code that a WebSocket is closed with, or the status of an upgrade that is refused. */
function closeCode(server: PhoneServer, origin: string, messages: (string | Buffer)[] = []): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/radio`, { origin });
  return new Promise((resolve) => {
    socket.on("open", () => {
      for (const message of messages) socket.send(message);
    });
    socket.on("unexpected-response", (_, { statusCode }) => resolve(statusCode!));
    socket.on("error", () => {});
    socket.on("close", resolve);
  });
}

test("the page, its settings, and what keeps others out", async (t) => {
  const server = await serve(t, { radioPort: 1 });
  const page = await get(server, "/");
  assert.deepEqual([page.status, page.text, page.headers["cache-control"]], [200, "<!doctype html>", "no-cache"]);
  const policy = String(page.headers["content-security-policy"]);
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*;/);
  assert.match(policy, /connect-src [^;]*https:\/\/cognito-idp\.eu-west-1\.amazonaws\.com /);
  const asset = await get(server, "/assets/app-1a2b.js?x");
  assert.match(String(asset.headers["cache-control"]), /immutable/);
  const { headers, text } = await get(server, "/settings.json", { host: `localhost:${server.port}` });
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.deepEqual(JSON.parse(text), { ...settings, radio: `ws://localhost:${server.port}/radio` });
});

test("other names for this machine, other methods, and paths out of the page", async (t) => {
  const server = await serve(t);
  assert.equal((await get(server, "/settings.json", { host: `attacker.example:${server.port}` })).status, 403);
  assert.equal((await get(server, "/settings.json", { host: "127.0.0.1:1" })).status, 403);
  assert.equal((await get(server, "/", {}, "POST")).status, 405);
  for (const path of [
    "/../secret.json",
    "/%2e%2e/secret.json",
    "/..%2fsecret.json",
    "//",
    "/%",
    "/nothing.js",
    "/assets",
  ])
    assert.equal((await get(server, path)).status, 404, path);
  const unbuilt = await serve(t, { directory: "/nonexistent" });
  assert.equal((await get(unbuilt, "/")).status, 503);
  await assert.rejects(servePhone({ settings, directory: "/", port: server.port }), { code: "EADDRINUSE" });
});

test("the stand-ins of the cloud are all that the page may talk to", async (t) => {
  const endpoints = {
    cognitoIdp: "http://cognito-idp.localhost:8000",
    cognitoIdentity: "http://cognito-identity.localhost:8000",
    iot: "http://iot.localhost:8000",
    iotData: "http://data.iot.localhost:8000",
    s3: "http://s3.localhost:8000",
    mqtt: "ws://data.iot.localhost:8000/mqtt",
    deviceS3: "https://localhost:9000",
  };
  const server = await serve(t, { settings: { ...settings, endpoints } });
  const policy = String((await get(server, "/")).headers["content-security-policy"]);
  const connect = /connect-src ([^;]*)/.exec(policy)![1].split(" ");
  assert.deepEqual(connect.slice(3), [
    endpoints.cognitoIdp,
    endpoints.cognitoIdentity,
    endpoints.iot,
    endpoints.iotData,
    endpoints.s3,
    "ws://data.iot.localhost:8000",
  ]);
});

test("the radio is for the page's own scripts, and for what they say", async (t) => {
  const radio = await startRadio();
  t.after(() => radio.close());
  const server = await serve(t, { radioPort: radio.port });
  const own = `http://127.0.0.1:${server.port}`;
  assert.equal(await closeCode(server, "http://attacker.example"), 403);
  assert.equal(await closeCode(server, `https://127.0.0.1:${server.port}`), 403);
  assert.equal(await closeCode(await serve(t), own), 403);
  for (const garbage of [
    "",
    "null",
    "[]",
    '{"id":1}',
    '{"id":1,"action":"toString"}',
    '{"id":1,"action":"read","link":"1"}',
  ])
    assert.equal(await closeCode(server, own, [garbage]), 1003, garbage);
  assert.equal(await closeCode(server, own, [Buffer.alloc(10)]), 1003);
  assert.equal(await closeCode(server, own, ["x".repeat(longestMessage + 1)]), 1009);
  const scans = Array.from({ length: 40 }, (_, id) => JSON.stringify({ id, action: "scan", timeout: 1000 }));
  assert.equal(await closeCode(server, own, scans), 1008);
  // The server hears of the end a moment after the page.
  const rest = () => server.phones + radio.phones;
  for (let waited = 0; rest() && waited < 5000; waited += 10) await delay(10);
  assert.equal(rest(), 0);
});

test("a long proof may be typed with or without groups, in any case, with letters for the digits they look like", () => {
  const proof = "0a1bcdefghjkmnpq";
  for (const typed of [
    proof,
    "0a1b-cdef-ghjk-mnpq",
    " 0A1B CDEF GHJK MNPQ ",
    "oA1b–cdef–ghjk–mnpq",
    "OaIb.cdef.ghjk.mnpq",
    "0alb_cdef/ghjk,mnpq",
  ])
    assert.equal(readProof(typed), proof, typed);
  for (const other of ["k7m2w9xq4r", "0a1bcdefghjkmnp", "0a1bcdefghjkmnpqr", "0a1bcdefghjkmnpu", "Two words-2"])
    assert.equal(readProof(` ${other} `), other);
  assert.equal(groupedProof(proof), "0a1b-cdef-ghjk-mnpq");
  assert.equal(groupedProof("k7m2w9xq4r"), "k7m2w9xq4r");
  // What a code says is taken as it is: it may be another maker's.
  const payload = { ver: "v1", name: "PROV_1", pop: "0A1BCDEFGHJKMNPQ" };
  assert.equal(parseLabel(JSON.stringify(payload)).proofOfPossession, payload.pop);
});

test("labels: QR codes of cameras, and what is none", () => {
  const label = { name: "PROV_0A1B2C", proofOfPossession: "k7m2w9xq4r" };
  // What Espressif's examples print, and what modules/app/label.ts does.
  const espressif =
    '{"ver":"v1","name":"PROV_0A1B2C","username":"wifiprov","pop":"k7m2w9xq4r","transport":"ble","network":"wifi"}';
  assert.deepEqual(parseLabel(espressif), label);
  assert.deepEqual(parseLabel(formatLabel(label)), label);
  assert.deepEqual(checkLabel({ name: " PROV_0A1B2C ", proofOfPossession: "k7m2w9xq4r\n" }), label);
  assert.equal(JSON.parse(formatLabel(label)).security, "2");
  const payload = JSON.parse(formatLabel(label));
  const code = (change: object) => {
    try {
      parseLabel(JSON.stringify({ ...payload, ...change }));
      return "";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (const change of [
    { ver: "v2" },
    { name: "LAMP_1" },
    { name: 5 },
    { pop: "" },
    { pop: undefined },
    { name: "PROV_" },
  ])
    assert.equal(code(change), "BadLabel", JSON.stringify(change));
  for (const change of [{ transport: "softap" }, { security: "3" }, { username: "root" }, { network: "thread" }])
    assert.equal(code(change), "UnsupportedProtocol", JSON.stringify(change));
  for (const text of ["", "https://example.com", "[1]", "null", `"${"x".repeat(2000)}"`])
    assert.throws(() => parseLabel(text), { code: "BadLabel" });
});
