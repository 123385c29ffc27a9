import type { Connection, ConnectionHandlers } from "../../../modules/upload/connection";
import { Upload, type UploadOptions, type UploadResult } from "../../../modules/upload/uploader";
import { ManualTimers } from "./manual-timers";
import { SyntheticFrame } from "./synthetic-frame";

export const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
export const url =
  "https://photos.s3.eu-central-1.amazonaws.com/camera/1.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
  "&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z" +
  `&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=${secret}`;

/** The device's end of a connection whose other end is the test. */
export class ScriptedConnection implements Connection {
  readonly host: string;
  readonly port: number;
  readonly handlers: ConnectionHandlers;
  closed = false;
  /** How many writes there were. */
  writes = 0;
  /** The next write throws. */
  broken = false;
  #sent = new Uint8Array(2048);
  #length = 0;
  #room = 0;
  #readable = new Uint8Array(0);

  constructor(host: string, port: number, handlers: ConnectionHandlers) {
    this.host = host;
    this.port = port;
    this.handlers = handlers;
  }

  write(buffer: Uint8Array): number {
    if (this.closed) throw new Error("written after close");
    if (this.broken) throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
    if (buffer.length === 0 || buffer.length > this.#room) throw new RangeError(`overflow: ${buffer.length}`);
    if (this.#length + buffer.length > this.#sent.length) {
      const larger = new Uint8Array(this.#sent.length * 2 + buffer.length);
      larger.set(this.#sent);
      this.#sent = larger;
    }
    this.#sent.set(buffer, this.#length);
    this.#length += buffer.length;
    this.writes += 1;
    this.#room -= buffer.length;
    return this.#room;
  }

  read(count: number): ArrayBuffer | undefined {
    if (this.closed) throw new Error("read after close");
    if (count > this.#readable.length) throw new RangeError("read of more than there is");
    const bytes = this.#readable.slice(0, count);
    this.#readable = this.#readable.slice(count);
    return bytes.buffer as ArrayBuffer;
  }

  close(): void {
    if (this.closed) throw new Error("closed twice");
    this.closed = true;
  }

  /** Makes room for `window` bytes, again and again, until the device writes no more or has written `until` bytes in all. */
  drain(window: number, until = Number.POSITIVE_INFINITY): void {
    for (let before = -1; before !== this.sent.length && this.sent.length < until && !this.closed; ) {
      before = this.sent.length;
      this.#room = Math.min(window, until - before);
      this.handlers.onWritable(this.#room);
    }
  }

  /** The store says something, in pieces of `step` bytes. */
  answer(text: string, step = text.length): void {
    const bytes = new Uint8Array(ArrayBuffer.fromString(text));
    for (let at = 0; at < bytes.length && !this.closed; at += step) {
      const piece = bytes.slice(at, at + step);
      const readable = new Uint8Array(this.#readable.length + piece.length);
      readable.set(this.#readable);
      readable.set(piece, this.#readable.length);
      this.#readable = readable;
      this.handlers.onReadable(readable.length);
    }
  }

  /** The connection ends. */
  end(code?: string): void {
    if (!this.closed) this.handlers.onError(code ? Object.assign(new Error(code), { code }) : undefined);
  }

  /** Everything that was written. */
  get sent(): Uint8Array {
    return this.#sent.subarray(0, this.#length);
  }

  get headLength(): number {
    const { sent } = this;
    for (let i = 3; i < sent.length; i += 1) {
      if (sent[i] === 0x0a && sent[i - 1] === 0x0d && sent[i - 2] === 0x0a) return i + 1;
    }
    return sent.length;
  }

  /** Request line and headers. */
  get head(): string {
    return characters(this.sent.subarray(0, this.headLength));
  }

  get body(): Uint8Array {
    return this.sent.subarray(this.headLength);
  }
}

/** Bytes as characters. */
export function characters(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** An upload against a scripted store. Each attempt appears in `connections`. */
export class Rig {
  readonly connections: ScriptedConnection[] = [];
  readonly timers = new ManualTimers();
  readonly frame: SyntheticFrame;
  readonly upload: Upload;
  readonly retries: string[] = [];
  result: UploadResult | undefined;
  results = 0;

  constructor(options: Partial<UploadOptions> & { frame?: SyntheticFrame } = {}) {
    this.frame = options.frame ?? new SyntheticFrame(1000);
    this.upload = new Upload({
      url,
      expectContinue: false,
      random: () => 0.5,
      timers: this.timers,
      connect: (host, port, handlers) => {
        const connection = new ScriptedConnection(host, port, handlers);
        this.connections.push(connection);
        return connection;
      },
      onRetry: (_, code) => this.retries.push(code),
      ...options,
      frame: this.frame,
    });
    this.upload.result.then((result) => {
      this.result = result;
      this.results += 1;
    });
    this.timers.advance(0);
  }

  get connection(): ScriptedConnection {
    return this.connections[this.connections.length - 1];
  }

  /** The end: exactly one result, nothing left open or running. */
  async finish(): Promise<UploadResult> {
    const result = await this.upload.result;
    for (const connection of this.connections) if (!connection.closed) throw new Error("a connection is left open");
    if (this.timers.running) throw new Error("a timer is left running");
    const before = this.connections.length;
    this.timers.advance(10_000_000);
    if (this.connections.length !== before) throw new Error("an attempt after the result");
    await Promise.resolve();
    if (this.results !== 1) throw new Error(`${this.results} results`);
    if (JSON.stringify(result).includes(secret)) throw new Error("the result tells the signature");
    return result;
  }
}

export const ok = 'HTTP/1.1 200 OK\r\nx-amz-request-id: 7A\r\nETag: "d41d"\r\nContent-Length: 0\r\n\r\n';

export function errorAnswer(status: number, code: string, message = "", elements = ""): string {
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${message}</Message>${elements}<RequestId>7A</RequestId><HostId>h==</HostId></Error>`;
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}
