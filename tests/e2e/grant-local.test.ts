/** Grants of the local cloud are signed as Lambda signs them: with temporary credentials of the function's role. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
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
  const found = () => grants.findIndex((text) => JSON.parse(text).imageId === imageId);
  await until("grant", () => found() >= 0 || undefined);
  const [payload] = grants.splice(found(), 1);
  return { grant: JSON.parse(payload), bytes: Buffer.byteLength(payload) };
}

/** PUT with exactly these headers. @returns status, and code of the error */
async function send(url: string, headers: Record<string, string>, body: string | Buffer): Promise<[number, string?]> {
  const call = request(url, { method: "PUT", headers, ca: cloud.ca.certPem });
  // A store that has refused the head does not take the body.
  call.on("error", () => {}).end(body);
  const [response] = await once(call, "response");
  const text = Buffer.concat(await response.toArray().catch(() => [])).toString();
  return [response.statusCode, /<Code>(\w+)</.exec(text)?.[1]];
}

const put = async ({ url, headers }: Grant): Promise<number> => (await send(url, headers, "abc"))[0];

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

test("a grant is for so many bytes of that type at a free place, and for nothing else", async () => {
  const { grant } = await ask("bound");
  const { url, headers } = grant;
  const large = Buffer.alloc(20 * 1024 * 1024);
  const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
  const mismatch = [403, "SignatureDoesNotMatch"];
  const tricks: [how: string, headers: Record<string, string>, body: string | Buffer][] = [
    ["20 MB", { ...headers, "Content-Length": String(large.length) }, large],
    ["a byte more", { ...headers, "Content-Length": "4" }, "abcd"],
    ["a byte less", { ...headers, "Content-Length": "2" }, "ab"],
    ["another type", { ...headers, "Content-Type": "text/html" }, "abc"],
    ["of any length", { ...without("Content-Length"), "Transfer-Encoding": "chunked" }, large],
    ["without the condition", without("If-None-Match"), "abc"],
    ["with another condition", { ...headers, "If-None-Match": '"x"' }, "abc"],
  ];
  for (const [how, sent, body] of tricks) assert.deepEqual(await send(url, sent, body), mismatch, how);
  const key = `users/${user}/${thing}/bound.jpg`;
  assert.equal(await cloud.s3.store.find("devicelink-photos", key), undefined, "nothing of these is there");
  assert.deepEqual(await send(url, headers, "abc"), [200, undefined]);
  assert.deepEqual(await send(url, headers, "xyz"), [412, "PreconditionFailed"]);
  const { grant: second } = await ask("bound");
  assert.deepEqual(await send(second.url, second.headers, "xyz"), [412, "PreconditionFailed"], "with another URL, too");
  const stored = await cloud.s3.store.find("devicelink-photos", key);
  assert.equal(await readFile(stored?.path ?? "", "utf8"), "abc");
});

const curl = await promisify(execFile)("curl", ["--version"]).catch(() => undefined);

test("curl stores with a grant what it is for", { skip: curl ? false : "curl is not installed" }, async () => {
  const file = `${directory.path}/three`;
  const ca = `${directory.path}/ca.pem`;
  await writeFile(ca, cloud.ca.certPem);
  const { grant } = await ask("curl");
  const headers = Object.entries(grant.headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const run = async (content: string, given: string[]) => {
    await writeFile(file, content);
    const fixed = ["--silent", "--cacert", ca, "-o", "/dev/null", "-w", "%{http_code}", "-T", file];
    return (await promisify(execFile)("curl", [...fixed, ...given, grant.url])).stdout;
  };
  const others = headers.filter((_, index) => !headers[index - (index % 2) + 1].startsWith("Content-Length"));
  assert.equal(await run("abcdef", others), "403", "curl says the length by itself");
  assert.equal(await run("abc", others), "200");
  assert.equal(await run("abc", others), "412");
});
