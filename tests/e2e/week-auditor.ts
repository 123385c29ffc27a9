import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Heard } from "./week-rig.ts";

/** The camera's own account, as telemetry has it (modules/app/schedule-book.ts). */
export interface Account {
  time: number;
  bootCount: number;
  next: number;
  pending: number;
  due: number;
  stored: number;
  skipped: Record<string, number>;
}

export interface Evidence {
  telemetry: Heard[];
  photos: Heard[];
  answers: Heard[];
  /** Every file that the bucket keeps. */
  files: string[];
  /** Pictures that the bucket did not take once more, since they were there (412). */
  refused: ReadonlySet<string>;
  /** Folder with the pictures of the virtual camera. */
  frames: string;
  /** When the first picture was due, milliseconds since 1970; how far apart they are. */
  firstDue: number;
  interval: number;
  /** When the camera had no power. */
  dark: { from: number; to: number }[];
}

export interface Findings extends Account {
  /** In the bucket, but never announced: the camera could not know of them. */
  unannounced: number;
  reports: number;
}

/** What happens at the same time comes in any order within so many milliseconds. */
const instant = 1000;

export const accountOf = ({ message }: Heard): Account | undefined =>
  typeof message.uptime === "number"
    ? { ...(message.schedule as Account), time: message.time as number, bootCount: message.bootCount as number }
    : undefined;

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);

/**
 * Goes through what a camera has said and what lies in the bucket. Knows nothing of the camera's inside: only when pictures were due, which pictures its
 * sensor has, and when it had no power.
 */
export async function audit(evidence: Evidence): Promise<Findings> {
  const accounts = evidence.telemetry.map(accountOf).filter((account) => account !== undefined);
  const last = accounts.at(-1);
  assert.ok(last, "no telemetry at all");
  checkAccounts(accounts, evidence);
  const stored = checkAnnouncements(evidence);
  assert.equal(last.stored, stored.size, "announced pictures are those that the camera counts as stored");
  const unannounced = await checkBucket(evidence, new Set(stored.values()));
  assert.ok(
    unannounced <= (last.skipped.powerLost ?? 0) + (last.skipped.upload ?? 0),
    "no more than it could not know of",
  );
  checkDarkness(last, evidence);
  checkAnswers(evidence);
  return { ...last, unannounced, reports: accounts.length };
}

/** At any time each picture that was due is accounted for, and what was once counted stays counted. */
function checkAccounts(accounts: Account[], { firstDue, interval }: Evidence): void {
  let before: Account | undefined;
  for (const account of accounts) {
    const { time, due, stored, skipped, pending } = account;
    if (!account.next) continue;
    const dueBy = (moment: number) => Math.max(0, Math.floor((moment - firstDue) / interval) + 1);
    const text = JSON.stringify(account);
    assert.ok(due >= dueBy(time - instant) && due <= dueBy(time + instant), `as many as the interval says: ${text}`);
    assert.equal(due, stored + sum(skipped) + (pending ? 1 : 0), `each is stored, skipped or pending: ${text}`);
    for (const [reason, count] of Object.entries(before?.skipped ?? {}))
      assert.ok((skipped[reason] ?? 0) >= count, `${reason} goes back: ${text}`);
    assert.ok(stored >= (before?.stored ?? 0), `stored goes back: ${text}`);
    before = account;
  }
  assert.equal(before?.pending, 0, "at the end nothing is pending");
}

/** One picture for each time, which may have been announced more than once. @returns image by the time that it was due */
function checkAnnouncements({ photos, firstDue, interval }: Evidence): Map<number, string> {
  const images = new Map<number, string>();
  for (const { message } of photos) {
    const { imageId, due } = message as { imageId: string; due?: number };
    assert.equal(typeof due, "number", `${imageId} is of the schedule`);
    assert.equal(((due as number) - firstDue) % interval, 0, `${imageId} was due when it says`);
    assert.equal(images.get(due as number) ?? imageId, imageId, "one picture for each time");
    images.set(due as number, imageId);
  }
  assert.equal(new Set(images.values()).size, images.size, "one time for each picture");
  return images;
}

/** Every object is a whole picture that the sensor had, and every announced one is there. @returns how many are there unannounced */
async function checkBucket({ files, frames, photos, refused }: Evidence, announced: Set<string>): Promise<number> {
  const hash = (bytes: Buffer, algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
  const known = new Set<string>();
  for (const name of await readdir(frames)) known.add(hash(await readFile(join(frames, name)), "sha256"));
  const found = new Map<string, string>();
  for (const file of files) {
    assert.match(file, /\.jpg$/, "nothing half is left in the bucket");
    const imageId = basename(file, ".jpg");
    const bytes = await readFile(file);
    assert.ok(known.has(hash(bytes, "sha256")), `${imageId} is a picture that the sensor had, byte for byte`);
    assert.ok(!found.has(imageId), `${imageId} is there once`);
    found.set(imageId, hash(bytes, "md5"));
  }
  for (const imageId of announced) assert.ok(found.has(imageId), `${imageId} was announced and is in the bucket`);
  for (const { message } of photos) {
    const { imageId, etag } = message as { imageId: string; etag: string };
    // A picture whose answer was lost is found there by a 412, which shows no ETag.
    if (etag === "") assert.ok(refused.has(imageId), `${imageId} has no ETag, and the bucket took it`);
    else assert.equal(etag, found.get(imageId), `${imageId} has the ETag that the bucket gave`);
  }
  return found.size - announced.size;
}

/** A command that came twice is answered once. */
function checkAnswers({ answers }: Evidence): void {
  const tokens = answers.map(({ message }) => message.clientToken);
  assert.equal(new Set(tokens).size, tokens.length, `one answer for each command: ${tokens}`);
}

/** Reasons are true: so many pictures were due while there was no power. */
function checkDarkness({ skipped, bootCount }: Account, { dark, firstDue, interval }: Evidence): void {
  const dues = (time: number) => Math.max(0, Math.floor((time - firstDue) / interval) + 1);
  const total = (edge: number) => dark.reduce((sum, { from, to }) => sum + dues(to + edge) - dues(from - edge), 0);
  const { powerOff = 0 } = skipped;
  const [least, most] = [total(-instant), total(instant)];
  const told = `${powerOff} pictures were due without power, not ${least} to ${most}: ${JSON.stringify(dark)}`;
  assert.ok(powerOff >= least && powerOff <= most, told);
  assert.equal(bootCount, 1 + dark.length, "starts are counted");
}
