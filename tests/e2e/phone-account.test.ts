/** Signing in, staying signed in, and temporary credentials, against the local Cognito. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { after, before, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminUserGlobalSignOutCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import { Account, type AccountEvents } from "../../sim/phone/account.ts";
import { adviceFor, knownCodes } from "../../sim/phone/advice.ts";
import { nodeTransport } from "../../sim/phone/node-transport.ts";
import { MemoryTokenStore, type WebStorage, WebTokenStore } from "../../sim/phone/token-store.ts";
import { PhoneRig } from "./phone-rig.ts";

let rig: PhoneRig;
let administrator: CognitoIdentityProviderClient;
const transport = nodeTransport();

before(async () => {
  rig = await PhoneRig.open({ cloudOnly: true, credentialSeconds: 3, tokenSeconds: 3 });
  administrator = new CognitoIdentityProviderClient({
    region: rig.cloud.region,
    endpoint: rig.cloud.cognito.idpUrl,
    credentials: JSON.parse(await readFile(rig.cloud.credentials, "utf8")),
    requestHandler: { httpsAgent: new Agent({ ca: rig.settings.rootCA }) },
  });
});
after(async () => {
  administrator?.destroy();
  await rig?.[Symbol.asyncDispose]();
});

/** A browser's storage, as far as it is used. */
class Storage implements WebStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

const pool = () => ({ UserPoolId: rig.cloud.cognito.userPoolId });

test("SRP, an identity of one's own, and the same one at the next sign-in", async () => {
  const user = await rig.makeUser();
  const first = await Account.signIn(rig.settings, user, { transport });
  const second = await Account.signIn(rig.settings, user, { transport });
  assert.match(first.identityId, /^us-east-1:[0-9a-f-]{36}$/);
  assert.equal(second.identityId, first.identityId);
  const other = await Account.signIn(rig.settings, await rig.makeUser(), { transport });
  assert.notEqual(other.identityId, first.identityId);
});

test("each refusal has its name, and words for the person", async (t) => {
  const user = await rig.makeUser();
  const disabled = await rig.makeUser();
  await administrator.send(new AdminDisableUserCommand({ ...pool(), Username: disabled.username }));
  const nowhere = { ...rig.settings.endpoints!, cognitoIdp: "http://127.0.0.1:1" };
  const cases = {
    WrongPassword: [rig.settings, { ...user, password: "Wrong-Horse-1" }],
    UserDisabled: [rig.settings, disabled],
    AccountNotSetUp: [{ ...rig.settings, userPoolClientId: "nosuchclient" }, user],
    NetworkUnavailable: [{ ...rig.settings, endpoints: nowhere }, user],
  } as const;
  for (const [code, [settings, request]] of Object.entries(cases))
    await t.test(code, async () => {
      const error = await Account.signIn(settings, request, { transport }).then(
        () => assert.fail("it was let in"),
        (error) => error,
      );
      assert.equal(error.code, code, error.message);
      const advice = adviceFor(error);
      assert.equal(advice.code, code);
      assert.ok(knownCodes.includes(code));
      assert.doesNotMatch(JSON.stringify(error) + error.stack, /Wrong-Horse|Correct-Horse/);
    });
});

test("an unknown user is refused like a wrong password, so that nobody learns who has an account", async () => {
  const nobody = { username: "nobody", password: "Some-Password-1" };
  await assert.rejects(Account.signIn(rig.settings, nobody, { transport }), { code: "WrongPassword" });
});

test("many wrong passwords: TooManyAttempts", async () => {
  const user = await rig.makeUser();
  const codes = new Set<string>();
  for (let attempt = 0; attempt < 8; attempt++)
    await Account.signIn(rig.settings, { ...user, password: `Wrong-Horse-${attempt}` }, { transport }).catch(
      ({ code }) => codes.add(code),
    );
  assert.deepEqual([...codes], ["WrongPassword", "TooManyAttempts"]);
});

test("an account that an administrator made asks for a password of the person's own", async () => {
  const username = "newcomer";
  const password = "Temporary-1";
  await administrator.send(
    new AdminCreateUserCommand({
      ...pool(),
      Username: username,
      TemporaryPassword: password,
      MessageAction: "SUPPRESS",
    }),
  );
  const signIn = (newPassword?: string) =>
    Account.signIn(rig.settings, { username, password, newPassword }, { transport });
  await assert.rejects(signIn(), { code: "NewPasswordRequired" });
  await assert.rejects(signIn("short"), { code: "NewPasswordRefused" });
  const account = await signIn("Correct-Horse-99");
  assert.equal(account.username, username);
  const again = await Account.signIn(rig.settings, { username, password: "Correct-Horse-99" }, { transport });
  assert.equal(again.identityId, account.identityId);
});

test("credentials renew themselves before their end: no time without good ones, and one request for all who wait", async () => {
  const { account, activity } = await rig.person();
  const first = await account.credentials();
  const seen = new Set<string>();
  while (seen.size < 3) {
    const many = await Promise.all([account.credentials(), account.credentials(), account.credentials()]);
    assert.ok(many.every(({ accessKeyId }) => accessKeyId === many[0].accessKeyId));
    assert.ok(many[0].expiration.getTime() > account.now(), "they were good");
    seen.add(many[0].accessKeyId);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(seen.has(first.accessKeyId));
  const asked = activity.entries.filter(({ text }) => text === "GetCredentialsForIdentity");
  assert.equal(asked.length, 3);
});

test("a page that is loaded again goes on without the password; only the refresh token is in its storage", async () => {
  const user = await rig.makeUser();
  const storage = new Storage();
  const store = new WebTokenStore(storage, rig.settings);
  const account = await Account.signIn(rig.settings, user, { transport, store });
  const [[key, stored]] = storage.items;
  assert.equal(key, `devicelink.session.${rig.settings.userPoolClientId}`);
  assert.deepEqual(Object.keys(JSON.parse(stored)).sort(), ["refreshToken", "username"]);
  const resumed = await Account.resume(rig.settings, { transport, store });
  assert.equal(resumed?.identityId, account.identityId);
  assert.equal(resumed?.username, user.username);
  const elsewhere = new WebTokenStore(storage, { userPoolClientId: "another" });
  assert.equal(await Account.resume(rig.settings, { transport, store: elsewhere }), undefined);
});

test("signing out revokes: neither this page nor a copy of its storage can go on", async () => {
  const store = new MemoryTokenStore();
  const { account } = await rig.person({ store });
  const copy = new MemoryTokenStore();
  copy.save(store.load()!);
  const ended: AccountEvents["signedout"][] = [];
  account.on("signedout", (detail) => ended.push(detail));
  await account.signOut();
  await account.signOut();
  assert.deepEqual(ended, [{ reason: "SignedOut" }]);
  assert.equal(store.load(), undefined);
  await assert.rejects(account.credentials(), { code: "SessionExpired" });
  assert.equal(await Account.resume(rig.settings, { transport, store: copy }), undefined);
  assert.equal(copy.load(), undefined, "what is dead is forgotten");
});

test("a session that was ended elsewhere: SessionExpired at the next renewal, told once", async () => {
  const user = await rig.makeUser();
  const { account } = await rig.person({ user });
  const ended: string[] = [];
  account.on("signedout", ({ reason }) => ended.push(reason));
  await administrator.send(new AdminUserGlobalSignOutCommand({ ...pool(), Username: user.username }));
  const untilItFails = async () => {
    for (;;) {
      await account.credentials();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await assert.rejects(untilItFails(), { code: "SessionExpired" });
  assert.deepEqual(ended, ["SessionExpired"]);
  assert.equal(account.isSignedIn, false);
});

test("without a network what is there is used to its end, and the store is kept", async () => {
  const store = new MemoryTokenStore();
  const { account } = await rig.person({ store });
  const { accessKeyId, expiration } = await account.credentials();
  await rig.line.stopCloud();
  for (;;) {
    const [outcome] = await Promise.allSettled([account.credentials()]);
    if (account.now() >= expiration.getTime()) break;
    assert.equal(outcome.status === "fulfilled" && outcome.value.accessKeyId, accessKeyId);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await assert.rejects(account.credentials(), { code: "NetworkUnavailable" });
  await assert.rejects(Account.resume(rig.settings, { transport, store }), { code: "NetworkUnavailable" });
  assert.ok(store.load());
  assert.equal(account.isSignedIn, true);
  await rig.line.startCloud();
  assert.notEqual((await account.credentials()).accessKeyId, accessKeyId);
});
