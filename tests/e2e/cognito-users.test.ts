/** Accounts: those that people make themselves, and what the administrator does with them. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  ForgotPasswordCommand,
  ListUsersCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { CognitoUser, CognitoUserAttribute, type ISignUpResult } from "amazon-cognito-identity-js";
import { openAdministratorKey } from "../../sim/cloud/credentials.ts";
import { CognitoRig, MemoryStorage, password } from "./cognito-rig.ts";

let rig: CognitoRig;
before(async () => {
  rig = await CognitoRig.open();
});
after(() => rig.close());

const chosen = "Chosen, 2 times!";
const mismatch = {
  name: "CodeMismatchException",
  message: "Invalid verification code provided, please try again.",
};
const expired = { name: "ExpiredCodeException", message: "Invalid code provided, please request a code again." };
const limit = { name: "LimitExceededException", message: "Attempt limit exceeded, please try after some time." };
const email = (Value: string) => [{ Name: "email", Value }];

const signUp = (Username: string, Password = password, UserAttributes = email(`${Username}@example.org`)) =>
  rig.idp.send(new SignUpCommand({ ClientId: rig.ids.clientId, Username, Password, UserAttributes }));
const confirm = (Username: string, ConfirmationCode: string) =>
  rig.idp.send(new ConfirmSignUpCommand({ ClientId: rig.ids.clientId, Username, ConfirmationCode }));
const resend = (Username: string) =>
  rig.idp.send(new ResendConfirmationCodeCommand({ ClientId: rig.ids.clientId, Username }));
const forgot = (Username: string) => rig.idp.send(new ForgotPasswordCommand({ ClientId: rig.ids.clientId, Username }));
const confirmForgot = (Username: string, ConfirmationCode: string, Password = chosen) =>
  rig.idp.send(new ConfirmForgotPasswordCommand({ ClientId: rig.ids.clientId, Username, ConfirmationCode, Password }));
const lastCode = () => rig.messages.at(-1)?.code ?? "";
const otherThan = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

describe("sign-up", () => {
  test("with a code that only the process's events have", async () => {
    const { UserConfirmed, UserSub, CodeDeliveryDetails } = await signUp("ada");
    assert.equal(UserConfirmed, false);
    assert.deepEqual(CodeDeliveryDetails, {
      AttributeName: "email",
      DeliveryMedium: "EMAIL",
      Destination: "a***@e***",
    });
    const { username, purpose, code } = rig.messages.at(-1)!;
    assert.deepEqual([username, purpose], ["ada", "ConfirmSignUp"]);
    assert.match(code, /^\d{6}$/);
    await assert.rejects(confirm("ada", otherThan(code)), mismatch);
    await confirm("ada", code);
    await assert.rejects(confirm("ada", code), {
      name: "NotAuthorizedException",
      message: "User cannot be confirmed. Current status is CONFIRMED",
    });
    const { Username, UserStatus, UserAttributes } = await rig.admin.send(
      new AdminGetUserCommand({ UserPoolId: rig.ids.userPoolId, Username: "ada" }),
    );
    assert.deepEqual([Username, UserStatus], ["ada", "CONFIRMED"]);
    const attributes = Object.fromEntries((UserAttributes ?? []).map(({ Name, Value }) => [Name, Value]));
    assert.deepEqual(attributes, { sub: UserSub, email: "ada@example.org", email_verified: "true" });
    assert.ok((await rig.signIn("ada")).AuthenticationResult);
  });

  test("amazon-cognito-identity-js signs up and confirms", async () => {
    const attributes = [new CognitoUserAttribute({ Name: "email", Value: "g@example.org" })];
    const { userConfirmed } = await new Promise<ISignUpResult>((resolve, reject) => {
      rig
        .pool()
        .signUp("grace", password, attributes, [], (error, result) => (result ? resolve(result) : reject(error)));
    });
    assert.equal(userConfirmed, false);
    const user = new CognitoUser({ Username: "grace", Pool: rig.pool(), Storage: new MemoryStorage() });
    const done = await new Promise((resolve, reject) => {
      user.confirmRegistration(lastCode(), false, (error, result) => (error ? reject(error) : resolve(result)));
    });
    assert.equal(done, "SUCCESS");
    assert.ok((await rig.signIn("grace")).AuthenticationResult);
  });

  test("a new code takes the place of the one before; each ends after a day", async (t) => {
    await signUp("linus");
    const old = lastCode();
    const { CodeDeliveryDetails } = await resend("linus");
    assert.equal(CodeDeliveryDetails?.Destination, "l***@e***");
    if (old !== lastCode()) await assert.rejects(confirm("linus", old), mismatch);
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    t.mock.timers.tick(24 * 3600 * 1000 + 1);
    await assert.rejects(confirm("linus", lastCode()), expired);
    await resend("linus");
    await rig.restart();
    await confirm("linus", lastCode());
    await assert.rejects(resend("linus"), { name: "InvalidParameterException", message: "User is already confirmed." });
  });

  test("codes are not found by trying", async () => {
    await signUp("guessed");
    const code = lastCode();
    for (let i = 0; i < 5; i++) await assert.rejects(confirm("guessed", otherThan(code)), mismatch);
    await assert.rejects(confirm("guessed", code), limit);
  });

  test("what is refused", async () => {
    await assert.rejects(signUp("ada"), { name: "UsernameExistsException", message: "User already exists" });
    await assert.rejects(signUp("ADA"), { name: "UsernameExistsException" });
    for (const [weak, reason] of [
      ["Aa1!", "Password not long enough"],
      ["alllowercase1!", "Password must have uppercase characters"],
      ["ALLUPPERCASE1!", "Password must have lowercase characters"],
      ["NoNumbers!", "Password must have numeric characters"],
      ["NoSymbols12", "Password must have symbol characters"],
    ]) {
      const message = `Password did not conform with policy: ${reason}`;
      await assert.rejects(signUp("weak", weak), { name: "InvalidPasswordException", message });
    }
    const forged = [{ Name: "email_verified", Value: "true" }];
    await assert.rejects(signUp("forger", password, forged), { name: "NotAuthorizedException" });
    await assert.rejects(signUp("with space"), { name: "InvalidParameterException", message: /'username'/ });
    await assert.rejects(signUp("x".repeat(129)), { name: "InvalidParameterException", message: /length/ });
  });

  test("a pool whose users are made by the administrator alone", async (t) => {
    await rig.restart({ selfSignUp: false });
    t.after(() => rig.restart({}));
    await assert.rejects(signUp("late"), {
      name: "NotAuthorizedException",
      message: "SignUp is not permitted for this user pool",
    });
  });
});

describe("a forgotten password", () => {
  test("is replaced with a code, which is good once", async () => {
    await rig.addUser("forgetful", { email: "f@example.org", email_verified: "true" });
    const { CodeDeliveryDetails } = await forgot("forgetful");
    assert.equal(CodeDeliveryDetails?.Destination, "f***@e***");
    const code = lastCode();
    await assert.rejects(confirmForgot("forgetful", otherThan(code)), mismatch);
    await assert.rejects(confirmForgot("forgetful", code, "weak"), { name: "InvalidPasswordException" });
    await confirmForgot("forgetful", code);
    await assert.rejects(confirmForgot("forgetful", code), expired);
    assert.ok((await rig.signIn("forgetful", chosen)).AuthenticationResult);
    await assert.rejects(rig.signIn("forgetful"), { name: "NotAuthorizedException" });
  });

  test("a code ends after an hour, and does not confirm an account", async (t) => {
    await signUp("both");
    const confirmation = lastCode();
    await assert.rejects(confirmForgot("both", confirmation), expired);
    await confirm("both", confirmation);
    await forgot("both");
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    t.mock.timers.tick(3600 * 1000 + 1);
    await assert.rejects(confirmForgot("both", lastCode()), expired);
  });

  test("five codes an hour", async () => {
    await rig.addUser("impatient", { email: "i@example.org", email_verified: "true" });
    for (let i = 0; i < 5; i++) await forgot("impatient");
    await assert.rejects(forgot("impatient"), limit);
  });

  test("needs an address that is the user's, and an account in order", async () => {
    const UserPoolId = rig.ids.userPoolId;
    await rig.addUser("nowhere");
    await rig.addUser("unverified", { email: "u@example.org" });
    const message = "Cannot reset password for the user as there is no registered/verified email or phone_number";
    for (const name of ["nowhere", "unverified"]) {
      await assert.rejects(forgot(name), { name: "InvalidParameterException", message });
    }
    await rig.admin.send(new AdminCreateUserCommand({ UserPoolId, Username: "never-in" }));
    await assert.rejects(forgot("never-in"), {
      name: "NotAuthorizedException",
      message: "User password cannot be reset in the current state.",
    });
    await rig.addUser("off", { phone_number: "+12025550123", phone_number_verified: "true" });
    assert.equal((await forgot("off")).CodeDeliveryDetails?.Destination, "+*******0123");
    await rig.admin.send(new AdminDisableUserCommand({ UserPoolId, Username: "off" }));
    await assert.rejects(forgot("off"), { name: "NotAuthorizedException", message: "User is disabled." });
  });

  test("tells nobody who exists, unless the client wants it", async (t) => {
    const before = rig.messages.length;
    assert.equal((await forgot("nobody")).CodeDeliveryDetails?.DeliveryMedium, "EMAIL");
    assert.equal((await resend("nobody@example.org")).CodeDeliveryDetails?.Destination, "n***@e***");
    await assert.rejects(confirmForgot("nobody", "123456"), expired);
    await assert.rejects(confirm("nobody", "123456"), expired);
    assert.equal(rig.messages.length, before);
    await rig.restart({ preventUserExistenceErrors: false });
    t.after(() => rig.restart({}));
    for (const call of [
      forgot,
      resend,
      (name: string) => confirmForgot(name, "1"),
      (name: string) => confirm(name, "1"),
    ]) {
      await assert.rejects(call("nobody"), {
        name: "UserNotFoundException",
        message: "Username/client id combination not found.",
      });
    }
  });
});

describe("the administrator", () => {
  test("makes users, once", async () => {
    const UserPoolId = rig.ids.userPoolId;
    const create = new AdminCreateUserCommand({ UserPoolId, Username: "made", UserAttributes: email("m@example.org") });
    const { User } = await rig.admin.send(create);
    assert.deepEqual([User?.Username, User?.Enabled, User?.UserStatus], ["made", true, "FORCE_CHANGE_PASSWORD"]);
    assert.ok(User?.UserCreateDate && Math.abs(User.UserCreateDate.getTime() - Date.now()) < 60_000);
    const { purpose, code } = rig.messages.at(-1)!;
    assert.equal(purpose, "AdminCreateUser");
    assert.equal((await rig.signIn("made", code)).ChallengeName, "NEW_PASSWORD_REQUIRED");
    await assert.rejects(rig.admin.send(create), {
      name: "UsernameExistsException",
      message: "User account already exists",
    });
    await rig.admin.send(new AdminCreateUserCommand({ UserPoolId, Username: "made", MessageAction: "RESEND" }));
    assert.notEqual(lastCode(), code);
    await rig.admin.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: "made", Password: password, Permanent: true }),
    );
    const again = new AdminCreateUserCommand({ UserPoolId, Username: "made", MessageAction: "RESEND" });
    await assert.rejects(rig.admin.send(again), { name: "UnsupportedUserStateException" });
    await rig.admin.send(new AdminSetUserPasswordCommand({ UserPoolId, Username: "made", Password: chosen }));
    assert.equal((await rig.signIn("made", chosen)).ChallengeName, "NEW_PASSWORD_REQUIRED");
  });

  test("confirms and changes them", async () => {
    const user = { UserPoolId: rig.ids.userPoolId, Username: "changed" };
    await signUp("changed", password, []);
    await rig.admin.send(new AdminConfirmSignUpCommand(user));
    assert.ok((await rig.signIn("changed")).AuthenticationResult);
    const UserAttributes = [...email("c@example.org"), { Name: "email_verified", Value: "true" }];
    await rig.admin.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes }));
    await rig.admin.send(new AdminResetUserPasswordCommand(user));
    const { UserStatus } = await rig.admin.send(new AdminGetUserCommand(user));
    assert.equal(UserStatus, "RESET_REQUIRED");
    const sub = [{ Name: "sub", Value: "x" }];
    await assert.rejects(rig.admin.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: sub })), {
      name: "InvalidParameterException",
    });
  });

  test("lists them: all, in pages, by filter, with the attributes that are asked for", async () => {
    const UserPoolId = rig.ids.userPoolId;
    const names: (string | undefined)[] = [];
    let PaginationToken: string | undefined;
    do {
      const page = await rig.admin.send(new ListUsersCommand({ UserPoolId, Limit: 3, PaginationToken }));
      assert.ok((page.Users ?? []).length <= 3);
      names.push(...(page.Users ?? []).map(({ Username }) => Username));
      PaginationToken = page.PaginationToken;
    } while (PaginationToken);
    const { Users } = await rig.admin.send(new ListUsersCommand({ UserPoolId }));
    assert.deepEqual(
      names,
      Users?.map(({ Username }) => Username),
    );
    const find = async (Filter: string) =>
      (await rig.admin.send(new ListUsersCommand({ UserPoolId, Filter }))).Users?.map(({ Username }) => Username);
    assert.deepEqual(await find('username = "ada"'), ["ada"]);
    assert.deepEqual(await find('email ^= "gr"'), []);
    assert.deepEqual(await find('email ^= "g@"'), ["grace"]);
    assert.deepEqual(await find('status = "Disabled"'), ["off"]);
    await assert.rejects(find("username"), { name: "InvalidParameterException" });
    const [ada] =
      (
        await rig.admin.send(
          new ListUsersCommand({ UserPoolId, Filter: 'username = "ada"', AttributesToGet: ["email"] }),
        )
      ).Users ?? [];
    assert.deepEqual(ada.Attributes, email("ada@example.org"));
  });

  test("does nothing with users or pools that there are not", async () => {
    const Username = "nobody";
    const { userPoolId: UserPoolId } = rig.ids;
    for (const command of [
      new AdminGetUserCommand({ UserPoolId, Username }),
      new AdminDisableUserCommand({ UserPoolId, Username }),
      new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password }),
    ]) {
      await assert.rejects(rig.admin.send(command as AdminGetUserCommand), {
        name: "UserNotFoundException",
        message: "User does not exist.",
      });
    }
    const elsewhere = new ListUsersCommand({ UserPoolId: "eu-central-1_nowhere" });
    await assert.rejects(rig.admin.send(elsewhere), {
      name: "ResourceNotFoundException",
      message: "User pool eu-central-1_nowhere does not exist.",
    });
  });

  test("is nobody else", async () => {
    const list = new ListUsersCommand({ UserPoolId: rig.ids.userPoolId });
    const { accessKeyId, secretAccessKey } = openAdministratorKey(`${rig.directory}/credentials.json`);
    const identity = {
      type: "identity",
      identityId: "eu-central-1:1",
      identityPoolId: rig.ids.identityPoolId,
    } as const;
    const person = rig.credentials.issue({ principal: identity, seconds: 60 });
    const expired = rig.credentials.issue({ principal: { type: "administrator" }, seconds: 0 });
    for (const [keys, name] of [
      [{ accessKeyId, secretAccessKey: "x" }, "InvalidSignatureException"],
      [{ accessKeyId: "AKIANOBODY", secretAccessKey }, "UnrecognizedClientException"],
      [person, "AccessDeniedException"],
      [{ ...person, sessionToken: "x" }, "UnrecognizedClientException"],
      [expired, "ExpiredTokenException"],
    ] as const) {
      await assert.rejects(rig.client(keys).send(list), { name });
    }
    const unsigned = await post("AWSCognitoIdentityProviderService.ListUsers", { UserPoolId: rig.ids.userPoolId });
    assert.deepEqual([unsigned.status, unsigned.type], [403, "UnrecognizedClientException"]);
  });
});

test("requests that no client of Amazon's sends", async () => {
  const target = "AWSCognitoIdentityProviderService";
  for (const [operation, body, type] of [
    [`${target}.Nothing`, {}, "UnknownOperationException"],
    [`${target}.toString`, {}, "UnknownOperationException"],
    ["AWSCognitoIdentityService.GetId", {}, "UnknownOperationException"],
    ["", {}, "UnknownOperationException"],
    [`${target}.InitiateAuth`, "[]", "SerializationException"],
    [`${target}.InitiateAuth`, "{", "SerializationException"],
    [`${target}.InitiateAuth`, { ClientId: 1 }, "SerializationException"],
    [
      `${target}.InitiateAuth`,
      { ClientId: rig.ids.clientId, AuthFlow: "x", AuthParameters: [] },
      "SerializationException",
    ],
    [`${target}.InitiateAuth`, {}, "InvalidParameterException"],
    [
      `${target}.SignUp`,
      { ClientId: rig.ids.clientId, Username: "a", Password: password, UserAttributes: [null] },
      "SerializationException",
    ],
    [`${target}.InitiateAuth`, " ".repeat(200_000), "SerializationException"],
  ] as const) {
    const answer = await post(operation, body);
    assert.deepEqual([answer.status, answer.type], [400, type], `${operation} ${JSON.stringify(body).slice(0, 60)}`);
  }
});

function post(target: string, body: object | string): Promise<{ status?: number; type: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" };
    const outgoing = request(rig.plainURL, { method: "POST", headers }, async (response) => {
      const answer = JSON.parse(await text(response));
      assert.equal(response.headers["x-amzn-errortype"], `${answer.__type}:`);
      resolve({ status: response.statusCode, type: answer.__type });
    });
    outgoing.on("error", reject).end(typeof body === "string" ? body : JSON.stringify(body));
  });
}
