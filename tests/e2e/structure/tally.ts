import type { Generated } from "./generated-message.ts";

/** How many there were, of what. */
export class Tally {
  readonly kinds: Record<string, number> = {};
  /** By their names; `accepted` is none. */
  readonly verdicts: Record<string, number> = { accepted: 0 };
  damaged = 0;
  count = 0;

  add({ kind, isDamaged }: Generated, verdict: string): void {
    this.count += 1;
    if (isDamaged) this.damaged += 1;
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
    const name = verdict || "accepted";
    this.verdicts[name] = (this.verdicts[name] ?? 0) + 1;
  }
}
