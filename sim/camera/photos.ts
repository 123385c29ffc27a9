import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import sharp, { type OverlayOptions, type Sharp } from "sharp";
import { createRandom } from "./random.ts";
import { drawScene } from "./scene.ts";

/** Pixels of each size that an Arducam Mega takes. */
export const dimensions: Record<string, { width: number; height: number }> = {
  "96x96": { width: 96, height: 96 },
  "128x128": { width: 128, height: 128 },
  QQVGA: { width: 160, height: 120 },
  QVGA: { width: 320, height: 240 },
  "320x320": { width: 320, height: 320 },
  VGA: { width: 640, height: 480 },
  SVGA: { width: 800, height: 600 },
  XGA: { width: 1024, height: 768 },
  HD: { width: 1280, height: 720 },
  SXGA: { width: 1280, height: 1024 },
  UXGA: { width: 1600, height: 1200 },
  FHD: { width: 1920, height: 1080 },
  QXGA: { width: 2048, height: 1536 },
  "5MP": { width: 2592, height: 1944 },
};

export type Quality = "high" | "default" | "low";

/** No table of the maker's; these give sizes as users report them, 30 to 80 KB for VGA. */
const jpegQuality: Record<Quality, number> = { high: 90, default: 78, low: 45 };

export interface PhotoOptions {
  /** A JPEG or PNG, or a folder of them in the order of their names; without it a generated scene. */
  source?: string;
  /** Where the virtual camera finds them (CAMERA_FRAMES). */
  directory: string;
  /** Names of `dimensions`. */
  resolutions: readonly string[];
  qualities: readonly Quality[];
  /** Pictures 0 to count - 1. */
  count: number;
  /** Of the generated scene; by default another one for each new directory. */
  seed?: number;
  /** Id 0x83 has a 5MP size of its own. */
  sensor?: number;
}

/** What lies in a directory: another source means other pictures. */
interface Origin {
  source: string;
  seed: number;
}

async function listSources(source: string): Promise<string[]> {
  const path = resolve(source);
  const information = await stat(path).catch(() => {
    throw new Error(`no such photo or folder: ${source}`);
  });
  if (!information.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /^\.(jpe?g|png)$/i.test(extname(name))).sort();
  if (!names.length) throw new Error(`no JPEG or PNG in ${source}`);
  return names.map((name) => join(path, name));
}

async function fingerprint(sources: string[]): Promise<string> {
  const parts = sources.map(async (file) => {
    const { size, mtimeMs } = await stat(file);
    return `${file}:${size}:${mtimeMs}`;
  });
  return (await Promise.all(parts)).join("\n");
}

/** Empties the directory when its pictures are of something else; returns the seed that goes with it. */
async function openDirectory(directory: string, source: string, seed: number | undefined): Promise<number> {
  const file = join(directory, "origin.json");
  const origin: Origin | undefined = await readFile(file, "utf8").then(JSON.parse, () => undefined);
  if (origin?.source === source && (seed === undefined || seed === origin.seed)) return origin.seed;
  const folders = await readdir(directory).catch(() => [] as string[]);
  for (const name of folders.filter((name) => /^\d+x\d+-\w+$/.test(name)))
    await rm(join(directory, name), { recursive: true, force: true });
  const chosen = seed ?? (Date.now() ^ (process.pid << 12)) >>> 0;
  await mkdir(directory, { recursive: true });
  await writeFile(file, JSON.stringify({ source, seed: chosen }));
  return chosen;
}

/** What a sensor adds: a little noise, the same tile all over. */
function grain(seed: number, size: { width: number; height: number }): OverlayOptions {
  const random = createRandom(seed ^ 0x5eed);
  const side = Math.min(256, size.width, size.height);
  const input = Buffer.alloc(side * side * 4);
  for (let at = 0; at < input.length; at += 4) {
    const level = random() + random() + random() > 1.5 ? 255 : 0;
    input.fill(level, at, at + 3);
    input[at + 3] = Math.floor(random() * 11);
  }
  return { input, raw: { width: side, height: side, channels: 4 }, tile: true };
}

async function develop(picture: string | Buffer, size: { width: number; height: number }): Promise<Sharp> {
  const square = size.width === size.height;
  if (!square || Buffer.isBuffer(picture))
    return sharp(picture)
      .rotate()
      .resize({ ...size, fit: "cover" });
  // The square sizes squash the sensor's whole 4:3 field.
  const field = await sharp(picture).rotate().resize({ width: 640, height: 480, fit: "cover" }).png().toBuffer();
  return sharp(field).resize({ ...size, fit: "fill" });
}

function sizeOf(resolution: string, sensor?: number): { width: number; height: number } {
  const size = dimensions[resolution];
  if (!size) throw new Error(`no such resolution: ${resolution}`);
  return resolution === "5MP" && sensor === 0x83 ? { ...size, height: 1936 } : size;
}

/**
 * Puts JPEGs into `<directory>/<width>x<height>-<quality>/<n>.jpg`, only those that are missing. Picture n shows the same in
 * every size and quality.
 */
export async function preparePhotos(options: PhotoOptions): Promise<void> {
  const { directory, resolutions, qualities, count, sensor } = options;
  const sources = options.source === undefined ? [] : await listSources(options.source);
  const seed = await openDirectory(directory, await fingerprint(sources), options.seed);
  for (const resolution of resolutions) {
    const size = sizeOf(resolution, sensor);
    for (const quality of qualities) {
      const folder = join(directory, `${size.width}x${size.height}-${quality}`);
      await mkdir(folder, { recursive: true });
      for (let n = 0; n < count; n++) {
        const file = join(folder, `${n}.jpg`);
        if (existsSync(file)) continue;
        const scene = () => Buffer.from(drawScene(seed, n, new Date(), size));
        const picture = await develop(sources.length ? sources[n % sources.length] : scene(), size);
        if (!sources.length) picture.composite([grain(seed + n, size)]);
        const jpeg = picture.removeAlpha().jpeg({ quality: jpegQuality[quality] });
        // A camera that is running may look for it at any time: it is there whole or not at all.
        await jpeg.toFile(`${file}.new`);
        await rename(`${file}.new`, file);
      }
    }
  }
}
