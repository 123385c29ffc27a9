import { pendingAnnouncements } from "../../../modules/app/announcements";
import { countBoot } from "../../../modules/app/boot-count";
import { loadLabel } from "../../../modules/app/label";
import { readBook } from "../../../modules/app/schedule-book";
import { SettingsStore, settingNames } from "../../../modules/app/settings";
import { findPromise } from "../../../modules/app/upload-promise";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";

const records = new RecordStore("fuzz");
const identities = new IdentityStore(records);
const settings = new SettingsStore({
  records,
  camera: { supports: () => true },
  telemetryDefault: 300,
  settingsChanged() {},
});

function require(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const isCount = (value: unknown) => typeof value === "number" && value >= 0;

/** Every reader of a record, and what whoever starts the camera takes for granted of its answer. */
const readers: Record<string, () => void> = {
  schedule() {
    const { since, next, pending, due, stored, skipped } = readBook(records);
    require([since, next, pending, due, stored].every(isCount), "a figure of the book is none");
    require(typeof skipped === "object" && skipped !== null, "skipped is no object");
  },
  announcements() {
    for (const announcement of pendingAnnouncements(records))
      require(typeof announcement.imageId === "string", "an announcement without a picture");
  },
  promise() {
    const promise = findPromise(records);
    require(!promise || typeof promise.imageId === "string", "a promise without a picture");
  },
  boots() {
    require(isCount(countBoot(records)), "the count of starts is none");
  },
  settings() {
    for (const name of settingNames) settings.get(name as "quality");
    JSON.stringify([settings.controls, settings.report]);
  },
  label() {
    const { name, proofOfPossession, serial } = loadLabel(records, (count) => new ArrayBuffer(count));
    for (const text of [name, proofOfPossession, serial])
      require(typeof text === "string" && text !== "", "half a label");
  },
  identity() {
    const { summary, current, isTrying, trialSummary, inUse, isEnrolling, goodEndpoint } = identities;
    JSON.stringify([summary, current, isTrying, trialSummary, inUse, isEnrolling, goodEndpoint]);
  },
};
export const recordKeys: readonly string[] = Object.keys(readers);

/** @returns whether the bytes still count as a record */
export function readRecord(key: string, bytes: Uint8Array): boolean {
  records.writeBytes(key, bytes.length ? bytes : new Uint8Array(1));
  const isRecord = records.read(key) !== undefined;
  readers[key]();
  return isRecord;
}
