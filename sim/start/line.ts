import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onKeys } from "./keys.ts";
import { Pictures } from "./pictures.ts";
import { Line, type LineOptions } from "./processes.ts";
import { Story } from "./story.ts";
import { JsonTimeline, TextTimeline, type Timeline } from "./timeline.ts";
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
  xsbug?: string;
  device: "xs-host" | "mcsim";
  watch: boolean;
}

/** Runs the line until it is told to end. Resolves with the exit code. */
export async function runLine(options: Options): Promise<number> {
  const timeline: Timeline = options.json ? new JsonTimeline() : new TextTimeline();
  const directory = await mkdtemp(join(tmpdir(), "devicelink-"));
  let line: Line | undefined;
  let story: Story | undefined;
  try {
    const pictures = await Pictures.prepare({ ...options, directory: join(directory, "frames") });
    line = await Line.start(lineOptions(options, directory, pictures.directory, timeline));
    story = new Story({ line, settings: options, timeline });
    await Promise.race([story.provision(), line.failed]);
    await Promise.race([story.picture(), line.failed]);
    if (!options.once) await stayUp({ line, story, pictures, timeline }, options.watch);
    return 0;
  } catch (error) {
    failed(timeline, error);
    return 1;
  } finally {
    await story?.close();
    await line?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function lineOptions(options: Options, directory: string, frames: string, timeline: Timeline): LineOptions {
  const { out, sensor, device, xsbug, btsnoop, watch, "trace-spi": traceSPI } = options;
  return {
    directory,
    frames,
    timeline,
    sensor,
    device,
    xsbug,
    out: fromHere(out),
    btsnoop: btsnoop && fromHere(btsnoop),
    traceSPI: traceSPI && fromHere(traceSPI),
    // Who is changing the camera's sources wants to see what broke, and to go on.
    onCameraDied: watch ? (reason) => failed(timeline, new Error(reason)) : undefined,
  };
}

interface Parts {
  line: Line;
  story: Story;
  pictures: Pictures;
  timeline: Timeline;
}

/** More pictures at a key, and a new camera at a change of its sources, one thing at a time, until the person quits. */
async function stayUp({ line, story, pictures, timeline }: Parts, isWatching: boolean): Promise<void> {
  timeline.note(`\nSPACE takes another picture, Q quits.${isWatching ? " Watching the sources." : ""}\n`);
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
    if (!waiting) inTurn(() => pictures.next().then(() => story.picture()));
  };
  const stopWatching = isWatching
    ? watchSources((files) => inTurn(() => restartCamera({ line, story, pictures, timeline }, files)))
    : () => {};
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
  await story.meetAgain();
}

function failed(timeline: Timeline, error: unknown): void {
  const reason = (error as Error).message;
  timeline.step({ event: "failed", who: "line", text: reason, failed: true, fields: { reason } });
}

/** A path on the command line, seen from where the person is. */
export const fromHere = (path: string) => resolve(process.env.INIT_CWD ?? process.cwd(), path);
