/** The page's whole flow, from the sign-in to the picture in the gallery: by both radios, and by keyboard alone. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { formatLabel } from "../../sim/phone/label.ts";
import { Chooser } from "./bluez/browser.ts";
import { Person, until } from "./page-person.ts";
import { network, noBluetooth, noChromium, PageRig } from "./page-rig.ts";
import { launchWithWebcam } from "./page-webcam.ts";

let rig: PageRig;

before(async () => {
  if (!noChromium) rig = await PageRig.open({ bluetooth: !noBluetooth });
});

afterEach(async (t) => {
  await rig?.closePhones(t as TestContext);
});

after(async () => {
  await rig?.close();
});

test("a new user gets a picture into the gallery, over the simulator's radio", { skip: noChromium }, async () => {
  const person = await Person.at(rig);
  const { page } = person;
  await person.signIn();
  await person.addCamera("Bird house");
  await person.link("Take the first picture").click();
  await person.heading("Bird house").waitFor();
  await page.evaluate(recordWords);
  await person.takePicture();
  const words = await page.evaluate<string>("recorded.join()");
  assert.match(
    words,
    /The camera takes a picture….*Thumbnail, over Bluetooth.*sends the picture….*[1-9] of [\d.]+ KB/s,
  );
  await person.link("Gallery").click();
  await page.locator(".tile img").waitFor();
  assert.equal(await page.locator(".tile").count(), 1);
  // The bytes in the bucket, as they are downloaded.
  await page.locator(".tile").click();
  const downloading = page.waitForEvent("download");
  await person.button("Download").click();
  const picture = await readFile(await (await downloading).path());
  const stored = rig.objects.at(-1);
  assert.ok(stored && picture.equals(await readFile(stored.path)));
  await person.button("Delete").click();
  await page.getByRole("dialog", { name: "Delete this picture?" }).getByRole("button", { name: "Delete" }).click();
  await person.heading("No pictures yet").waitFor();
  assert.deepEqual(rig.complaints, []);
});

test("a setting waits for the camera, is applied, or is refused", { skip: noChromium }, async () => {
  const person = await Person.at(rig);
  const { page } = person;
  await person.signIn();
  await page.getByRole("link", { name: /Bird house/ }).click();
  const size = page.getByLabel("Size");
  await until("the size is known", async () => (await size.inputValue()) === "VGA");
  await rig.line.stopCamera("SIGKILL");
  await page.getByText("The camera is offline").waitFor();
  await size.selectOption("HD");
  await page.getByText("Waits for the camera").waitFor();
  await rig.line.startCamera();
  await page.getByText("Waits for the camera").waitFor({ state: "hidden" });
  assert.equal(await size.inputValue(), "HD");
  // A size that the 3MP model has, and this one has not.
  await size.selectOption("QXGA");
  await page.getByText(/^Refused: /).waitFor();
  await size.selectOption("VGA");
  await page.getByText(/^Refused: /).waitFor({ state: "hidden" });
});

test("the same over Web Bluetooth", { skip: noBluetooth }, async () => {
  const label = await rig.newCamera();
  const person = await Person.at(rig);
  const { page } = person;
  const chooser = await Chooser.open(page);
  await person.signIn();
  await person.toFind();
  await page.getByRole("radio", { name: "Real cameras near this device" }).check();
  await person.button("Choose a camera…").click();
  await chooser.choose(label.name);
  await person.choose(label, "Porch");
  await person.giveWiFi();
  await person.heading("Your camera is online").waitFor();
  await person.link("Take the first picture").click();
  await person.heading("Porch").waitFor();
  await page.getByText("Linked", { exact: true }).waitFor();
  await person.takePicture();
  await person.link("Gallery").click();
  await page.locator(".tile img").first().waitFor();
  assert.deepEqual(rig.complaints, []);
});

test("the label's QR code is read by the webcam", { skip: noChromium }, async () => {
  const label = await rig.newCamera();
  const browser = await launchWithWebcam(formatLabel(label), join(rig.directory, "webcam.mjpeg"));
  try {
    const person = await Person.at(rig, "", browser);
    await person.signIn();
    await person.toFind();
    await person.page.getByText("Read the label's QR code").click();
    await person.button("Scan with the webcam").click();
    await person.page.getByText(`Label of ${label.name} read.`).waitFor();
    await person.button("Connect").click();
    await person.heading("Choose its Wi-Fi").waitFor();
  } finally {
    await browser.close();
  }
});

test("the same with a keyboard alone", { skip: noChromium }, async () => {
  const label = await rig.newCamera();
  const person = await Person.at(rig);
  const { page } = person;
  await person.heading("Sign in").waitFor();
  await press(page, "Sign in as demo");
  await person.heading("Cameras").waitFor();
  await press(page, "Add a camera");
  await page.getByRole("radio", { name: label.name }).waitFor();
  await press(page, "Use it");
  await focused(page, "Connect");
  await page.keyboard.press("Enter");
  await page.getByRole("radio", { name: network.ssid }).waitFor();
  await press(page, "Use it");
  await focused(page, "Join this network");
  await page.keyboard.press("Enter");
  await person.heading("Your camera is online").waitFor();
  await focused(page, "Take the first picture");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await press(page, "Take picture");
  await page.locator("img.stored").waitFor();
  await press(page, "Gallery");
  await page.locator(".tile img").first().waitFor();
  await press(page, /KB/);
  await page.getByText(/1 of \d/).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText(/2 of \d/).waitFor();
  await page.keyboard.press("Home");
  await page.getByText(/1 of \d/).waitFor();
  await page.keyboard.press("Escape");
  assert.match(await focusedName(page), /KB/);
});

/** Notes what the picture's part of the screen has said, however short it was there. */
const recordWords = `
  globalThis.recorded = [];
  const card = document.querySelector(".stage-card");
  const options = { childList: true, subtree: true, characterData: true };
  new MutationObserver(() => recorded.push(card.innerText)).observe(card, options);`;

/** Tabs to what is called so, and presses Enter. */
async function press(page: Page, name: string | RegExp): Promise<void> {
  const isIt = (text: string) => (typeof name === "string" ? text === name : name.test(text));
  for (let tabs = 0; tabs < 60; tabs++) {
    if (isIt(await focusedName(page))) return page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
  }
  throw new Error(`${name} cannot be reached by the keyboard`);
}

/** Waits until the page has put the focus there by itself. */
async function focused(page: Page, name: string): Promise<void> {
  await page.locator(":focus").filter({ hasText: name }).waitFor();
}

const focusedName = (page: Page) =>
  page.evaluate<string>("document.activeElement.ariaLabel ?? document.activeElement.innerText");
