/** What somebody has sent, for a log line or an answer: what is no text of reasonable length is left out. */
export function shortText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= 128 ? value : undefined;
}
