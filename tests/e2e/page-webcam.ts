import { writeFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import encodeQR from "qr";
import sharp from "sharp";
import { launchChromium } from "./bluez/browser.ts";

const frames = 30;

/** A browser whose webcam sees a QR code, held a little askew. @param path for the file of what it sees */
export async function launchWithWebcam(text: string, path: string): Promise<Browser> {
  const code = await sharp(Buffer.from(encodeQR(text, "svg")))
    .resize(280, 280, { kernel: "nearest" })
    .png()
    .toBuffer();
  const turned = await sharp(code).rotate(7, { background: "#fff" }).png().toBuffer();
  const background = { create: { width: 640, height: 480, channels: 3 as const, background: "#d8d4cc" } };
  const frame = await sharp(background)
    .composite([{ input: turned }])
    .jpeg()
    .toBuffer();
  await writeFile(path, Buffer.concat(Array(frames).fill(frame)));
  return launchChromium({
    switches: [
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${path}`,
    ],
  });
}
