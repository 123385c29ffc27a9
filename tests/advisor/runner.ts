import { Bench, type Case, type CaseSettings, type Category, type Row } from "./case.ts";
import type { Client } from "./clients/client.ts";
import { type ClientIdentity, Credentials, host } from "./credentials.ts";
import { Endpoint } from "./endpoint.ts";
import { Observations } from "./observations.ts";
import { ScaledTime } from "./scaled-time.ts";
import { CaseFailure } from "./verdict.ts";

export interface RunOptions {
  client: Client;
  settings: CaseSettings;
  /** Cases at the same time; each has an endpoint and a client of its own. With a fixed port: 1. */
  concurrency: number;
  /** Of the endpoint; default any. */
  port?: number;
  credentials?: Credentials;
  identity?: ClientIdentity;
  onResult?(result: Result): void;
}

export interface Result extends Row {
  category: Category;
  qualification: boolean;
  /** Real time. */
  milliseconds: number;
}

export const clientId = "advisor-device";

/** Runs cases against a client. Never rejects because of what the client does. */
export class Runner {
  readonly observations = new Observations();
  readonly #options: RunOptions;
  readonly #credentials: Credentials;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#credentials = options.credentials ?? new Credentials();
  }

  /** Makes the certificates of the cases: that takes the processor from clients whose time runs faster than ours. */
  async prepare(cases: Case[]): Promise<void> {
    for (const { certificate = "ordinary" } of cases) await this.#credentials.server(certificate);
  }

  /** The table, in the order of the cases. */
  async run(cases: Case[]): Promise<Result[]> {
    const identity = this.#options.identity ?? (await this.#credentials.client(clientId));
    await this.prepare(cases);
    const results: Result[][] = [];
    const queue = cases.map((candidate, index) => ({ candidate, index }));
    // The last in the table take longest: side by side they begin first.
    if (this.#options.concurrency > 1) queue.reverse();
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const rows = await this.#judge(next.candidate, identity);
        results[next.index] = rows;
        for (const row of rows) this.#options.onResult?.(row);
      }
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, work));
    return results.flat();
  }

  async #judge(candidate: Case, identity: ClientIdentity): Promise<Result[]> {
    const { id, category, qualification = false } = candidate;
    const start = performance.now();
    const rows = await this.#rows(candidate, identity);
    const milliseconds = Math.round(performance.now() - start);
    return rows.map((row) => ({ ...row, id: row.id || id, category, qualification, milliseconds }));
  }

  async #rows(candidate: Case, identity: ClientIdentity): Promise<Row[]> {
    try {
      const outcome = await this.#withEndpoint(candidate, identity);
      return Array.isArray(outcome) ? outcome : [{ id: candidate.id, ...outcome }];
    } catch (error) {
      if (!(error instanceof CaseFailure)) throw error;
      return [{ id: candidate.id, verdict: "FAIL", reason: error.message }];
    }
  }

  async #withEndpoint(candidate: Case, identity: ClientIdentity): ReturnType<Case["run"]> {
    const { client, settings, port } = this.#options;
    const timeScale = client.timeScale * (client.isScalable ? (candidate.hurry ?? 1) : 1);
    const endpoint = await Endpoint.open({
      time: new ScaledTime(timeScale),
      identity: await this.#credentials.server(candidate.certificate ?? "ordinary"),
      clientCA: identity.rootPem,
      port,
      onPacket: (packet) => this.observations.take(packet),
    });
    const target = { host, port: endpoint.port, clientId, identity, timeScale };
    const running = candidate.offline ? undefined : await client.start(target);
    try {
      return await candidate.run(new Bench(endpoint, settings, this.observations));
    } finally {
      await running?.stop();
      await endpoint.refuse();
    }
  }
}
