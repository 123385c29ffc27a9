import Timer from "timer";
import { DateHeader } from "./http-date";
import { type OwnedTimer, setTimer } from "./owned-timer";
import { ClockError, type TimeSource } from "./time-source";
import { TLSSocket, type TLSSocketOptions } from "./tls-socket";

interface Resolver {
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (error?: unknown) => void;
  }): void;
}

export interface HTTPSTimeOptions {
  name: string;
  host: string;
  /** Default 443. */
  port?: number;
  roots: readonly string[];
  /** It is later than that, milliseconds since 1970. */
  released: number;
  TCP: TLSSocketOptions["TCP"];
  resolver: Resolver;
  /** For look-up, handshake and answer together, milliseconds. Default 15 s. */
  timeout?: number;
}

const defaultTimeout = 15_000;
const pieceLength = 256;
/** A Date has full seconds: half of one on average is missing. */
const half = 500;

/** One question. It is what its socket calls, and its socket's clock: the time is later than the firmware. */
class Question {
  static readonly #callbacks = {
    onReadable(this: { target: Question }) {
      this.target.read();
    },
    onWritable(this: { target: Question }) {
      this.target.ask();
    },
    onError(this: { target: Question }, error: unknown) {
      this.target.end(error);
    },
  };

  static #late({ owner }: OwnedTimer<Question>): void {
    owner.end(new ClockError("NoAnswer", `${owner.#options.host} has not told its Date in time`));
  }

  readonly isSet = true;
  #options: HTTPSTimeOptions;
  #resolve: (time: number) => void;
  #reject: (error: unknown) => void;
  #timer?: Timer;
  #socket?: TLSSocket;
  #isAsked = false;
  #header = new DateHeader();

  constructor(options: HTTPSTimeOptions, resolve: (time: number) => void, reject: (error: unknown) => void) {
    const { host, resolver, timeout = defaultTimeout } = options;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimer(this, Question.#late, timeout);
    resolver.resolve({
      host,
      onResolved: (_, address) => this.open(address),
      onError: () => this.end(new ClockError("HostNotFound", `no address for ${host}`)),
    });
  }

  /** The earliest time that it can be. */
  now(): number {
    return this.#options.released;
  }

  private open(address: string): void {
    if (!this.#timer || this.#socket) return;
    const { host, port = 443, roots, TCP } = this.#options;
    const secure = { roots, clock: this, datesLater: true };
    try {
      this.#socket = new TLSSocket({
        host,
        address,
        port,
        TCP,
        secure,
        bufferLength: pieceLength,
        target: this,
        ...(Question.#callbacks as object),
      });
    } catch (error) {
      this.end(error);
    }
  }

  private ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const request = `HEAD / HTTP/1.1\r\nHost: ${this.#options.host}\r\nConnection: close\r\n\r\n`;
    this.#socket?.write(ArrayBuffer.fromString(request));
  }

  private read(): void {
    const header = this.#header;
    while (!header.isOver) {
      const bytes = this.#socket?.read(pieceLength) as ArrayBuffer | undefined;
      if (!bytes) break;
      header.write(new Uint8Array(bytes));
    }
    if (!header.isOver) return;
    const { time } = header;
    if (time === undefined) this.end(new ClockError("BadTime", `${this.#options.host} tells no Date`));
    // If its certificates are not good at that time, the socket says so.
    else if (this.#socket?.judgeDates(time)) this.end(undefined, time + half);
  }

  private end(error: unknown, time?: number): void {
    if (!this.#timer) return;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#socket?.close();
    this.#socket = undefined;
    if (time === undefined) this.#reject(error);
    else this.#resolve(time);
  }
}

/**
 * The time from the `Date` of an HTTPS server, for a chip whose clock nobody has set: it asks `HEAD /`, whatever the answer's status. The
 * server's chain and name are verified as ever, and the dates of its certificates are judged by the Date itself, which must not be before
 * the firmware. So a server can only tell a time at which its certificates were good: somebody with the key of a certificate that has
 * expired could turn the clock back to then, and no further back than the firmware.
 */
export class HTTPSTime implements TimeSource {
  readonly isProven = true;
  #options: HTTPSTimeOptions;

  constructor(options: HTTPSTimeOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  getTime(): Promise<number> {
    return new Promise((resolve, reject) => void new Question(this.#options, resolve, reject));
  }
}
