/** Grants of the local cloud are signed as Lambda signs them: with temporary credentials of the function's role. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { bindingsFile } from "../../sim/cloud/bindings/local.ts";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { serveGrants } from "../../sim/cloud/grants/local.ts";
import { temporaryDirectory } from "./iot-rig.ts";
import { until } from "./operator.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const thing = "camera-24A6CC";
const user = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
const grants: string[] = [];

before(async () => {
  directory = await temporaryDirectory();
  const path = `${directory.path}/cloud`;
  cloud = await startCloud({ directory: path, out: `${directory.path}/out` });
  await new JsonBindingTable(bindingsFile(path)).put({ thing, user });
  cloud.iot.on("publish", ({ topic, payload }) => {
    if (topic === `device/${thing}/uploads/grant`) grants.push(payload.toString());
  });
  serveGrants(cloud, { directory: path });
});

after(async () => {
  await cloud?.close();
  await directory?.remove();
});

interface Grant {
  url: string;
  headers: Record<string, string>;
}

async function ask(imageId: string): Promise<{ grant: Grant; bytes: number }> {
  const question = { imageId, byteLength: 3, contentType: "image/jpeg", requestId: "1" };
  await cloud.iot.publish(`device/${thing}/uploads/request`, JSON.stringify(question));
  const payload = await until("grant", () => grants.find((text) => JSON.parse(text).imageId === imageId));
  return { grant: JSON.parse(payload), bytes: Buffer.byteLength(payload) };
}

async function put({ url, headers }: Grant): Promise<number> {
  const call = request(url, { method: "PUT", headers: { ...headers, "content-length": 3 }, ca: cloud.ca.certPem });
  call.end("abc");
  const [response] = await once(call, "response");
  response.resume();
  return response.statusCode;
}

test("a URL has a session token of a kilobyte, is as long as AWS's, and works", async () => {
  const { grant, bytes } = await ask("one");
  const url = new URL(grant.url);
  assert.match(String(url.searchParams.get("X-Amz-Credential")), /^ASIA/);
  assert.ok(String(url.searchParams.get("X-Amz-Security-Token")).length > 1000);
  assert.ok(grant.url.length > 1500 && bytes < 4096, `${grant.url.length} in ${bytes} bytes`);
  assert.equal(await put(grant), 200);
  const stored = await cloud.s3.store.find("devicelink-photos", `users/${user}/${thing}/one.jpg`);
  assert.equal(stored?.size, 3);
});

test("the function keeps its credentials as long as they live, and a URL dies with them", async () => {
  const tokenOf = ({ grant }: { grant: Grant }) => new URL(grant.url).searchParams.get("X-Amz-Security-Token");
  const [first, second] = [await ask("two"), await ask("three")];
  assert.equal(tokenOf(second), tokenOf(first));
  const [key, ...others] = cloud.credentials.temporary();
  assert.deepEqual([key.principal, others], [{ type: "role", roleName: "devicelink-grants" }, []]);
  cloud.credentials.expire(key.accessKeyId);
  assert.equal(await put(second.grant), 400, "ExpiredToken");
});
