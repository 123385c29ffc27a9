import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { CameraSettings } from "../../modules/camera/settings.ts";
import { dimensions, preparePhotos, type Quality } from "../../sim/camera/photos.ts";
import { buildFirmware, buildHost } from "../../sim/host/build.ts";
import { type DeviceExit, startDevice } from "../../sim/host/device-process.ts";

/**
 * Driver, virtual sensor and camera module in the engine, on the chip's memory: what comes out of `Frame` is the picture's
 * file, byte for byte, for every sensor, size and quality; and each fault has its name.
 */
const fixtures = join(dirname(fileURLToPath(import.meta.url)), "../unit/camera/fixtures");
const qualities: Quality[] = ["high", "default", "low"];
const resolutions = Object.keys(dimensions);

await buildHost();
const manifest = await buildFirmware(join(fixtures, "manifest.json"));
const directory = await mkdtemp(join(tmpdir(), "devicelink-camera-"));
test.after(() => rm(directory, { recursive: true, force: true }));
await preparePhotos({ directory, resolutions, qualities, count: 1, seed: 7 });
await preparePhotos({ directory, resolutions: ["5MP"], qualities, count: 1, sensor: 0x83 });
await preparePhotos({ directory, resolutions: ["VGA"], qualities: ["default"], count: 3 });

interface Line {
  error?: string;
  id?: number;
  resolutions?: string[];
  rewindable?: boolean;
  byteLength?: number;
  width?: number;
  height?: number;
  bytes?: number;
  hash?: number;
  complete?: boolean;
  rewound?: boolean;
  statistics?: { bytes: number; transactions: number };
}

interface Step {
  settings: CameraSettings;
  piece: number;
  rewindAt?: number;
}

async function run(
  t: TestContext,
  plan: Step[],
  environment: Record<string, string> = {},
): Promise<{ lines: Line[]; exit: DeviceExit }> {
  const device = await startDevice({
    manifest,
    module: "tests/unit/camera/fixtures/camera-plan",
    timeScale: 20,
    environment: { CAMERA_FRAMES: directory, PLAN: JSON.stringify(plan), ...environment },
  });
  const timer = setTimeout(() => device.kill("SIGKILL"), 60_000);
  t.after(() => device.kill("SIGKILL"));
  const exit = await device.exited;
  clearTimeout(timer);
  return { lines: device.lines.map((line) => JSON.parse(line)), exit };
}

function hashOf(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
}

function fileOf(width: number, height: number, quality: string, index = 0): Promise<Buffer> {
  return readFile(join(directory, `${width}x${height}-${quality}/${index}.jpg`));
}

const vga: Step = { settings: { resolution: "VGA", quality: "default" }, piece: 1460 };

for (let id = 0x81; id <= 0x87; id++) {
  const sensor = `0x${id.toString(16)}`;
  test(`${sensor}: every size and quality, byte for byte`, async (t) => {
    const first = await run(t, [], { CAMERA_SENSOR: sensor });
    assert.equal(first.lines[0].id, id, first.exit.stderr);
    const plan = first.lines[0].resolutions!.flatMap((resolution) =>
      qualities.map((quality, i) => ({ settings: { resolution, quality }, piece: [4096, 1460, 999][i] })),
    );
    const { lines, exit } = await run(t, plan, { CAMERA_SENSOR: sensor });
    assert.equal(exit.code, 0, exit.stderr);
    assert.equal(lines.length, plan.length + 2);
    for (const [i, { settings }] of plan.entries()) {
      const { width, height, byteLength, bytes, hash, complete } = lines[i + 1];
      const full = settings.resolution === "5MP" && id === 0x83;
      const expected = full ? { width: 2592, height: 1936 } : dimensions[settings.resolution];
      assert.deepEqual(
        { width, height },
        expected,
        `${settings.resolution} ${settings.quality}: ${lines[i + 1].error}`,
      );
      const file = await fileOf(width!, height!, settings.quality);
      assert.deepEqual({ byteLength, bytes, hash, complete }, { ...lengths(file), hash: hashOf(file), complete: true });
    }
  });
}

function lengths(file: Buffer): { byteLength: number; bytes: number } {
  return { byteLength: file.length, bytes: file.length };
}

test("each picture is the next file, and after the last the first again", async (t) => {
  const { lines } = await run(t, [vga, vga, vga, vga]);
  for (const [i, index] of [0, 1, 2, 0].entries())
    assert.equal(lines[i + 1].hash, hashOf(await fileOf(640, 480, "default", index)), `picture ${i}`);
});

test("a camera that can rewind gives the same picture again", async (t) => {
  const steps = [1, 2046, 2047, 9000].map((rewindAt) => ({ ...vga, rewindAt }));
  const { lines } = await run(t, steps, { CAMERA_REWIND: "1" });
  assert.equal(lines[0].rewindable, true);
  for (const [i, index] of [0, 1, 2, 0].entries()) {
    assert.equal(lines[i + 1].rewound, true);
    assert.equal(lines[i + 1].hash, hashOf(await fileOf(640, 480, "default", index)), `picture ${i}`);
  }
});

test("one that cannot says so, and the rest of the picture is still there", async (t) => {
  const { lines } = await run(t, [{ ...vga, rewindAt: 5000 }], { CAMERA_REWIND: "0" });
  const file = await fileOf(640, 480, "default");
  assert.equal(lines[0].rewindable, false);
  assert.equal(lines[1].rewound, false);
  assert.ok(lines[1].bytes! < file.length);
  assert.equal(lines[1].hash, hashOf(file.subarray(file.length - lines[1].bytes!)));
});

const faults: { faults: string; start?: string; pictures: (string | { complete: boolean; more?: number })[] }[] = [
  { faults: "miso=0xFF", start: "NoCamera", pictures: ["NoCamera"] },
  { faults: "miso=0", start: "NoCamera", pictures: ["NoCamera"] },
  { faults: "never-idle", start: "IdleTimeout", pictures: ["IdleTimeout"] },
  { faults: "never-done", start: "CaptureTimeout", pictures: ["CaptureTimeout"] },
  { faults: "after=2,length-zero=all", pictures: ["AbsurdLength"] },
  { faults: "after=2,length-absurd=all", pictures: ["AbsurdLength"] },
  { faults: "after=2,length-absurd=2", pictures: [{ complete: true }, { complete: true }] },
  { faults: "after=2,dark=all", pictures: ["DarkFrame"] },
  { faults: "after=2,dark=1", pictures: [{ complete: true }] },
  { faults: "padding=37", pictures: [{ complete: true, more: 37 }] },
  { faults: "lead=2", pictures: [{ complete: true }] },
  { faults: "no-end-marker", pictures: [{ complete: false, more: -2 }] },
  { faults: "reset-at=20000", pictures: ["CameraReset", { complete: true }] },
  { faults: "frames-left=3,pattern-left", pictures: [{ complete: true }] },
  { faults: "dark-when-early=400", pictures: [{ complete: true }] },
];

for (const { faults: switches, start, pictures } of faults) {
  const outcome = pictures.map((picture) => (typeof picture === "string" ? picture : "a picture")).join(", then ");
  test(`${switches}: ${outcome}`, async (t) => {
    const plan = pictures.map(() => vga);
    const { lines, exit } = await run(t, plan, { CAMERA_FAULTS: switches, CAMERA_SENSOR: "0x85" });
    assert.equal(exit.code, 0, exit.stderr);
    assert.equal(lines[0].error, start);
    for (const [i, picture] of pictures.entries()) {
      if (typeof picture === "string") assert.equal(lines[i + 1].error, picture);
      else await checkPicture(lines[i + 1], picture);
    }
  });
}

/** One of the files, with zeros behind it (more) or without its last bytes (less). */
async function checkPicture(line: Line, { complete, more = 0 }: { complete: boolean; more?: number }): Promise<void> {
  assert.equal(line.error, undefined);
  assert.equal(line.complete, complete);
  assert.equal(line.bytes, line.byteLength);
  const files = await Promise.all([0, 1, 2].map((index) => fileOf(640, 480, "default", index)));
  const expected = files.map((file) => Buffer.concat([file, Buffer.alloc(Math.max(0, more))], file.length + more));
  assert.ok(expected.some((bytes) => hashOf(bytes) === line.hash));
}

const marker = Buffer.from([0xff, 0xd9]);

/** What a sensor may make of a picture's bytes, and what is said of it. */
const deliveries: { name: string; complete: boolean; lead?: number; change: (picture: Buffer) => Buffer }[] = [
  { name: "cut in the middle", complete: false, change: (picture) => picture.subarray(0, picture.length / 2) },
  { name: "without its end marker", complete: false, change: (picture) => picture.subarray(0, -2) },
  { name: "cut, then zeros", complete: false, change: (picture) => concat(picture.subarray(0, -9), Buffer.alloc(99)) },
  { name: "cut, then another picture", complete: false, change: (picture) => concat(picture.subarray(0, -9), picture) },
  { name: "cut, with a whole thumbnail", complete: false, change: (picture) => withThumbnail(picture).subarray(0, -2) },
  { name: "with a thumbnail", complete: true, change: withThumbnail },
  { name: "one byte after its end", complete: true, change: (picture) => concat(picture, Buffer.from([0x5a])) },
  { name: "FF after its end", complete: true, change: (picture) => concat(picture, Buffer.alloc(200, 0xff)) },
  { name: "its end in two reads", complete: true, change: (picture) => splitAt(picture, vga.piece) },
  { name: "FF in front", complete: true, lead: 1, change: (picture) => concat(Buffer.from([0xff]), picture) },
];

function concat(...parts: Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** EXIF with a JPEG in it, which ends as every JPEG does. */
function withThumbnail(picture: Buffer): Buffer {
  const thumbnail = concat(Buffer.from("Exif\0\0"), Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2, 1, 2, 3]), marker);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(thumbnail.length + 2);
  return concat(picture.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, thumbnail, picture.subarray(2));
}

/** So long, by a comment behind its first marker, that a read ends between FF and D9. */
function splitAt(picture: Buffer, piece: number): Buffer {
  const room = (piece - ((picture.length + 3) % piece)) % piece;
  const comment = Buffer.alloc(4 + room, 0x20);
  comment.set([0xff, 0xfe, (room + 2) >> 8, (room + 2) & 255]);
  return concat(picture.subarray(0, 2), comment, picture.subarray(2));
}

for (const { name, complete, lead = 0, change } of deliveries)
  test(`a picture, ${name}, is ${complete ? "whole" : "not whole"}`, async (t) => {
    const frames = await mkdtemp(join(tmpdir(), "devicelink-deliveries-"));
    t.after(() => rm(frames, { recursive: true, force: true }));
    const picture = change(await fileOf(640, 480, "default"));
    await mkdir(join(frames, "640x480-default"));
    await writeFile(join(frames, "640x480-default/0.jpg"), picture);
    const { lines, exit } = await run(t, [vga], { CAMERA_FRAMES: frames });
    assert.equal(lines[1].error, undefined, exit.stderr);
    const { byteLength, bytes, hash } = lines[1];
    const expected = picture.subarray(lead);
    assert.deepEqual({ byteLength, bytes, hash }, { ...lengths(expected), hash: hashOf(expected) });
    assert.equal(lines[1].complete, complete);
  });

test("an id that no camera has", async (t) => {
  const { lines } = await run(t, [vga], { CAMERA_SENSOR: "0x56" });
  assert.deepEqual(
    lines.slice(0, 2).map((line) => line.error),
    ["UnknownSensor", "UnknownSensor"],
  );
});

test("no picture for a size: told by name, and the capture ends", async (t) => {
  const { lines, exit } = await run(t, [vga], { CAMERA_FRAMES: join(directory, "nowhere") });
  assert.equal(lines[1].error, "CaptureTimeout");
  assert.match(exit.stderr, /virtual camera: no picture .*640x480-default\/0\.jpg/);
});

test("a fault that does not exist ends the device with its name", async (t) => {
  const { exit } = await run(t, [vga], { CAMERA_FAULTS: "never-was" });
  assert.equal(exit.code, 1);
  assert.match(exit.stderr, /no such fault of the virtual camera, or a wrong value: never-was/);
});

/**
 * The name of a setting, and the bytes on the wire that it stands for: register numbers and codes of the application note (September 2023), as in
 * the recordings of the maker's own driver (tests/native/traces).
 */
const writes: [sensor: number, settings: CameraSettings, periods: string[]][] = [
  [0x81, { quality: "high" }, ["AA 00"]],
  [0x81, { brightness: -4 }, ["A2 08"]],
  [0x81, { contrast: 3 }, ["A3 05"]],
  [0x81, { saturation: -2 }, ["A4 04"]],
  [0x81, { exposureCompensation: -3 }, ["A5 06"]],
  [0x81, { whiteBalance: "cloudy" }, ["A6 03"]],
  [0x81, { effect: "sepia" }, ["A7 04"]],
  [0x81, { rotation: 180 }, ["AB 01"]],
  [0x81, { exposure: 0x1234 }, ["B0 01", "B3 00", "B4 12", "B5 34"]],
  [0x81, { gain: 300 }, ["B0 00", "B1 01", "B2 2C"]],
  [0x81, { exposure: "auto" }, ["B0 81"]],
  [0x81, { gain: "auto" }, ["B0 80"]],
  [0x81, { autoWhiteBalance: true }, ["B0 82"]],
  [0x81, { focus: 0x155 }, ["8C 03", "8D 15", "8C 02", "8D 50"]],
  [0x81, { focus: "continuous" }, ["A9 00", "A9 02"]],
  [0x81, { imageType: "rgb565be" }, ["A0 02"]],
  [0x82, { effect: "yellow" }, ["A7 09"]],
  [0x82, { sharpness: 8 }, ["A8 08"]],
  [0x85, { freezeExposure: true }, ["AC 01"]],
  [0x85, { freezeWhiteBalance: true }, ["AD 01"]],
];

for (const sensor of new Set(writes.map(([id]) => id)))
  test(`0x${sensor.toString(16)}: each setting by its name reaches its register`, async (t) => {
    const trace = join(directory, `settings-${sensor}.txt`);
    const mine = writes.filter(([id]) => id === sensor);
    const plan = [vga, ...mine.map(([, settings]) => ({ settings, piece: 4096 }))];
    const { lines, exit } = await run(t, plan, { CAMERA_TRACE: trace, CAMERA_SENSOR: `${sensor}` });
    assert.equal(exit.code, 0, exit.stderr);
    assert.deepEqual(
      lines.flatMap(({ error }) => error ?? []),
      [],
    );
    // Writes have bit 7 in their first byte; a burst that fetches a last byte has two bytes as well.
    const sent = (await readFile(trace, "utf8")).matchAll(/^\d+ ([89A-F][0-9A-F] [0-9A-F]{2}) \|/gm);
    // Per picture: what was written since the one before, without the trigger (0x04) and what the start wrote.
    const pictures: string[][] = [[]];
    for (const [, period] of sent)
      if (period === "84 02") pictures.push([]);
      else if (period !== "84 01") pictures.at(-1)!.push(period);
    const perSetting = pictures.slice(-1 - mine.length, -1);
    for (const [i, [, settings, expected]] of mine.entries()) {
      const bridge = ["8B 36"];
      const written = perSetting[i].filter((period) => !bridge.includes(period));
      assert.deepEqual(written, expected, JSON.stringify(settings));
    }
  });

test("the trace holds every chip-select period, and the picture can be put together from it", async (t) => {
  const trace = join(directory, "spi.txt");
  const { lines } = await run(t, [vga], { CAMERA_TRACE: trace });
  const text = await readFile(trace, "utf8");
  const periods = text.split("\n").filter((line) => /^\d/.test(line));
  const bursts: number[][] = [];
  let bytes = 0;
  for (const [i, line] of periods.entries()) {
    const parts = /^(\d{4,})((?: [0-9A-F]{2})+) \|((?: [0-9A-F]{2})+) {2}; (.+)$/.exec(line);
    assert.ok(parts, line.slice(0, 100));
    assert.equal(Number(parts[1]), i + 1);
    assert.equal(parts[2].length, parts[3].length);
    bytes += parts[2].length / 3;
    if (parts[2].startsWith(" 84 02")) bursts.length = 0;
    if (parts[2].startsWith(" 3C"))
      bursts.push(
        parts[3]
          .slice(1)
          .split(" ")
          .map((byte) => Number.parseInt(byte, 16)),
      );
  }
  assert.deepEqual(lines.at(-1)!.statistics, { bytes, transactions: periods.length });
  assert.ok(
    periods.some((line) => line.includes("44 00 00 |")),
    "polls",
  );
  assert.match(text, new RegExp(`# total CS frames=${periods.length}, total SPI bytes clocked=${bytes}\n$`));
  const picture = Buffer.from(bursts.flatMap((burst, i) => burst.slice(i ? 1 : 2)));
  assert.deepEqual(picture, await fileOf(640, 480, "default"));
});
