import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onKeys } from "./keys.ts";
import { Pictures } from "./pictures.ts";
import { Line, type LineOptions } from "./processes.ts";
import { Story } from "./story.ts";
import { JsonTimeline, TextTimeline, type Timeline } from "./timeline.ts";

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
    if (!options.once) await stayUp({ line, story, pictures, timeline });
    return 0;
  } catch (error) {
    const reason = (error as Error).message;
    timeline.step({ event: "failed", who: "line", text: reason, failed: true, fields: { reason } });
    return 1;
  } finally {
    await story?.close();
    await line?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function lineOptions(options: Options, directory: string, frames: string, timeline: Timeline): LineOptions {
  const { out, sensor, device, xsbug, btsnoop, "trace-spi": traceSPI } = options;
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
  };
}

async function stayUp({
  line,
  story,
  pictures,
  timeline,
}: {
  line: Line;
  story: Story;
  pictures: Pictures;
  timeline: Timeline;
}): Promise<void> {
  timeline.note("\nSPACE takes another picture, Q quits.\n");
  let busy = false;
  const another = async () => {
    if (busy) return;
    busy = true;
    try {
      await pictures.next();
      await Promise.race([story.picture(), line.failed]);
    } catch (error) {
      timeline.step({ event: "failed", who: "line", text: (error as Error).message, failed: true });
    } finally {
      busy = false;
    }
  };
  await Promise.race([onKeys({ " ": another, "\r": another }), line.failed]);
}

/** A path on the command line, seen from where the person is. */
export const fromHere = (path: string) => resolve(process.env.INIT_CWD ?? process.cwd(), path);
