/** What the virtual sensor of the unit tests (unit/camera) has before it (CAMERA_FRAMES): a folder for each size, and in each another kind of picture. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildDirectory } from "../sim/host/paths.ts";

const length = 5000;
/** The longest JPEG that the driver believes in (jpeg_limit), and one byte. */
const absurd = 4 * 1024 * 1024 + 1;

/** Start of image, start of scan, data, end of image. */
function whole(): Buffer {
  const bytes = cut();
  bytes.writeUInt16BE(0xffd9, length - 2);
  return bytes;
}

function cut(): Buffer {
  const bytes = Buffer.alloc(length, "coded data ");
  Buffer.of(0xff, 0xd8, 0xff, 0xda, 0, 2).copy(bytes);
  return bytes;
}

const pictures: Record<string, Buffer> = {
  "96x96": whole(),
  "128x128": cut(),
  "320x320": Buffer.alloc(length, Uint8Array.of(8, 1)),
  "640x480": Buffer.alloc(length, "no picture"),
  "1280x720": Buffer.alloc(absurd, whole()),
};

/** Returns the folder. What is there already stays, because others may be reading it. */
export async function makePictures(): Promise<string> {
  const directory = join(buildDirectory, "unit-pictures");
  for (const [size, bytes] of Object.entries(pictures)) {
    const folder = join(directory, `${size}-default`);
    const path = join(folder, "0.jpg");
    await mkdir(folder, { recursive: true });
    const isThere = await readFile(path)
      .then((found) => found.equals(bytes))
      .catch(() => false);
    if (!isThere) await writeFile(path, bytes);
  }
  return directory;
}
