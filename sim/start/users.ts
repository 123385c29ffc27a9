import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { JsonFile } from "../cloud/json-file.ts";
import type { CloudAddresses } from "./processes.ts";

export interface UserAccount {
  username: string;
  password: string;
}

/** The only account of `npm start`. Its password is new for each cloud, and the same as long as that cloud is kept. */
export async function openDemoAccount(cloud: CloudAddresses, path: string): Promise<UserAccount> {
  const file = new JsonFile<UserAccount>(path);
  const account = file.read() ?? { username: "demo", password: makePassword() };
  await makeUser(cloud, account);
  file.write(account);
  return account;
}

/** The user pool, as its administrator. */
export async function openUserPool(
  cloud: CloudAddresses,
): Promise<{ client: CognitoIdentityProviderClient; UserPoolId: string }> {
  const { userPoolId: UserPoolId, idpUrl: endpoint } = cloud.cognito;
  const client = new CognitoIdentityProviderClient({
    region: cloud.region,
    endpoint,
    credentials: JSON.parse(await readFile(cloud.credentials, "utf8")),
    requestHandler: { httpsAgent: new Agent({ ca: await readFile(cloud.rootCA, "utf8") }) },
  });
  return { client, UserPoolId };
}

/** Makes an account as an administrator does on AWS: with a password that need not be changed at the first sign-in. */
export async function makeUser(cloud: CloudAddresses, { username, password }: UserAccount): Promise<void> {
  const { client, UserPoolId } = await openUserPool(cloud);
  try {
    const user = { UserPoolId, Username: username };
    await client.send(new AdminCreateUserCommand({ ...user, MessageAction: "SUPPRESS" })).catch((error) => {
      if (!(error instanceof UsernameExistsException)) throw error;
    });
    await client.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  } finally {
    client.destroy();
  }
}

/** Easily read, and what Cognito's usual policy asks for: four groups of letters and digits, a capital and a sign. */
function makePassword(): string {
  const letters = "abcdefghijkmnpqrstuvwxyz";
  const digits = "23456789";
  const pick = (from: string) => from[randomInt(from.length)];
  const group = () => pick(letters) + pick(letters) + pick(digits) + pick(letters);
  return `${pick(letters.toUpperCase())}${group()}-${group()}-${group()}-${group()}`;
}
