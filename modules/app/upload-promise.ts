import type { RecordStore } from "../storage/record-store";

/** A picture whose upload was accepted. It lies in storage until its result is known, so that a picture that goes with the power is missed. */
export interface UploadPromise {
  imageId: string;
  /** Of a scheduled picture: when it was due, milliseconds since 1970. */
  due?: number;
}

const key = "promise";

/** Throws what the storage throws. */
export function keepPromise(records: RecordStore, { imageId, due }: UploadPromise): void {
  records.write(key, { imageId, due });
}

export function endPromise(records: RecordStore): void {
  records.delete(key);
}

/** What was accepted before the last power-on and has no result. */
export function findPromise(records: RecordStore): UploadPromise | undefined {
  const promise = records.read<Partial<UploadPromise>>(key);
  return typeof promise?.imageId === "string" ? (promise as UploadPromise) : undefined;
}
