/** `npm start -- --aws FILE`: what a person writes for a real account, tried against the local cloud as if it were one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseCloudSettings } from "../../sim/phone/cloud-settings.ts";
import { readSettings } from "../../sim/start/real-account.ts";
import type { UserAccount } from "../../sim/start/users.ts";
import { sha256 } from "./line-rig.ts";
import { PhoneRig } from "./phone-rig.ts";

const top = join(dirname(fileURLToPath(import.meta.url)), "../..");

let rig: PhoneRig;
let user: UserAccount;
before(async () => {
  rig = await PhoneRig.open({ cloudOnly: true });
  user = await rig.makeUser();
});
after(() => rig?.[Symbol.asyncDispose]());

async function start(settings: unknown, { username, password }: UserAccount) {
  const file = join(rig.directory, "aws.json");
  await writeFile(file, typeof settings === "string" ? settings : JSON.stringify(settings));
  const out = join(rig.directory, "pictures");
  const args = ["sim/start.mjs", "--aws", file, "--once", "--json", "--resolution", "QVGA", "--out", out];
  const env = { ...process.env, DEVICELINK_USERNAME: username, DEVICELINK_PASSWORD: password };
  const child = spawn(process.execPath, args, { cwd: top, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, stdout, stderr, out };
}

test("the camera and the actor use the account of the file; the picture comes from its bucket", async () => {
  const { code, stdout, stderr, out } = await start({ ...rig.settings, name: "Home" }, user);
  assert.equal(code, 0, stdout + stderr);
  const steps = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const names = steps.map(({ event }) => event);
  assert.ok(!names.includes("cloud"), "no local cloud was started");
  for (const name of ["signed-in", "claimed", "registered", "online", "stored", "announced"])
    assert.ok(names.includes(name), name);
  const done = steps.at(-1);
  assert.equal(done.event, "done");
  assert.ok(done.path.startsWith(out));
  assert.equal(sha256(await readFile(done.path)), done.sha256);
  const stored = rig.events.find(({ event }) => event === "object");
  assert.equal(stored?.sha256, done.sha256);
  assert.doesNotMatch(stdout + stderr, new RegExp(`${user.password}|X-Amz-Signature|PRIVATE KEY`));
});

test("the file may be in UTF-8 or UTF-16, with a byte order mark or without", async () => {
  const text = JSON.stringify({ ...rig.settings, name: "Zuhause 相机" });
  const mark = `\ufeff${text}`;
  const bigEndian = (from: string) => Buffer.from(from, "utf16le").swap16();
  const file = join(rig.directory, "encoded.json");
  const expected = parseCloudSettings(JSON.parse(text));
  for (const bytes of [
    Buffer.from(text),
    Buffer.from(mark),
    Buffer.from(text, "utf16le"),
    Buffer.from(mark, "utf16le"),
    bigEndian(text),
    bigEndian(mark),
  ]) {
    await writeFile(file, bytes);
    assert.deepEqual(await readSettings(file), expected, bytes.subarray(0, 4).toString("hex"));
  }
  for (const nothing of ["", "\ufeff", "\0"]) {
    await writeFile(file, nothing);
    await assert.rejects(readSettings(file), /is no JSON/);
  }
});

test("what is wrong is said, all of it at once", async () => {
  const { region, bucket, endpoints, ...rest } = rig.settings;
  const cases: [unknown, RegExp[]][] = [
    ["{", [/is no JSON/]],
    [{ ...rest, bucket }, [/"region" is missing: such as "eu-west-1"/]],
    [
      { ...rest, region: "eu-central-1", endpoints: { ...endpoints, s3: "s3.amazonaws.com" } },
      [/"bucket" is missing/, /"userPoolId" .* is not in region eu-central-1/, /"endpoints\.s3" is an address/],
    ],
  ];
  for (const [settings, reasons] of cases) {
    const { code, stdout } = await start(settings, user);
    assert.equal(code, 1);
    for (const reason of reasons) assert.match(JSON.parse(stdout).reason, reason);
  }
  const { code, stdout } = await start(rig.settings, { ...user, password: "Wrong-Horse-1" });
  assert.equal(code, 1);
  assert.match(JSON.parse(stdout.trim().split("\n").at(-1)!).text, /The password is not the right one\. Type it again/);
  assert.doesNotMatch(stdout, /Wrong-Horse/);
});
