import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { type CloudSettings, parseCloudSettings, SettingsError } from "../phone/cloud-settings.ts";
import { readText } from "./text-file.ts";
import type { UserAccount } from "./users.ts";

/** Instead of typing them. */
const variables = { username: "DEVICELINK_USERNAME", password: "DEVICELINK_PASSWORD" };

/** The settings in a file that a person wrote (`--aws FILE`). @throws Error with everything that is wrong */
export async function readSettings(path: string): Promise<CloudSettings> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Error(`there is no file ${path}`);
    throw new Error(code ? `${path} cannot be read: ${message}` : `${path} is no JSON: ${message}`);
  }
  try {
    return parseCloudSettings(value);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new Error(`${path} cannot be used:\n${error.problems.map((problem) => `  ${problem}`).join("\n")}`);
  }
}

/** Who signs in: from the settings, the environment, or the terminal, where the password does not show. */
export async function askForPerson({ name, account }: CloudSettings): Promise<UserAccount> {
  if (account) return account;
  const username = process.env[variables.username] ?? (await ask(`User name for ${name}: `));
  const password = process.env[variables.password] ?? (await ask(`Password of ${username}: `, { hidden: true }));
  return { username, password };
}

async function ask(question: string, { hidden = false } = {}): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new Error(`nobody to ask: set ${variables.username} and ${variables.password}`);
  stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: hidden ? silent : stderr, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => reject(new Error("nobody has answered")));
      lines.once("SIGINT", () => lines.close());
    });
  } finally {
    lines.close();
    if (hidden) stderr.write("\n");
  }
}
