/** Cognito in the cloud's own process: its first line, its mail, its gateway for browsers, and a kill without warning. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CognitoIdentityClient,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
} from "@aws-sdk/client-cognito-identity";
import {
  CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeCommandInput,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from "cognito-srp-helper";
import { nodeArguments } from "../../sim/start/bundles.ts";
import { password } from "./cognito-rig.ts";

const script = fileURLToPath(new URL("../../sim/cloud/main.ts", import.meta.url));

interface Listening {
  event: string;
  region: string;
  rootCA: string;
  gateway: { port: number };
  s3: { url: string };
  cognito: { userPoolId: string; clientId: string; identityPoolId: string; idpUrl: string; identityUrl: string };
}

let directory: string;
let child: ChildProcess;
let listening: Listening;
const lines: string[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-cognito-process-"));
  await start();
});
after(async () => {
  await kill();
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const folders = ["--directory", join(directory, "cloud"), "--out", join(directory, "out")];
  const args = ["--no-warnings", ...nodeArguments(script), ...folders, "--token-seconds", "600"];
  child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const output = createInterface({ input: child.stdout! });
  const [line] = await once(output, "line", { signal: AbortSignal.timeout(120_000) });
  output.on("line", (next) => lines.push(next));
  listening = JSON.parse(line);
}

async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function configure(endpoint: string) {
  const httpsAgent = new Agent({ ca: await readFile(listening.rootCA) });
  return { region: listening.region, endpoint, requestHandler: { httpsAgent }, maxAttempts: 1 };
}

/** As a page asks, under the gateway's name for the service. */
function ask(service: string, options: { method: string; path?: string; headers?: object }, body = "") {
  const { port } = listening.gateway;
  const headers = { ...options.headers, host: `${service}.localhost:${port}`, origin: "http://127.0.0.1:1" };
  return new Promise<{ status?: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, ...options, headers }, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
    });
    outgoing.on("error", reject).end(body);
  });
}

async function event(name: string): Promise<Record<string, string>> {
  for (let tries = 0; tries < 100; tries++) {
    const found = lines.map((line) => JSON.parse(line)).findLast((line) => line.event === name);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the cloud did not say ${name}`);
}

test("an account from sign-up to a picture in the bucket, through a kill; no secret is in what the process says", async () => {
  const { userPoolId, clientId: ClientId, identityPoolId: IdentityPoolId, idpUrl, identityUrl } = listening.cognito;
  assert.equal(listening.event, "listening");
  assert.match(userPoolId, new RegExp(`^${listening.region}_[A-Za-z0-9]{9}$`));
  const [Username, Password] = ["ada", password];
  let idp = new CognitoIdentityProviderClient(await configure(idpUrl));
  const UserAttributes = [{ Name: "email", Value: "ada@example.org" }];
  await idp.send(new SignUpCommand({ ClientId, Username, Password, UserAttributes }));
  const { username, purpose, code: ConfirmationCode } = await event("message");
  assert.deepEqual([username, purpose], ["ada", "ConfirmSignUp"]);
  await idp.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));

  const session = createSrpSession(Username, Password, userPoolId, false);
  const challenge = await idp.send(
    new InitiateAuthCommand(
      wrapInitiateAuth(session, { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters: { USERNAME: Username } }),
    ),
  );
  const response: RespondToAuthChallengeCommandInput = {
    ClientId,
    ChallengeName: "PASSWORD_VERIFIER",
    ChallengeResponses: { USERNAME: Username },
  };
  const signed = wrapAuthChallenge(signSrpSession(session, challenge as never), response);
  const { AuthenticationResult } = await idp.send(new RespondToAuthChallengeCommand(signed));
  const { IdToken = "", RefreshToken = "", ExpiresIn } = AuthenticationResult ?? {};
  assert.equal(ExpiresIn, 600);
  const Logins = { [`cognito-idp.${listening.region}.amazonaws.com/${userPoolId}`]: IdToken };
  const identity = new CognitoIdentityClient(await configure(identityUrl));
  const { IdentityId = "" } = await identity.send(new GetIdCommand({ IdentityPoolId, Logins }));
  const { Credentials } = await identity.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
  const { AccessKeyId = "", SecretKey = "", SessionToken = "" } = Credentials ?? {};

  await kill();
  const before = listening;
  await start();
  assert.deepEqual(listening, before);
  idp.destroy();
  idp = new CognitoIdentityProviderClient(await configure(idpUrl));
  const renewed = await idp.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN: RefreshToken },
    }),
  );
  assert.ok(renewed.AuthenticationResult?.IdToken);
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretKey, sessionToken: SessionToken };
  const s3 = new S3Client({ ...(await configure(listening.s3.url)), credentials, forcePathStyle: true });
  await s3.send(
    new PutObjectCommand({ Bucket: "devicelink-photos", Key: `users/${IdentityId}/camera/1.jpg`, Body: "picture" }),
  );
  for (const client of [idp, identity, s3]) client.destroy();

  const { operation } = await event("call");
  assert.ok(operation);
  for (const secret of [Password, IdToken, RefreshToken, SecretKey, SessionToken]) {
    assert.ok(!lines.some((line) => line.includes(secret)));
  }
});

test("a page gets both services by name, with CORS", async () => {
  const headers = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-amz-target,x-amz-user-agent",
  };
  for (const service of ["cognito-idp", "cognito-identity"]) {
    const preflight = await ask(service, { method: "OPTIONS", headers });
    assert.equal(preflight.status, 200);
    assert.equal(preflight.headers["access-control-allow-origin"], "*");
    assert.match(String(preflight.headers["access-control-allow-headers"]), /x-amz-target/);
  }
  const { clientId: ClientId, userPoolId } = listening.cognito;
  const target = { "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth" };
  const parameters = { AuthFlow: "USER_SRP_AUTH", ClientId, AuthParameters: { USERNAME: "ada", SRP_A: "ff" } };
  const started = await ask("cognito-idp", { method: "POST", headers: target }, JSON.stringify(parameters));
  assert.equal(started.status, 200);
  assert.equal(started.headers["access-control-allow-origin"], "*");
  assert.equal(JSON.parse(started.body).ChallengeName, "PASSWORD_VERIFIER");
  const refused = await ask("cognito-idp", { method: "POST", headers: target }, "{}");
  assert.deepEqual([refused.status, refused.headers["x-amzn-errortype"]], [400, "InvalidParameterException:"]);
  assert.match(String(refused.headers["access-control-expose-headers"]), /x-amzn-errortype/i);
  const keys = await ask("cognito-idp", { method: "GET", path: `/${userPoolId}/.well-known/jwks.json` });
  assert.equal(JSON.parse(keys.body).keys.length, 2);
});
