/** A picture that the camera could not get all of: the page says so wherever it shows it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import sharp from "sharp";
import { isCut } from "../../sim/phone/jpeg-end.ts";
import { Person } from "./page-person.ts";
import { noChromium, PageRig } from "./page-rig.ts";

const words = /incomplete: the camera delivered only part of it/;

test("the page's own look at a JPEG's end", async () => {
  const noise = { type: "gaussian" as const, mean: 120, sigma: 30 };
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: "navy", noise } });
  for (const progressive of [false, true]) {
    const whole = await picture.jpeg({ progressive }).toBuffer();
    assert.equal(isCut(whole), false);
    for (let length = 0; length < whole.length; length++)
      assert.equal(isCut(whole.subarray(0, length)), true, `${length}`);
    for (const padding of [[0x5a], [0, 0, 0], Array(300).fill(0xff)])
      assert.equal(isCut(Buffer.concat([whole, Buffer.from(padding)])), false, `${padding}`);
    const thumbnail = Buffer.concat([
      Buffer.from([0xff, 0xe1, (whole.length + 2) >> 8, (whole.length + 2) & 255]),
      whole,
    ]);
    const withThumbnail = Buffer.concat([whole.subarray(0, 2), thumbnail, whole.subarray(2)]);
    assert.equal(isCut(withThumbnail), false);
    assert.equal(isCut(withThumbnail.subarray(0, -2)), true);
  }
});

test("cut twice: the card and the viewer call it incomplete; the next, whole one they do not", {
  skip: noChromium,
}, async (t) => {
  // Two captures of the start and the thumbnail's pass; then the picture and its second try are cut.
  const rig = await PageRig.open({ cameraFaults: "after=3,truncated=2" });
  t.after(() => rig.close());
  const person = await Person.at(rig);
  const { page } = person;
  await person.signIn();
  await person.addCamera("Bird house");
  await person.link("Take the first picture").click();
  await person.heading("Bird house").waitFor();
  await person.takePicture();
  await page.getByText(words).waitFor();
  const stored = rig.objects.at(-1);
  assert.equal(rig.objects.length, 1);
  assert.ok(stored && isCut(await readFile(stored.path)));
  await person.link("Gallery").click();
  await page.locator(".tile").click();
  await page.getByRole("dialog").getByText(words).waitFor();
  await page.keyboard.press("Escape");
  await page.goBack();
  await person.heading("Bird house").waitFor();
  await page.getByText(words).waitFor();
  await person.takePicture();
  await page.getByText(/· in the gallery/).waitFor();
  assert.equal(await page.getByText(words).count(), 0);
  assert.deepEqual(rig.complaints, []);
});
