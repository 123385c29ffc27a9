/**
 * The firmware's readers of JSON in a machine of which a camera at rest has taken its part. Messages of all kinds come over TCP (wire.ts), and the name of
 * what became of each goes back.
 */
import TCP from "embedded:io/socket/tcp";
import { getEnvironment } from "environment";
import { collectGarbage, statistics } from "statistics";
import { MessageReaders, valueLength } from "./message-readers";
import { StreamReaders } from "./stream-readers";
import { headerLength, jsonVerdicts, type Kind, kinds, verdicts } from "./wire";

/** With it the machine is as full as that of a connected camera at rest: 10 KB, and 1,000 slots, the test's own code among them. */
class Ballast {
  readonly held: Uint8Array[] = [];

  constructor() {
    for (collectGarbage(); statistics().chunkBytes < 10_000; ) this.held.push(new Uint8Array(200));
    while (statistics().slots < 1000) this.held.push(this.held[0].subarray(1));
  }
}

/** Bytes that are read at a time: a fragment with its header fills an attribute's value. */
const pieceLength = valueLength - 1;

/** Takes one message after the other from the connection. */
class Feed {
  #socket: TCP;
  #available = 0;
  #isBusy = false;
  #kind?: Kind;
  /** Bytes of the message that are still to come. */
  #rest = 0;
  #payload?: Uint8Array;
  /** Of the next fragment. */
  #index = 0;
  #messages = new MessageReaders();
  #streams = new StreamReaders();
  #answer = new Uint8Array(1);

  constructor(port: number) {
    this.#socket = new TCP({
      address: "127.0.0.1",
      port,
      noDelay: true,
      target: this,
      onReadable(this: TCP & { target: Feed }, count: number) {
        this.target.#available = count;
        this.target.run();
      },
      onError(this: TCP & { target: Feed }) {
        this.close();
        end();
      },
    } as never);
  }

  private async run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (await this.step());
    } catch (error) {
      trace(`${JSON.stringify({ failed: String((error as Error).stack ?? error) })}\n`);
      this.#socket.close();
    }
    this.#isBusy = false;
  }

  /** @returns false when more has to come first */
  private async step(): Promise<boolean> {
    if (!this.#kind) return this.#available >= headerLength && this.begin();
    if (!this.#rest) {
      await this.judge(this.#kind);
      return true;
    }
    if (!this.#available) return false;
    // Fragments are as long as they may be, but for the last one.
    const length = Math.min(this.#rest, pieceLength);
    if (this.#kind === "bluetooth" && this.#available < length) return false;
    const bytes = this.read(Math.min(this.#available, length));
    if (this.#payload) this.#payload.set(bytes, this.#payload.length - this.#rest);
    this.#rest -= bytes.length;
    if (this.#kind === "bluetooth") this.#messages.fragment(this.#index++, bytes, !this.#rest);
    else if (!this.#payload) this.#streams.write(bytes);
    return true;
  }

  private read(count: number): Uint8Array {
    this.#available -= count;
    return new Uint8Array(this.#socket.read(count) as ArrayBuffer);
  }

  private begin(): boolean {
    const [kind, low, middle, high] = this.read(headerLength);
    this.#kind = kinds[kind];
    this.#rest = low | (middle << 8) | (high << 16);
    if (this.#kind === "shadow" || this.#kind === "job") this.#streams.open(this.#kind);
    else if (this.#kind !== "bluetooth") this.#payload = new Uint8Array(this.#rest);
    this.#index = 0;
    return true;
  }

  private async judge(kind: Kind): Promise<void> {
    const verdict = await this.verdict(kind);
    this.#kind = undefined;
    const known = jsonVerdicts.find((name) => verdict.startsWith(`${name}: `)) ?? verdict;
    this.#answer[0] = verdicts.indexOf(known);
    if (this.#answer[0] === 255) throw new Error(`a ${kind} with the verdict "${verdict}"`);
    this.#socket.write(this.#answer);
  }

  /** No async function: nothing but the reader itself holds a message. */
  private verdict(kind: Kind): string | Promise<string> {
    const payload = this.#payload;
    this.#payload = undefined;
    if (kind === "bluetooth") return this.#messages.judgeRequest();
    return payload ? this.#messages.judge(kind, payload) : this.#streams.judge();
  }
}

function end(): void {
  collectGarbage();
  const { chunkBytes, slots, chunkBytesPeak, slotsPeak, stackPeak, keys } = statistics();
  const { length: held } = ballast.held;
  trace(`${JSON.stringify({ done: { chunkBytes, slots, chunkBytesPeak, slotsPeak, stackPeak, keys, held } })}\n`);
}

const feed = new Feed(Number(getEnvironment("PORT")));
const ballast = new Ballast();
trace(`${JSON.stringify({ begin: statistics(), feed: typeof feed })}\n`);
