import { assert, equal, rejects, test } from "../harness";

test("relative and absolute specifiers are the same module", async () => {
  const first = await import("../harness");
  const second = await import("tests/unit/harness" as string);
  assert(first === second);
});

test("an unknown module rejects the import", async () => {
  await rejects(import("no/such/module" as string), ReferenceError);
});

test("a stack names the line of the TypeScript source", () => {
  const { stack } = new Error("here");
  assert(stack?.includes("tests/unit/host/modules.test.ts:14"), stack);
});

test("top-level await has finished before the importing module runs", () => {
  equal(awaited, 42);
});

const awaited = await Promise.resolve(42);
