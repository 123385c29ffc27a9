/**
 * Everything that a fresh machine needs: npm packages, system packages, the engine, the firmware and the phone's page. `node sim/setup.mjs` does it all,
 * `--packages` only the first. A second run finds nothing to do, in a few hundredths of a second. Runs on plain Node, before any package is there.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const top = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(top, ".build", "setup.stamp");
const products = [
  ".build/xs-host",
  ".build/firmware/firmware.manifest",
  ".build/phone-page/index.html",
  ".build/sim/cloud.mjs",
  ".build/sim/radio.mjs",
];
/** What makes them; each finds out by itself what is up to date. */
const builders = ["sim/host/build.ts", "sim/phone/web/build.ts", "sim/start/build.ts"];
/** What the engine, the firmware, the page and the processes of the simulator are made of. */
const sources = [
  "manifest.json",
  "main.ts",
  "package-lock.json",
  "modules",
  "native",
  "certs",
  "sim",
  "tests/unit/manifest.json",
];

/** @param {{packages?: boolean, system?: boolean, build?: boolean, peers?: boolean}} [parts] all but the peers unless said otherwise */
export async function ensureSetup({ packages = true, system = true, build = true, peers = false } = {}) {
  checkNode();
  if (packages) await ensurePackages();
  if (system) await ensureSystem();
  if (peers) await ensurePeers();
  if (build) await ensureBuild();
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  stop(`Node ${process.versions.node} is too old: 20.19 or newer is needed.`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function stop(reason) {
  say(reason);
  process.exit(1);
}

function firstLines(text) {
  return text.trim().split("\n").slice(0, 20).join("\n");
}

/** Runs a command quietly; what it says is shown only where it fails. */
function run(command, args, env = {}) {
  const child = spawn(command, args, { cwd: top, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output.push(data));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`${command} ${args.join(" ")} failed (${code}):\n${firstLines(Buffer.concat(output).toString())}`),
        );
    });
  });
}

function readJSON(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether node_modules holds what package-lock.json asks for; what is optional may be missing (other systems' binaries). */
function arePackagesInstalled() {
  const wanted = readJSON(join(top, "package-lock.json"))?.packages;
  const installed = readJSON(join(top, "node_modules/.package-lock.json"))?.packages;
  if (!wanted || !installed) return false;
  const isThere = ([path, { version, optional, devOptional }]) =>
    path === "" || installed[path]?.version === version || ((optional || devOptional) && !installed[path]);
  return Object.entries(wanted).every(isThere);
}

async function ensurePackages() {
  if (arePackagesInstalled()) return;
  say("Installing npm packages ...");
  const quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
  try {
    await run("npm", ["ci", ...quiet]).catch((error) => {
      // npm ci wants other systems' binaries in package-lock.json too; npm install does not, and keeps to the versions there as well.
      if (!error.message.includes("EUSAGE")) throw error;
      return run("npm", ["install", "--no-save", ...quiet]);
    });
  } catch (error) {
    stop(error.message);
  }
}

function isCommand(name) {
  const isExecutable = (directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return (process.env.PATH ?? "").split(delimiter).some((directory) => directory && isExecutable(directory));
}

const hasHeader = (name) =>
  ["/usr/include", "/usr/local/include"].some((directory) => existsSync(join(directory, name)));

/** Debian's names of what is missing. */
function missingSystemPackages() {
  const missing = [];
  if (!isCommand("cc")) missing.push("gcc");
  if (!hasHeader("stdio.h")) missing.push("libc6-dev");
  if (!isCommand("make")) missing.push("make");
  if (!hasHeader("mbedtls/ssl.h")) missing.push("libmbedtls-dev");
  return missing;
}

/** Programs that tests talk to, by the Debian package they come in. */
const peers = { mosquitto: "mosquitto", chromium: "chromium", "dbus-daemon": "dbus", curl: "curl", clang: "clang" };
/** What a browser on a machine without a desktop needs to write with. */
const browserFonts = "fonts-liberation";

/** libFuzzer and the sanitizers of Debian's clang. */
const clangRuntime = "libclang-rt-dev";

/** Independent programs for the tests. Without them the tests that want them are skipped, and say so. */
async function ensurePeers() {
  const isThere = (name) => isCommand(name) || existsSync(join("/usr/sbin", name));
  const missing = Object.keys(peers).filter((name) => !isThere(name));
  if (!missing.length) return;
  const packages = missing.map((name) => peers[name]);
  if (missing.includes("chromium")) packages.push(browserFonts);
  if (missing.includes("clang")) packages.push(clangRuntime);
  const install = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!isCommand("apt-get") || process.getuid?.() !== 0) {
    say(`Some tests will be skipped for want of ${missing.join(", ")} (Debian: ${install}).`);
    return;
  }
  say(`Installing what tests talk to: ${packages.join(", ")} ...`);
  try {
    await installSystemPackages(packages);
  } catch (error) {
    say(`Some tests will be skipped: ${error.message}`);
  }
}

async function ensureSystem() {
  const missing = missingSystemPackages();
  if (!missing.length) return;
  if (!isCommand("apt-get"))
    stop(
      "Please install a C compiler, make and the development files of mbedTLS (2.28 or newer), then run this again.",
    );
  const install = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0)
    stop(`Missing: ${missing.join(", ")}. Please run:\n\n  sudo sh -c 'apt-get update && ${install}'\n`);
  say(`Installing system packages: ${missing.join(", ")} ...`);
  try {
    await installSystemPackages(missing);
  } catch (error) {
    stop(error.message);
  }
}

async function installSystemPackages(names) {
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], quiet);
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], quiet);
}

/** Changes with every change of a source: names, times and sizes. */
function fingerprint() {
  const hash = createHash("sha256");
  const add = (path) => {
    const status = statSync(path, { throwIfNoEntry: false });
    if (!status) return;
    if (status.isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name));
    else hash.update(`${relative(top, path)} ${status.mtimeMs} ${status.size}\n`);
  };
  for (const source of sources) add(join(top, source));
  return hash.digest("hex");
}

function isBuilt(now) {
  if (!products.every((product) => existsSync(join(top, product)))) return false;
  return existsSync(stamp) && readFileSync(stamp, "utf8") === now;
}

async function ensureBuild() {
  const now = fingerprint();
  if (isBuilt(now)) return;
  for (const builder of builders) {
    const child = spawn(process.execPath, ["--import", "tsx", join(top, builder)], {
      cwd: top,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const all = !process.argv.includes("--packages");
  await ensureSetup({ system: all, build: all });
}
