/**
 * The device's side of tests/e2e/tls*.test.ts: connects as each line of its control connection says and answers with what
 * became of it. One process makes all connections, so that what one leaves behind would meet the next.
 */

import TCP from "embedded:io/socket/tcp";
import { getEnvironment } from "environment";
import { collectGarbage, statistics } from "statistics";
import Timer from "timer";
import { Clock } from "../../../../modules/network/clock";
import { amazonRoots } from "../../../../modules/network/roots";
import type { TLSError } from "../../../../modules/network/tls-error";
import { TLSSocket } from "../../../../modules/network/tls-socket";
import { Digest } from "../../../../native/tls/crypto";
import type { Outcome, Task } from "./task";

const patternAt = (i: number) => (i * 31 + (i >> 8)) & 255;

function hex(data: ArrayBuffer): string {
  return Array.from(new Uint8Array(data), (byte) => (0x100 + byte).toString(16).slice(1)).join("");
}

/** One connection. */
class Job {
  #task: Task;
  #socket: TLSSocket;
  #sent = 0;
  #paused = false;
  #buffer?: Uint8Array;
  #digest = new Digest("SHA-256");
  #outcome: Outcome = { connected: false, received: 0, sha256: "", errors: 0 };
  #done: (outcome: Outcome) => void;

  constructor(task: Task, done: (outcome: Outcome) => void) {
    this.#task = task;
    this.#done = done;
    const clock = new Clock();
    this.#socket = new TLSSocket({
      host: task.host ?? "localhost",
      address: "127.0.0.1",
      port: task.port,
      TCP: { io: TCP },
      timeout: task.timeout,
      secure: {
        roots: task.amazonRoots ? [...amazonRoots, ...task.roots] : task.roots,
        certificate: task.certificate,
        key: task.key,
        applicationLayerProtocolNegotiation: task.protocols,
        clock: task.time === undefined ? clock : { isSet: task.time > 0, now: () => task.time! },
      },
      onReadable: (count) => this.#onReadable(count),
      onWritable: (count) => this.#onWritable(count),
      onError: (error) => this.#onError(error),
    });
  }

  #onWritable(count: number): void {
    this.#note();
    if (this.#task.throwIn === "onWritable") throw new Error("thrown on purpose");
    if (this.#task.closeAfter === 0) this.#finish();
    else this.#write(count);
  }

  #write(count: number): void {
    while (count > 0 && this.#sent < (this.#task.send ?? 0)) {
      const left = this.#task.send! - this.#sent;
      const size = Math.min(left, count, this.#task.writeSize || left);
      const data = new Uint8Array(size);
      for (let i = 0; i < size; i++) data[i] = patternAt(this.#sent + i);
      this.#sent += size;
      count = this.#task.bytewise ? this.#writeBytes(data) : this.#socket.write(data);
    }
  }

  #writeBytes(data: Uint8Array): number {
    for (let i = 0; i < data.length - 1; i++)
      this.#socket.write(data.subarray(i, i + 1), { more: true, byteLength: data.length });
    return this.#socket.write(data.subarray(data.length - 1));
  }

  #readBytes(count: number): ArrayBuffer {
    const data = new Uint8Array(count);
    this.#socket.format = "number";
    for (let i = 0; i < count; i++) data[i] = this.#socket.read() as number;
    this.#socket.format = "buffer";
    return data.buffer;
  }

  #note(): void {
    const { version, protocol, memory } = this.#socket;
    Object.assign(this.#outcome, { connected: true, version, protocol, ...memory });
  }

  #onReadable(count: number): void {
    this.#note();
    if (this.#task.throwIn === "onReadable") throw new Error("thrown on purpose");
    if (!this.#paused) this.#read(count);
  }

  /** A loop: the machine's stack is too short for as many calls as a record has parts. */
  #read(count: number): void {
    const { readSize = count, readPause, closeAfter = Number.POSITIVE_INFINITY } = this.#task;
    for (let left = count; left > 0; ) {
      const data = this.#readData(Math.min(left, readSize));
      if (!data) return;
      left -= data.byteLength;
      this.#digest.write(data);
      this.#outcome.received += data.byteLength;
      if (this.#outcome.received < closeAfter && readPause === undefined) continue;
      if (readPause === undefined || this.#outcome.received >= closeAfter) this.#finish();
      else this.#readLater(readSize, readPause);
      return;
    }
  }

  #readData(size: number): ArrayBuffer | Uint8Array | undefined {
    if (this.#task.bytewise) return this.#readBytes(size);
    if (!this.#task.readInto) return this.#socket.read(size) as ArrayBuffer | undefined;
    this.#buffer ??= new Uint8Array(this.#task.readInto);
    const count = this.#socket.read(this.#buffer);
    return count === undefined ? undefined : this.#buffer.subarray(0, count);
  }

  #readLater(size: number, pause: number): void {
    this.#paused = true;
    Timer.set(() => {
      this.#paused = false;
      this.#read(size);
    }, pause);
  }

  #onError(error: TLSError): void {
    this.#outcome.errors += 1;
    this.#outcome.code = error.code;
    this.#outcome.alert = error.alert;
    this.#outcome.detail = error.detail;
    this.#outcome.message = error.message;
    this.#finish();
    if (this.#task.throwIn === "onError") throw new Error("thrown on purpose");
  }

  #finish(): void {
    this.#socket.close();
    this.#outcome.sha256 = hex(this.#digest.close());
    // A second call of onError would come now.
    Timer.set(() => this.#done(this.#outcome), 0);
  }
}

function run(task: Task): Promise<Outcome> {
  return new Promise((resolve) => new Job(task, resolve));
}

/** The control connection: a line of JSON each way. */
class Control {
  #tcp: TCP;
  #line = "";
  #output: string[] = [];

  constructor(port: number) {
    this.#tcp = new TCP({
      address: "127.0.0.1",
      port,
      onReadable: () => this.#read(),
      onWritable: () => this.#write(),
      onError: () => this.#tcp.close(),
    });
  }

  #read(): void {
    this.#line += String.fromArrayBuffer(this.#tcp.read() as ArrayBuffer);
    const end = this.#line.indexOf("\n");
    if (end < 0) return;
    const task = JSON.parse(this.#line.slice(0, end)) as Task;
    this.#line = this.#line.slice(end + 1);
    this.#perform(task).catch((error) => this.#answer({ failed: String(error) }));
  }

  async #perform(task: Task): Promise<void> {
    const outcomes: Record<string, number> = {};
    let last: Outcome | undefined;
    for (let i = 0; i < (task.repeat ?? 1); i++) {
      last = await run(task);
      const key = `${last.connected ? "connected " : ""}${last.code ?? "closed"}`;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
    }
    collectGarbage();
    const { slots, chunkBytes } = statistics();
    this.#answer({ ...last, outcomes, slots, chunkBytes });
  }

  #answer(answer: object): void {
    this.#output.push(`${JSON.stringify(answer)}\n`);
    this.#write();
  }

  #write(): void {
    for (let text = this.#output.shift(); text; text = this.#output.shift())
      this.#tcp.write(ArrayBuffer.fromString(text));
  }
}

new Control(Number(getEnvironment("CONTROL_PORT")));
