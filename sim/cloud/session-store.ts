import type { AedesPublishPacket, Subscription } from "aedes";
import memoryPersistence from "aedes-persistence";
import { recordOf } from "../own-member.ts";
import { JsonFile } from "./json-file.ts";

interface StoredPacket extends Omit<AedesPublishPacket, "payload"> {
  /** Base64. */
  payload: string;
}

interface StoredSession {
  subscriptions: Subscription[];
  outgoing: StoredPacket[];
  /** When its connection ended, milliseconds since 1970; while connected, and after a crash, 0. */
  disconnectedAt: number;
}

interface State {
  sessions: Record<string, StoredSession>;
  retained: StoredPacket[];
}

type Client = { id: string };

/** The part of aedes's persistence interface that is used here (aedes-persistence, abstract tests). */
interface Persistence {
  addSubscriptions(client: Client, subscriptions: Subscription[]): Promise<void>;
  cleanSubscriptions(client: Client): Promise<void>;
  subscriptionsByClient(client: Client): Promise<Subscription[]>;
  outgoingEnqueue(subscription: { clientId: string }, packet: AedesPublishPacket): Promise<void>;
  outgoingClearMessageId(client: Client, packet: AedesPublishPacket): Promise<unknown>;
  outgoingStream(client: Client): AsyncIterable<AedesPublishPacket>;
  storeRetained(packet: AedesPublishPacket): Promise<void>;
  createRetainedStream(pattern: string): AsyncIterable<AedesPublishPacket>;
  [method: string]: (...args: never[]) => unknown;
}

/** Methods after which there is something to write. */
const mutators = [
  "addSubscriptions",
  "removeSubscriptions",
  "cleanSubscriptions",
  "outgoingEnqueue",
  "outgoingEnqueueCombi",
  "outgoingUpdate",
  "outgoingClearMessageId",
  "storeRetained",
];

/** Changes are gathered for so long before they are written, milliseconds. */
const gatherTime = 20;

/**
 * Persistent sessions that survive a restart of the broker: aedes keeps them in memory, and after each change all of them are written
 * to a file. Also their expiry, of which MQTT 3.1.1 knows nothing and AWS IoT does.
 */
export class SessionStore {
  /** For aedes. */
  readonly persistence: Persistence;
  #file: JsonFile<State>;
  #expiry: number;
  #disconnectedAt = new Map<string, number>();
  #timer?: NodeJS.Timeout;
  #writing = Promise.resolve();

  /** @param expiry seconds */
  constructor(path: string, expiry: number) {
    this.#file = new JsonFile(path);
    this.#expiry = expiry;
    this.persistence = memoryPersistence() as unknown as Persistence;
    for (const name of mutators) {
      const original = this.persistence[name].bind(this.persistence);
      this.persistence[name] = (...args) => {
        this.#changed();
        return original(...args);
      };
    }
  }

  /** Takes up what the last process left. */
  async restore(): Promise<void> {
    const state = this.#file.read();
    for (const [id, session] of Object.entries(state?.sessions ?? {})) {
      this.#disconnectedAt.set(id, session.disconnectedAt || Date.now());
      await this.persistence.addSubscriptions({ id }, session.subscriptions);
      for (const packet of session.outgoing) await this.persistence.outgoingEnqueue({ clientId: id }, unpack(packet));
    }
    for (const packet of state?.retained ?? []) await this.persistence.storeRetained(unpack(packet));
  }

  /** Forgets the session if it has been alone for too long. To be called before the client is let in. */
  async connecting(id: string): Promise<void> {
    const since = this.#disconnectedAt.get(id);
    this.#disconnectedAt.set(id, 0);
    if (!since || Date.now() - since < this.#expiry * 1000) return;
    await this.persistence.cleanSubscriptions({ id });
    for await (const packet of this.persistence.outgoingStream({ id }))
      await this.persistence.outgoingClearMessageId({ id }, packet);
  }

  disconnected(id: string): void {
    this.#disconnectedAt.set(id, Date.now());
    this.#changed();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    await this.#write();
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing
        .then(() => this.#write())
        .catch((error) => console.error(`sessions not kept: ${error}`));
    }, gatherTime);
  }

  async #write(): Promise<void> {
    const state: State = { sessions: recordOf(), retained: [] };
    for (const [id, disconnectedAt] of this.#disconnectedAt) {
      const subscriptions = await this.persistence.subscriptionsByClient({ id });
      const outgoing: StoredPacket[] = [];
      for await (const packet of this.persistence.outgoingStream({ id })) outgoing.push(pack(packet));
      if (subscriptions.length || outgoing.length) state.sessions[id] = { subscriptions, outgoing, disconnectedAt };
    }
    for await (const packet of this.persistence.createRetainedStream("#")) state.retained.push(pack(packet));
    this.#file.write(state);
  }
}

function pack(packet: AedesPublishPacket): StoredPacket {
  return { ...packet, payload: Buffer.from(packet.payload).toString("base64") };
}

function unpack(packet: StoredPacket): AedesPublishPacket {
  return { ...packet, payload: Buffer.from(packet.payload, "base64") } as AedesPublishPacket;
}
