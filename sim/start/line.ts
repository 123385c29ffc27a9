import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onKeys } from "./keys.ts";
import { Pictures } from "./pictures.ts";
import { type Line, startLine } from "./processes.ts";
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
  try {
    const pictures = await Pictures.prepare({ ...options, directory: join(directory, "frames") });
    line = await startLine({ options, directory, frames: pictures.directory, timeline });
    const story = new Story({ line, options, timeline, rootCA: await readFile(line.cloud.rootCA, "utf8") });
    await Promise.race([story.provision(), line.failed]);
    await Promise.race([story.picture(), line.failed]);
    if (!options.once) await stayUp({ line, story, pictures, timeline });
    return 0;
  } catch (error) {
    const reason = (error as Error).message;
    timeline.step({ event: "failed", who: "line", text: reason, failed: true, fields: { reason } });
    return 1;
  } finally {
    await line?.stop();
    await rm(directory, { recursive: true, force: true });
  }
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
