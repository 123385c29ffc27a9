import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientIdentity } from "../credentials.ts";
import type { Client, RunningClient, Target } from "./client.ts";

/** Writes what a client needs to connect. @returns the variables that say where it is */
export async function writeIdentity(directory: string, identity: ClientIdentity): Promise<Record<string, string>> {
  const files = { ADVISOR_CA: "root.pem", ADVISOR_CERTIFICATE: "client.pem", ADVISOR_KEY: "client.key" };
  const contents = [identity.rootPem, identity.certPem, identity.keyPem];
  const variables: Record<string, string> = {};
  for (const [i, [name, file]] of Object.entries(files).entries()) {
    variables[name] = join(directory, file);
    await writeFile(variables[name], contents[i]!, { mode: 0o600 });
  }
  return variables;
}

const killGroup = (pid: number) => {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
};

/** Any program: it gets ADVISOR_HOST, _PORT, _CLIENT_ID, and the files ADVISOR_CA, _CERTIFICATE, _KEY. Its time is ours. */
export class CommandClient implements Client {
  readonly isScalable = false;
  readonly timeScale = 1;
  readonly #command: string;

  constructor(command: string) {
    this.#command = command;
  }

  async start({ host, port, clientId, identity }: Target): Promise<RunningClient> {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-advisor-"));
    const variables = await writeIdentity(directory, identity);
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn(this.#command, {
      shell: true,
      detached: true,
      stdio: ["ignore", "ignore", process.env.ADVISOR_VERBOSE ? "inherit" : "ignore"],
      env: { ...process.env, ...variables, ADVISOR_HOST: host, ADVISOR_PORT: `${port}`, ADVISOR_CLIENT_ID: clientId },
    });
    await once(child, "spawn");
    const exited = once(child, "exit");
    const end = () => killGroup(child.pid!);
    process.on("exit", end);
    return {
      stop: async () => {
        process.off("exit", end);
        end();
        await exited;
        await rm(directory, { recursive: true, force: true });
      },
    };
  }
}
