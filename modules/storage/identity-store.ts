import type { RecordStore } from "./record-store";

/** What makes this camera a thing of AWS IoT Core. The key is a secret: it goes from here into the TLS engine and nowhere else. */
export interface Identity {
  thingName: string;
  /** Host of the MQTT broker, with an optional port: `host` or `host:port`. */
  endpoint: string;
  /** The device certificate, PEM, with intermediates if there are any. */
  certificate: string;
  /** Private key, PEM. */
  key: string;
  /** Root certificates that the broker and the bucket must chain to, PEM; Amazon's when absent. */
  rootCA?: string;
  region?: string;
}

interface PendingKey {
  thingName: string;
  key: string;
}

/**
 * Two slots and a pointer: a new identity is written beside the one in force, and only then does the pointer move. A cut
 * at any step leaves the camera with a whole identity.
 */
export class IdentityStore {
  #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  get current(): Identity | undefined {
    const slot = this.slot;
    return slot === undefined ? undefined : this.#records.read<Identity>(`identity${slot}`);
  }

  /** The new identity is in force when this returns; a key that waited for its certificate is used up by it. */
  replace(identity: Identity): void {
    const previous = this.slot;
    const slot = previous === 0 ? 1 : 0;
    this.#records.write(`identity${slot}`, identity);
    this.#records.write("identity", { slot });
    if (previous !== undefined) this.#records.delete(`identity${previous}`);
    this.#records.delete("pendingKey");
  }

  erase(): void {
    this.#records.delete("identity");
    this.#records.delete("identity0");
    this.#records.delete("identity1");
    this.#records.delete("pendingKey");
  }

  /** Keeps the key of a certificate request until its certificate comes back. */
  keepPendingKey(thingName: string, key: string): void {
    this.#records.write("pendingKey", { thingName, key });
  }

  pendingKey(thingName: string): string | undefined {
    const pending = this.#records.read<PendingKey>("pendingKey");
    return pending?.thingName === thingName ? pending.key : undefined;
  }

  private get slot(): 0 | 1 | undefined {
    const pointer = this.#records.read<{ slot: number }>("identity");
    return pointer?.slot === 0 || pointer?.slot === 1 ? pointer.slot : undefined;
  }
}
