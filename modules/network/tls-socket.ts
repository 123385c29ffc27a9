import Timer from "timer";
import { KeyPair } from "../../native/tls/crypto";
import TLSEngine from "../../native/tls/tls";
import type { Clock } from "./clock";
import { type OwnedTimer, setTimer } from "./owned-timer";
import { TLSError, type TLSErrorCode } from "./tls-error";

type Bytes = ArrayBuffer | Uint8Array;

/** The TCP socket underneath, as far as it is used here (ECMA-419, 12.2), in format "buffer". */
export interface Transport {
  read(buffer: Uint8Array): unknown;
  // biome-ignore lint/suspicious/noConfusingVoidType: the SDK's typings declare it so
  write(data: Uint8Array): number | undefined | void;
  close(): void;
}

export interface SecureOptions {
  /** The authorities to trust, PEM or DER. */
  roots: readonly (string | Bytes)[];
  /** Certificates are judged by its time. */
  clock: Pick<Clock, "isSet" | "now">;
  /** The clock gives only the earliest time that it can be; the server will tell it, and `judgeDates` follows (native/tls). */
  datesLater?: boolean;
  /** The client's certificate chain, leaf first: PEM or DER; and its key. */
  certificate?: string | Bytes;
  key?: KeyPair | string | Bytes;
  /** ALPN names; the server must choose one of them. */
  applicationLayerProtocolNegotiation?: readonly string[];
}

export interface TLSSocketOptions {
  /** The server's name: what its certificate must be for. */
  host: string;
  /** IP address; without it `host` must be one. */
  address?: string;
  port: number;
  TCP: { io: new (options: never) => Transport; [option: string]: unknown };
  secure: SecureOptions;
  /** For the connection and the handshake, milliseconds. Default 30,000. */
  timeout?: number;
  /** Bytes moved between TCP and TLS at a time. Default 1440, a segment; a connection of small messages does with less. */
  bufferLength?: number;
  format?: "number" | "buffer";
  target?: unknown;
  /** There are `count` bytes to read. Called again when they have been read and there are more. */
  onReadable?(count: number): void;
  /** `count` bytes may be written. The first call says that the session stands. */
  onWritable?(count: number): void;
  /** Once, when the connection is of no use any more, always with a TLSError; what was received before has been read then. */
  onError?(error: TLSError): void;
}

const segment = 1440;
/** The first bytes of a record, which say how long it is. */
const headerSize = 5;
/** Less is not worth a record, and not worth a call of onWritable. */
const smallestCredit = 256;
const handshakeTimeout = 30_000;
/** How long a peer that was refused may take to hear why, milliseconds. */
const lingerTime = 1000;

/**
 * A TLS client connection in the shape of an ECMA-419 TCP socket, over any such socket. It verifies the server, always. It holds
 * no data: ciphertext stays in the TCP socket until the plaintext before it was read, and no more is taken for
 * writing than TCP has room for.
 *
 * Nothing is thrown out of its callbacks, and no callback is called before the constructor or the owner's own call has returned.
 */
export class TLSSocket {
  /** TCP calls them on itself, and its `target` is the TLSSocket (ECMA-419): they take no memory on the chip. */
  static readonly #callbacks = Object.freeze({
    onReadable(this: { target: TLSSocket }, count: number) {
      this.target.#readable = count;
      this.target.run();
    },
    onWritable(this: { target: TLSSocket }, count: number) {
      const { target } = this;
      target.#opened = true;
      target.#writable = count;
      target.#wantsCredit = true;
      target.run();
    },
    onError(this: { target: TLSSocket }) {
      this.target.#ended = true;
      this.target.run();
    },
  });

  static #giveUp({ owner }: OwnedTimer<TLSSocket>): void {
    owner.fail("HandshakeTimeout");
  }

  static #again({ owner }: OwnedTimer<TLSSocket>): void {
    owner.#later = undefined;
    owner.run();
  }

  format: "number" | "buffer";
  target: unknown;
  // Not the options as a whole: roots, certificate and key are of no use after the handshake has begun.
  #host: string;
  #onReadable: TLSSocketOptions["onReadable"];
  #onWritable: TLSSocketOptions["onWritable"];
  #onError: TLSSocketOptions["onError"];
  #engine?: TLSEngine;
  #tcp?: Transport;
  /** Bytes of ciphertext that TCP holds and has room for. */
  #readable = 0;
  #writable = 0;
  #opened = false;
  #ended = false;
  /** What is readable has been announced; the owner has been told of enough room. */
  #shown = false;
  #wantsCredit = true;
  #busy = true;
  #failed = false;
  #buffer: Uint8Array;
  #header: Uint8Array;
  #part: Uint8Array;
  #timer?: Timer;
  #later?: Timer;

  /** @throws TypeError if there is no TCP or secure option; every failure to connect is reported by onError */
  constructor(options: TLSSocketOptions) {
    const { host, secure, TCP, address, port } = options;
    if (!TCP?.io || !secure) throw new TypeError("TCP and secure are needed");
    this.#host = host;
    this.#onReadable = options.onReadable;
    this.#onWritable = options.onWritable;
    this.#onError = options.onError;
    this.format = options.format ?? "buffer";
    this.target = options.target;
    this.#buffer = new Uint8Array(options.bufferLength ?? segment);
    this.#header = this.#part = new Uint8Array(this.#buffer.buffer, 0, headerSize);
    this.#timer = setTimer(this, TLSSocket.#giveUp, options.timeout ?? handshakeTimeout);
    let failure: TLSErrorCode = "InternalError";
    try {
      this.#engine = this.open(host, secure);
      failure = "ConnectionFailed";
      if (this.#engine && !this.#engine.error) this.#tcp = this.openTCP(address ?? host, host, port, TCP);
    } catch (cause) {
      this.failSoon(failure, cause);
    }
    this.#busy = false;
    if (!this.#tcp) this.soon();
  }

  private openTCP(address: string, host: string, port: number, TCP: TLSSocketOptions["TCP"]): Transport {
    return new TCP.io({
      ...TCP,
      address,
      host,
      port,
      noDelay: true,
      nodelay: true,
      format: "buffer",
      target: this,
      ...TLSSocket.#callbacks,
    } as never);
  }

  private open(host: string, secure: SecureOptions): TLSEngine | undefined {
    const { roots, clock, certificate, key, datesLater, applicationLayerProtocolNegotiation: protocols } = secure;
    let keyPair: KeyPair | undefined;
    try {
      keyPair = key === undefined || key instanceof KeyPair ? key : new KeyPair(key);
    } catch (cause) {
      this.failSoon("BadKey", cause);
      return undefined;
    }
    const time = clock?.isSet ? clock.now() : 0;
    const engine = new TLSEngine({ host, roots, time, datesLater, certificate, key: keyPair, protocols });
    if (keyPair !== key) keyPair?.close(); // the handshake holds it as long as it needs it
    return engine;
  }

  /** Ends the session: what was written still goes out if TCP has room for it. May be called at any time, and more than once. */
  close(): void {
    // After a failure the owner has been told, and TCP may still be saying why.
    if (this.#failed) return;
    const engine = this.#engine;
    this.#failed = true;
    try {
      if (engine?.connected) {
        engine.closeNotify();
        this.send();
      }
    } catch {
      // It ends in any case.
    }
    this.release();
    this.closeTCP();
  }

  /**
   * In format "number" the next byte. In format "buffer" an ArrayBuffer of up to `count` bytes (all that are there, without it), or the
   * given buffer is filled and the count of bytes returned. Undefined when there is nothing to read.
   */
  read(count?: number): number | ArrayBuffer | undefined;
  read(buffer: Bytes): number | undefined;
  read(count?: number | Bytes): number | ArrayBuffer | undefined {
    const engine = this.#engine;
    const available = engine?.readable ?? 0;
    if (!engine || !available) return undefined;
    let result: number | ArrayBuffer | undefined;
    if (this.format === "number") result = engine.read();
    else if (typeof count === "object") result = engine.read(count);
    else {
      result = new ArrayBuffer(Math.min(count ?? available, available));
      if (result.byteLength) engine.read(result);
    }
    if (!engine.readable) this.soon();
    return result;
  }

  /**
   * Takes all of the data, a byte in format "number". With `more`, further writes belong to it and small ones share a record;
   * `byteLength` says nothing that is needed here.
   *
   * @returns how many bytes may be written now
   * @throws RangeError "overflow" if that is less than what is given
   */
  write(data: Bytes | number, options?: { more?: boolean; byteLength?: number }): number {
    const engine = this.#engine;
    const length = typeof data === "number" ? 1 : data.byteLength;
    if (!engine || length > engine.capacity(this.#writable)) throw new RangeError("overflow");
    const more = options?.more ?? false;
    // An empty last part still says that the parts before it may go.
    if (!length && !more) engine.write(data, 0, more);
    for (let done = 0; done < length && !engine.error; ) {
      const accepted = engine.write(data, done, more);
      if (!this.send() && !accepted) throw new RangeError("overflow");
      done += accepted;
    }
    this.send();
    if (engine.error || this.#ended) this.soon();
    return this.credit(engine);
  }

  /** With `datesLater`: whether the server's certificates are good at the time that it told. If not, onError follows. */
  judgeDates(time: number): boolean {
    const isGood = this.#engine?.judgeDates(time) ?? false;
    if (!isGood) this.soon();
    return isGood;
  }

  /** "TLSv1.2" or "TLSv1.3", once there is a session. */
  get version(): string | undefined {
    return this.#engine?.version;
  }

  /** The protocol chosen by ALPN. */
  get protocol(): string | undefined {
    return this.#engine?.protocol;
  }

  /** Bytes that the session holds outside of XS, now and at most; undefined where they are not counted, or when it is over. */
  get memory(): { bytes: number; peakBytes: number } | undefined {
    const bytes = this.#engine?.bytes;
    return bytes === undefined ? undefined : { bytes, peakBytes: this.#engine!.peakBytes! };
  }

  private credit(engine: TLSEngine): number {
    const capacity = engine.capacity(this.#writable);
    return capacity < smallestCredit ? 0 : capacity;
  }

  private view(length: number): Uint8Array {
    if (length === this.#buffer.length) return this.#buffer;
    if (length === headerSize) return this.#header;
    if (length !== this.#part.length) this.#part = new Uint8Array(this.#buffer.buffer, 0, length);
    return this.#part;
  }

  /** Ciphertext to TCP, as far as it has room. */
  private send(): boolean {
    let sent = false;
    while (this.#engine && this.#tcp && this.#writable > 0 && !this.#ended) {
      const count = this.#engine.take(this.#buffer, Math.min(this.#writable, this.#buffer.length));
      if (!count) break;
      this.#writable = this.#tcp.write(this.view(count)) ?? this.#writable - count;
      sent = true;
    }
    return sent;
  }

  /** The next bytes that the engine can use from TCP to it. */
  private receive(engine: TLSEngine): boolean {
    const count = Math.min(engine.wanted, this.#readable, this.#buffer.length);
    if (!count) return false;
    const view = this.view(count);
    this.#readable -= count;
    this.#tcp!.read(view);
    engine.feed(view);
    this.#shown = false;
    return true;
  }

  /** Does all that can be done now. */
  private run(): void {
    if (this.#failed) {
      this.linger();
      return;
    }
    if (this.#busy) {
      this.soon();
      return;
    }
    this.#busy = true;
    try {
      while (this.step());
    } catch (cause) {
      this.failSoon("ConnectionLost", cause);
    }
    this.#busy = false;
  }

  /** @returns whether there may be more to do */
  private step(): boolean {
    // The alert that goes with an error is left to fail(), which gives it time to arrive.
    if (!this.#engine?.error) this.send();
    this.giveCredit();
    const engine = this.#engine;
    if (!engine) return false;
    if (engine.error) this.fail(engine.error as TLSErrorCode, { alert: engine.alert, detail: engine.detail });
    else if (engine.readable) return this.show(engine);
    else if (engine.peerClosed) this.fail("ConnectionClosed");
    else if (this.receive(engine)) return true;
    else if (this.#ended) this.fail(this.#opened ? "ConnectionLost" : "ConnectionFailed");
    return false;
  }

  /** Announces plaintext, once; goes on when it has been read. */
  private show(engine: TLSEngine): boolean {
    if (this.#shown) return false;
    this.#shown = true;
    this.tell(this.#onReadable, engine.readable);
    return !this.#failed && !engine.readable;
  }

  /** Says how much may be written, when that may have become more. */
  private giveCredit(): void {
    const engine = this.#engine;
    if (!engine?.connected || !this.#wantsCredit) return;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    const credit = this.credit(engine);
    if (!credit) return;
    this.#wantsCredit = false;
    this.tell(this.#onWritable, credit);
  }

  /** Calls the owner; what it throws ends the connection with a name instead of the machine. */
  private tell(callback: ((count: number) => void) | undefined, count: number): void {
    try {
      callback?.call(this, count);
    } catch (cause) {
      trace(`TLSSocket: ${cause}\n`);
      this.fail("CallbackFailed", { cause });
    }
  }

  private soon(): void {
    this.#later ??= setTimer(this, TLSSocket.#again, 0);
  }

  private failSoon(code: TLSErrorCode, cause: unknown): void {
    Timer.clear(this.#later);
    this.#later = Timer.set(() => {
      this.#later = undefined;
      this.fail(code, { cause });
    });
  }

  /** Ends the connection: the peer hears why, then the owner. */
  private fail(code: TLSErrorCode, details?: { alert?: number; detail?: number; cause?: unknown }): void {
    if (this.#failed) return;
    this.#failed = true;
    let told = false;
    try {
      if (code === "ConnectionClosed" || code === "CallbackFailed") this.#engine?.closeNotify();
      told = this.send();
    } catch {
      // TCP has ended; the reason is known.
    }
    this.release();
    if (told) this.#timer = Timer.set(() => this.closeTCP(), lingerTime);
    this.linger();
    if (!told) this.closeTCP();
    const error = new TLSError(code, this.#host, details);
    try {
      this.#onError?.call(this, error);
    } catch (cause) {
      trace(`TLSSocket: ${cause}\n`);
    }
  }

  private release(): void {
    Timer.clear(this.#timer);
    Timer.clear(this.#later);
    this.#timer = this.#later = undefined;
    this.#engine?.close();
    this.#engine = undefined;
  }

  /**
   * After a refusal: TCP stays for a moment and what comes is thrown away, because closing a socket with unread data in it resets the
   * connection, and the peer would not see our alert.
   */
  private linger(): void {
    try {
      while (this.#tcp && this.#readable > 0) {
        const count = Math.min(this.#readable, this.#buffer.length);
        this.#readable -= count;
        this.#tcp.read(this.view(count));
      }
    } catch {
      this.#ended = true;
    }
    if (this.#ended) this.closeTCP();
  }

  private closeTCP(): void {
    const tcp = this.#tcp;
    this.#tcp = undefined;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    try {
      tcp?.close();
    } catch {
      // It is gone in any case.
    }
  }
}
