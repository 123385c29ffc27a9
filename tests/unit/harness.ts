/**
 * Unit tests inside XS. Each file under tests/unit/<room>/ is one device process: it calls `test` for each case; run.test.ts reads the lines of
 * JSON that are printed here and reports each case to node's test runner.
 */
import { pending, stop } from "event-loop";
import Timer from "timer";

type Body = () => void | Promise<void>;

/** What a case has closed may need so many turns of the event loop until it is gone. */
const CLOSING_TURNS = 20;

/** A case may take so long, in device time, unless its options say otherwise. */
const TIMEOUT = 10_000;

interface TestOptions {
  /** Milliseconds of device time. */
  timeout?: number;
}

const cases: { name: string; body: Body; timeout: number }[] = [];

/** Adds a case. Cases run one after the other, in the order of the file, when the file has been loaded. */
export function test(name: string, body: Body): void;
export function test(name: string, options: TestOptions, body: Body): void;
export function test(name: string, options: TestOptions | Body, body?: Body): void {
  const first = cases.length === 0;
  if (typeof options === "function") cases.push({ name, body: options, timeout: TIMEOUT });
  else cases.push({ name, body: body!, timeout: options.timeout ?? TIMEOUT });
  if (first) Timer.set(() => run());
}

/** Of the case that runs: how many things it has checked. */
let checks = 0;
let cleanups: (() => void)[] = [];

/** What the case that runs has to close: done when its body has ended well, the last one first. */
export function after(cleanup: () => void): void {
  cleanups.push(cleanup);
}

async function run(): Promise<void> {
  for (const { name, body, timeout } of cases) {
    const start = Date.now();
    const failure = await outcome(body, timeout);
    report({ test: name, ok: failure === undefined, milliseconds: Date.now() - start, failure });
  }
  report({ done: cases.length });
  // What a failed case has left behind keeps nobody waiting.
  stop();
}

function report(event: object): void {
  trace(`${JSON.stringify(event)}\n`);
}

/** Undefined, or why the case failed. */
async function outcome(body: Body, timeout: number): Promise<string | undefined> {
  const before = pending();
  cleanups = [];
  checks = 0;
  try {
    await withTimeout(body, timeout);
    for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) cleanup();
    const left = (await settled(before)) - before;
    if (left > 0) return `the case leaves ${left} timers or sockets behind`;
    return checks ? undefined : "the case checks nothing";
  } catch (error) {
    return error instanceof Error ? (error.stack ?? String(error)) : `thrown: ${show(error)}`;
  }
}

/** What the event loop still waits for, when that has come down to `expected` or has had time to. */
async function settled(expected: number): Promise<number> {
  for (let turn = 0; turn < CLOSING_TURNS && pending() > expected; turn += 1) await sleep(1);
  return pending();
}

async function withTimeout(body: Body, timeout: number): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = Timer.set(() => reject(new Error(`not finished after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    Timer.clear(timer);
  }
}

class AssertionError extends Error {
  override get name(): string {
    return "AssertionError";
  }
}

export function assert(condition: unknown, message = "is not true"): asserts condition {
  checks += 1;
  if (!condition) throw new AssertionError(message);
}

/** Deep equality of values, arrays, plain objects, Maps, Sets, buffers and typed arrays; an ArrayBuffer equals the Uint8Array of its bytes. */
export function equal(actual: unknown, expected: unknown, message?: string): void {
  checks += 1;
  const difference = compare(actual, expected, "");
  if (difference) throw new AssertionError(message ? `${message}: ${difference}` : difference);
}

/** Checks that `body` throws; `expected` is the error's class, a pattern of its message, or its `code`. Returns the error. */
export function throws(body: () => unknown, expected?: Expected): Error {
  try {
    body();
  } catch (error) {
    return check(error, expected);
  }
  throw new AssertionError("nothing is thrown");
}

/** The same for a promise, or a function that returns one. */
export async function rejects(body: Promise<unknown> | (() => Promise<unknown>), expected?: Expected): Promise<Error> {
  try {
    await (typeof body === "function" ? body() : body);
  } catch (error) {
    return check(error, expected);
  }
  throw new AssertionError("the promise is not rejected");
}

/** Resolves after so many milliseconds of device time. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    Timer.set(() => resolve(), milliseconds);
  });
}

/** Resolves when the event loop has come round so many times: what was to be done at once has been done by then, however slow the machine is. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await sleep(0);
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean, timeout = TIMEOUT): Promise<void> {
  checks += 1;
  for (const start = Date.now(); !condition(); await sleep(1))
    if (Date.now() - start > timeout) throw new AssertionError(`did not become true in ${timeout} ms`);
}

type Expected = RegExp | string | (abstract new (...args: never[]) => Error);

function check(error: unknown, expected?: Expected): Error {
  checks += 1;
  if (!(error instanceof Error)) throw new AssertionError(`no Error is thrown, but ${show(error)}`);
  if (expected === undefined) return error;
  const code = (error as { code?: unknown }).code;
  const matches =
    typeof expected === "string"
      ? code === expected
      : expected instanceof RegExp
        ? expected.test(error.message)
        : error instanceof expected;
  if (!matches) throw new AssertionError(`another error is thrown (${show(code)}): ${error.stack}`);
  return error;
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

/** Empty, or where and how the two differ. */
function compare(actual: unknown, expected: unknown, path: string): string {
  if (Object.is(actual, expected)) return "";
  const at = path ? `at ${path}: ` : "";
  const different = `${at}${show(actual)} is not ${show(expected)}`;
  const bytes = bytesOf(actual);
  const expectedBytes = bytesOf(expected);
  if (bytes && expectedBytes) return compareBytes(bytes, expectedBytes, at);
  if (typeof actual !== "object" || typeof expected !== "object" || !actual || !expected || bytes || expectedBytes)
    return different;
  if (Array.isArray(actual) !== Array.isArray(expected)) return different;
  if (actual instanceof Map && expected instanceof Map) return compare([...actual], [...expected], `${path}(entries)`);
  if (actual instanceof Set && expected instanceof Set) return compare([...actual], [...expected], `${path}(values)`);
  if (actual instanceof Error || expected instanceof Error) return different;
  return compareProperties(actual, expected, path);
}

function compareProperties(actual: object, expected: object, path: string): string {
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  for (const key of keys) {
    const difference = compare(
      (actual as Record<string, unknown>)[key],
      (expected as Record<string, unknown>)[key],
      path ? `${path}.${key}` : key,
    );
    if (difference) return difference;
  }
  return "";
}

function compareBytes(actual: Uint8Array, expected: Uint8Array, at: string): string {
  if (actual.length !== expected.length) return `${at}${actual.length} bytes instead of ${expected.length}`;
  for (let i = 0; i < actual.length; i++)
    if (actual[i] !== expected[i]) return `${at}byte ${i} is ${actual[i]} instead of ${expected[i]}`;
  return "";
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return String(value);
  const bytes = bytesOf(value);
  if (bytes) return `${bytes.length} bytes [${bytes.slice(0, 16).join(", ")}${bytes.length > 16 ? ", ..." : ""}]`;
  if (typeof value !== "object" || !value) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}
