/** The page's whole flow, from the sign-in to the picture in the gallery: by both radios, and by keyboard alone. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { formatLabel } from "../../sim/phone/label.ts";
import { Chooser } from "./bluez/browser.ts";
import { fits } from "./page-inspection.ts";
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
  // The way back: a question does not outlive its screen, and what is done is not shown as if it were to be done.
  await page.goBack();
  await person.heading("Bird house").waitFor();
  await person.button("Remove this camera").click();
  await page.getByRole("dialog").waitFor();
  await page.goBack();
  await person.heading("Cameras").waitFor();
  await page.getByRole("link", { name: /Bird house/ }).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
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

test("the same over Web Bluetooth, for a camera with a long name", { skip: noBluetooth }, async () => {
  const name = "The porch behind the old garage, left of the blue door";
  const label = await rig.newCamera();
  const person = await Person.at(rig);
  const { page } = person;
  const chooser = await Chooser.open(page);
  await person.signIn();
  await person.toFind();
  await person.chooseByBluetooth(chooser, label, name);
  await person.giveWiFi();
  await person.heading("Your camera is online").waitFor();
  await person.link("Take the first picture").click();
  await person.heading(name).waitFor();
  await page.getByText("Linked", { exact: true }).waitFor();
  await person.takePicture();
  await person.link("Gallery").click();
  await page.locator(".tile img").first().waitFor();
  await page.getByText(name).waitFor();
  assert.ok(await fits(page));
  assert.deepEqual(rig.complaints, []);
});

test("Bluetooth is switched off in the middle of registering, and on again", { skip: noBluetooth }, async () => {
  const label = await rig.newCamera();
  const adapter = rig.bluez!.adapter;
  const person = await Person.at(rig);
  const { page } = person;
  await person.signIn();
  await person.toFind();
  await person.chooseByBluetooth(await Chooser.open(page), label);
  rig.onCertificate(() => adapter.setPowered(false));
  try {
    await person.giveWiFi();
    await page.getByRole("alert").filter({ hasText: "Bluetooth is switched off" }).waitFor();
  } finally {
    await adapter.setPowered(true);
  }
  await person.button("Try again").click();
  await person.heading("Your camera is online").waitFor();
  assert.deepEqual(rig.complaints, []);
});

test("a camera that the browser remembers needs no chooser", { skip: noBluetooth }, async () => {
  const label = await rig.newCamera();
  const person = await Person.at(rig);
  const { page } = person;
  const chooser = await Chooser.open(page);
  await person.signIn();
  await person.toFind();
  await person.chooseByBluetooth(chooser, label);
  await person.heading("Choose its Wi-Fi").waitFor();
  const shown = chooser.prompts;
  // In the middle of adding it.
  await page.reload();
  await page.getByText(`Going on with ${label.name}`).waitFor();
  assert.ok(await page.getByRole("radio", { name: label.name }).isChecked());
  await page.getByLabel("Proof of possession").fill(label.proofOfPossession);
  await person.button("Connect").click();
  await person.heading("Choose its Wi-Fi").waitFor();
  await person.button("Cancel").click();
  // And at another time: it is offered, and not chosen, for it may be another camera's turn.
  await person.toFind();
  await page.getByRole("radio", { name: "Real cameras near this device" }).check();
  const remembered = page.getByRole("radio", { name: label.name });
  await remembered.waitFor();
  assert.equal(await remembered.isChecked(), false);
  await person.choose(label);
  await person.heading("Choose its Wi-Fi").waitFor();
  assert.equal(chooser.prompts, shown);
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
    await person.button("Scan the code").click();
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
  // A button that is pressed stays where it is; at the end the focus goes to the other one, so that the keys go on.
  await press(page, "Newer picture");
  await page.getByText(/1 of \d/).waitFor();
  assert.equal(await focusedName(page), "Older picture");
  await page.keyboard.press("End");
  await page.getByText(/(\d+) of \1/).waitFor();
  assert.equal(await focusedName(page), "Newer picture");
  await page.keyboard.press("Home");
  await page.getByText(/1 of \d/).waitFor();
  await page.keyboard.press("Escape");
  assert.match(await focusedName(page), /KB/);
});

test("many pictures come page by page; one that arrives meanwhile moves nobody", { skip: noChromium }, async () => {
  const person = await Person.at(rig);
  const { page } = person;
  await person.signIn();
  await rig.addPictures(50);
  await person.link("Gallery").click();
  await page.getByText("24+ pictures").waitFor();
  const tiles = page.locator(".tile");
  const end = page.getByRole("button", { name: "Show more" });
  await until("all have come", async () => {
    if (await end.isVisible()) await end.scrollIntoViewIfNeeded({ timeout: 1000 }).catch(() => {});
    return (await tiles.count()) > 50;
  });
  const before = await tiles.count();
  const old = tiles.nth(40);
  await old.focus();
  const name = await focusedName(page);
  // The person's other tab.
  const tab = new Person(rig, await page.context().newPage());
  await tab.page.goto(`${rig.server.url}#/cameras`);
  await tab.page.locator(".camera-card", { hasText: "Online" }).first().click();
  await tab.takePicture();
  await until("the new one shows", async () => (await tiles.count()) === before + 1);
  assert.equal(await focusedName(page), name);
  assert.ok(await page.evaluate("document.activeElement.getBoundingClientRect().top >= 0 && scrollY > 1000"));
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
