import { fromUTF8, utf8 } from "./bytes.ts";
import { CameraError, PhoneError } from "./errors.ts";
import { Assembler, plainError, toFragments } from "./fragments.ts";
import type { GattLink } from "./gatt.ts";
import { SessionData, Status } from "./messages.ts";
import type { Decoded, MessageType } from "./protobuf.ts";
import { Security1 } from "./security1.ts";
import { cancellable, checkNotCancelled, pause } from "./waiting.ts";

const versionEndpoint = "proto-ver";
const sessionEndpoint = "prov-session";
const firstPoll = 10;
const slowestPoll = 200;

/** What proto-ver says. */
export interface CameraVersion {
  prov: { ver: string; sec_ver: number; cap: string[] };
  devicelink?: { ver: string; busy: boolean; retryAfter: number };
}

export async function readVersion(link: GattLink): Promise<CameraVersion> {
  await link.write(versionEndpoint, utf8("---"));
  const text = fromUTF8(await link.read(versionEndpoint));
  try {
    return JSON.parse(text);
  } catch {
    throw new PhoneError("UnsupportedProtocol", "the device gives no version");
  }
}

export interface RequestOptions {
  /** Milliseconds for the camera's answer. */
  timeout: number;
  signal?: AbortSignal;
}

/**
 * An encrypted session with a camera. Requests are strictly one at a time; whoever asks while another request is under way waits
 * for it. An error that leaves the two cipher streams out of step ends the session. Who cancels a request that is under way is let
 * go at once, and its answer is fetched all the same: the session goes on.
 */
export class Session {
  #link: GattLink;
  #security: Security1;
  #queue: Promise<unknown> = Promise.resolve();
  #open = true;

  private constructor(link: GattLink, security: Security1) {
    this.#link = link;
    this.#security = security;
  }

  get open(): boolean {
    return this.#open;
  }

  /** @throws PhoneError WrongProof, LockedOut, Busy, UnsupportedProtocol, Disconnected, Cancelled */
  static async establish(link: GattLink, proofOfPossession: string, signal?: AbortSignal): Promise<Session> {
    checkNotCancelled(signal);
    const security = new Security1();
    const challenge = (await exchange(link, { sc0: { client_pubkey: security.publicKey } })).sr0;
    await checkStatus(link, challenge?.status);
    checkNotCancelled(signal);
    const proof = prove(security, challenge, proofOfPossession);
    const answer = (await exchange(link, { msg: 2, sc1: { client_verify_data: proof } })).sr1;
    await checkStatus(link, answer?.status);
    if (!security.accepts(answer.device_verify_data))
      throw new PhoneError("WrongProof", "the device does not know the proof of possession: it is not the camera");
    checkNotCancelled(signal);
    return new Session(link, security);
  }

  /** A request to one of Espressif's endpoints. */
  binary(endpoint: string, type: MessageType, message: object, signal?: AbortSignal): Promise<Decoded> {
    return this.#inTurn(signal, async () => {
      await this.#link.write(endpoint, this.#security.transform(type.encode(message)));
      const value = await this.#link.read(endpoint);
      this.#checkRefusal(value);
      return type.decode(this.#security.transform(value));
    });
  }

  /**
   * A request to one of the camera's endpoints.
   * @throws CameraError when the answer is an error, PhoneError otherwise
   */
  request(endpoint: string, message: object, { timeout, signal }: RequestOptions): Promise<Decoded> {
    return this.#inTurn(signal, async () => {
      const bytes = this.#security.transform(utf8(JSON.stringify(message)));
      for (const fragment of toFragments(bytes, this.#link.maximumWrite)) await this.#link.write(endpoint, fragment);
      const answer = await this.#answer(endpoint, timeout);
      return JSON.parse(fromUTF8(this.#security.transform(answer)));
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
        const message = assembler.push(value);
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
        // Somewhere between the bytes: the streams can no longer be trusted to be in step.
        this.#open = false;
        throw error instanceof PhoneError ? error : new PhoneError("SessionLost", (error as Error).message);
      }
    });
    this.#queue = turn.catch(() => undefined);
    return cancellable(turn, signal);
  }

  #checkRefusal(value: Uint8Array): void {
    const refusal = plainError(value);
    if (!refusal) return;
    const code = refusal.code === "Busy" || refusal.code === "NoSession" ? refusal.code : "Refused";
    throw new PhoneError(code, `${refusal.code}: ${refusal.message}`);
  }
}

function prove(security: Security1, challenge: Decoded, proofOfPossession: string): Uint8Array {
  const { device_pubkey: key, device_random: random } = challenge;
  const malformed = () => new PhoneError("UnsupportedProtocol", "the camera's challenge is malformed");
  if (key.length !== 32 || random.length !== 16) throw malformed();
  try {
    return security.prove(key, random, proofOfPossession);
  } catch {
    throw malformed();
  }
}

async function exchange(link: GattLink, sec1: object): Promise<Decoded> {
  await link.write(sessionEndpoint, SessionData.encode({ sec_ver: 1, sec1 }));
  const value = await link.read(sessionEndpoint);
  try {
    const answer = SessionData.decode(value);
    if (answer.sec_ver === 1 && answer.sec1) return answer.sec1;
  } catch {
    // Not a message at all: the same as one of another security scheme.
  }
  throw new PhoneError("UnsupportedProtocol", "the device does not speak security 1");
}

async function checkStatus(link: GattLink, status: number | undefined): Promise<void> {
  if (status === Status.success) return;
  if (status === Status.cryptoError) throw new PhoneError("WrongProof", "wrong proof of possession");
  if (status === Status.tooManySessions) throw new PhoneError("Busy", "another phone has a session with this camera");
  if (status === Status.invalidSession) {
    const { devicelink } = await readVersion(link);
    const error = new PhoneError("LockedOut", `too many wrong proofs; wait ${devicelink?.retryAfter ?? "?"} s`);
    error.retryAfter = devicelink ? devicelink.retryAfter * 1000 : undefined;
    throw error;
  }
  throw new PhoneError("UnsupportedProtocol", `the camera refused the session, status ${status}`);
}
