/** The browsers' gateway: the SDK's clients and npm mqtt in a real Chromium, and the same over plain HTTP by hand. */
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { type Cloud, photoBucket, startCloud } from "../../sim/cloud/cloud.ts";
import { launchChromium, noChromium } from "./bluez/browser.ts";
import type { page as Page, SignIn } from "./fixtures/gateway-page.ts";
import { temporaryDirectory } from "./iot-rig.ts";
import { presign } from "./websocket-rig.ts";

declare const page: typeof Page;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;

before(async () => {
  directory = await temporaryDirectory();
  const cognito = { passwordAuth: true };
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, cognito });
});

after(async () => {
  await cloud?.close();
  await directory?.remove();
});

/** A person with a password, made by the administrator. */
async function makeAccount(): Promise<SignIn> {
  const { userPoolId, clientId, identityPoolId } = cloud.cognito.ids;
  const { accessKeyId, secretAccessKey } = cloud.accessKey;
  const client = new CognitoIdentityProviderClient({
    region: cloud.region,
    endpoint: cloud.cognitoIdp.url,
    credentials: { accessKeyId, secretAccessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
  });
  const user = { UserPoolId: userPoolId, Username: "demo" };
  const password = "Sesame, open 1!";
  await client.send(new AdminCreateUserCommand({ ...user, MessageAction: "SUPPRESS" }));
  await client.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  client.destroy();
  return { userPoolId, clientId, identityPoolId, username: user.Username, password };
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request to the gateway under a name. */
function ask(name: string, headers: Record<string, string> = {}, method = "GET", path = "/"): Promise<Answer> {
  const { port } = cloud.gateway;
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers: { host: `${name}:${port}`, ...headers } };
    const call = request(options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on("error", reject);
    call.end();
  });
}

/** A page with nothing but the bundle. */
async function servePage(): Promise<Server> {
  const entry = fileURLToPath(new URL("fixtures/gateway-page.ts", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  const server = createServer((call, response) => {
    const isScript = call.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? outputFiles[0].text : '<!doctype html><script type="module" src="page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test("a page in Chromium uses each service with the SDK's own clients", { skip: noChromium }, async (t) => {
  const server = await servePage();
  let browser: Browser | undefined;
  t.after(async () => {
    await browser?.close();
    server.close();
  });
  browser = await launchChromium();
  const { port: pagePort } = server.address() as AddressInfo;
  const { port } = cloud.gateway;
  const { accessKeyId, secretAccessKey } = cloud.accessKey;
  const credentials = { accessKeyId, secretAccessKey };
  const webSocket = await presign(`data.iot.localhost:${port}`, cloud.accessKey);
  const settings = { port, bucket: photoBucket, credentials, webSocket };
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${pagePort}/`);
  await tab.waitForFunction(() => "page" in globalThis);

  const { ETag, ...said } = await tab.evaluate((it) => page.call(it), settings);
  assert.deepEqual(said, {
    endpointAddress: cloud.iot.endpoint,
    missing: ["ResourceNotFoundException", 404],
    version: 1,
    keys: ["users/me/camera 1/é.jpg"],
    picture: "picture",
    gone: "NoSuchKey",
  });
  assert.match(String(ETag), /^"[0-9a-f]{32}"$/);
  assert.equal(await tab.evaluate((it) => page.talk(it), settings), "over the air");

  const person = await tab.evaluate(([it, account]) => page.signIn(it, account), [
    settings,
    await makeAccount(),
  ] as const);
  assert.match(String(person.IdentityId), /^us-east-1:[0-9a-f-]{36}$/);
  assert.deepEqual([person.own, person.foreign], ["stored", "AccessDenied"]);

  // The bucket's rules name the pages of this machine; another origin may not read what S3 says, but may what the APIs say.
  await tab.goto(`http://elsewhere.localhost:${pagePort}/`);
  await tab.waitForFunction(() => "page" in globalThis);
  const look = (name: string) => tab.evaluate((url) => page.look(url), `http://${name}.localhost:${port}/`);
  assert.equal(await look(`${photoBucket}.s3`), "TypeError");
  assert.equal(await look("iot"), 403);
});

test("preflights: the APIs take any page, the bucket those of its rules", async () => {
  const wanted = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,x-amz-date",
  };
  const origin = "https://app.example";
  for (const name of ["iot.localhost", "data.iot.localhost"]) {
    const { status, headers, body } = await ask(name, { ...wanted, origin }, "OPTIONS", "/things/a");
    assert.deepEqual([status, body], [200, ""]);
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.match(String(headers["access-control-allow-methods"]), /\bPUT\b/);
    assert.equal(headers["access-control-allow-headers"], wanted["access-control-request-headers"]);
    assert.ok(Number(headers["access-control-max-age"]) > 0);
  }
  const refusal = await ask("iot.localhost", { origin }, "GET", "/things");
  assert.equal(refusal.status, 403, "not signed");
  assert.equal(refusal.headers["access-control-allow-origin"], "*", "a page may read why");
  assert.match(String(refusal.headers["access-control-expose-headers"]), /x-amzn-ErrorType/i);

  const bucket = `/${photoBucket}/users/me/a.jpg`;
  const own = await ask("s3.localhost", { ...wanted, origin: "http://127.0.0.1:5173" }, "OPTIONS", bucket);
  assert.equal(own.status, 200);
  assert.equal(own.headers["access-control-allow-origin"], "http://127.0.0.1:5173");
  assert.equal(own.headers["access-control-allow-headers"], "authorization, x-amz-date");
  assert.match(String(own.headers["vary"]), /Origin/);
  const errors: [Record<string, string>, string, number, string][] = [
    [{ ...wanted, origin }, bucket, 403, "This CORS request is not allowed"],
    [{ ...wanted, origin: "http://127.0.0.1:1", "access-control-request-method": "POST" }, bucket, 403, "not allowed"],
    [{ ...wanted, origin }, "/no-such-bucket/a", 403, "CORS is not enabled"],
    [wanted, bucket, 400, "Origin request header needed"],
  ];
  for (const [headers, path, status, message] of errors) {
    const answer = await ask("s3.localhost", headers, "OPTIONS", path);
    assert.equal(answer.status, status);
    assert.ok(answer.body.includes(message), answer.body);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
});

test("Private Network Access is granted to whoever asks, with each kind of preflight", async () => {
  const headers = {
    origin: "http://127.0.0.1:1",
    "access-control-request-method": "GET",
    "access-control-request-private-network": "true",
  };
  for (const name of ["iot.localhost", `${photoBucket}.s3.localhost`]) {
    const answer = await ask(name, headers, "OPTIONS");
    assert.equal(answer.headers["access-control-allow-private-network"], "true", name);
  }
  const { "access-control-request-private-network": _, ...others } = headers;
  const answer = await ask("iot.localhost", others, "OPTIONS");
  assert.equal(answer.headers["access-control-allow-private-network"], undefined);
});

test("names that nobody has get 404 and the names that there are", async () => {
  for (const name of [
    "localhost",
    "127.0.0.1",
    "evil.example",
    "constructor.localhost",
    "iot.localhost.evil.example",
  ]) {
    const { status, headers, body } = await ask(name);
    assert.equal(status, 404, name);
    assert.equal(headers["x-amzn-errortype"], "UnknownServiceException");
    assert.match(JSON.parse(body).message, /iot\.localhost/);
  }
});
