import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDevice } from "../../../sim/host/device-process.ts";
import type { CompiledFirmware } from "../../../sim/host/firmware.ts";
import { headerLength, kinds, verdicts } from "../firmware/structure/wire.ts";
import { type Generated, generateMessage, wrongVerdict } from "./generated-message.ts";
import type { Tally } from "./tally.ts";

/** Messages that are on their way to the machine at once. */
const window = 64;

/** Hands so many messages to one machine over TCP, from one seed on. @returns its peaks */
export async function feedMachine(
  manifest: CompiledFirmware,
  seed: number,
  count: number,
  tally: Tally,
): Promise<Record<string, number>> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const storage = await mkdtemp(join(tmpdir(), "devicelink-structure-"));
  const feed = new Feed(seed, count, tally);
  server.once("connection", (socket: Socket) => feed.attach(socket));
  let done: Record<string, number> | undefined;
  let failure = "";
  const device = await startDevice({
    manifest,
    module: "tests/e2e/firmware/structure/readers",
    environment: { PORT: String((server.address() as AddressInfo).port), STORAGE_DIRECTORY: storage },
    onTrace: (line) => {
      if (!line.startsWith("{")) return;
      const event = JSON.parse(line);
      done = event.done ?? done;
      failure = event.failed ?? failure;
    },
  });
  feed.onFailure = () => device.kill();
  const { code, signal, stderr } = await device.exited;
  server.close();
  await rm(storage, { recursive: true, force: true });
  const where = `SEED=${feed.seed}, a ${generateMessage(feed.seed).kind}`;
  assert.equal(feed.failure, "");
  assert.equal(failure, "", where);
  assert.equal(code, 0, `ended with ${signal ?? code} at ${where}:\n${stderr}`);
  assert.ok(done, "it ended early");
  return done;
}

/** One message after the other, and what the machine says to each. */
class Feed {
  failure = "";
  onFailure = () => {};
  /** Of the message whose verdict comes next. */
  seed: number;
  #next: number;
  #end: number;
  #waiting: Generated[] = [];
  #tally: Tally;
  #socket!: Socket;

  constructor(seed: number, count: number, tally: Tally) {
    this.seed = this.#next = seed;
    this.#end = seed + count;
    this.#tally = tally;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#receive(bytes));
    // How the machine ended says its process.
    socket.on("error", () => {});
    this.#send();
  }

  #send(): void {
    const out: Buffer[] = [];
    for (; this.#waiting.length < window && this.#next < this.#end; this.#next += 1) {
      const message = generateMessage(this.#next);
      this.#waiting.push(message);
      out.push(header(message), message.bytes);
    }
    this.#socket.write(Buffer.concat(out));
    if (!this.#waiting.length) this.#socket.end();
  }

  #receive(bytes: Buffer): void {
    for (const index of bytes) {
      const message = this.#waiting.shift()!;
      const verdict = verdicts[index];
      const wrong = wrongVerdict(message, verdict);
      if (wrong && !this.failure)
        this.failure = `SEED=${this.seed}: a ${message.kind} is ${wrong}: ${excerpt(message)}`;
      this.#tally.add(message, verdict);
      this.seed += 1;
    }
    if (this.failure) this.onFailure();
    else if (this.#waiting.length < window / 2) this.#send();
  }
}

function header({ kind, bytes }: Generated): Buffer {
  const head = Buffer.alloc(headerLength);
  head[0] = kinds.indexOf(kind);
  head.writeUIntLE(bytes.length, 1, 3);
  return head;
}

const excerpt = ({ bytes }: Generated) => JSON.stringify(bytes.subarray(0, 300).toString("latin1"));
