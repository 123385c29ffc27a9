import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test as nodeTest, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hostExecutable } from "../../sim/host/paths.ts";
import { run, start } from "./host/devices.ts";

/** Nothing here takes longer. */
const test = (name: string, body: (t: TestContext) => Promise<void>) => nodeTest(name, { timeout: 60_000 }, body);
const fixture = (name: string, line: number) => `tests/unit/host/fixtures/${name}.ts:${line}`;

test("over the budget of slots: figures, file and line, exit code 3", async (t) => {
  const { code, stderr } = await run(t, "slots");
  assert.equal(code, 3);
  assert.match(stderr, /^out of memory: no slot left: slots 2047 of 2047 .*chunks \d+ of 24576 bytes/);
  assert.ok(stderr.includes(fixture("slots", 4)), stderr);
});

test("over the budget of chunks: figures, file and line, exit code 3", async (t) => {
  const { code, stderr } = await run(t, "chunks");
  assert.equal(code, 3);
  assert.match(stderr, /^out of memory: no chunk of this size left: slots \d+ of 2047 .*chunks 2\d{4} of 24576 bytes/);
  assert.ok(stderr.includes(fixture("chunks", 4)), stderr);
});

test("garbage is collected within the budget", async (t) => {
  const { code, lines, stderr } = await run(t, "garbage", { statistics: true });
  assert.equal(code, 0, stderr);
  assert.equal(lines[0], "total 2408890");
  const { event, statistics } = JSON.parse(lines[1]);
  assert.equal(event, "statistics");
  assert.equal(statistics.slotsTotal, 2047);
  assert.ok(statistics.slotsPeak <= 2047);
  assert.ok(statistics.chunkBytesPeak <= 24576);
  assert.ok(statistics.collections > 10);
});

test("the compute count of a run is the same each time", async (t) => {
  const compute = async () => JSON.parse((await run(t, "garbage", { statistics: true })).lines[1]).statistics.compute;
  assert.equal(await compute(), await compute());
});

test("Math.random: each device has its own, and RANDOM_SEED gives the same one again", async (t) => {
  const numbers = async (environment?: Record<string, string>) => {
    const { code, lines, stderr } = await run(t, "random", { environment });
    assert.equal(code, 0, stderr);
    const values = JSON.parse(lines[0]) as number[];
    assert.ok(values.length === 20 && values.every((value) => value >= 0 && value < 1));
    return values.join();
  };
  const own = await Promise.all([numbers(), numbers(), numbers({ RANDOM_SEED: "" })]);
  assert.equal(new Set(own).size, 3);
  assert.equal(await numbers({ RANDOM_SEED: "7" }), await numbers({ RANDOM_SEED: "7" }));
  assert.notEqual(await numbers({ RANDOM_SEED: "7" }), await numbers({ RANDOM_SEED: "8" }));
  for (const RANDOM_SEED of ["x", "1x", "-1", "4294967296"]) {
    const { code, stderr } = await run(t, "random", { environment: { RANDOM_SEED } });
    assert.equal(code, 2);
    assert.match(stderr, /RANDOM_SEED wants a number/);
  }
});

test("a running device tells what it uses", async (t) => {
  const device = await start(t, "forever");
  while (!device.lines.length) await sleep(10);
  const [first, second] = await Promise.all([device.statistics(true), device.statistics()]);
  assert.equal(first.slotsTotal, 2047);
  assert.ok(first.slots > 0 && second.slotsPeak <= first.slotsPeak);
  assert.deepEqual(device.lines, ["running"]);
  device.kill();
  await device.exited;
  await assert.rejects(device.statistics(), /has ended/);
});

test("a stack overflow: figures, exit code 3", async (t) => {
  const { code, stderr } = await run(t, "recursion");
  assert.equal(code, 3);
  assert.match(stderr, /^out of memory: stack overflow: \d+ of 384 stack slots/);
  assert.ok(stderr.includes(fixture("recursion", 2)), stderr);
});

test("an unhandled rejection: stack and cause, exit code 1", async (t) => {
  const { code, stderr } = await run(t, "rejection");
  assert.equal(code, 1);
  assert.match(stderr, /^unhandled rejection: Error: nobody catches it\n/);
  assert.ok(stderr.includes(fixture("rejection", 6)), stderr);
  assert.match(stderr, /caused by: Error: the cause\n/);
});

test("a rejection that is handled in a later job is none", async (t) => {
  const { code, lines, stderr } = await run(t, "handled-late");
  assert.equal(code, 0, stderr);
  assert.deepEqual(lines, ["handled"]);
});

test("an exception from main, from a timer, from an import: stack, exit code 1, nothing runs after it", async (t) => {
  const main = await run(t, "exception");
  assert.equal(main.code, 1);
  assert.match(main.stderr, /^uncaught exception: Error: from main\n at inner /);
  assert.ok(main.stderr.includes(fixture("exception", 3)), main.stderr);

  const timer = await run(t, "timer-exception");
  assert.equal(timer.code, 1);
  assert.match(timer.stderr, /^uncaught exception: TypeError: in the timer\n/);
  assert.ok(timer.stderr.includes(fixture("timer-exception", 7)), timer.stderr);
  assert.deepEqual(timer.lines, []);

  const missing = await run(t, "missing-import");
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /"\.\/nowhere" not found/);
});

/** A server on loopback that hands over its first connection. */
async function listen(t: TestContext): Promise<{ port: string; connected: Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets: Socket[] = [];
  const connected = once(server, "connection").then(([socket]: Socket[]) => {
    sockets.push(socket);
    socket.on("error", () => {}); // a device that ends with an exception resets its connections
    return socket;
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: String((server.address() as AddressInfo).port), connected };
}

test("an exception from a socket's callback: stack, exit code 1", async (t) => {
  const { port } = await listen(t);
  const { code, stderr } = await run(t, "socket-exception", { environment: { PORT: port } });
  assert.equal(code, 1);
  assert.match(stderr, /^uncaught exception: RangeError: in the socket\n/);
  assert.ok(stderr.includes(fixture("socket-exception", 10)), stderr);
});

test("a peer that does not read holds the device up; then every byte arrives in order", async (t) => {
  const { port, connected } = await listen(t);
  const device = await start(t, "slow-sink", { environment: { PORT: port } });
  const socket = await connected;
  await sleep(500);
  assert.deepEqual(device.lines, [], "4 MB have gone somewhere");
  const hash = { total: 0, wrong: 0 };
  socket.on("data", (data: Buffer) => {
    for (const byte of data) if (byte !== ((hash.total++ >> 10) & 255)) hash.wrong++;
  });
  socket.resume();
  await once(socket, "end");
  assert.deepEqual(hash, { total: 4_000_000, wrong: 0 });
  socket.end();
  assert.equal((await device.exited).code, 0);
  assert.deepEqual(device.lines, ["sent 4000000"]);
});

test("a peer that resets is an error", async (t) => {
  const { port, connected } = await listen(t);
  const device = await start(t, "slow-sink", { environment: { PORT: port } });
  (await connected).resetAndDestroy();
  assert.equal((await device.exited).code, 0);
  assert.match(device.lines[0], /^error after \d+$/);
});

test("a time scale moves timers, Date and ticks alike", async (t) => {
  const start = Date.now();
  const { code, lines } = await run(t, "clock", { timeScale: 50 });
  const real = Date.now() - start;
  assert.equal(code, 0);
  assert.ok(real < 20_000, `twenty device seconds took ${real} real ms`);
  const clock = JSON.parse(lines[0]);
  assert.ok(Math.abs(clock.start - start) < 60_000, "Date does not start at the real time");
  for (const milliseconds of [clock.date, clock.ticks, clock.micro / 1000])
    assert.ok(milliseconds >= 19_999 && milliseconds < real * 50, JSON.stringify(clock));
});

test("a device ends on SIGTERM", async (t) => {
  const device = await start(t, "forever");
  device.kill("SIGTERM");
  assert.equal((await device.exited).signal, "SIGTERM");
});

test("a write that is cut at any point leaves the old value or the new one", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "devicelink-cut-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const library = join(directory, "stop-at-call.so");
  const source = join(dirname(fileURLToPath(import.meta.url)), "host/stop-at-call.c");
  await promisify(execFile)("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  const STORAGE_DIRECTORY = join(directory, "storage");
  const store = (environment: Record<string, string>) =>
    run(t, "store", { environment: { STORAGE_DIRECTORY, ...environment } });
  await store({ VALUE: "a".repeat(1000) });
  let cuts = 0;
  let value = "a".repeat(1000);
  for (const half of [{}, { STOP_HALF: "1" }]) {
    for (let call = 1; ; call++) {
      const next = String.fromCharCode(98 + (cuts % 20)).repeat(1000);
      const stop = { LD_PRELOAD: library, STOP_UNDER: STORAGE_DIRECTORY, STOP_AT: String(call), ...half };
      const { code, lines } = await store({ ...stop, VALUE: next } as Record<string, string>);
      assert.ok(!lines.length || lines[0] === `before ${value}`, "another value than after the last cut");
      if (code === 0) {
        value = next;
        break;
      }
      assert.equal(code, 99);
      cuts++;
      const after = await store({});
      const found = after.lines[0].replace("before ", "");
      assert.ok(found === value || found === next, `cut at call ${call}: ${found.length} bytes`);
      value = found;
    }
  }
  assert.ok(cuts >= 10, `only ${cuts} cuts`);
});

test("wrong use says why, exit code 2", async () => {
  const use = (...args: string[]) => promisify(execFile)(hostExecutable, args).catch((error) => error);
  assert.match((await use("--help")).stdout, /--time-scale/);
  for (const args of [[], ["--manifest", "/nowhere", "main"], ["--manifest"], ["--time-scale", "0", "main"]]) {
    const { code, stderr } = await use(...args);
    assert.equal(code, 2, args.join(" "));
    assert.ok(stderr);
  }
});
