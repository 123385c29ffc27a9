/** What a case can come to, by the names of the real tool. SKIPPED: not run, for a reason that is no fault of the device. */
export type Verdict = "PASS" | "PASS_WITH_WARNINGS" | "FAIL" | "SKIPPED";

export interface Outcome {
  verdict: Verdict;
  /** In a few words: what was seen. */
  reason: string;
}

/** The device did not do what a case asks for. Thrown inside a case, and its verdict then. */
export class CaseFailure extends Error {
  override name = "CaseFailure";
}

export const pass = (reason: string): Outcome => ({ verdict: "PASS", reason });
export const warn = (reason: string): Outcome => ({ verdict: "PASS_WITH_WARNINGS", reason });

/** @throws CaseFailure */
export function check(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new CaseFailure(reason);
}

export const seconds = (milliseconds: number) => `${+(milliseconds / 1000).toPrecision(3)} s`;
