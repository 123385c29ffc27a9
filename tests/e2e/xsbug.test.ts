import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { top } from "../../sim/host/paths.ts";
import { DebugServer } from "./host/debug-server.ts";
import { run, start } from "./host/devices.ts";

const path = join(top, "tests/unit/host/fixtures/debugged.ts");
/** `return sum` in add(). */
const RETURN = 5;
const options = { timeout: 30_000 };

async function debug(t: TestContext, module: string) {
  const server = await DebugServer.listen();
  t.after(() => server.close());
  const login = server.login();
  const device = await start(t, module, { xsbug: server.address });
  assert.equal(await login, module);
  return { server, device };
}

test("login, breakpoint, frames, locals, step, go, logout", options, async (t) => {
  const { server, device } = await debug(t, "debugged");
  let stopped = server.stopped();
  server.setBreakpoints([{ path, line: RETURN }]);
  server.send("go");

  const first = await stopped;
  assert.deepEqual(
    { path: first.path, line: first.line, message: first.message },
    { path, line: RETURN, message: "breakpoint" },
  );
  assert.equal(first.frames[0].name, "add");
  assert.deepEqual([first.frames[1].path, first.frames[1].line], [path, 12]);
  assert.deepEqual([first.locals.left, first.locals.right, first.locals.sum], ["0", "2", "2"]);

  stopped = server.stopped();
  server.send("step-outside");
  const outside = await stopped;
  assert.deepEqual([outside.message, outside.line], ["step", 13]);

  stopped = server.stopped();
  server.send("go");
  const second = await stopped;
  assert.deepEqual([second.message, second.locals.left], ["breakpoint", "2"]);

  server.send("logout");
  const { code, stderr } = await device.exited;
  assert.equal(code, 0, stderr);
  assert.deepEqual(device.lines, ["total 2", "total 4", "total 6", "total 8", "total 10"]);
});

test("trace reaches the debugger's log", options, async (t) => {
  const { server, device } = await debug(t, "debugged");
  const log = server.log();
  server.send("go");
  assert.equal(await log, "total 2\n");
  assert.equal((await device.exited).code, 0);
});

test("a running machine takes a breakpoint", options, async (t) => {
  const { server, device } = await debug(t, "forever");
  server.send("go");
  while (!device.lines.length) await new Promise((resolve) => setTimeout(resolve, 10));
  const stopped = server.stopped();
  const line = 6;
  server.setBreakpoints([{ path: join(top, "tests/unit/host/fixtures/forever.ts"), line }]);
  const { message } = await stopped;
  assert.equal(message, "breakpoint");
  server.send("abort");
  assert.equal((await device.exited).code, 4);
});

test("an exception stops the machine where it is thrown, if the debugger wants it", options, async (t) => {
  const { server, device } = await debug(t, "exception");
  const stopped = server.stopped();
  server.setBreakpoints([{ path: "exceptions", line: 0 }]);
  server.send("go");
  const { message, line, frames } = await stopped;
  assert.deepEqual([message, line, frames[0].name], ["throw", 3, "inner"]);
  server.send("go");
  assert.equal((await device.exited).code, 1);
});

test("the debugger's end is not the device's", options, async (t) => {
  const { server, device } = await debug(t, "debugged");
  server.send("go");
  server.close();
  assert.equal((await device.exited).code, 0);
});

test("no debugger there: says so, exit code 2", options, async (t) => {
  const server = await DebugServer.listen();
  const { address } = server;
  server.close();
  const { code, stderr } = await run(t, "debugged", { xsbug: address });
  assert.equal(code, 2);
  assert.match(stderr, /nobody listens/);
});
