import type { Packet } from "./mqtt-wire.ts";

/** The six lines that the real tool's summary log has. */
export interface Summary {
  keepAlive: string;
  persistentSession: string;
  connections: number;
  backoff: string;
  published: string[];
  subscribed: string[];
}

/** What all cases of a run saw of the client. */
export class Observations {
  connections = 0;
  readonly backoff = new Set<string>();
  #keepAlive = new Set<number>();
  #persistent = new Set<boolean>();
  #published = new Set<string>();
  #subscribed = new Set<string>();

  take({ name, keepAlive, cleanSession, topic, filters = [], qos }: Packet): void {
    if (name === "CONNECT") {
      this.connections += 1;
      this.#keepAlive.add(keepAlive!);
      this.#persistent.add(!cleanSession);
    } else if (name === "PUBLISH") this.#published.add(`${topic} (QoS ${qos})`);
    else if (name === "SUBSCRIBE")
      for (const filter of filters) this.#subscribed.add(`${filter.topic} (QoS ${filter.qos})`);
  }

  summary(): Summary {
    return {
      keepAlive: [...this.#keepAlive].map((value) => `${value} s`).join(", ") || "none",
      persistentSession: [...this.#persistent].map((value) => (value ? "yes" : "no")).join(", ") || "none",
      connections: this.connections,
      backoff: [...this.backoff].join(", ") || "not measured",
      published: [...this.#published].sort(),
      subscribed: [...this.#subscribed].sort(),
    };
  }
}
