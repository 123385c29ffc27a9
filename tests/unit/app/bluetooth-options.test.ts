import { type BluetoothHost, BluetoothOptions } from "../../../modules/app/bluetooth-options";
import { commandShape } from "../../../modules/app/command-shape";
import { equal, test } from "../harness";

const proof = "0123456789abcdef";

/** A camera with Improv that is as it comes from its box, unless `changes` say otherwise. */
function setUp({ improv = 60_000, inUse, wifi }: { improv?: number; inUse?: object; wifi?: object } = {}) {
  const log: unknown[] = [];
  const host = {
    board: {
      GATTServer: Object,
      crypto: { name: "crypto" },
      improv,
      bluetoothLinks: 2,
      linkEncryption: true,
      info: ["product", "1.2.3", "chip"],
    },
    identities: { inUse },
    records: { read: (name: string) => (name === "wifi" ? wifi : { name }) },
    label: { name: "PROV_0A1B2C", proofOfPossession: proof, serial: "0A1B2C" },
    wifi: { state: "idle" },
    device: {
      uploads: { busy: undefined as string | undefined },
      async execute(...command: unknown[]) {
        log.push(command);
        return { type: "answer" };
      },
    },
    connectivity: { keepCredentials: (credentials: object) => log.push(credentials) },
    log: (line: string) => log.push(line),
  };
  return { host, log, options: new BluetoothOptions(host as unknown as BluetoothHost) };
}

test("provisioning gets the camera's name, proof, storage, Wi-Fi, and what the board is built for", () => {
  const { host, options } = setUp();
  equal([options.name, options.proofOfPossession], ["PROV_0A1B2C", proof]);
  equal([options.window, options.links, options.linkEncryption], [60_000, 2, true]);
  equal(options.info, ["product", "1.2.3", "chip", "PROV_0A1B2C"]);
  equal(options.storage === (host.records as object), true);
  equal(options.wifi === (host.wifi as object), true);
  equal([options.io as unknown, options.crypto as unknown], [Object, host.board.crypto]);
  equal(options.shape === commandShape, true);
});

test("while a picture goes up a message is at most as long as over MQTT", () => {
  const { host, options } = setUp();
  host.device.uploads.busy = "0A1B2C-1-1";
  equal(options.shape, { ...commandShape, bytes: 4096 });
  host.device.uploads.busy = undefined;
  equal(options.shape.bytes, 6144);
});

test("Improv asks for no proof, so it is there only while there is nothing to take away", () => {
  equal(setUp().options.improv === undefined, false);
  equal(setUp({ improv: 0 }).options.improv, undefined, "a camera that is built without it");
  for (const owned of [{ inUse: { thingName: "porch" } }, { wifi: { SSID: "home" } }]) {
    equal(setUp(owned).options.improv, undefined);
    equal(setUp(owned).options.allowed, false);
  }
});

test("a camera that has just got an owner or a network no longer takes Improv's settings", () => {
  const { host, options } = setUp();
  equal(options.allowed, true);
  host.identities.inUse = { thingName: "porch" };
  equal(options.allowed, false);
});

test("a phone's message is a command of the endpoint that it came to", async () => {
  const { options, log } = setUp();
  const { endpoints } = options;
  for (const name of ["camera-command", "camera-cert", "camera-upload", "camera-event"])
    equal(endpoints.has(name), true, name);
  for (const name of ["camera", "prov-session", "", "constructor"]) equal(endpoints.has(name), false, name);
  equal(await endpoints.handle("camera-cert", { type: "CreateCsr" }), { type: "answer" });
  equal(log, [[{ type: "CreateCsr" }, "bluetooth", "camera-cert"]]);
});

test("the network that was set is kept; a warning is on the console", () => {
  const { options, log } = setUp();
  options.onWiFiConfigured({ SSID: "home", password: "secret" });
  options.onWarning("a phone was disconnected");
  equal(log, [{ SSID: "home", password: "secret" }, "bluetooth: a phone was disconnected"]);
});
