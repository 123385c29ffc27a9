/** Every screen of the page with axe-core, in light and dark, on a phone and on a desktop. Leaves screenshots on demand. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { formatLabel } from "../../sim/phone/label.ts";
import { inspect } from "./page-inspection.ts";
import { Person, until } from "./page-person.ts";
import { noChromium, PageRig } from "./page-rig.ts";

let rig: PageRig;

before(async () => {
  if (!noChromium) rig = await PageRig.open();
});

after(async () => {
  await rig?.close();
});

test("no screen has an accessibility violation or a horizontal scroll bar", { skip: noChromium }, async (t) => {
  const person = await Person.at(rig);
  const { page } = person;

  await t.test("sign in", async () => {
    await person.heading("Sign in").waitFor();
    await inspect(page, "sign-in");
    await page.getByLabel("Password", { exact: true }).fill("not this one");
    await person.button(/^Sign in$/).click();
    await page.getByRole("alert").filter({ hasText: "password" }).waitFor();
    await inspect(page, "sign-in-wrong-password");
  });

  await t.test("no camera, no picture", async () => {
    await person.signIn();
    await person.heading("No camera yet").waitFor();
    await inspect(page, "cameras-empty");
    await person.link("Gallery").click();
    await person.heading("No pictures yet").waitFor();
    await inspect(page, "gallery-empty");
  });

  await t.test("adding a camera", async () => {
    const label = await rig.label;
    await person.link("Cameras").first().click();
    await person.toFind();
    await page.getByRole("radio", { name: label.name }).waitFor();
    await inspect(page, "find");
    await page.getByText("Read the label's QR code").click();
    await inspect(page, "find-label");
    await page.getByLabel("What the label's QR code says").fill('{"ver":"v1","name":"a lamp"}');
    await person.button("Use this text").click();
    await page.getByRole("alert").filter({ hasText: "label" }).waitFor();
    await page.getByLabel("What the label's QR code says").fill(formatLabel(label));
    await person.button("Use this text").click();
    const shown = await page.getByLabel("Proof of possession").inputValue();
    assert.match(shown, /^\w{4}(-\w{4})+$/, "in groups, as on the label");
    assert.equal(shown.replaceAll("-", ""), label.proofOfPossession);
    await person.choose({ ...label, proofOfPossession: "wrong" });
    await page.getByText("does not fit this camera").waitFor();
    await inspect(page, "find-wrong-proof");
    await person.choose(label, "Bird house");
    await page.getByRole("radio", { name: "Workshop" }).check();
    await page.evaluate("scrollTo(0, 0)");
    await inspect(page, "wifi");
    await person.giveWiFi("not this password");
    await page.getByRole("alert").filter({ hasText: "Wi-Fi" }).waitFor();
    await inspect(page, "register-failed");
    await person.link("Choose the Wi-Fi again").click();
    await person.giveWiFi();
    await person.heading("Your camera is online").waitFor();
    await inspect(page, "register");
  });

  await t.test("the camera", async () => {
    await person.link("Take the first picture").click();
    await person.heading("Bird house").waitFor();
    await person.takePicture();
    await page.getByText("More settings").click();
    await until("its settings are known", async () => (await page.getByLabel("Size").inputValue()) === "VGA");
    await page.evaluate("scrollTo(0, 0)");
    await inspect(page, "camera");
    await person.button("Remove this camera").click();
    await inspect(page, "camera-remove");
    await person.button("Keep it").click();
  });

  await t.test("the pictures", async () => {
    await person.link("Cameras").first().click();
    await page.locator(".camera-card img").waitFor();
    await inspect(page, "cameras");
    await person.link("Gallery").click();
    await page.locator(".tile img").waitFor();
    await inspect(page, "gallery");
    await page.locator(".tile").click();
    await page.locator(".viewer img").waitFor();
    await inspect(page, "viewer");
    await page.keyboard.press("Escape");
  });

  await t.test("activity, a camera that is somebody else's, an unknown address", async () => {
    await person.link("Activity").click();
    await page.locator(".log li").first().waitFor();
    await inspect(page, "activity");
    await page.goto(`${rig.server.url}#/camera/camera-000000`);
    await person.heading("Not your camera").waitFor();
    await inspect(page, "not-yours");
    await page.goto(`${rig.server.url}#/nowhere`);
    await person.heading("Not found").waitFor();
    await inspect(page, "not-found");
  });

  assert.deepEqual(rig.complaints, []);
});
