/** The page's whole flow, from the sign-in to the picture in the gallery. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Person } from "./page-person.ts";
import { noChromium, PageRig } from "./page-rig.ts";

let rig: PageRig;

before(async () => {
  if (!noChromium) rig = await PageRig.open({ bluetooth: true });
});

afterEach(async () => {
  await rig?.closePhones();
});

after(async () => {
  await rig?.close();
});

test("a new user gets a picture into the gallery, over the simulator's radio", { skip: noChromium }, async () => {
  const person = await Person.at(rig);
  await person.signIn();
  await person.addCamera("Bird house");
  await person.link("Take the first picture").click();
  await person.heading("Bird house").waitFor();
  await person.takePicture();
  await person.link("Gallery").click();
  await person.page.locator(".tile img").waitFor();
  assert.equal(await person.page.locator(".tile").count(), 1);
  assert.deepEqual(rig.complaints, []);
});
