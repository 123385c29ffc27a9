/** Signing in to a user pool, with clients that Amazon and others wrote. */
import assert from "node:assert/strict";
import { createDiffieHellmanGroup } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  type AuthFlowType,
  ConfirmForgotPasswordCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { AuthenticationDetails, CognitoUser, type CognitoUserSession } from "amazon-cognito-identity-js";
import { CognitoRig, MemoryStorage, password } from "./cognito-rig.ts";

let rig: CognitoRig;
before(async () => {
  rig = await CognitoRig.open();
});
after(() => rig.close());

/** RFC 3526, 3072 bits. */
const prime = createDiffieHellmanGroup("modp15").getPrime("hex");

const wrong = { name: "NotAuthorizedException", message: "Incorrect username or password." };
const temporary = "Temporary, 1!";
const chosen = "Chosen, 2 times!";

/** amazon-cognito-identity-js calls back. */
function authenticate(Username: string, Password: string, options: { storage?: MemoryStorage; next?: string } = {}) {
  const Pool = rig.pool(options.storage);
  const user = new CognitoUser({ Username, Pool, Storage: options.storage ?? new MemoryStorage() });
  const signedIn = new Promise<CognitoUserSession>((onSuccess, onFailure) => {
    const newPasswordRequired = () =>
      options.next === undefined
        ? onFailure(new Error("a new password is wanted"))
        : user.completeNewPasswordChallenge(options.next, {}, { onSuccess, onFailure });
    user.authenticateUser(new AuthenticationDetails({ Username, Password }), {
      onSuccess,
      onFailure,
      newPasswordRequired,
    });
  });
  return signedIn;
}

async function addTemporaryUser(Username: string): Promise<void> {
  const UserPoolId = rig.ids.userPoolId;
  await rig.admin.send(new AdminCreateUserCommand({ UserPoolId, Username, TemporaryPassword: temporary }));
}

describe("with SRP", () => {
  test("cognito-srp-helper and the AWS SDK get three tokens", async () => {
    await rig.addUser("ada");
    const { AuthenticationResult, ChallengeName } = await rig.signIn("ada");
    assert.equal(ChallengeName, undefined);
    const { IdToken, AccessToken, RefreshToken, ExpiresIn, TokenType } = AuthenticationResult ?? {};
    assert.ok(IdToken && AccessToken && RefreshToken);
    assert.deepEqual([ExpiresIn, TokenType], [3600, "Bearer"]);
  });

  test("again and again: no salt and no key of either side fails to be padded", async () => {
    // Every second number has its high bit set.
    for (let i = 0; i < 4; i++) {
      await rig.addUser(`many-${i}`);
      for (let j = 0; j < 2; j++) assert.ok((await rig.signIn(`many-${i}`)).AuthenticationResult);
    }
  });

  test("amazon-cognito-identity-js signs in, and is signed in after a reload", async () => {
    await rig.addUser("grace");
    const storage = new MemoryStorage();
    const session = await authenticate("grace", password, { storage });
    assert.equal(session.getIdToken().payload["cognito:username"], "grace");
    const again = rig.pool(storage).getCurrentUser();
    const resumed = await new Promise<CognitoUserSession>((resolve, reject) => {
      again?.getSession((error: Error | null, found: CognitoUserSession) => (error ? reject(error) : resolve(found)));
    });
    assert.equal(resumed.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());
  });

  test("a name is the same in capitals and small letters, and hashed as it was given", async () => {
    await rig.addUser("Mixed.Case@Example.org");
    const { session, challenge } = await rig.startSignIn("mixed.case@example.ORG");
    assert.equal(challenge.ChallengeParameters?.USER_ID_FOR_SRP, "Mixed.Case@Example.org");
    const { AuthenticationResult } = await rig.finishSignIn("mixed.case@example.ORG", { session, challenge });
    assert.ok(AuthenticationResult);
    await authenticate("MIXED.case@example.org", password);
  });

  for (const [kind, secret] of [
    ["another one", "Sesame, open 2!"],
    ["another case", password.toLowerCase()],
    ["with a space behind it", `${password} `],
    ["shortened", password.slice(0, -1)],
    ["empty", ""],
    ["the user's name", "linus"],
    ["the verifier itself", "0".repeat(64)],
    ["with characters outside ASCII", "Sésame, öpen 1!"],
  ]) {
    test(`a wrong password: ${kind}`, async () => {
      if (kind === "another one") await rig.addUser("linus");
      await assert.rejects(rig.signIn("linus", secret), wrong);
      if (secret) await assert.rejects(authenticate("linus", secret), { code: wrong.name, message: wrong.message });
      rig.cognito.userPool.lockout.succeeded("linus");
    });
  }

  test("passwords outside ASCII are text in UTF-8", async () => {
    const secret = "Größe 3€ 相机!a";
    await rig.addUser("unicode", {}, secret);
    assert.ok((await rig.signIn("unicode", secret)).AuthenticationResult);
    await authenticate("unicode", secret);
  });

  test("nothing that was sent once can be sent again, or for somebody else, or be altered", async () => {
    await rig.addUser("bob");
    await rig.addUser("eve");
    const { clientId: ClientId } = rig.ids;
    const first = await rig.startSignIn("bob");
    await rig.finishSignIn("bob", first);
    await assert.rejects(rig.finishSignIn("bob", first), { name: "NotAuthorizedException" });
    const forEve = await rig.startSignIn("bob");
    await assert.rejects(rig.finishSignIn("bob", forEve, { USERNAME: "eve" }), wrong);
    const block = (await rig.startSignIn("bob")).challenge.ChallengeParameters?.SECRET_BLOCK ?? "";
    const tampered = Buffer.from(block, "base64");
    tampered[40] ^= 1;
    const changes: [Record<string, string>, { name: string; message?: RegExp | string }][] = [
      [{ PASSWORD_CLAIM_SECRET_BLOCK: tampered.toString("base64") }, { name: "NotAuthorizedException" }],
      [{ PASSWORD_CLAIM_SECRET_BLOCK: "AAAA" }, { name: "NotAuthorizedException" }],
      [{ PASSWORD_CLAIM_SIGNATURE: Buffer.alloc(32).toString("base64") }, wrong],
      [{ TIMESTAMP: "Sat Nov 21 02:19:48 UTC 2020" }, wrong],
      [
        { TIMESTAMP: new Date().toISOString() },
        { name: "InvalidParameterException", message: /EEE MMM d HH:mm:ss z yyyy/ },
      ],
      [{ PASSWORD_CLAIM_SIGNATURE: "" }, { name: "InvalidParameterException", message: /PASSWORD_CLAIM_SIGNATURE/ }],
    ];
    for (const [change, error] of changes) {
      await assert.rejects(rig.finishSignIn("bob", await rig.startSignIn("bob"), change), error);
    }
    rig.cognito.userPool.lockout.succeeded("bob");
    for (const SRP_A of ["0", "00", "nothing", (BigInt(`0x${prime}`) * 2n).toString(16)]) {
      const AuthParameters = { USERNAME: "bob", SRP_A };
      const start = rig.idp.send(new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters }));
      await assert.rejects(start, { name: "InvalidParameterException" });
    }
  });

  test("the answer has to come in time, and may come after a restart", async () => {
    await rig.addUser("slow");
    const waiting = await rig.startSignIn("slow");
    await rig.restart();
    assert.ok((await rig.finishSignIn("slow", waiting)).AuthenticationResult);
    await rig.restart({ challengeSeconds: 0 });
    await assert.rejects(rig.signIn("slow"), {
      name: "NotAuthorizedException",
      message: "Invalid session for the user, session is expired.",
    });
    await rig.restart({});
  });

  test("the password that was changed in the meantime is not good any more", async () => {
    await rig.addUser("changed");
    const waiting = await rig.startSignIn("changed");
    await rig.admin.send(
      new AdminSetUserPasswordCommand({
        UserPoolId: rig.ids.userPoolId,
        Username: "changed",
        Password: chosen,
        Permanent: true,
      }),
    );
    await assert.rejects(rig.finishSignIn("changed", waiting), wrong);
    assert.ok((await rig.signIn("changed", chosen)).AuthenticationResult);
  });

  test("only salt and verifier are kept, in no readable form the password", async () => {
    const kept = await readFile(`${rig.directory}/cognito/users.json`, "utf8");
    for (const secret of [password, temporary, chosen, Buffer.from(password).toString("base64")]) {
      assert.ok(!kept.includes(secret));
    }
    assert.match(kept, /"verifier"/);
  });
});

describe("who exists", () => {
  test("is not told: a stranger is asked for a proof like anybody, with the same salt each time", async () => {
    const first = await rig.startSignIn("nobody");
    const second = await rig.startSignIn("nobody");
    assert.equal(first.challenge.ChallengeName, "PASSWORD_VERIFIER");
    assert.equal(first.challenge.ChallengeParameters?.SALT, second.challenge.ChallengeParameters?.SALT);
    assert.equal(first.challenge.ChallengeParameters?.USER_ID_FOR_SRP, "nobody");
    await assert.rejects(rig.finishSignIn("nobody", first), wrong);
    await assert.rejects(authenticate("nobody", password), { code: wrong.name, message: wrong.message });
  });

  test("is told by a client that wants it so", async (t) => {
    await rig.restart({ preventUserExistenceErrors: false });
    t.after(() => rig.restart({}));
    const unknown = { name: "UserNotFoundException", message: "User does not exist." };
    await assert.rejects(rig.startSignIn("nobody"), unknown);
    await assert.rejects(authenticate("nobody", password), unknown);
  });
});

describe("a new password", () => {
  test("is wanted after a temporary one: amazon-cognito-identity-js", async () => {
    await addTemporaryUser("new-1");
    await assert.rejects(authenticate("new-1", temporary, { next: "short" }), {
      code: "InvalidPasswordException",
      message: "Password did not conform with policy: Password not long enough",
    });
    assert.ok((await authenticate("new-1", temporary, { next: chosen })).isValid());
    await authenticate("new-1", chosen);
    await assert.rejects(authenticate("new-1", temporary), { code: wrong.name });
  });

  test("is wanted after a temporary one: the AWS SDK", async () => {
    await addTemporaryUser("new-2");
    const { ChallengeName, ChallengeParameters, Session } = await rig.signIn("new-2", temporary);
    assert.equal(ChallengeName, "NEW_PASSWORD_REQUIRED");
    assert.deepEqual(JSON.parse(ChallengeParameters?.userAttributes ?? ""), {});
    const respond = (responses: Record<string, string>, session = Session) =>
      rig.idp.send(
        new RespondToAuthChallengeCommand({
          ClientId: rig.ids.clientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session: session,
          ChallengeResponses: { USERNAME: "new-2", ...responses },
        }),
      );
    await assert.rejects(respond({}), { name: "InvalidParameterException", message: /NEW_PASSWORD/ });
    await assert.rejects(respond({ NEW_PASSWORD: chosen }, `${Session?.slice(0, -8)}AAAAAAA=`), {
      name: "NotAuthorizedException",
      message: "Invalid session for the user.",
    });
    for (const weak of ["Aa1!", "alllowercase1!", "ALLUPPERCASE1!", "NoNumbers!", "NoSymbols12"]) {
      await assert.rejects(respond({ NEW_PASSWORD: weak }), { name: "InvalidPasswordException" }, weak);
    }
    const { AuthenticationResult } = await respond({ NEW_PASSWORD: chosen, "userAttributes.name": "N. Two" });
    assert.ok(AuthenticationResult?.IdToken);
    await assert.rejects(respond({ NEW_PASSWORD: chosen }), {
      name: "NotAuthorizedException",
      message: "Invalid session for the user, session can only be used once.",
    });
    assert.ok((await rig.signIn("new-2", chosen)).AuthenticationResult);
  });

  test("is too late when the temporary one has expired", async (t) => {
    await rig.restart({ temporaryPasswordSeconds: 0 });
    t.after(() => rig.restart({}));
    await addTemporaryUser("new-3");
    await assert.rejects(rig.signIn("new-3", temporary), {
      name: "NotAuthorizedException",
      message: "Temporary password has expired and must be reset by an administrator.",
    });
  });
});

describe("other reasons to be refused", () => {
  test("an account that is not confirmed; a wrong password comes first", async () => {
    await rig.idp.send(new SignUpCommand({ ClientId: rig.ids.clientId, Username: "fresh", Password: password }));
    await assert.rejects(rig.signIn("fresh", chosen), wrong);
    await assert.rejects(rig.signIn("fresh"), { name: "UserNotConfirmedException", message: "User is not confirmed." });
  });

  test("an account that is disabled, until it is enabled", async () => {
    const user = { UserPoolId: rig.ids.userPoolId, Username: "disabled" };
    await rig.addUser(user.Username);
    await rig.admin.send(new AdminDisableUserCommand(user));
    await assert.rejects(rig.signIn("disabled"), { name: "NotAuthorizedException", message: "User is disabled." });
    await rig.admin.send(new AdminEnableUserCommand(user));
    assert.ok((await rig.signIn("disabled")).AuthenticationResult);
  });

  test("a password that has to be reset", async () => {
    await rig.addUser("reset", { email: "r@example.org", email_verified: "true" });
    await rig.admin.send(new AdminResetUserPasswordCommand({ UserPoolId: rig.ids.userPoolId, Username: "reset" }));
    await assert.rejects(rig.signIn("reset"), {
      name: "PasswordResetRequiredException",
      message: "Password reset required for the user",
    });
    const ConfirmationCode = rig.messages.at(-1)?.code;
    await rig.idp.send(
      new ConfirmForgotPasswordCommand({
        ClientId: rig.ids.clientId,
        Username: "reset",
        ConfirmationCode,
        Password: chosen,
      }),
    );
    assert.ok((await rig.signIn("reset", chosen)).AuthenticationResult);
  });

  test("too many wrong passwords: even the right one has to wait, longer each time", async (t) => {
    await rig.addUser("guessed");
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    for (let i = 0; i < 5; i++) await assert.rejects(rig.signIn("guessed", chosen), wrong);
    const locked = { name: "NotAuthorizedException", message: "Password attempts exceeded" };
    await assert.rejects(rig.signIn("guessed"), locked);
    t.mock.timers.tick(1001);
    await assert.rejects(rig.signIn("guessed", chosen), wrong);
    t.mock.timers.tick(1001);
    await assert.rejects(rig.signIn("guessed"), locked);
    t.mock.timers.tick(1000);
    assert.ok((await rig.signIn("guessed")).AuthenticationResult);
    await assert.rejects(rig.signIn("guessed", chosen), wrong);
    assert.ok((await rig.signIn("guessed")).AuthenticationResult);
  });

  test("too many sign-ins a second", async (t) => {
    await rig.restart({ requestsPerSecond: 2 });
    t.after(() => rig.restart({}));
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    await rig.addUser("busy");
    await rig.signIn("busy");
    await assert.rejects(rig.startSignIn("busy"), { name: "TooManyRequestsException" });
    t.mock.timers.tick(1001);
    assert.ok((await rig.signIn("busy")).AuthenticationResult);
  });

  test("a client, a flow or a parameter that there is not", async () => {
    const { clientId: ClientId } = rig.ids;
    const start = (AuthFlow: AuthFlowType, AuthParameters: Record<string, string>, client = ClientId) =>
      rig.idp.send(new InitiateAuthCommand({ ClientId: client, AuthFlow, AuthParameters }));
    await assert.rejects(start("USER_SRP_AUTH", { USERNAME: "ada", SRP_A: "ff" }, "0".repeat(26)), {
      name: "ResourceNotFoundException",
      message: `User pool client ${"0".repeat(26)} does not exist.`,
    });
    await assert.rejects(start("USER_SRP_AUTH", { USERNAME: "ada" }), {
      name: "InvalidParameterException",
      message: "Missing required parameter SRP_A",
    });
    await assert.rejects(start("CUSTOM_AUTH", { USERNAME: "ada" }), { name: "InvalidParameterException" });
    await assert.rejects(start("USER_SRP_AUTH", { USERNAME: "ada", SRP_A: "ff", SECRET_HASH: "x" }), {
      name: "NotAuthorizedException",
      message: `Unable to verify secret hash for client ${ClientId}`,
    });
    await assert.rejects(start("USER_PASSWORD_AUTH", { USERNAME: "ada", PASSWORD: password }), {
      name: "InvalidParameterException",
      message: "USER_PASSWORD_AUTH flow not enabled for this client",
    });
  });
});

test("the password itself, where the client allows it", async (t) => {
  await rig.restart({ passwordAuth: true });
  t.after(() => rig.restart({}));
  const signIn = (USERNAME: string, PASSWORD: string) =>
    rig.idp.send(
      new InitiateAuthCommand({
        ClientId: rig.ids.clientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME, PASSWORD },
      }),
    );
  assert.ok((await signIn("ada", password)).AuthenticationResult);
  await assert.rejects(signIn("ada", chosen), wrong);
  await assert.rejects(signIn("nobody", password), wrong);
  const user = new CognitoUser({ Username: "ada", Pool: rig.pool(), Storage: new MemoryStorage() });
  user.setAuthenticationFlowType("USER_PASSWORD_AUTH");
  const session = await new Promise<CognitoUserSession>((onSuccess, onFailure) => {
    const details = new AuthenticationDetails({ Username: "ada", Password: password });
    user.authenticateUser(details, { onSuccess, onFailure });
  });
  assert.ok(session.isValid());
});
