import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { parseCloudSettings } from "../../sim/phone/cloud-settings.ts";
import { sha256 } from "./line-rig.ts";

const top = join(dirname(fileURLToPath(import.meta.url)), "../..");

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-start-"));
});
after(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** `npm start -- ...args`, without npm. */
function start(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["sim/start.mjs", ...args], { cwd: top, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const steps = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** A photograph's worth of detail: noise under a gradient, in the orientation that a phone writes. */
async function photograph(file: string, format: "jpeg" | "png"): Promise<string> {
  const noise = { type: "gaussian" as const, mean: 120, sigma: 30 };
  const picture = sharp({ create: { width: 900, height: 1200, channels: 3, background: "navy", noise } }).blur(1.5);
  const path = join(directory, file);
  await picture.withMetadata({ orientation: 6 }).toFormat(format).toFile(path);
  return path;
}

test("--once --json: every step a line, the last one is done, and the object is what it says", async () => {
  const out = join(directory, "out");
  const { code, stdout, stderr } = await start("--once", "--json", "--out", out, "--resolution", "qvga");
  assert.equal(code, 0, stderr);
  const all = steps(stdout);
  const names = all.map(({ event }) => event);
  const expected = ["signed-in", "session", "wifi", "claimed", "registered", "online", "captured", "thumbnail"];
  for (const name of [...expected, "stored", "announced"]) assert.ok(names.includes(name), name);
  assert.ok(!names.includes("page"), "a page would need the program to stay");
  const done = all.at(-1);
  assert.equal(done.event, "done");
  const content = await readFile(done.path);
  assert.ok(done.path.startsWith(out));
  assert.equal(content.length, done.bytes);
  assert.equal(sha256(content), done.sha256);
  assert.match(done.etag, /^[0-9a-f]{32}$/);
  assert.ok(done.path.includes(done.imageId));
  const { width, height } = await sharp(content).metadata();
  assert.deepEqual([width, height], [320, 240]);
  assert.doesNotMatch(stdout + stderr, /X-Amz-Signature|PRIVATE KEY/, "no secret in what it says");
});

for (const format of ["jpeg", "png"] as const)
  test(`--photos with a ${format} file, another sensor, quality and size`, async () => {
    const photo = await photograph(`photo.${format}`, format);
    const args = ["--once", "--json", "--out", join(directory, format), "--photos", photo];
    const { code, stdout, stderr } = await start(
      ...args,
      "--sensor",
      "0x86",
      "--resolution",
      "XGA",
      "--quality",
      "low",
    );
    assert.equal(code, 0, stderr);
    const { width, height } = await sharp(await readFile(steps(stdout).at(-1).path)).metadata();
    assert.deepEqual([width, height], [1024, 768]);
  });

test("--trace-spi and --btsnoop write what was on the wire and in the air", async () => {
  const [spi, air] = [join(directory, "spi.txt"), join(directory, "air.btsnoop")];
  const args = ["--once", "--json", "--out", join(directory, "traced"), "--resolution", "QVGA"];
  const { code, stderr } = await start(...args, "--trace-spi", spi, "--btsnoop", air);
  assert.equal(code, 0, stderr);
  const periods = (await readFile(spi, "utf8")).split("\n").filter((line) => /^\d/.test(line));
  assert.match(periods[0], /^0001 87 40 \| [0-9A-F]{2} [0-9A-F]{2}/, "the first thing is a reset");
  for (const period of periods) assert.match(period, /^\d{4,}( [0-9A-F]{2})+ \|( [0-9A-F]{2})+/);
  assert.ok(
    periods.some((period) => period.includes(" 44 00 00 |")),
    "status polls are there",
  );
  assert.equal((await readFile(air)).subarray(0, 8).toString("latin1"), "btsnoop\0");
  assert.ok((await stat(air)).size > 10_000);
});

test("what cannot work is said plainly, with its exit code", async () => {
  const text = join(directory, "text.jpg");
  await writeFile(text, "no picture at all");
  const cases: [string[], number, RegExp][] = [
    [["--bogus"], 2, /Unknown option '--bogus'[\s\S]*--help/],
    [["--once", "--page"], 2, /leave out --page/],
    [["--once", "--aws", join(directory, "nowhere.json")], 1, /there is no file/],
    [["--sensor", "0x99"], 2, /0x81 to 0x87/],
    [["--quality", "best"], 2, /high, default, low/],
    [["--resolution", "8K"], 2, /QVGA/],
    [["--once", "--photos", join(directory, "nowhere")], 1, /no such photo or folder/],
    [["--once", "--photos", text], 1, /text\.jpg|unsupported image/],
    [["--once", "--sensor", "0x87", "--resolution", "5MP"], 1, /this camera takes 96x96/],
  ];
  for (const [args, code, reason] of cases) {
    const ended = await start(...args);
    assert.equal(ended.code, code, args.join(" "));
    assert.match(ended.stdout + ended.stderr, reason, args.join(" "));
  }
});

test("--page: the camera stays in its box; its label is said, and the page answers with the settings", async () => {
  const args = ["sim/start.mjs", "--page", "--json", "--out", join(directory, "page")];
  const child = spawn(process.execPath, args, { cwd: top, stdio: ["ignore", "pipe", "pipe"] });
  try {
    const lines = createInterface({ input: child.stdout });
    const events = new Map<string, Record<string, string>>();
    for await (const line of lines) {
      const { event, ...fields } = JSON.parse(line);
      events.set(event, fields);
      if (event === "label") break;
    }
    assert.match(events.get("label")?.name ?? "", /^PROV_[0-9A-F]{6}$/);
    assert.ok(!events.has("signed-in"), "nobody has done anything yet");
    const { url, username } = events.get("page") ?? {};
    assert.equal(username, "demo");
    const settings = parseCloudSettings(await (await fetch(`${url}settings.json`)).json());
    assert.equal(settings.account?.username, "demo");
    assert.ok(settings.radio?.startsWith("ws://127.0.0.1:"));
    assert.match(await (await fetch(url)).text(), /<!doctype html>/i);
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
});

test("ended while the camera is being set up: no file is left, and the exit code tells the signal", async () => {
  const temporary = join(directory, "temporary");
  await mkdir(temporary);
  const args = ["sim/start.mjs", "--json", "--out", join(directory, "interrupted")];
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, args, { cwd: top, env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let said = "";
  child.stdout.on("data", (data) => {
    said += data;
    if (said.includes('"event":"radio"')) child.kill("SIGTERM");
  });
  assert.deepEqual(await exited, [143, null], said);
  const left = (await readdir(temporary)).filter((name) => name.startsWith("devicelink-"));
  assert.deepEqual(left, []);
});

test("--help", async () => {
  const { code, stdout } = await start("--help");
  assert.equal(code, 0);
  for (const option of [
    "--once",
    "--photos",
    "--out",
    "--resolution",
    "--quality",
    "--sensor",
    "--json",
    "--xsbug",
    "--aws",
    "--page",
  ])
    assert.ok(stdout.includes(option), option);
});
