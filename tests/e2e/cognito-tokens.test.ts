/** What a sign-in gives: its tokens, their renewal and their end. */
import assert from "node:assert/strict";
import type { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import {
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminUserGlobalSignOutCommand,
  ChangePasswordCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { CognitoRefreshToken, CognitoUser, type CognitoUserSession } from "amazon-cognito-identity-js";
import { makeSigningKey, TokenSigner } from "../../sim/cloud/cognito/jwt.ts";
import { CognitoRig, MemoryStorage, password, region } from "./cognito-rig.ts";

let rig: CognitoRig;
before(async () => {
  rig = await CognitoRig.open();
});
after(() => rig.close());

const notAuthorized = (message: string) => ({ name: "NotAuthorizedException", message });
const later = "Later, 4 ever!";

function read(token: string): [Record<string, string>, Record<string, unknown>] {
  const [header, claims] = token
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  return [header, claims];
}

/** With Web Crypto and the keys that the pool publishes. */
async function isSigned(token: string): Promise<boolean> {
  const { kid, alg } = JSON.parse(Buffer.from(token.split(".")[0], "base64url").toString());
  const { keys } = await getJSON(`${rig.plainURL}${rig.ids.userPoolId}/.well-known/jwks.json`);
  const jwk = keys.find((key) => key.kid === kid) as webcrypto.JsonWebKey;
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  const [signed, signature] = [token.slice(0, token.lastIndexOf(".")), token.slice(token.lastIndexOf(".") + 1)];
  assert.equal(alg, "RS256");
  return crypto.subtle.verify(algorithm, key, Buffer.from(signature, "base64url"), Buffer.from(signed));
}

function getJSON(url: string): Promise<{ keys: (webcrypto.JsonWebKey & { kid: string })[] }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => resolve(json(response) as ReturnType<typeof getJSON>)).on("error", reject);
  });
}

const refresh = (REFRESH_TOKEN: string) =>
  rig.idp.send(
    new InitiateAuthCommand({
      ClientId: rig.ids.clientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN },
    }),
  );
const exchange = (RefreshToken: string) =>
  rig.idp.send(new GetTokensFromRefreshTokenCommand({ ClientId: rig.ids.clientId, RefreshToken }));
const getUser = (AccessToken: string) => rig.idp.send(new GetUserCommand({ AccessToken }));

describe("ID and access token", () => {
  test("are JSON Web Tokens, signed with the pool's published keys", async () => {
    const sub = await rig.addUser("ada", { email: "ada@example.org", email_verified: "true", name: "Ada" });
    const { IdToken, AccessToken } = await rig.tokens("ada");
    assert.ok(await isSigned(IdToken));
    assert.ok(await isSigned(AccessToken));
    const [idHeader, id] = read(IdToken);
    const [accessHeader, access] = read(AccessToken);
    assert.notEqual(idHeader.kid, accessHeader.kid);
    const { userPoolId, clientId } = rig.ids;
    const iss = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`;
    const { iat, exp, auth_time, jti, origin_jti, event_id, ...rest } = id as Record<string, number>;
    assert.deepEqual(rest as object, {
      sub,
      iss,
      aud: clientId,
      token_use: "id",
      "cognito:username": "ada",
      email: "ada@example.org",
      email_verified: true,
      name: "Ada",
    });
    assert.equal(exp - iat, 3600);
    assert.ok(Math.abs(auth_time - Date.now() / 1000) < 60 && jti && origin_jti && event_id);
    const { sub: who, client_id, token_use, scope, username, origin_jti: origin } = access;
    assert.deepEqual(
      [who, client_id, token_use, scope, username, access.iss, origin],
      [sub, clientId, "access", "aws.cognito.signin.user.admin", "ada", iss, origin_jti],
    );
    assert.equal("aud" in access, false);
  });

  test("the signature covers every byte", async () => {
    const { IdToken } = await rig.tokens("ada");
    const [header, , signature] = IdToken.split(".");
    const forged = Buffer.from(JSON.stringify({ ...read(IdToken)[1], sub: "another" })).toString("base64url");
    assert.equal(await isSigned(`${header}.${forged}.${signature}`), false);
  });

  test("the access token speaks for its user", async () => {
    const { AccessToken } = await rig.tokens("ada");
    const { Username, UserAttributes } = await getUser(AccessToken);
    assert.equal(Username, "ada");
    assert.equal(UserAttributes?.find(({ Name }) => Name === "email")?.Value, "ada@example.org");
  });

  test("nothing else does", async () => {
    const { IdToken, AccessToken, RefreshToken } = await rig.tokens("ada");
    const [header, payload, signature] = AccessToken.split(".");
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const [head, claims] = read(AccessToken);
    const forger = new TokenSigner({ ...(await makeSigningKey()), kid: head.kid });
    for (const [kind, token] of [
      ["the ID token", IdToken],
      ["the refresh token", RefreshToken],
      ["no token", "x"],
      ["other claims", `${header}.${part({ ...claims, exp: 9_999_999_999 })}.${signature}`],
      ["no signature", `${header}.${payload}.`],
      ["algorithm none", `${part({ ...head, alg: "none" })}.${payload}.${signature}`],
      ["algorithm HS256", `${part({ ...head, alg: "HS256" })}.${payload}.${signature}`],
      ["another's key under the same kid", forger.sign({ ...claims, exp: 9_999_999_999 })],
    ]) {
      await assert.rejects(getUser(token), notAuthorized("Invalid Access Token"), kind);
    }
  });

  test("end when they say so", async (t) => {
    await rig.restart({ tokenSeconds: 2 });
    t.after(() => rig.restart({}));
    const { AccessToken, ExpiresIn, RefreshToken } = await rig.tokens("ada");
    assert.equal(ExpiresIn, 2);
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    await getUser(AccessToken);
    t.mock.timers.tick(3000);
    await assert.rejects(getUser(AccessToken), notAuthorized("Access Token has expired"));
    const { AuthenticationResult } = await refresh(RefreshToken);
    await getUser(AuthenticationResult?.AccessToken ?? "");
  });

  test("are good after a restart", async () => {
    const { AccessToken, RefreshToken, IdToken } = await rig.tokens("ada");
    const before = rig.ids;
    await rig.restart();
    assert.deepEqual(rig.ids, before);
    assert.equal((await getUser(AccessToken)).Username, "ada");
    assert.ok(await isSigned(IdToken));
    assert.ok((await refresh(RefreshToken)).AuthenticationResult?.IdToken);
  });
});

describe("refresh token", () => {
  test("gets new tokens of the same session, and stays", async () => {
    const { RefreshToken, IdToken, AccessToken } = await rig.tokens("ada");
    for (const renew of [refresh, exchange]) {
      const { AuthenticationResult: again } = await renew(RefreshToken);
      assert.equal(again?.RefreshToken, undefined);
      assert.notEqual(again?.IdToken, IdToken);
      const [[, old], [, fresh]] = [read(IdToken), read(again?.IdToken ?? "")];
      assert.deepEqual([fresh.sub, fresh.origin_jti, fresh.auth_time], [old.sub, old.origin_jti, old.auth_time]);
      await getUser(again?.AccessToken ?? "");
    }
    await getUser(AccessToken);
  });

  test("amazon-cognito-identity-js renews its session", async () => {
    const { RefreshToken } = await rig.tokens("ada");
    const user = new CognitoUser({ Username: "ada", Pool: rig.pool(), Storage: new MemoryStorage() });
    const session = await new Promise<CognitoUserSession>((resolve, reject) => {
      const token = new CognitoRefreshToken({ RefreshToken });
      user.refreshSession(token, (error, renewed) => (error ? reject(error) : resolve(renewed)));
    });
    assert.ok(session.isValid());
    assert.equal(session.getIdToken().payload.email, "ada@example.org");
  });

  test("is kept as a hash only", async () => {
    const { RefreshToken } = await rig.tokens("ada");
    const kept = await readFile(`${rig.directory}/cognito/sessions.json`, "utf8");
    assert.ok(!kept.includes(RefreshToken) && !kept.includes(RefreshToken.split(".")[1].slice(0, 40)));
  });

  test("one that is wrong, altered, of another kind, or expired", async (t) => {
    const { RefreshToken, AccessToken } = await rig.tokens("ada");
    const altered = `${RefreshToken.slice(0, -1)}${RefreshToken.endsWith("A") ? "B" : "A"}`;
    for (const token of ["x", AccessToken, altered, `${RefreshToken}A`, RefreshToken.toUpperCase()]) {
      await assert.rejects(refresh(token), notAuthorized("Invalid Refresh Token"));
      await assert.rejects(exchange(token), notAuthorized("Invalid Refresh Token"));
    }
    await assert.rejects(refresh(""), { name: "InvalidParameterException" });
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 30 * 24 * 3600 * 1000 + 1000 });
    await assert.rejects(refresh(RefreshToken), notAuthorized("Refresh Token has expired"));
  });

  test("revoked, it takes its access tokens along, and no other session", async () => {
    const [mine, other] = [await rig.tokens("ada"), await rig.tokens("ada")];
    const revoke = (Token: string, ClientId = rig.ids.clientId) =>
      rig.idp.send(new RevokeTokenCommand({ Token, ClientId }));
    await assert.rejects(revoke(mine.AccessToken), { name: "UnsupportedTokenTypeException" });
    await assert.rejects(revoke(mine.RefreshToken, "x".repeat(26)), { name: "ResourceNotFoundException" });
    await revoke(mine.RefreshToken);
    await revoke(mine.RefreshToken);
    await revoke("unknown");
    await assert.rejects(refresh(mine.RefreshToken), notAuthorized("Refresh Token has been revoked"));
    await assert.rejects(getUser(mine.AccessToken), notAuthorized("Access Token has been revoked"));
    await getUser(other.AccessToken);
    assert.ok((await refresh(other.RefreshToken)).AuthenticationResult);
    await rig.restart();
    await assert.rejects(refresh(mine.RefreshToken), notAuthorized("Refresh Token has been revoked"));
  });

  test("rotated, each is good once; two with the same one end the session", async (t) => {
    await rig.restart({ rotateRefreshTokens: true });
    t.after(() => rig.restart({}));
    const { RefreshToken: first } = await rig.tokens("ada");
    await assert.rejects(refresh(first), { name: "InvalidParameterException" });
    const second = (await exchange(first)).AuthenticationResult?.RefreshToken ?? "";
    const third = (await exchange(second)).AuthenticationResult?.RefreshToken ?? "";
    assert.equal(new Set([first, second, third]).size, 3);
    await assert.rejects(exchange(second), { name: "RefreshTokenReuseException" });
    await assert.rejects(exchange(third), notAuthorized("Refresh Token has been revoked"));
  });
});

describe("the end of all sessions", () => {
  test("by the user", async () => {
    const tokens = [await rig.tokens("ada"), await rig.tokens("ada")];
    await rig.idp.send(new GlobalSignOutCommand({ AccessToken: tokens[0].AccessToken }));
    for (const { AccessToken, RefreshToken } of tokens) {
      await assert.rejects(getUser(AccessToken), notAuthorized("Access Token has been revoked"));
      await assert.rejects(refresh(RefreshToken), notAuthorized("Refresh Token has been revoked"));
    }
    await getUser((await rig.tokens("ada")).AccessToken);
  });

  test("by the administrator: signed out, disabled, deleted", async () => {
    const user = { UserPoolId: rig.ids.userPoolId, Username: "leaving" };
    await rig.addUser(user.Username);
    const first = await rig.tokens("leaving");
    await rig.admin.send(new AdminUserGlobalSignOutCommand(user));
    await assert.rejects(getUser(first.AccessToken), notAuthorized("Access Token has been revoked"));
    const second = await rig.tokens("leaving");
    await rig.admin.send(new AdminDisableUserCommand(user));
    await assert.rejects(getUser(second.AccessToken), notAuthorized("User is disabled."));
    await assert.rejects(refresh(second.RefreshToken), notAuthorized("User is disabled."));
    await rig.admin.send(new AdminEnableUserCommand(user));
    await assert.rejects(getUser(second.AccessToken), notAuthorized("Access Token has been revoked"));
    await assert.rejects(refresh(second.RefreshToken), notAuthorized("Refresh Token has been revoked"));
    const third = await rig.tokens("leaving");
    await rig.admin.send(new AdminDeleteUserCommand(user));
    await assert.rejects(getUser(third.AccessToken), { name: "UserNotFoundException" });
    await assert.rejects(refresh(third.RefreshToken), { name: "NotAuthorizedException" });
    await assert.rejects(rig.signIn("leaving"), notAuthorized("Incorrect username or password."));
  });
});

test("a password is changed by whoever knows the one before", async () => {
  await rig.addUser("changing");
  const { AccessToken } = await rig.tokens("changing");
  const change = (PreviousPassword: string, ProposedPassword: string) =>
    rig.idp.send(new ChangePasswordCommand({ AccessToken, PreviousPassword, ProposedPassword }));
  await assert.rejects(change(later, password), notAuthorized("Incorrect username or password."));
  await assert.rejects(change(password, "weak"), { name: "InvalidPasswordException" });
  await change(password, later);
  await getUser(AccessToken);
  await assert.rejects(rig.signIn("changing"), notAuthorized("Incorrect username or password."));
  assert.ok((await rig.signIn("changing", later)).AuthenticationResult);
  for (let i = 0; i < 5; i++) await assert.rejects(change(password, later), { name: "NotAuthorizedException" });
  await assert.rejects(change(later, password), {
    name: "LimitExceededException",
    message: "Attempt limit exceeded, please try after some time.",
  });
});
