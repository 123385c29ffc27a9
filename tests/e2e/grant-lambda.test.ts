/** The function as it is deployed: bundled, in a Node of its own, with the AWS SDK's clients speaking to a server that notes what they say. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LocalCA } from "../../certs/local-ca.ts";

const top = fileURLToPath(new URL("../..", import.meta.url));
const items: Record<string, unknown> = { "camera-1": { thing: { S: "camera-1" }, user: { S: "alice" } } };

interface Call {
  path: string;
  target?: string;
  authorization: string;
  body: string;
}

let directory = "";
let server: Server;
let calls: Call[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-lambda-"));
  const ca = await LocalCA.create();
  const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost"] });
  await writeFile(join(directory, "ca.pem"), ca.certPem);
  server = createServer({ key, cert }, serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bundle = ["--bundle", "--platform=node", "--target=node20", "--format=cjs"];
  const outfile = `--outfile=${join(directory, "handler.js")}`;
  await run(join(top, "node_modules/.bin/esbuild"), ["sim/cloud/grants/handler.ts", ...bundle, outfile]);
});

after(async () => {
  server?.close();
  await rm(directory, { recursive: true, force: true });
});

/** DynamoDB's GetItem and IoT's Publish, by their wire formats. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await request.toArray()).join("");
  const { authorization = "", "x-amz-target": target } = request.headers;
  calls.push({ path: request.url ?? "", target: target as string | undefined, authorization, body });
  const isTable = target !== undefined;
  response.setHeader("Content-Type", isTable ? "application/x-amz-json-1.0" : "application/json");
  response.end(isTable ? JSON.stringify({ Item: items[JSON.parse(body).Key.thing.S] }) : "{}");
}

function run(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: top, env: { PATH: process.env.PATH, ...env } });
    let [out, errors] = ["", ""];
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (errors += data));
    child.on("error", reject);
    child.on("close", (code) => (code ? reject(new Error(`exit code ${code}: ${errors}`)) : resolve(out)));
  });
}

/** Runs the function once, with the environment that Lambda and the template give it. @returns what it logs */
async function invoke(event: object, env: Record<string, string> = {}): Promise<string> {
  calls = [];
  const endpoint = `localhost:${(server.address() as AddressInfo).port}`;
  const script = `require(${JSON.stringify(join(directory, "handler.js"))}).handler(${JSON.stringify(event)})`;
  return run(process.execPath, ["-e", script], {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "token",
    AWS_ENDPOINT_URL_DYNAMODB: `https://${endpoint}`,
    NODE_EXTRA_CA_CERTS: join(directory, "ca.pem"),
    PHOTO_BUCKET: "photos",
    BINDING_TABLE: "bindings",
    GRANT_SECONDS: "600",
    IOT_ENDPOINT: endpoint,
    ...env,
  });
}

const event = { thing: "camera-1", imageId: "abc-1", byteLength: 30_000, contentType: "image/jpeg", requestId: "r1" };

test("it looks the owner up in DynamoDB and publishes the grant on IoT's data endpoint, both signed", async () => {
  const log = await invoke(event);
  const [lookUp, publish] = calls;
  assert.equal(calls.length, 2);
  assert.equal(lookUp.target, "DynamoDB_20120810.GetItem");
  assert.deepEqual(JSON.parse(lookUp.body), {
    TableName: "bindings",
    Key: { thing: { S: "camera-1" } },
    ConsistentRead: true,
  });
  assert.match(lookUp.authorization, /\/eu-west-1\/dynamodb\/aws4_request/);
  assert.match(publish.authorization, /\/eu-west-1\/(iotdata|iotdevicegateway)\/aws4_request/);
  assert.equal(publish.path, `/topics/${encodeURIComponent("device/camera-1/uploads/grant")}?qos=1`);
  const { url, headers, requestId } = JSON.parse(publish.body);
  assert.deepEqual([headers, requestId], [{ "Content-Type": "image/jpeg" }, "r1"]);
  assert.match(
    url,
    /^https:\/\/photos\.s3\.eu-west-1\.amazonaws\.com\/users\/alice\/camera-1\/abc-1\.jpg\?.*X-Amz-Expires=600&/,
  );
  assert.match(url, /X-Amz-Security-Token=token/);
  assert.deepEqual(JSON.parse(log), { thing: "camera-1", imageId: "abc-1", status: "granted", user: "alice" });
});

test("it refuses the camera that the table does not have", async () => {
  const log = await invoke({ ...event, thing: "camera-2" });
  assert.equal(JSON.parse(calls[1].body).error.code, "NotBound");
  assert.deepEqual(JSON.parse(log), { thing: "camera-2", imageId: "abc-1", status: "refused", code: "NotBound" });
});

test("without its settings it does not start, and says which is missing", async () => {
  await assert.rejects(invoke(event, { PHOTO_BUCKET: "" }), /environment variable PHOTO_BUCKET is missing/);
});
