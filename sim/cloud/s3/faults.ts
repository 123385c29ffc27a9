import type { ErrorCode } from "./errors.ts";
import type { XMLElements } from "./xml.ts";

/** What goes wrong, once it is the fault's turn. */
export type FaultAction =
  /** An error answer in place of the real one. */
  | { answer: ErrorCode; message?: string; elements?: XMLElements; headers?: Record<string, string> }
  /** An answer of any form, byte for byte; then the connection is closed. */
  | { raw: string }
  /** The connection ends: with a TCP reset, or in an orderly way. */
  | { cut: "reset" | "end" }
  /** Nothing is read or said for so many ms; then things go on. */
  | { stall: number }
  /** The request succeeds, but the connection ends after so many bytes of the answer. */
  | { cutAnswer: number }
  /** The request succeeds, but the answer carries another ETag. */
  | { etag: string };

export interface Fault {
  /** Which requests; default PUT. */
  method?: string;
  /** Only this key. */
  key?: string;
  /** How many requests; default 1. */
  times?: number;
  /**
   * When: after so many body bytes. Left out: as soon as the head is there, and before 100 Continue, so that a client that waits for it
   * sends no body at all.
   */
  afterBytes?: number;
  action: FaultAction;
}

/** Faults that wait for their requests, first come, first served. */
export class Faults {
  readonly #faults: Fault[] = [];

  add(...faults: Fault[]): void {
    this.#faults.push(...faults.map((fault) => ({ ...fault })));
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** How many wait. */
  get pending(): number {
    return this.#faults.length;
  }

  /** The fault for a request, if there is one. */
  take(method: string, key: string): Fault | undefined {
    const index = this.#faults.findIndex(
      (fault) => (fault.method ?? "PUT") === method && (fault.key === undefined || fault.key === key),
    );
    if (index < 0) return undefined;
    const fault = this.#faults[index];
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.#faults.splice(index, 1);
    return fault;
  }
}
