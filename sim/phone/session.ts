import { fromUTF8, utf8 } from "./bytes.ts";
import { CameraError, PhoneError } from "./errors.ts";
import { Assembler, plainError, toFragments } from "./fragments.ts";
import type { GattLink } from "./gatt.ts";
import { shakeHands } from "./handshake.ts";
import type { MessageSecurity } from "./message-security.ts";
import type { Decoded, MessageType } from "./protobuf.ts";
import { cancellable, checkNotCancelled, pause } from "./waiting.ts";

const firstPoll = 10;
const slowestPoll = 200;

export interface RequestOptions {
  /** Milliseconds for the camera's answer. */
  timeout: number;
  signal?: AbortSignal;
}

/**
 * An encrypted session with a camera. Requests are strictly one at a time; whoever asks while another request is under way waits
 * for it. An error that leaves the two ends out of step ends the session. Who cancels a request that is under way is let
 * go at once, and its answer is fetched all the same: the session goes on.
 */
export class Session {
  #link: GattLink;
  #security: MessageSecurity;
  #queue: Promise<unknown> = Promise.resolve();
  #open = true;

  private constructor(link: GattLink, security: MessageSecurity) {
    this.#link = link;
    this.#security = security;
  }

  get open(): boolean {
    return this.#open;
  }

  /** How its messages are protected, in words. */
  get scheme(): string {
    return this.#security.scheme;
  }

  /** @throws PhoneError WrongProof, LockedOut, Busy, UnsupportedProtocol, Disconnected, Cancelled */
  static async establish(link: GattLink, proofOfPossession: string, signal?: AbortSignal): Promise<Session> {
    checkNotCancelled(signal);
    const security = await shakeHands(link, proofOfPossession, signal);
    return new Session(link, security);
  }

  /** A request to one of Espressif's endpoints. */
  binary(endpoint: string, type: MessageType, message: object, signal?: AbortSignal): Promise<Decoded> {
    return this.#inTurn(signal, async () => {
      await this.#link.write(endpoint, this.#security.seal(type.encode(message)));
      const value = await this.#link.read(endpoint);
      this.#checkRefusal(value);
      return type.decode(this.#opened(value));
    });
  }

  /**
   * A request to one of the camera's endpoints.
   * @throws CameraError when the answer is an error, PhoneError otherwise
   */
  request(endpoint: string, message: object | Uint8Array, { timeout, signal }: RequestOptions): Promise<Decoded> {
    return this.#inTurn(signal, async () => {
      const bytes = message instanceof Uint8Array ? message : utf8(JSON.stringify(message));
      for (const fragment of toFragments(bytes, this.#link.maximumWrite, this.#security))
        await this.#link.write(endpoint, fragment);
      return JSON.parse(fromUTF8(await this.#answer(endpoint, timeout)));
    }).then((answer) => {
      if (answer?.error) throw new CameraError(String(answer.error.code), String(answer.error.message));
      return answer;
    });
  }

  end(): void {
    this.#open = false;
  }

  async #answer(endpoint: string, timeout: number): Promise<Uint8Array> {
    const deadline = performance.now() + timeout;
    const assembler = new Assembler();
    let poll = firstPoll;
    for (;;) {
      const value = await this.#link.read(endpoint);
      if (value.length) {
        this.#checkRefusal(value);
        const message = assembler.push(value[0], this.#opened(value.subarray(1), value[0]));
        if (message) return message;
      } else {
        if (performance.now() > deadline) throw new PhoneError("Timeout", `no answer within ${timeout} ms`);
        await pause(poll);
        poll = Math.min(poll * 2, slowestPoll);
      }
    }
  }

  #inTurn<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      checkNotCancelled(signal);
      if (!this.#open) throw new PhoneError("NoSession", "the session has ended; open a new one");
      try {
        return await run();
      } catch (error) {
        // Somewhere between the bytes: the two ends can no longer be trusted to be in step.
        this.#open = false;
        throw error instanceof PhoneError ? error : new PhoneError("SessionLost", (error as Error).message);
      }
    });
    this.#queue = turn.catch(() => undefined);
    return cancellable(turn, signal);
  }

  #opened(value: Uint8Array, header?: number): Uint8Array {
    const opened = this.#security.open(value, header);
    if (!opened) throw new PhoneError("SessionLost", "what the camera said was altered on its way");
    return opened;
  }

  #checkRefusal(value: Uint8Array): void {
    const refusal = plainError(value);
    if (!refusal) return;
    const code = refusal.code === "Busy" || refusal.code === "NoSession" ? refusal.code : "Refused";
    throw new PhoneError(code, `${refusal.code}: ${refusal.message}`);
  }
}
