import type { RecordStore } from "../storage/record-store";

const key = "boots";

/** Counts this start. @returns how many there were, this one included; 0 when the storage does not take it */
export function countBoot(records: Pick<RecordStore, "read" | "write">): number {
  const { count } = records.read<{ count?: unknown }>(key) ?? {};
  const boots = (typeof count === "number" ? count : 0) + 1;
  try {
    records.write(key, { count: boots });
    return boots;
  } catch {
    return 0;
  }
}
