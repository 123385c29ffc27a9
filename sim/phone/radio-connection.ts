import type { HostConnection } from "../radio/host-stack.ts";
import { PhoneError } from "./errors.ts";
import { within } from "./waiting.ts";

/** Milliseconds for one GATT request; ATT itself gives up after 30 s. */
const requestTimeout = 15_000;
/** ATT errors that say: encrypt the link first (Core Vol 3 Part F section 3.4.1.1). */
const insufficient = [0x05, 0x0f];
/** ATT error "unlikely error". */
const pairingFailed = 0x0e;

/** A procedure of the host stack: calls `done` with an ATT error, or 0 and a value. */
export type Procedure<T> = (done: (error: number, value?: T) => void) => void;

export class AttributeError extends PhoneError {
  readonly attError: number;

  constructor(attError: number) {
    super("GattError", `attribute protocol error ${attError}`);
    this.attError = attError;
  }
}

/** A connection on the simulator's radio whose procedures all end. */
export class RadioConnection {
  /** Resolves when the link is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly host: HostConnection;
  #end!: () => void;
  /** Ends the procedures that are under way. */
  #failures = new Set<(error: PhoneError) => void>();

  constructor(host: HostConnection) {
    this.host = host;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    host.on("disconnect", () => this.lost());
  }

  /** Bytes that fit into one write without being cut into pieces. */
  get maximumWrite(): number {
    return Math.min(512, this.host.gatt.currentMtu - 3);
  }

  /** Also called when the radio itself is gone. */
  lost(): void {
    for (const fail of this.#failures) fail(disconnected());
    this.#end();
  }

  /**
   * One GATT procedure. ble-host forgets its callbacks when the link ends, so the end of the link is waited for as well.
   * @throws AttributeError, PhoneError Disconnected, Timeout
   */
  ask<T>(start: Procedure<T>, timeout = requestTimeout): Promise<T> {
    let failure = (_error: PhoneError) => {};
    const asked = new Promise<T>((resolve, reject) => {
      failure = reject;
      if (this.host.disconnected) {
        reject(disconnected());
        return;
      }
      this.#failures.add(reject);
      start((error, value) => {
        if (error) reject(new AttributeError(error));
        else resolve(value as T);
      });
    });
    const late = () => new PhoneError("Timeout", `no answer within ${timeout} ms`);
    return within(timeout, asked, late).finally(() => this.#failures.delete(failure));
  }

  /** The procedure, and once more after pairing when the camera wants an encrypted link for it. */
  async askSecurely<T>(start: Procedure<T>): Promise<T> {
    try {
      return await this.ask(start);
    } catch (error) {
      const wantsPairing = error instanceof AttributeError && insufficient.includes(error.attError);
      if (!wantsPairing || this.host.smp.isEncrypted) throw error;
    }
    await this.#pair();
    return await this.ask(start);
  }

  async close(): Promise<void> {
    if (!this.host.disconnected) this.host.disconnect();
    await within(1000, this.closed, () => new Error("late")).catch(() => this.lost());
  }

  /** LE Secure Connections, "Just Works", without a bond: the proof of possession is what counts here. */
  #pair(): Promise<void> {
    const { smp } = this.host;
    return this.ask<void>((done) => {
      smp.once("pairingComplete", () => done(0));
      smp.once("pairingFail", () => done(pairingFailed));
      smp.sendPairingRequest({ bondingFlags: 0, sc: true });
    });
  }
}

function disconnected(): PhoneError {
  return new PhoneError("Disconnected", "the connection to the camera was lost");
}
