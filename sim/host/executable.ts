/** Builds .build/xs-host with make. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { withLock } from "./files.ts";
import { hostManifest } from "./firmware.ts";
import { writeHeaders } from "./generated-headers.ts";
import { ownSources, writeMakefile } from "./makefile.ts";
import { readManifests } from "./manifest.ts";
import { buildDirectory, top } from "./paths.ts";

export interface HostOptions {
  /** Natives of these manifests are linked in. Default: the firmware's and the unit tests'. */
  manifests?: string[];
  /** Another executable in .build with address and undefined-behaviour sanitizers: xs-host-sanitized. */
  sanitize?: boolean;
  /** Called for each file that is compiled, `index` of `total`. */
  onProgress?(file: string, index: number, total: number): void;
}

const defaultManifests = ["manifest.json", "tests/unit/manifest.json"].map((name) => join(top, name));

/** Compiles what has changed; returns the executable's path. @throws Error with the compiler's messages */
export async function buildHost(options: HostOptions = {}): Promise<string> {
  const name = options.sanitize ? "xs-host-sanitized" : "xs-host";
  const directory = join(buildDirectory, options.sanitize ? "host-sanitized" : "host");
  const executable = join(buildDirectory, name);
  return withLock(join(buildDirectory, `${name}.lock`), async () => {
    const manifest = await readManifests([hostManifest, ...(options.manifests ?? defaultManifests)]);
    const natives = [...manifest.natives];
    await writeHeaders(directory, [...natives, ...(await ownSources())], manifest.defines);
    const makefile = await writeMakefile({
      directory,
      executable,
      natives,
      libraries: [...manifest.libraries],
      keepGoing: process.env.XS_HOST_KEEP_GOING === "1",
      flags: options.sanitize ? ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] : [],
    });
    await make(makefile, options.onProgress);
    return executable;
  });
}

/** Runs make and collects what it prints. */
function run(args: string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn("make", ["--silent", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const messages: string[] = [];
  createInterface({ input: child.stdout }).on("line", onLine);
  child.stderr.setEncoding("utf8").on("data", (text: string) => messages.push(text));
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Error(`make cannot be started: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the host does not compile:\n${messages.join("").trim()}`));
    });
  });
}

async function make(makefile: string, onProgress: HostOptions["onProgress"]): Promise<void> {
  let total = 0;
  let index = 0;
  await run(["--dry-run", "-f", makefile], (line) => {
    if (line.startsWith('echo "cc ')) total++;
  });
  await run([`-j${availableParallelism()}`, "-f", makefile], (line) => {
    if (line.startsWith("cc ")) onProgress?.(line.slice(3), ++index, total);
  });
}
