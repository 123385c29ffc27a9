/** npm improv-wifi-sdk, unmodified, against the simulated camera: the way of people who have other tools. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { provisioningService } from "../../sim/phone/gatt.ts";
import { RadioHost } from "../../sim/phone/radio-host.ts";
import { type Radio, type RadioOptions, startRadio } from "../../sim/radio/radio.ts";
import { network } from "../../sim/start/processes.ts";
import { characteristicOf, hear, ImprovPhone, improvService, openDevice } from "./improv-rig.ts";
import { LineRig } from "./line-rig.ts";
import { deviceName, proofOfPossession, startPhone, TestDevice, until } from "./radio-rig.ts";

const ssid = "Devicelink";
const password = "correct horse";

async function setUp(
  t: TestContext,
  { radio: radioOptions = {}, environment = {} }: { radio?: RadioOptions; environment?: Record<string, string> } = {},
): Promise<{ radio: Radio; device: TestDevice }> {
  const radio = await startRadio(radioOptions);
  t.after(() => radio.close());
  const device = await TestDevice.start(t, radio.port, { IMPROV_WINDOW: "60000", ...environment });
  return { radio, device };
}

test("the camera is heard as Improv's clients want it: service, state and capabilities, and Espressif's first", async (t) => {
  const { radio, device } = await setUp(t);
  const host = await RadioHost.open({ port: radio.port });
  t.after(() => host.close());
  const heard = await hear(host, improvService);
  assert.equal(heard.name, deviceName);
  assert.deepEqual(heard.serviceUuids, [provisioningService, improvService]);
  assert.deepEqual([...(heard.serviceData ?? [])], [2, 6, 0, 0, 0, 0]);
  const phone = await ImprovPhone.open(t, { port: radio.port });
  await phone.client.provision(ssid, password);
  const plain = await hear(host, provisioningService, ({ serviceUuids }) => !serviceUuids.includes(improvService));
  assert.deepEqual([plain.name, plain.serviceUuids, plain.serviceData], [deviceName, [provisioningService], undefined]);
  await device.checkAlive();
});

for (const environment of [{}, { LINK_ENCRYPTION: "1" }] as Record<string, string>[])
  test(`improv-wifi-sdk brings the camera into the Wi-Fi ${JSON.stringify(environment)}`, async (t) => {
    const { radio, device } = await setUp(t, { environment });
    const phone = await ImprovPhone.open(t, { port: radio.port });
    assert.equal(phone.client.name, deviceName);
    assert.equal(phone.client.capabilities, 6);
    assert.equal(phone.client.currentState, 2);
    assert.deepEqual(await phone.command(3), ["devicelink-camera", "0.1.0", "simulated", deviceName]);
    const networks = [ssid, "-45", "WPA2", "Cafe", "-67", "NO", "Neighbours", "-80", "WPA2/WPA3"];
    const scanned = (await phone.command(4)) as string[];
    assert.deepEqual(
      scanned.filter((_, i) => i % 3 !== 1),
      networks.filter((_, i) => i % 3 !== 1),
    );
    for (let i = 1; i < scanned.length; i += 3) assert.match(scanned[i], /^-\d+$/);
    assert.equal(await phone.client.provision(ssid, password), undefined);
    assert.deepEqual(phone.states.slice(0, 2), [3, 4]);
    assert.equal(phone.client.errorState, 0);
    assert.equal(device.latest("configured"), ssid);
    assert.equal(device.latest("wifi"), "connected");
    assert.equal(radio.encryptedLinks > 0, "LINK_ENCRYPTION" in environment && radio.links > 0);
    await device.checkAlive();
  });

test("wrong password, unknown network, unknown command, broken packet: each error, and then it works", async (t) => {
  const { radio, device } = await setUp(t);
  const phone = await ImprovPhone.open(t, { port: radio.port });
  const failed = async (expected: number) => {
    await until(`error ${expected}`, () => phone.client.errorState === expected);
    await until("authorized", () => phone.client.currentState === 2);
  };
  assert.equal(await phone.client.provision(ssid, "wrong password"), undefined);
  await failed(3);
  assert.equal(await phone.client.provision("Elsewhere", password), undefined);
  await failed(3);
  assert.equal(device.latest("configured"), undefined);
  for (const command of [2, 5, 6, 7, 200]) assert.equal(await phone.command(command), 2, `command ${command}`);
  const commands = await phone.characteristic(3);
  await commands.writeValueWithResponse(Uint8Array.of(3, 0, 99));
  await failed(1);
  assert.equal(await phone.command(1, Uint8Array.of(200, 65)), 1);
  assert.equal(await phone.client.provision(ssid, password), undefined);
  await device.reaches("configured", ssid);
  assert.equal(phone.client.errorState, 0);
});

test("at an MTU of 23 commands come in pieces, of both kinds of write, and long results are read", async (t) => {
  const { radio, device } = await setUp(t, { radio: { mtu: 23 } });
  const phone = await openDevice(t, { port: radio.port, exchangeMTU: false });
  const errors = await characteristicOf(phone, 2);
  const commands = await characteristicOf(phone, 3);
  const results = await (await characteristicOf(phone, 4)).startNotifications();
  await commands.writeValueWithoutResponse(Uint8Array.of(3, 0));
  await commands.writeValueWithResponse(Uint8Array.of(3));
  await until("a result", () => results.value?.byteLength === 20);
  const text = new TextDecoder().decode(await results.readValue());
  assert.match(text, /devicelink-camera.*0\.1\.0.*simulated.*PROV_TEST/s);
  const data = [ssid.length, ...Buffer.from(ssid), password.length, ...Buffer.from(password)];
  const packet = [1, data.length, ...data];
  packet.push(packet.reduce((sum, byte) => sum + byte, 0) & 0xff);
  for (const [index, at] of [0, 20].entries()) {
    const part = Uint8Array.from(packet.slice(at, at + 20));
    await (index ? commands.writeValueWithResponse(part) : commands.writeValueWithoutResponse(part));
  }
  await device.reaches("configured", ssid);
  assert.equal((await errors.readValue()).getUint8(0), 0);
});

test("two clients: both see the state, each its own answers, and only one of them may set the Wi-Fi", async (t) => {
  const { radio, device } = await setUp(t);
  const first = await ImprovPhone.open(t, { port: radio.port });
  const second = await ImprovPhone.open(t, { port: radio.port });
  const joining = first.client.provision(ssid, password);
  await until("provisioning", () => second.states.includes(3));
  assert.equal(await second.command(1, Uint8Array.of(1, 65, 0)), 4);
  assert.equal(first.client.errorState, 0);
  await joining;
  assert.equal(first.client.errorState, 0);
  // The SDK's server forgets that the second one has subscribed when the first one goes: what it misses it can read.
  await (await second.characteristic(3)).writeValueWithResponse(Uint8Array.of(3, 0, 3));
  const read = async (last: number) => new Uint8Array((await (await second.characteristic(last)).readValue()).buffer);
  assert.deepEqual([...(await read(1)), ...(await read(2))], [4, 0]);
  assert.match(new TextDecoder().decode(await read(4)), /devicelink-camera/);
  assert.equal(device.latest("configured"), ssid);
});

test("a phone that is lost in the middle of a command leaves the camera well, and the next one is served", async (t) => {
  const { radio, device } = await setUp(t, { radio: { supervisionTimeout: 300 } });
  const lost = await ImprovPhone.open(t, { port: radio.port });
  await (await lost.characteristic(3)).writeValueWithResponse(Uint8Array.of(1, 30, 10));
  radio.dropLinks();
  await until("the link's end", () => !lost.device.connected);
  const next = await ImprovPhone.open(t, { port: radio.port });
  assert.equal(await next.client.provision(ssid, password), undefined);
  await device.reaches("configured", ssid);
});

test("after the window, and while the owner's phone has its session, Wi-Fi settings are not authorized", async (t) => {
  const { radio, device } = await setUp(t, { environment: { IMPROV_WINDOW: "6000" } });
  const phone = await ImprovPhone.open(t, { port: radio.port });
  const owner = await startPhone(t, { port: radio.port });
  await owner.connect(deviceName);
  await owner.openSession(proofOfPossession);
  await until("the session is noticed", () => phone.client.currentState === 1);
  assert.equal(await phone.command(1, Uint8Array.of(1, 65, 0)), 4);
  await delay(6000);
  await owner.close();
  await device.reaches("state", "connected");
  assert.equal(await phone.command(1, Uint8Array.of(1, 65, 0)), 4);
  assert.equal(phone.client.currentState, 1);
  assert.equal(device.latest("configured"), undefined);
});

test("Espressif's protocol is undisturbed beside it, and Improv sees the Wi-Fi that it sets", async (t) => {
  const { radio, device } = await setUp(t);
  const improv = await ImprovPhone.open(t, { port: radio.port });
  const owner = await startPhone(t, { port: radio.port });
  await owner.connect(deviceName);
  await owner.openSession(proofOfPossession);
  const echo = { type: "Echo", text: "Straße 📷" };
  assert.deepEqual(await owner.request("camera-command", echo), echo);
  await owner.configureWiFi({ ssid, passphrase: password });
  await owner.waitForWiFi();
  await until("provisioned", () => improv.client.currentState === 4);
  assert.equal(await improv.command(1, Uint8Array.of(1, 65, 0)), 4);
  assert.deepEqual(await owner.request("camera-command", echo), echo);
  assert.equal(device.latest("configured"), ssid);
});

test("the camera of this project: Improv sets its Wi-Fi, then it is claimed as usual, and Improv is gone", {
  timeout: 120_000,
}, async (t) => {
  const rig = await LineRig.open();
  t.after(() => rig.close());
  const { name } = await rig.line.label;
  const phone = await ImprovPhone.open(t, { port: rig.line.radioPort });
  assert.deepEqual((await phone.command(3)) as string[], ["devicelink-camera", "0.1.0", "simulated", name]);
  assert.equal(await phone.client.provision(network.ssid, "not this one"), undefined);
  await until("another try", () => phone.client.currentState === 2);
  assert.equal(await phone.client.provision(network.ssid, network.passphrase), undefined);
  await rig.provision();
  await rig.picture();
  assert.equal(rig.objects.length, 1);
  await rig.dropPhone();
  await rig.line.stopCamera();
  await rig.line.startCamera();
  const host = await RadioHost.open({ port: rig.line.radioPort });
  t.after(() => host.close());
  const heard = await hear(host, provisioningService, (each) => each.name === name);
  assert.deepEqual([heard.serviceUuids, heard.serviceData], [[provisioningService], undefined]);
});
