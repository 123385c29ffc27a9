import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import sharp, { type Sharp } from "sharp";
import { dimensions, preparePhotos, type Quality } from "../../sim/camera/photos.ts";

const qualities: Quality[] = ["high", "default", "low"];

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "devicelink-photos-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function plain(colour: string, width = 1200, height = 900): Sharp {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

/** The mean colour, to tell pictures apart. */
async function colourOf(file: string): Promise<number[]> {
  const { channels } = await sharp(file).stats();
  return channels.map((channel) => Math.round(channel.mean));
}

function near(actual: number[], expected: number[]): void {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i] - value) < 8, `${actual} is not ${expected}`);
}

test("a generated scene in every size and quality: a whole JPEG, the larger the better", async (t) => {
  const directory = await temporary(t);
  await preparePhotos({ directory, resolutions: Object.keys(dimensions), qualities, count: 1 });
  for (const [resolution, { width, height }] of Object.entries(dimensions)) {
    const sizes: number[] = [];
    for (const quality of qualities) {
      const bytes = await readFile(join(directory, `${width}x${height}-${quality}/0.jpg`));
      const information = await sharp(bytes).metadata();
      assert.deepEqual([information.format, information.width, information.height], ["jpeg", width, height]);
      assert.equal(bytes.readUInt16BE(0), 0xffd8);
      assert.equal(bytes.readUInt16BE(bytes.length - 2), 0xffd9);
      assert.ok(bytes.length < 4 * 1024 * 1024, `${resolution} ${quality}`);
      sizes.push(bytes.length);
    }
    assert.ok(sizes[0] > sizes[1] && sizes[1] > sizes[2], `${resolution}: ${sizes}`);
  }
  const { size } = await stat(join(directory, "128x128-low/0.jpg"));
  assert.ok(size <= 4096, "small enough for a thumbnail");
});

test("the scene differs with each capture and each directory, and is the same for a seed", async (t) => {
  const [one, other, again] = [await temporary(t), await temporary(t), await temporary(t)];
  const request = { resolutions: ["QVGA"], qualities: ["default"] as Quality[], count: 3 };
  await preparePhotos({ ...request, directory: one, seed: 1 });
  await preparePhotos({ ...request, directory: other, seed: 2 });
  await preparePhotos({ ...request, directory: again, seed: 1 });
  const colours = await Promise.all(
    [one, other, again].map((directory) =>
      Promise.all([0, 1, 2].map((n) => colourOf(join(directory, `320x240-default/${n}.jpg`)))),
    ),
  );
  assert.notDeepEqual(colours[0][0], colours[0][1]);
  assert.notDeepEqual(colours[0][1], colours[0][2]);
  assert.notDeepEqual(colours[0], colours[1]);
  for (const n of [0, 1, 2]) near(colours[2][n], colours[0][n]);
});

test("only what is missing is made; the thumbnail shows the same scene as its picture", async (t) => {
  const directory = await temporary(t);
  await preparePhotos({ directory, resolutions: ["VGA"], qualities: ["default"], count: 1 });
  const file = join(directory, "640x480-default/0.jpg");
  const before = await stat(file);
  await preparePhotos({ directory, resolutions: ["VGA"], qualities: ["default"], count: 2 });
  await preparePhotos({ directory, resolutions: ["128x128"], qualities: ["low"], count: 2 });
  assert.equal((await stat(file)).mtimeMs, before.mtimeMs);
  for (const n of [0, 1])
    near(
      await colourOf(join(directory, `128x128-low/${n}.jpg`)),
      await colourOf(join(directory, `640x480-default/${n}.jpg`)),
    );
  assert.deepEqual((await readdir(join(directory, "640x480-default"))).sort(), ["0.jpg", "1.jpg"]);
});

test("photographs from a folder, JPEG and PNG, in the order of their names, over and over", async (t) => {
  const [directory, source] = [await temporary(t), await temporary(t)];
  await plain("#c02020").jpeg().toFile(join(source, "a.JPG"));
  await plain("#20c020", 300, 700).png().toFile(join(source, "b.png"));
  await writeFile(join(source, "notes.txt"), "not a picture");
  await preparePhotos({ source, directory, resolutions: ["QVGA", "96x96"], qualities: ["high"], count: 3 });
  for (const folder of ["320x240-high", "96x96-high"])
    for (const [n, colour] of [
      [0, [192, 32, 32]],
      [1, [32, 192, 32]],
      [2, [192, 32, 32]],
    ] as const)
      near(await colourOf(join(directory, folder, `${n}.jpg`)), [...colour]);
});

test("another source replaces what was there; a turned photograph is set upright", async (t) => {
  const [directory, source] = [await temporary(t), await temporary(t)];
  const file = join(source, "turned.jpg");
  const left = await plain("#0000ff", 200, 300).png().toBuffer();
  await plain("#ffff00", 400, 300)
    .composite([{ input: left, left: 0, top: 0 }])
    .withMetadata({ orientation: 3 })
    .jpeg()
    .toFile(file);
  const request = { directory, resolutions: ["VGA"], qualities: ["high"] as Quality[], count: 1 };
  await preparePhotos(request);
  await preparePhotos({ ...request, source: file });
  const picture = join(directory, "640x480-high/0.jpg");
  const right = await sharp(picture).extract({ left: 400, top: 0, width: 240, height: 480 }).toBuffer();
  near(
    (await sharp(right).stats()).channels.map((channel) => channel.mean),
    [0, 0, 255],
  );
});

test("what cannot be used is said by name", async (t) => {
  const directory = await temporary(t);
  const request = { directory, resolutions: ["VGA"], qualities: ["high"] as Quality[], count: 1 };
  await assert.rejects(preparePhotos({ ...request, source: join(directory, "none.jpg") }), /no such photo or folder/);
  await mkdir(join(directory, "empty"));
  await assert.rejects(preparePhotos({ ...request, source: join(directory, "empty") }), /no JPEG or PNG in/);
  await assert.rejects(preparePhotos({ ...request, resolutions: ["8K"] }), /no such resolution: 8K/);
});
