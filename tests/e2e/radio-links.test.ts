/** Who may stay connected, who may guess, and what is noticed when somebody sits between phone and camera. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CameraClient } from "../../sim/phone/camera-client.ts";
import type { GattLink } from "../../sim/phone/gatt.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import { Session } from "../../sim/phone/session.ts";
import { type Radio, startRadio } from "../../sim/radio/radio.ts";
import { deviceName, proofOfPossession, setUp, startPhone, TestDevice, until } from "./radio-rig.ts";

const echo = { type: "Echo", text: "Straße 📷" };

/** The error's code, or "" when there was none. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** So many phones with a link and no session. */
async function strangers(t: TestContext, radio: Radio, count: number): Promise<CameraClient[]> {
  const phones: CameraClient[] = [];
  for (let i = 0; i < count; i++) {
    const phone = await startPhone(t, { port: radio.port });
    await phone.connect(deviceName);
    phones.push(phone);
  }
  return phones;
}

test("a silent link loses its place when all are taken, and somebody else gets in; the session that there is stays", async (t) => {
  // Longer than three phones take to connect on a busy machine.
  const { radio, device, phone } = await setUp(t, {}, {}, { PATIENCE: "8000" });
  const silent = await strangers(t, radio, 2);
  const owner = await startPhone(t, { port: radio.port }, { scanTimeout: 300 });
  assert.equal(await codeOf(owner.connect(deviceName)), "CameraNotFound");
  await until("a place is free", () => silent.some(({ connected }) => !connected));
  await owner.connect(deviceName, { timeout: 5000 });
  assert.equal(await codeOf(owner.openSession(proofOfPossession)), "Busy");
  assert.deepEqual(await phone.request("camera-command", echo), echo);
  await device.checkAlive();
});

test("who says something now and then, but never the right thing, loses the place as well, with the message on its way", async (t) => {
  const { radio, device, phone } = await setUp(t, {}, {}, { PATIENCE: "1500" });
  await phone.disconnect();
  await device.reaches("state", "advertising");
  const trickling = await strangers(t, radio, 3);
  const talk = async (stranger: CameraClient) => {
    while (stranger.connected) await stranger.version().catch(() => undefined);
  };
  await Promise.race(trickling.map(talk));
  await phone.connect(deviceName, { timeout: 5000 });
  await phone.openSession(proofOfPossession);
  assert.deepEqual(await phone.request("camera-command", echo), echo);
  await Promise.all(trickling.map((stranger) => stranger.close()));
  await device.checkAlive();
});

test("as long as there is a place for somebody else, a link may be silent; a session that ended counts from its end", async (t) => {
  const { radio, device, phone } = await setUp(t, {}, {}, { PATIENCE: "800" });
  const [silent] = await strangers(t, radio, 1);
  await delay(1600);
  assert.ok(silent.connected);
  // The refusal ends the session, not the link.
  assert.equal(await codeOf(phone.request("camera-cert", { type: "Length", text: "y".repeat(6200) })), "Refused");
  const [third] = await strangers(t, radio, 1);
  await until("the silent phone is gone", () => !silent.connected);
  assert.equal(third.connected, true);
  await device.checkAlive();
});

test("a camera that was switched off and on knows how often somebody guessed", async (t) => {
  const storage = await mkdtemp(join(tmpdir(), "radio-guesses-"));
  t.after(() => rm(storage, { recursive: true, force: true }));
  const environment = { STORAGE_DIRECTORY: storage };
  const { radio, device, phone } = await setUp(t, {}, {}, environment);
  for (let i = 0; i < 4; i++) {
    const error = await phone.openSession("wrong").catch((failure) => failure);
    if (error.retryAfter) await delay(error.retryAfter);
    else assert.equal(error.code, "WrongProof");
  }
  await phone.close();
  device.process.kill("SIGKILL");
  await device.process.exited;
  await TestDevice.start(t, radio.port, environment);
  const next = await startPhone(t, { port: radio.port });
  await next.connect(deviceName);
  // The pause began anew with the start, and may be over already. A camera that had forgotten would let two more guesses pass.
  const refused = await next.openSession("wrong").catch((error) => error);
  if (refused.retryAfter) {
    await delay(refused.retryAfter);
    assert.equal((await next.openSession("wrong").catch((error) => error)).code, "WrongProof");
  }
  assert.ok(((await next.version()).devicelink?.retryAfter ?? 0) > 0);
  const locked = await next.openSession(proofOfPossession).catch((error) => error);
  assert.equal(locked.code, "LockedOut");
  await delay(locked.retryAfter);
  await next.openSession(proofOfPossession);
  assert.deepEqual(await next.request("camera-command", echo), echo);
});

/** A radio link on which somebody changes bits, and says what he likes of the camera's version. */
function tampered(
  link: GattLink,
  change: (endpoint: string, value: Uint8Array, written: boolean) => Uint8Array,
): GattLink {
  return new Proxy(link, {
    get(target, name) {
      if (name === "write")
        return (endpoint: string, value: Uint8Array) => target.write(endpoint, change(endpoint, value, true));
      if (name === "read") return async (endpoint: string) => change(endpoint, await target.read(endpoint), false);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function openLink(t: TestContext, radio: Radio): Promise<GattLink> {
  const central = await RadioCentral.open({ port: radio.port });
  t.after(() => central.close());
  const [camera] = await central.scan({ timeout: 5000, name: deviceName });
  return await central.connect(camera.id, { timeout: 5000 });
}

for (const written of [true, false])
  test(`a bit that is changed on the way ${written ? "to" : "from"} the camera is noticed by who gets it`, async (t) => {
    const { radio, device, phone } = await setUp(t);
    await phone.close();
    await device.reaches("state", "advertising");
    let armed = false;
    const link = tampered(await openLink(t, radio), (endpoint, value, isWritten) => {
      if (!armed || isWritten !== written || endpoint !== "camera-command" || value.length < 4) return value;
      const altered = Uint8Array.from(value);
      altered[3] ^= 1;
      return altered;
    });
    const session = await Session.establish(link, proofOfPossession);
    const request = () => session.request("camera-command", echo, { timeout: 5000 });
    assert.deepEqual(await request(), echo);
    armed = true;
    const error = await request().catch((failure) => failure);
    assert.equal(error.code, written ? "Refused" : "SessionLost");
    if (written) assert.match(error.message, /^NotAuthentic: /);
    assert.equal(session.open, false);
    await device.checkAlive();
  });

test("who says that a camera with a long proof speaks security 1 only is no camera; older cameras do and may", async (t) => {
  const long = "0a1bcdefghjkmnpq";
  const other = "0123456789-abcdefghij-0123456789";
  const lie = (endpoint: string, value: Uint8Array, written: boolean) => {
    if (written || endpoint !== "proto-ver") return value;
    return Buffer.from(Buffer.from(value).toString().replace('"sec_ver":2,"sec_patch_ver":1', '"sec_ver":1'));
  };
  for (const [proof, code] of [
    [long, "UnsupportedProtocol"],
    [other, ""],
  ]) {
    const radio = await startRadio();
    t.after(() => radio.close());
    const device = await TestDevice.start(t, radio.port, { PROOF: proof });
    await device.reaches("state", "advertising");
    const link = tampered(await openLink(t, radio), lie);
    const session = await Session.establish(link, proof).catch((error) => error);
    assert.equal(session.code ?? "", code);
    if (!code) assert.deepEqual(await session.request("camera-command", echo, { timeout: 5000 }), echo);
    await link.close();
  }
});
