import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileTest, findTests } from "./compile.ts";

/** Compiles and runs each C test of this folder and maps its cases to subtests. */

const directory = dirname(fileURLToPath(import.meta.url));
const root = join(directory, "../..");
const limit = 120_000;

interface Case {
  name: string;
  passed: boolean;
  notes: string[];
}

function parse(output: string): { cases: Case[]; planned: number | undefined } {
  const cases: Case[] = [];
  let notes: string[] = [];
  let planned: number | undefined;
  for (const line of output.split("\n")) {
    const result = /^(not )?ok \d+ - (.*)$/.exec(line);
    if (result) {
      cases.push({ name: result[2], passed: !result[1], notes });
      notes = [];
    } else if (line.startsWith("# ")) notes.push(line.slice(2));
    else if (/^1\.\.\d+$/.test(line)) planned = Number(line.slice(3));
  }
  return { cases, planned };
}

function execute(program: string): Promise<{ output: string; errors: string; end: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { cwd: root, timeout: limit, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (errors += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ output, errors, end: signal ?? `code ${code}` }));
  });
}

for (const native of await findTests(root, directory)) {
  await test(native.name, async (context) => {
    const program = await compileTest(root, native).catch((error) => assert.fail(String(error.stderr || error)));
    const { output, errors, end } = await execute(program);
    const { cases, planned } = parse(output);
    for (const { name, passed, notes } of cases)
      await context.test(name, () => assert.ok(passed, notes.join("\n") || "failed"));
    assert.equal(planned, cases.length, `ended early (${end}) after ${cases.at(-1)?.name}\n${errors.slice(0, 4000)}`);
    assert.ok(end === "code 0" || cases.some((item) => !item.passed), `${end}\n${errors.slice(0, 4000)}`);
  });
}
