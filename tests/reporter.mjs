/**
 * Node's `spec` reporter, and the files that took the longest before its summary. What runs at once in a file counts as often as it runs.
 */
import { relative } from "node:path";
import { Readable } from "node:stream";
import { spec as Spec } from "node:test/reporters";

const shown = 12;

function lines(durations) {
  const slowest = [...durations].sort(([, a], [, b]) => b - a).slice(0, shown);
  const width = Math.max(...slowest.map(([file]) => file.length));
  return slowest.map(([file, ms]) => `${file.padEnd(width)} ${(ms / 1000).toFixed(1).padStart(7)} s`);
}

async function* withDurations(events) {
  const durations = new Map();
  let isSummary = false;
  for await (const event of events) {
    const { type, data } = event;
    if ((type === "test:pass" || type === "test:fail") && data.nesting === 0 && data.file) {
      const file = relative(process.cwd(), data.file);
      durations.set(file, (durations.get(file) ?? 0) + data.details.duration_ms);
    }
    if (type === "test:diagnostic" && data.nesting === 0 && /^tests \d+$/.test(data.message) && !isSummary) {
      isSummary = true;
      for (const message of ["the files that took the longest", ...lines(durations)])
        yield { type, data: { nesting: 0, message } };
    }
    yield event;
  }
}

export default async function* reporter(events) {
  yield* Readable.from(withDurations(events)).compose(new Spec());
}
