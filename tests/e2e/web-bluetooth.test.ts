import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { WebBluetoothCentral } from "../../sim/phone/web-bluetooth.ts";
import { type Radio, startRadio } from "../../sim/radio/radio.ts";
import { network } from "../../sim/start/processes.ts";
import { type Chooser, launchChromium, noBluetooth, noChromium } from "./bluez/browser.ts";
import type { PhonePage } from "./fixtures/phone-page.ts";
import { LineRig } from "./line-rig.ts";
import { PhonePageRig, serveLibrary, type Transport } from "./phone-page-rig.ts";
import { deviceName, proofOfPossession, TestDevice } from "./radio-rig.ts";

/** In the page. */
declare const phone: PhonePage;
declare const withoutGesture: Promise<string>;

const echo = { type: "Echo", text: "Straße 📷" };

/** From nothing to a session; the person chooses the camera where the browser asks. */
async function meet(page: Page, chooser: Chooser, transport: Transport, name: string, pop: string): Promise<void> {
  const met = page.evaluate(
    async ([name, pop]) => {
      await phone.client.connect(name);
      await phone.client.openSession(pop);
    },
    [name, pop],
  );
  if (transport === "web-bluetooth") await chooser.choose(name);
  await met;
}

const skipOf = (transport: Transport) => (transport === "web-bluetooth" ? noBluetooth : noChromium);

for (const transport of ["web-bluetooth", "radio-websocket"] as const)
  describe(`a camera over ${transport}`, { skip: skipOf(transport) }, () => {
    let radio: Radio;
    let rig: PhonePageRig;
    let device: TestDevice;
    let page: Page;
    let chooser: Chooser;
    const cleanUp: (() => Promise<void>)[] = [];

    before(async () => {
      radio = await startRadio({ supervisionTimeout: 400 });
      device = await TestDevice.start({ after: (work: () => Promise<void>) => cleanUp.push(work) }, radio.port);
      rig = await PhonePageRig.open(transport, radio.port);
      ({ page, chooser } = await rig.newPage());
    });

    after(async () => {
      await rig.close();
      for (const work of cleanUp) await work();
      await radio.close();
    });

    afterEach(() => assert.deepEqual(rig.complaints, []));

    test("session, Wi-Fi and long messages", async () => {
      await meet(page, chooser, transport, deviceName, proofOfPossession);
      const seen = await page.evaluate(
        async ([echo, ssid, passphrase]) => ({
          endpoints: phone.client.endpoints.length,
          echo: await phone.client.request("camera-command", echo),
          long: await phone.client.request("camera-cert", { type: "Length", text: "y".repeat(5000) }),
          big: (await phone.client.request("camera-upload", { type: "Big", length: 5000 })).text.length,
          networks: (await phone.client.scanWiFi()).map(({ ssid }) => ssid),
          wifi: await phone.client.configureWiFi({ ssid, passphrase }).then(() => phone.client.waitForWiFi()),
        }),
        [echo, "Devicelink", "correct horse"] as const,
      );
      assert.deepEqual(seen, {
        endpoints: 9,
        echo,
        long: { length: 5000 },
        big: 5000,
        networks: ["Devicelink", "Cafe", "Neighbours"],
        wifi: { state: "connected", address: "127.0.0.1", ssid: "Devicelink" },
      });
      assert.equal(device.latest("configured"), "Devicelink");
    });

    test("notifications, each once, also while answers are read from the same endpoint", async () => {
      const counters = await page.evaluate(async () => {
        await phone.client.onNotify((counter) => phone.counters.push(counter));
        for (let i = 0; i < 5; i++) await phone.client.request("camera-event", { type: "Notify" });
        const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
        for (let waited = 0; waited < 30 && phone.counters.length < 5; waited++) await pause();
        await pause(); // for one too many
        return phone.counters;
      });
      assert.deepEqual(counters, [1, 2, 3, 4, 5]);
    });

    test("a request that is cancelled leaves the session as it is", async () => {
      const codes = await page.evaluate(async (echo) => {
        const controller = new AbortController();
        const slow = phone.client.request(
          "camera-command",
          { type: "Slow", milliseconds: 1500 },
          { signal: controller.signal },
        );
        const waiting = phone.client.request("camera-command", echo, { signal: controller.signal });
        setTimeout(() => controller.abort(), 100);
        const codes = [await phone.codeOf(slow), await phone.codeOf(waiting)];
        return [...codes, (await phone.client.request("camera-command", echo)).text];
      }, echo);
      assert.deepEqual(codes, ["Cancelled", "Cancelled", echo.text]);
    });

    test("out of range in the middle of a request, and back", async () => {
      const lost = page.evaluate(async () => {
        const gone = new Promise<void>((resolve) => phone.client.on("disconnect", () => resolve()));
        const code = await phone.codeOf(phone.client.request("camera-command", { type: "Slow", milliseconds: 1500 }));
        await gone;
        return [code, phone.client.connected, phone.client.hasSession];
      });
      await device.reaches("state", "session");
      radio.setInRange(false);
      assert.deepEqual(await lost, ["Disconnected", false, false]);
      radio.setInRange(true);
      const back = await page.evaluate(async (echo) => {
        await phone.client.reconnect();
        phone.counters.length = 0;
        await phone.client.request("camera-event", { type: "Notify" });
        const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
        for (let waited = 0; waited < 30 && !phone.counters.length; waited++) await pause();
        await pause(); // for one too many
        return [(await phone.client.request("camera-command", echo)).text, phone.counters.length];
      }, echo);
      assert.deepEqual(back, [echo.text, 1]);
    });

    test("out of range for good, and a person who gives up", async () => {
      await page.evaluate(() => phone.client.disconnect());
      await device.reaches("state", "advertising");
      radio.setInRange(false);
      const codes = await page.evaluate(async (name) => {
        const late = await phone.codeOf(phone.client.connect(name, { timeout: 700 }));
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 300);
        return [late, await phone.codeOf(phone.client.connect(name, { signal: controller.signal }))];
      }, deviceName);
      radio.setInRange(true);
      assert.deepEqual(codes, [transport === "web-bluetooth" ? "ConnectTimeout" : "CameraNotFound", "Cancelled"]);
    });

    test("a wrong proof, and then the right one on the same link", async () => {
      const codes = await page.evaluate(
        async ([name, pop]) => {
          await phone.client.connect(name);
          const wrong = await phone.codeOf(phone.client.openSession("wrong"));
          return [wrong, await phone.codeOf(phone.client.openSession(pop))];
        },
        [deviceName, proofOfPossession],
      );
      assert.deepEqual(codes, ["WrongProof", ""]);
    });

    test("the camera is busy for a second tab until the first one is closed", async () => {
      const second = await rig.newPage();
      const connected = second.page.evaluate((name) => phone.client.connect(name), deviceName);
      if (transport === "web-bluetooth") await second.chooser.choose(deviceName);
      await connected;
      const open = () => second.page.evaluate((pop) => phone.codeOf(phone.client.openSession(pop)), proofOfPossession);
      // Tabs of one browser have one Bluetooth adapter: to the camera both are the same phone.
      assert.equal(await open(), transport === "web-bluetooth" ? "" : "Busy");
      if (transport === "radio-websocket") {
        assert.equal(rig.server.phones, 2);
        await page.close();
        await device.reaches("state", "connected");
        assert.equal(await open(), "");
      }
      ({ page, chooser } = second);
    });

    if (transport === "radio-websocket") {
      test("the page's server ends: the link is lost, and nobody waits for ever", async () => {
        assert.equal(await page.evaluate(() => phone.client.connected), true);
        await rig.server.close();
        await page.waitForFunction(() => !phone.client.connected);
        const again = page.evaluate((name) => phone.codeOf(phone.client.connect(name)), deviceName);
        assert.equal(await again, "RadioUnavailable");
        await device.reaches("state", "advertising");
        // The browser says by itself that it could not reach the server.
        assert.match(rig.complaints.splice(0).join(), /ERR_CONNECTION_REFUSED/);
      });
      return;
    }

    test("after a reload the camera is found without the chooser", async () => {
      const shown = chooser.prompts;
      await page.reload();
      const answer = await page.evaluate(
        async ([name, pop]) => {
          const remembered = await phone.client.remembered();
          await phone.client.connect(name);
          await phone.client.openSession(pop);
          return [remembered.map(({ name }) => name), (await phone.client.version()).prov.sec_ver];
        },
        [deviceName, proofOfPossession],
      );
      assert.deepEqual(answer, [[deviceName], 2]);
      assert.equal(chooser.prompts, shown);
    });

    test("the chooser is closed without a choice, and shown without a click", async () => {
      const scanned = page.evaluate(() => phone.codeOf(phone.client.scan()));
      await chooser.cancel();
      assert.equal(await scanned, "Cancelled");
      assert.equal(await page.evaluate(() => withoutGesture), "GestureNeeded");
    });
  });

for (const transport of ["web-bluetooth", "radio-websocket"] as const)
  test(`a picture and its thumbnail over ${transport}`, { skip: skipOf(transport) }, async (t) => {
    const line = await LineRig.open();
    t.after(() => line.close());
    const rig = await PhonePageRig.open(transport, line.line.radioPort);
    t.after(() => rig.close());
    const { name, pop } = await line.line.label;
    const { page, chooser } = await rig.newPage();
    await meet(page, chooser, transport, name, pop);
    const { photo, thumbnail, wifi } = await page.evaluate(async (network) => {
      await phone.client.configureWiFi(network);
      const wifi = await phone.client.waitForWiFi();
      const photo = await phone.owner.takePhoto({ resolution: "QVGA" });
      return { wifi: wifi.ssid, photo, thumbnail: [...(await phone.owner.thumbnail(photo.imageId))] };
    }, network);
    assert.equal(wifi, network.ssid);
    assert.deepEqual([photo.width, photo.height], [320, 240]);
    assert.deepEqual(
      [thumbnail.slice(0, 3), thumbnail.slice(-2)],
      [
        [0xff, 0xd8, 0xff],
        [0xff, 0xd9],
      ],
    );
    assert.deepEqual(rig.complaints, []);
  });

test("a machine without Bluetooth, and a browser without Web Bluetooth", { skip: noChromium }, async (t) => {
  const browser = await launchChromium();
  t.after(() => browser.close());
  const rig = await serveLibrary();
  t.after(() => rig.close());
  const page = await browser.newPage();
  await page.goto(rig.url);
  // On a busy machine a click can have lost its force before the browser looks at it; a person clicks again.
  let code = "GestureNeeded";
  for (let clicks = 0; code === "GestureNeeded" && clicks < 5; clicks++) {
    await page.mouse.click(1, 1);
    code = await page.evaluate(() => phone.codeOf(phone.client.scan()));
  }
  assert.equal(code, "BluetoothOff");
  const nowhere = new WebBluetoothCentral(undefined);
  await assert.rejects(nowhere.scan({ timeout: 1000 }), { code: "BluetoothUnsupported" });
});
