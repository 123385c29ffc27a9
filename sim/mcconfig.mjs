// Builds the firmware with the Moddable SDK: `node sim/mcconfig.mjs lin|esp32[/subplatform] [target] [--debug]`.
//
// The SDK's own tool mcconfig reads manifest.json; this script finds the tool, gives it a quick TypeScript compiler (sdk/tsc) and
// keeps all its output below .build/. It is plain JavaScript with no packages, so that its messages come before any set-up.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
/** What manifest.json calls the application (`build.NAME`); mcconfig names its folders after it. */
const NAME = "devicelink-camera";
/** Where mcconfig puts everything. */
const OUTPUT = join(PROJECT, ".build", "sdk");

/** mcconfig's own targets; deploy flashes what was built, xsbug attaches the debugger to it. */
const TARGETS = ["build", "deploy", "xsbug", "clean"];

const HELP = `usage: node sim/mcconfig.mjs lin|esp32[/subplatform] [${TARGETS.join("|")}] [--debug] [--verbose]

  lin     the Moddable simulator's mc.so            needs MODDABLE
  esp32   the flash image, e.g. esp32/esp32s3       needs MODDABLE and IDF_PATH; deploy flashes it
`;

/** A reason not to build that the user can do something about: one line, exit code 2. */
class SetupError extends Error {}

function parseArguments(args) {
  const options = { platform: "", debug: false, target: "build", verbose: false };
  for (const arg of args) {
    if (arg === "--debug") options.debug = true;
    else if (arg === "--verbose") options.verbose = true;
    else if (TARGETS.includes(arg)) options.target = arg;
    else if (/^(lin|esp32(\/[\w-]+)?)$/.test(arg) && !options.platform) options.platform = arg;
    else throw new SetupError(`unknown argument "${arg}"; see node sim/mcconfig.mjs --help`);
  }
  if (!options.platform) throw new SetupError("which platform? lin or esp32; see node sim/mcconfig.mjs --help");
  return options;
}

/** The folder with the SDK's tools, and the environment that they want. */
export function findSDK(environment = process.env) {
  const moddable = environment.MODDABLE;
  if (!moddable) {
    throw new SetupError("MODDABLE is not set: install the Moddable SDK (8.2 or later) and set MODDABLE to its folder");
  }
  const host = { linux: "lin", darwin: "mac" }[process.platform];
  const tools = ["release", "debug"]
    .map((configuration) => join(moddable, "build", "bin", host ?? "lin", configuration))
    .find((folder) => existsSync(join(folder, "mcconfig")));
  if (!tools) throw new SetupError(`no mcconfig below MODDABLE=${moddable}: build the SDK's tools first`);
  return { moddable, tools };
}

function checkTools(platform, environment) {
  const sdk = findSDK(environment);
  if (platform.startsWith("esp32") && !environment.IDF_PATH) {
    throw new SetupError("IDF_PATH is not set: install ESP-IDF v6.0 and set IDF_PATH to its folder");
  }
  if (!existsSync(join(PROJECT, "node_modules", "esbuild"))) {
    throw new SetupError("the npm packages are missing: run npm install first");
  }
  return sdk;
}

/** The folder that mcconfig makes below `bin` for the result of a build, and below `tmp` for what leads to it. */
function folder(platform, debug) {
  const [chip, subplatform] = platform.split("/");
  return join(chip, subplatform ?? (chip === "lin" ? "mc" : ""), debug ? "debug" : "release", NAME);
}

/** Where the result of a build lies. */
function outputPath(platform, debug, output) {
  return join(output, "bin", folder(platform, debug), platform === "lin" ? "mc.so" : "xs_esp32.bin");
}

/** mcconfig's rule for the chip does not notice that ESP-IDF's build failed, and hands out the image of an earlier one. */
function forgetImage(platform, debug, output) {
  if (!platform.startsWith("esp32")) return;
  rmSync(outputPath(platform, debug, output), { force: true });
  const parts = join(output, "tmp", folder(platform, debug));
  const projects = existsSync(parts) ? readdirSync(parts).filter((name) => name.startsWith("xsProj-")) : [];
  for (const project of projects) rmSync(join(parts, project, "build", "xs_esp32.bin"), { force: true });
}

/**
 * Runs mcconfig and resolves with the path of what was built. Rejects with an Error that carries the exit code; what is worth
 * reading goes to this process's stderr as it comes. Another manifest needs an output folder of its own.
 *
 * @param {{ platform: string, debug?: boolean, target?: string, verbose?: boolean, manifest?: string, output?: string }} options
 */
export async function build({ platform, debug = false, target = "build", verbose = false, manifest, output = OUTPUT }) {
  const environment = process.env;
  const { tools } = checkTools(platform, environment);
  mkdirSync(output, { recursive: true });
  const args = [...(debug ? ["-d"] : []), "-m", "-p", platform, "-t", target, "-o", output];
  const path = [tools, join(PROJECT, "sim", "sdk"), environment.PATH].join(delimiter);
  const command = [join(tools, "mcconfig"), ...args, manifest ?? join(PROJECT, "manifest.json")];
  if (target === "build") forgetImage(platform, debug, output);
  await run(command, { ...environment, PATH: path }, verbose);
  const result = outputPath(platform, debug, output);
  if (target === "build" && !existsSync(result)) throw new Error(`${platform}: the build failed; --verbose shows more`);
  return result;
}

/** The SDK's tools write a line for each file; without --verbose only those are shown that are not mere progress. */
function run([command, ...args], environment, verbose) {
  const child = spawn(command, args, { cwd: PROJECT, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const progress = /^# (cc|xsc|tsc|xsid|xsl|mcrez|ld|copy)\b|^Total resource size|^###? \d+ instances|^### warning: /;
  // What the SDK says of its own modules.
  const known = /: warning: cannot optimize native!$|Base64 module deprecated/;
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines)
        if (verbose || !(progress.test(line) || known.test(line))) process.stderr.write(`${line}\n`);
    });
    stream.on("end", () => rest && process.stderr.write(`${rest}\n`));
  }
  return new Promise((resolvePromise, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolvePromise();
      else reject(Object.assign(new Error(`mcconfig ended with ${signal ?? `code ${code}`}`), { exitCode: code ?? 1 }));
    });
  });
}

async function main(args) {
  if (args.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const options = parseArguments(args);
    const started = Date.now();
    const path = await build(options);
    if (options.target === "build") {
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stderr.write(`${options.platform}: ${relative(process.cwd(), path)} (${seconds} s)\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return error instanceof SetupError ? 2 : (error.exitCode ?? 1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.exitCode = await main(process.argv.slice(2));
