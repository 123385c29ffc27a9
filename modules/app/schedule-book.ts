import { memberOf } from "../json/member-of";
import type { RecordStore } from "../storage/record-store";

/**
 * Why a picture that was due is not in the bucket.
 *
 * - powerOff: the camera had no power at that time
 * - powerLost: its power went after the picture had been begun, and took the picture along
 * - offline: it had no session with the cloud, or did not know the time yet
 * - busy: another picture was being taken or uploaded, or waited for a URL
 * - replaced: somebody took a picture while this one waited for a URL
 * - late: the clock was put forward over that time
 * - camera: the camera did not take it
 * - noGrant, grantRefused: the cloud gave no URL for it
 * - upload: the store or the way there failed
 */
export type SkipReason =
  | "powerOff"
  | "powerLost"
  | "offline"
  | "busy"
  | "replaced"
  | "late"
  | "camera"
  | "noGrant"
  | "grantRefused"
  | "upload";

/** What became of every picture that was due: due = stored + all skipped + the one that is pending. */
export interface Book {
  /** Milliseconds since 1970, as all times here: when the book was begun. */
  since: number;
  /** When the next picture is due; 0 without a schedule. */
  next: number;
  /** When the picture was due that is being taken, waits or is on its way; 0 if there is none. */
  pending: number;
  due: number;
  stored: number;
  /** Reasons that never came up are absent. */
  skipped: Partial<Record<SkipReason, number>>;
  /** It was begun by a clock that was not confirmed, and is not since. */
  doubtful?: true;
}

const reasons: Record<string, SkipReason> = {
  PowerOff: "powerOff",
  PowerLost: "powerLost",
  Offline: "offline",
  NotConnected: "offline",
  Busy: "busy",
  Replaced: "replaced",
  RetakeFailed: "camera",
  Late: "late",
  NoGrant: "noGrant",
  GrantRefused: "grantRefused",
};

const key = "schedule";

export function readBook(records: Pick<RecordStore, "read">): Book {
  const { since, next, pending, due, stored, skipped, doubtful } = records.read<Partial<Book>>(key) ?? {};
  return {
    since: count(since),
    next: count(next),
    pending: count(pending),
    due: count(due),
    stored: count(stored),
    skipped: typeof skipped === "object" && skipped ? skipped : {},
    doubtful: doubtful === true || undefined,
  };
}

/** Throws what the storage throws. */
export function writeBook(records: Pick<RecordStore, "write">, book: Book): void {
  records.write(key, book);
}

/** @param otherwise the reason when the code has none of its own */
export function countSkipped(book: Book, code: string, otherwise: SkipReason, pictures = 1): void {
  const reason = memberOf(reasons, code) ?? otherwise;
  book.skipped[reason] = count(book.skipped[reason]) + pictures;
}

const count = (value: unknown): number => (typeof value === "number" && value >= 0 ? value : 0);
