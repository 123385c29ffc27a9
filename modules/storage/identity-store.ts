import type { TextPairs } from "../json/text-pairs";
import type { RecordStore } from "./record-store";

/** What makes this camera a thing of AWS IoT Core. The key is a secret: it goes from here into the TLS engine and nowhere else. */
export interface Identity {
  thingName: string;
  /** Host of the MQTT broker, with an optional port: `host` or `host:port`; or several of them, the same account in several regions. */
  endpoint: string | readonly string[];
  /** The device certificate, PEM, with intermediates if there are any. */
  certificate: string;
  /** Private key, PEM. */
  key: string;
  /** Root certificates that the broker and the bucket must chain to, PEM; Amazon's when absent. */
  rootCA?: string;
  region?: string;
}

/** Who the camera is, without the kilobytes of certificate, key and roots. */
export interface IdentitySummary {
  thingName: string;
  /** What AWS IoT calls its certificate; absent when the identity was stored without it. */
  certificateId?: string | null;
}

/** An order to fetch a new certificate by fleet provisioning. It stays until the new identity has proven itself. */
export interface Enrolment {
  endpoint: string | readonly string[];
  /** Name of the provisioning template. */
  template: string;
  /** For the template. */
  parameters?: TextPairs;
  rootCA?: string;
  region?: string;
  /** The claim, PEM; without one the identity in force asks for its successor. */
  certificate?: string;
  key?: string;
  /** The claim is refused from then on, milliseconds since 1970. */
  expiresAt?: number;
}

/** It has the summary of the identity that it points to, so that both change in one step. */
interface Pointer extends Partial<IdentitySummary> {
  slot?: number;
  /** Everything is being erased. */
  erased?: boolean;
}

interface PendingKey {
  thingName: string;
  key: string;
}

/** Members of an identity, or of a claim, that are read without the others. */
const names = Object.freeze({
  thingName: Object.freeze(["thingName"]),
  endpoint: Object.freeze(["endpoint"]),
  certificate: Object.freeze(["certificate"]),
  key: Object.freeze(["key"]),
  none: Object.freeze([]),
});

/**
 * Two slots and a pointer: a new identity is written beside the one in force, and only then does the pointer move. A cut
 * at any step leaves the camera with a whole identity.
 *
 * An identity that has yet to prove itself is on trial: a second pointer names its slot, and the first one moves when it is
 * confirmed. While both name the same slot, a confirmation was cut short: what it had left to delete counts as absent, and
 * `settle` deletes it at the next start, because there are private keys in it.
 */
export class IdentityStore {
  #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** The identity in force. */
  get current(): Identity | undefined {
    return this.identityIn(this.slot);
  }

  /** Of the identity in force, without its key and roots. */
  get certificate(): string | undefined {
    return this.identityIn(this.slot, names.certificate)?.certificate;
  }

  /** Where the identity in force connects to. */
  get endpoint(): Identity["endpoint"] | undefined {
    return this.identityIn(this.slot, names.endpoint)?.endpoint;
  }

  /** Of the identity in force. Whoever asks often asks for this: all of an identity takes a good part of the machine to read. */
  get summary(): IdentitySummary | undefined {
    return this.summaryOf("identity");
  }

  /** The identity that has yet to prove itself. */
  get trial(): Identity | undefined {
    return this.isTrying ? this.identityIn(this.trialSlot) : undefined;
  }

  get trialSummary(): IdentitySummary | undefined {
    return this.isTrying ? this.summaryOf("trial") : undefined;
  }

  /** There is an identity that has yet to prove itself. */
  get isTrying(): boolean {
    const { trialSlot } = this;
    return trialSlot !== undefined && trialSlot !== this.slot;
  }

  get enrolment(): Enrolment | undefined {
    return this.isConfirmed ? undefined : this.#records.read<Enrolment>("enrolment");
  }

  /** There is one. A claim has kilobytes, which are not made for that. */
  get hasEnrolment(): boolean {
    return !this.isConfirmed && this.#records.read<Enrolment>("enrolment", names.none) !== undefined;
  }

  /** What the next connection is made with: the identity on trial, a claim (it has no thing name), or the identity in force. */
  get inUse(): Identity | undefined {
    const { trial } = this;
    if (trial) return trial;
    const { endpoint, certificate, key, rootCA, region } = this.enrolment ?? { endpoint: "" };
    if (certificate && key) return { thingName: "", endpoint, certificate, key, rootCA, region };
    return this.current;
  }

  /** The identity on trial is not the successor that the one in force has asked for: it may be another owner's. */
  get isNewcomer(): boolean {
    if (!this.isTrying) return false;
    return (
      !this.hasEnrolment || this.#records.read<Enrolment>("enrolment", names.certificate)?.certificate !== undefined
    );
  }

  /** A new identity is to be fetched, and none is on trial. */
  get isEnrolling(): boolean {
    return !this.isTrying && this.hasEnrolment;
  }

  /** Takes the place of an earlier order, and of an identity on trial. */
  order(enrolment: Enrolment): void {
    this.abandon();
    this.#records.write("enrolment", enrolment);
  }

  cancelEnrolment(): void {
    this.#records.delete("enrolment");
  }

  /**
   * Puts an identity on trial, beside the one in force; it takes the place of another one on trial. An order stays, and goes on when the
   * trial comes to nothing.
   *
   * @param certificateId for its summary
   */
  propose(identity: Identity, certificateId?: string | null): void {
    if (this.isConfirmed) this.finish();
    const { slot: inForce, trialSlot: earlier } = this;
    // Without an identity in force both slots are free for trials, and the camera is never without one.
    const slot = inForce === undefined ? 1 - (earlier ?? 1) : 1 - inForce;
    if (earlier === slot) this.#records.delete("trial");
    this.#records.write(`identity${slot}`, identity);
    this.#records.write("trial", { slot, thingName: identity.thingName, certificateId });
    if (earlier !== undefined && earlier !== slot) this.#records.delete(`identity${earlier}`);
  }

  /** The identity on trial is in force when this returns; the one before it, the order and the key that it was made for are gone. */
  confirm(): void {
    if (!this.isTrying || !this.identityIn(this.trialSlot, names.thingName)) return;
    this.#records.write("identity", this.#records.read<Pointer>("trial") as Pointer);
    this.finish();
  }

  /** The identity on trial is given up. */
  abandon(): void {
    const { trialSlot } = this;
    if (this.isConfirmed) this.finish();
    else if (trialSlot !== undefined) {
      this.#records.delete("trial");
      this.#records.delete(`identity${trialSlot}`);
    }
  }

  /** What a confirmation has left to do when the pointer has moved. The second pointer goes last: it says that there is something left. */
  private finish(): void {
    this.#records.delete("enrolment");
    this.#records.delete(`identity${1 - (this.slot ?? 0)}`);
    if (this.identityIn(this.slot, names.key)?.key === this.#records.read<PendingKey>("pendingKey")?.key)
      this.#records.delete("pendingKey");
    this.#records.delete("trial");
  }

  /** At each start: ends what the power cut short, so that no private key outlives its use. */
  settle(): void {
    if (this.#records.read<Pointer>("identity")?.erased) this.erase();
    if (this.isConfirmed) this.finish();
    const { slot, trialSlot } = this;
    // Of a change that did not come about.
    for (const free of [0, 1]) if (free !== slot && free !== trialSlot) this.#records.delete(`identity${free}`);
  }

  /**
   * At each start: an identity that the factory wrote gets its summary, so that nobody reads all of it to say who the camera is.
   *
   * @param idOf what AWS IoT calls a certificate, of its PEM
   */
  summarize(idOf: (certificate: string) => string | null): void {
    const { slot, summary } = this;
    if (!summary || summary.certificateId !== undefined) return;
    try {
      const certificateId = idOf(this.certificate ?? "");
      this.#records.write("identity", { slot, thingName: summary.thingName, certificateId });
    } catch {
      // A full storage: then it is read each time.
    }
  }

  /** Nothing of an owner is left when this returns. A cut leaves everything, or `settle` goes on with it. */
  erase(): void {
    try {
      this.#records.write("identity", { erased: true });
    } catch {
      // A full storage must not keep anything from being erased.
    }
    this.#records.delete("trial");
    this.#records.delete("enrolment");
    this.#records.delete("endpoint");
    this.#records.delete("identity0");
    this.#records.delete("identity1");
    this.#records.delete("pendingKey");
    this.#records.delete("identity");
  }

  /** Keeps the key of a certificate request until its certificate comes back. */
  keepPendingKey(thingName: string, key: string): void {
    this.#records.write("pendingKey", { thingName, key });
  }

  pendingKey(thingName: string): string | undefined {
    const pending = this.#records.read<PendingKey>("pendingKey");
    return pending?.thingName === thingName ? pending.key : undefined;
  }

  /** Of several endpoints the one that was good last time. */
  get goodEndpoint(): string | undefined {
    return this.#records.read<{ endpoint: string }>("endpoint")?.endpoint;
  }

  /** Writes only what is news: flash wears out. */
  set goodEndpoint(endpoint: string | undefined) {
    if (endpoint !== undefined && endpoint !== this.goodEndpoint) this.#records.write("endpoint", { endpoint });
  }

  private get slot(): 0 | 1 | undefined {
    return this.slotIn("identity");
  }

  private get trialSlot(): 0 | 1 | undefined {
    return this.slotIn("trial");
  }

  /** A confirmation was cut short behind its first step. */
  private get isConfirmed(): boolean {
    const { trialSlot } = this;
    return trialSlot !== undefined && trialSlot === this.slot;
  }

  /** An identity that the factory wrote has none: then it is read. */
  private summaryOf(record: "identity" | "trial"): IdentitySummary | undefined {
    const slot = this.slotIn(record);
    if (slot === undefined) return undefined;
    const { thingName, certificateId } = this.#records.read<Pointer>(record) as Pointer;
    if (thingName) return { thingName, certificateId };
    const identity = this.identityIn(slot, names.thingName);
    return identity && { thingName: identity.thingName };
  }

  /** @param members that are wanted, default all: an identity has kilobytes */
  private identityIn(slot: 0 | 1 | undefined, members?: readonly string[]): Identity | undefined {
    return slot === undefined ? undefined : this.#records.read<Identity>(`identity${slot}`, members);
  }

  private slotIn(record: string): 0 | 1 | undefined {
    const pointer = this.#records.read<Pointer>(record);
    return pointer?.slot === 0 || pointer?.slot === 1 ? pointer.slot : undefined;
  }
}
