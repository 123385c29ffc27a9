/**
 * Makes the pictures of screenshots/ from those that the tests leave:
 *
 *     PAGE_SCREENSHOTS=/tmp/shots npm test -- page-screens && npx tsx sim/phone/web/screenshots.ts /tmp/shots
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

/** All of them together, in bytes. */
const limit = 200_000;
const target = fileURLToPath(new URL("screenshots/", import.meta.url));
/** Every screen on a phone, in one scheme or the other; those with two columns on a desktop as well. */
const chosen = [
  "sign-in-phone-light",
  "cameras-empty-phone-light",
  "find-phone-light",
  "find-wrong-proof-phone-dark",
  "wifi-phone-light",
  "register-failed-phone-dark",
  "register-phone-light",
  "camera-phone-light",
  "gallery-phone-dark",
  "viewer-phone-light",
  "activity-phone-dark",
  "cameras-desktop-light",
  "camera-desktop-light",
  "camera-desktop-dark",
  "gallery-desktop-light",
];

const [, , source] = process.argv;
if (!source) throw new Error("which directory has the tests left their screenshots in?");
const there = new Set(await readdir(source));
const missing = chosen.filter((name) => !there.has(`${name}.png`));
if (missing.length) throw new Error(`missing: ${missing.join(", ")}`);

await rm(target, { recursive: true, force: true });
await mkdir(target);
let total = 0;
for (const name of chosen) {
  const picture = sharp(join(source, `${name}.png`))
    .resize({ width: name.includes("desktop") ? 880 : 320 })
    .webp({ quality: 62, effort: 6 });
  const { size } = await picture.toFile(join(target, `${name}.webp`));
  total += size;
}
console.log(`${chosen.length} pictures, ${Math.round(total / 1000)} KB`);
if (total > limit) throw new Error(`they may have ${limit / 1000} KB together`);
