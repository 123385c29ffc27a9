/** From an ID token to temporary credentials, and what these are good for. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  CognitoIdentityClient,
  type Credentials,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  GetOpenIdTokenCommand,
} from "@aws-sdk/client-cognito-identity";
import { DescribeEndpointCommand, IoTClient } from "@aws-sdk/client-iot";
import { GetThingShadowCommand, IoTDataPlaneClient } from "@aws-sdk/client-iot-data-plane";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { type Cloud, photoBucket, startCloud } from "../../sim/cloud/cloud.ts";
import { makeSigningKey, TokenSigner } from "../../sim/cloud/cognito/jwt.ts";
import { CognitoRig, password, region } from "./cognito-rig.ts";

let rig: CognitoRig;
before(async () => {
  rig = await CognitoRig.open();
  await rig.addUser("ada");
  await rig.addUser("eve");
});
after(() => rig.close());

const provider = () => `cognito-idp.${region}.amazonaws.com/${rig.ids.userPoolId}`;
const login = (IdToken: string) => ({ [provider()]: IdToken });
const getId = (Logins?: Record<string, string>, IdentityPoolId = rig.ids.identityPoolId) =>
  rig.identity.send(new GetIdCommand({ IdentityPoolId, Logins }));
const getCredentials = (IdentityId: string, Logins?: Record<string, string>) =>
  rig.identity.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));

function keysOf({ AccessKeyId, SecretKey, SessionToken, Expiration }: Credentials = {}) {
  assert.ok(AccessKeyId && SecretKey && SessionToken && Expiration);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretKey, sessionToken: SessionToken, expiration: Expiration };
}

describe("identity pool", () => {
  test("a user has one identity for good, and another user another one", async () => {
    const { IdToken } = await rig.tokens("ada");
    const { IdentityId: first = "" } = await getId(login(IdToken));
    assert.match(first, new RegExp(`^${region}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`));
    await rig.restart();
    assert.equal((await getId(login((await rig.tokens("ada")).IdToken))).IdentityId, first);
    assert.notEqual((await getId(login((await rig.tokens("eve")).IdToken))).IdentityId, first);
  });

  test("gives temporary credentials that look like AWS's and last an hour", async () => {
    const { IdToken } = await rig.tokens("ada");
    const { IdentityId = "" } = await getId(login(IdToken));
    const answer = await getCredentials(IdentityId, login(IdToken));
    assert.equal(answer.IdentityId, IdentityId);
    const keys = keysOf(answer.Credentials);
    assert.match(keys.accessKeyId, /^ASIA[A-Z2-7]{16}$/);
    assert.match(keys.secretAccessKey, /^[\w+/]{40}$/);
    assert.match(keys.sessionToken, /^IQoJb3JpZ2luX2Vj[\w+/]{900,1200}={0,2}$/);
    assert.ok(Math.abs(keys.expiration.getTime() - Date.now() - 3_600_000) < 60_000);
    const { principal } = rig.credentials.find(keys.accessKeyId) ?? {};
    assert.deepEqual(principal, {
      type: "identity",
      identityId: IdentityId,
      identityPoolId: rig.ids.identityPoolId,
    });
    const again = keysOf((await getCredentials(IdentityId, login(IdToken))).Credentials);
    assert.notEqual(again.accessKeyId, keys.accessKeyId);
  });

  test("knows nobody without a login, or with another one's", async () => {
    const [ada, eve] = [await rig.tokens("ada"), await rig.tokens("eve")];
    const { IdentityId = "" } = await getId(login(ada.IdToken));
    for (const none of [undefined, {}]) {
      await assert.rejects(getId(none), {
        name: "NotAuthorizedException",
        message: "Unauthenticated access is not supported for this identity pool.",
      });
      await assert.rejects(getCredentials(IdentityId, none), {
        name: "NotAuthorizedException",
        message: `Access to Identity '${IdentityId}' is forbidden.`,
      });
    }
    await assert.rejects(getCredentials(IdentityId, login(eve.IdToken)), {
      name: "NotAuthorizedException",
      message: /^Logins don't match/,
    });
  });

  test("takes ID tokens of its user pool and nothing else", async () => {
    const tokens = await rig.tokens("ada");
    const { IdentityId = "" } = await getId(login(tokens.IdToken));
    const [header, payload, signature] = tokens.IdToken.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const { kid } = JSON.parse(Buffer.from(header, "base64url").toString());
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const pool = JSON.parse(await readFile(`${rig.directory}/cognito/pools.json`, "utf8"));
    // What the pool itself could have signed for somebody else.
    const own = new TokenSigner(pool.keys.id);
    const renamed = new TokenSigner({ ...pool.keys.id, kid: "another" });
    const foreign = new TokenSigner({ ...(await makeSigningKey()), kid });
    const supported = "Token is not from a supported provider of this identity pool.";
    const openId = "Not a valid OpenId Connect identity token.";
    const cases: [string, string, string | RegExp][] = [
      ["no token", "x", openId],
      ["another kind of token", tokens.RefreshToken, openId],
      ["the access token", tokens.AccessToken, "Missing a required claim: aud"],
      ["other claims", `${header}.${part({ ...claims, sub: "eve" })}.${signature}`, "Couldn't verify signed token."],
      ["a cut signature", tokens.IdToken.slice(0, -4), "Couldn't verify signed token."],
      ["no signature", `${part({ alg: "none" })}.${payload}.AAAA`, "Couldn't verify signed token."],
      ["a foreign key", foreign.sign(claims), "Couldn't verify signed token."],
      ["a key of another name", renamed.sign(claims), "Couldn't verify signed token."],
      ["a foreign issuer", own.sign({ ...claims, iss: `${claims.iss}x` }), "Issuer doesn't match providerName"],
      ["for another client", own.sign({ ...claims, aud: "another" }), supported],
      ["for another use", own.sign({ ...claims, token_use: "access" }), "Missing a required claim: aud"],
      ["expired", own.sign({ ...claims, exp: claims.iat - 1 }), /^Token expired: \d+ >= \d+$/],
    ];
    for (const [kind, token, reason] of cases) {
      const refused = (error: Error) => {
        assert.equal(error.name, "NotAuthorizedException", kind);
        const text = error.message.replace("Invalid login token. ", "");
        if (typeof reason === "string") assert.equal(text, reason, kind);
        else assert.match(text, reason, kind);
        return true;
      };
      await assert.rejects(getId(login(token)), refused);
      await assert.rejects(getCredentials(IdentityId, login(token)), refused);
    }
    const other = { name: "NotAuthorizedException", message: supported };
    await assert.rejects(getId({ "accounts.google.com": tokens.IdToken }), other);
    await assert.rejects(getId({ ...login(tokens.IdToken), "accounts.google.com": tokens.IdToken }), other);
  });

  test("an ID token that was good until now", async (t) => {
    const { IdToken } = await rig.tokens("ada");
    const { IdentityId = "" } = await getId(login(IdToken));
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 3601 * 1000 });
    await assert.rejects(getCredentials(IdentityId, login(IdToken)), { message: /Token expired/ });
  });

  test("pools, identities and operations that there are not", async () => {
    const { IdToken } = await rig.tokens("ada");
    const nowhere = `${region}:00000000-0000-4000-8000-000000000000`;
    await assert.rejects(getId(login(IdToken), nowhere), {
      name: "ResourceNotFoundException",
      message: `IdentityPool '${nowhere}' not found.`,
    });
    await assert.rejects(getCredentials(nowhere, login(IdToken)), {
      name: "ResourceNotFoundException",
      message: `Identity '${nowhere}' not found.`,
    });
    await assert.rejects(getId(login(IdToken), "not an id"), { name: "InvalidParameterException" });
    const unknown = rig.identity.send(new GetOpenIdTokenCommand({ IdentityId: nowhere }));
    await assert.rejects(unknown, { name: "UnknownOperationException" });
  });
});

describe("temporary credentials in the whole cloud", () => {
  let directory: string;
  let cloud: Cloud;
  const clients: { destroy(): void }[] = [];

  async function start(): Promise<void> {
    cloud = await startCloud({ directory: join(directory, "cloud"), out: join(directory, "out") });
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "devicelink-identity-"));
    await start();
  });
  after(async () => {
    for (const client of clients) client.destroy();
    await cloud?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const configure = (endpoint: string) => ({
    region: cloud.region,
    endpoint,
    requestHandler: { httpsAgent: new Agent({ ca: cloud.ca.certPem }) },
    maxAttempts: 1,
  });

  function keep<T extends { destroy(): void }>(client: T): T {
    clients.push(client);
    return client;
  }

  /** Signs in with everybody's own clients: user pool, identity pool. */
  async function signIn() {
    const { userPool, ids } = cloud.cognito;
    const user =
      userPool.users.find("ada") ?? userPool.users.add({ username: "ada", status: "CONFIRMED", attributes: {} });
    const { IdToken } = userPool.tokens.issue(user, userPool.sessions.open(user.sub, 3600).session);
    const Logins = { [userPool.providerName]: IdToken };
    const client = keep(new CognitoIdentityClient(configure(cloud.cognitoIdentity.url)));
    const { IdentityId = "" } = await client.send(new GetIdCommand({ IdentityPoolId: ids.identityPoolId, Logins }));
    const { Credentials } = await client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    return { IdentityId, keys: keysOf(Credentials) };
  }

  function use(credentials: ReturnType<typeof keysOf>, IdentityId: string) {
    const s3 = keep(new S3Client({ ...configure(cloud.s3.url), credentials, forcePathStyle: true }));
    const iot = keep(new IoTClient({ ...configure(cloud.api.url), credentials }));
    const data = keep(new IoTDataPlaneClient({ ...configure(cloud.data.url), credentials }));
    const object = { Bucket: photoBucket, Key: `users/${IdentityId}/camera/1.jpg` };
    return {
      put: () => s3.send(new PutObjectCommand({ ...object, Body: "picture" })),
      presign: () => getSignedUrl(s3, new GetObjectCommand(object), { expiresIn: 3600 }),
      endpoint: () => iot.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" })),
      shadow: () => data.send(new GetThingShadowCommand({ thingName: "camera" })),
    };
  }

  test("one pair of keys for every service; it survives a restart, and dies everywhere at once", async () => {
    const { IdentityId, keys } = await signIn();
    let calls = use(keys, IdentityId);
    await calls.put();
    assert.ok((await calls.endpoint()).endpointAddress);
    const { cognito, accessKey } = cloud;
    const before = [cognito.ids, cloud.cognitoIdp.url, cloud.cognitoIdentity.url, accessKey];
    await cloud.close();
    await start();
    assert.deepEqual([cloud.cognito.ids, cloud.cognitoIdp.url, cloud.cognitoIdentity.url, cloud.accessKey], before);
    calls = use(keys, IdentityId);
    await calls.put();
    await calls.endpoint();
    const url = await calls.presign();
    cloud.credentials.expire(keys.accessKeyId);
    await assert.rejects(calls.put(), (error: Error & { $metadata: { httpStatusCode: number } }) => {
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], ["ExpiredToken", 400]);
      return true;
    });
    for (const call of [calls.endpoint, calls.shadow]) {
      await assert.rejects(call(), (error: Error & { $metadata: { httpStatusCode: number } }) => {
        assert.deepEqual([error.name, error.$metadata.httpStatusCode], ["ExpiredTokenException", 403]);
        assert.equal(error.message, "The security token included in the request is expired");
        return true;
      });
    }
    assert.match(await getBody(url), /<Code>ExpiredToken<\/Code>/);
    const fresh = await signIn();
    assert.equal(fresh.IdentityId, IdentityId);
    await use(fresh.keys, IdentityId).put();
  });

  test("a token that is missing, or another one's, is as good as none", async () => {
    const [{ IdentityId, keys }, other] = [await signIn(), await signIn()];
    const { sessionToken: _, ...without } = keys;
    const swapped = { ...keys, sessionToken: other.keys.sessionToken };
    for (const wrong of [without as typeof keys, swapped]) {
      const calls = use(wrong, IdentityId);
      await assert.rejects(calls.put(), { name: "InvalidToken" });
      await assert.rejects(calls.endpoint(), { name: "UnrecognizedClientException" });
    }
  });

  async function getBody(url: string): Promise<string> {
    const { get } = await import("node:https");
    const { text } = await import("node:stream/consumers");
    return new Promise((resolve, reject) => {
      get(url, { ca: cloud.ca.certPem }, (response) => resolve(text(response))).on("error", reject);
    });
  }
});

describe("keys", () => {
  test("that have expired are answered as such for a day, and then forgotten", async (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const principal = { type: "role", roleName: "grants" } as const;
    const old = rig.credentials.issue({ principal, seconds: 60 });
    t.mock.timers.tick(23 * 3600 * 1000);
    rig.credentials.issue({ principal, seconds: 60 });
    assert.equal(rig.credentials.find(old.accessKeyId), old);
    assert.ok(!rig.credentials.temporary().includes(old));
    t.mock.timers.tick(2 * 3600 * 1000);
    rig.credentials.issue({ principal, seconds: 60 });
    assert.equal(rig.credentials.find(old.accessKeyId), undefined);
    const kept = await readFile(`${rig.directory}/temporary.json`, "utf8");
    assert.ok(!kept.includes(old.accessKeyId));
  });
});

test("the one password of the rig is nowhere in the pool's files", async () => {
  for (const file of ["users", "sessions", "identities", "pools"]) {
    assert.ok(!(await readFile(`${rig.directory}/cognito/${file}.json`, "utf8")).includes(password));
  }
});
