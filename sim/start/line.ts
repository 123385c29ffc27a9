import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { adviceFor, knownCodes } from "../phone/advice.ts";
import type { CloudSettings } from "../phone/cloud-settings.ts";
import type { PhoneServer } from "../phone/server.ts";
import { within } from "../phone/waiting.ts";
import { exitCodeOf, Interrupted, onInterruption, onKeys } from "./keys.ts";
import { openPage, sayLabel, sayPage } from "./page.ts";
import { Pictures } from "./pictures.ts";
import { Line, type LineOptions, network } from "./processes.ts";
import { askForPerson, readSettings } from "./real-account.ts";
import { simulatorSettings } from "./simulator-settings.ts";
import { Story } from "./story.ts";
import { JsonTimeline, TextTimeline, type Timeline } from "./timeline.ts";
import { openDemoAccount, type UserAccount } from "./users.ts";
import { watchSources } from "./watch.ts";

/** The options of `npm start`, as options.mjs parses them. */
export interface Options {
  once: boolean;
  photos?: string;
  out: string;
  resolution: string;
  quality: "high" | "default" | "low";
  json: boolean;
  sensor: number;
  "trace-spi"?: string;
  btsnoop?: string;
  hci?: string;
  xsbug?: string;
  device: "xs-host" | "mcsim";
  watch: boolean;
  /** File with the settings of a real account. */
  aws?: string;
  /** No actor: the camera is set up on the page. */
  page: boolean;
}

/** Runs the line until it is told to end. Resolves with the exit code. */
export async function runLine(options: Options): Promise<number> {
  const timeline: Timeline = options.json ? new JsonTimeline() : new TextTimeline();
  const directory = await mkdtemp(join(tmpdir(), "devicelink-"));
  const parts: Partial<Parts> = { timeline };
  const { interrupted, forget } = onInterruption();
  try {
    await Promise.race([setUp(options, directory, parts, timeline), interrupted]);
    forget(); // from here on it is the keys that end it
    if (!options.once) await stayUp(parts as Parts, options.watch);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return exitCodeOf(error);
    failed(timeline, error);
    return 1;
  } finally {
    forget();
    await putAway(parts, directory);
  }
}

/** Everything that there is before the person's keys count. What has been made is in `parts`, however far it got. */
async function setUp(options: Options, directory: string, parts: Partial<Parts>, timeline: Timeline): Promise<void> {
  // Before anything else: a person may have to be asked.
  const real = options.aws === undefined ? undefined : await openRealAccount(options);
  parts.pictures = await Pictures.prepare({ ...options, directory: join(directory, "frames") });
  const line = await Line.start(lineOptions(options, directory, parts.pictures.directory, timeline));
  parts.line = line;
  const cloud = real ?? (await Promise.race([openLocalCloud(line, directory), line.failed]));
  const page = options.once
    ? undefined
    : openPage({ ...cloud, radioPort: options.hci === undefined ? line.radioPort : undefined, timeline });
  page?.catch(() => {}); // it is waited for below
  if (!options.page) parts.story = await tellStory(options, line, cloud, timeline);
  if (page) parts.page = await page;
  if (parts.page) sayPage(parts.page, cloud.settings, timeline);
  if (options.page) sayLabel(await labelOf(line), timeline);
}

async function putAway(parts: Partial<Parts>, directory: string): Promise<void> {
  await parts.page?.close();
  await parts.story?.close();
  await parts.line?.stop();
  // Of a start that was interrupted, processes may still be writing: they end with this one.
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

interface CloudOfPerson {
  settings: CloudSettings;
  /** Who signs in. Absent: whoever does it on the page. */
  person?: UserAccount;
}

async function openRealAccount({ aws = "", page }: Options): Promise<CloudOfPerson> {
  const settings = await readSettings(fromHere(aws));
  return page ? { settings } : { settings, person: await askForPerson(settings) };
}

/** Milliseconds. */
const labelLimit = 20_000;

const labelOf = ({ label }: Line) =>
  within(labelLimit, label, () => new Error(`the camera did not say its label within ${labelLimit / 1000} s`));

async function openLocalCloud(line: Line, directory: string): Promise<CloudOfPerson & { person: UserAccount }> {
  const { cloud } = line;
  const person = await openDemoAccount(cloud, join(directory, "account.json"));
  const { name, pop: proofOfPossession } = await labelOf(line);
  const simulator = { label: { name, proofOfPossession }, wifi: network };
  return { settings: await simulatorSettings(cloud, { account: person, simulator }), person };
}

/** One picture by the actor. */
async function tellStory(
  options: Options,
  line: Line,
  { settings, person }: CloudOfPerson,
  timeline: Timeline,
): Promise<Story> {
  const { resolution, quality, out } = options;
  const photo = { resolution, quality };
  const story = new Story({ line, settings, person: person!, photo, timeline, out: fromHere(out) });
  try {
    await Promise.race([story.provision(), line.failed]);
    await Promise.race([story.picture(), line.failed]);
    return story;
  } catch (error) {
    await story.close();
    throw error;
  }
}

function lineOptions(options: Options, directory: string, frames: string, timeline: Timeline): LineOptions {
  const { out, sensor, device, xsbug, btsnoop, hci, watch, "trace-spi": traceSPI } = options;
  return {
    directory,
    frames,
    timeline,
    sensor,
    device,
    xsbug,
    hci,
    cloud: options.aws === undefined,
    out: fromHere(out),
    btsnoop: btsnoop && fromHere(btsnoop),
    traceSPI: traceSPI && fromHere(traceSPI),
    // Who is changing the camera's sources wants to see what broke, and to go on.
    onCameraDied: watch ? (reason) => failed(timeline, new Error(reason)) : undefined,
  };
}

interface Parts {
  line: Line;
  /** Absent with `--page`. */
  story?: Story;
  pictures: Pictures;
  timeline: Timeline;
  page?: PhoneServer;
}

/** More pictures at a key, and a new camera at a change of its sources, one thing at a time, until the person quits. */
async function stayUp(parts: Parts, isWatching: boolean): Promise<void> {
  const { line, story, pictures, timeline } = parts;
  const keys = story ? "SPACE takes another picture, Q quits." : "Q quits.";
  timeline.note(`\n${keys}${isWatching ? " Watching the sources." : ""}\n`);
  let queue = Promise.resolve();
  let waiting = 0;
  const inTurn = (work: () => Promise<void>) => {
    waiting += 1;
    queue = queue.then(work).catch((error) => failed(timeline, error));
    queue = queue.finally(() => {
      waiting -= 1;
    });
  };
  const another = () => {
    if (story && !waiting) inTurn(() => pictures.next().then(() => story.picture()));
  };
  const stopWatching = isWatching ? watchSources((files) => inTurn(() => restartCamera(parts, files))) : () => {};
  try {
    await Promise.race([onKeys({ " ": another, "\r": another }), line.failed]);
  } finally {
    stopWatching();
  }
}

/** A firmware that does not build leaves the camera switched off until the next change. */
async function restartCamera({ line, story, pictures, timeline }: Parts, files: string[]): Promise<void> {
  timeline.note(`\nChanged: ${files.join(", ")}`);
  await line.stopCamera();
  await pictures.restart();
  await line.startCamera();
  await story?.meetAgain();
}

function failed(timeline: Timeline, error: unknown): void {
  const reason = (error as Error).message;
  const { code, what, next } = adviceFor(error);
  const text = knownCodes.includes(code) ? `${what} ${next} (${reason})` : reason;
  timeline.step({ event: "failed", who: "line", text, failed: true, fields: { reason } });
}

/** A path on the command line, seen from where the person is. */
export const fromHere = (path: string) => resolve(process.env.INIT_CWD ?? process.cwd(), path);
