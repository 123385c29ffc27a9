import type { Summary } from "./observations.ts";
import type { Result } from "./runner.ts";

const idWidth = 54;
const verdictWidth = 19;

export const formatHeader = () =>
  `  ${"case".padEnd(idWidth)}${"verdict".padEnd(verdictWidth)}reason   (Q: qualification set)`;

export function formatResult({ id, verdict, reason, qualification }: Result): string {
  return `${qualification ? "Q" : " "} ${id.padEnd(idWidth)}${verdict.padEnd(verdictWidth)}${reason}`;
}

export function formatSummary(summary: Summary, results: Result[]): string {
  const count = (wanted: string) => results.filter(({ verdict }) => verdict === wanted).length;
  const counts = ["PASS", "PASS_WITH_WARNINGS", "FAIL", "SKIPPED"].map((verdict) => `${count(verdict)} ${verdict}`);
  return [
    `Keep-alive:            ${summary.keepAlive}`,
    `Persistent session:    ${summary.persistentSession}`,
    `Number of connections: ${summary.connections}`,
    `Backoff type:          ${summary.backoff}`,
    `Topics published:      ${summary.published.join(", ") || "none"}`,
    `Topics subscribed:     ${summary.subscribed.join(", ") || "none"}`,
    "",
    counts.join(", "),
  ].join("\n");
}
