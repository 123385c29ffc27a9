/** A camera without identity, a phone beside it, and the owner's AWS account. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { IoTClient } from "@aws-sdk/client-iot";
import { hookArn } from "../../sim/cloud/provisioning-hook/local.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { setUpFleet } from "../../sim/phone/fleet.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { network } from "../../sim/start/processes.ts";
import { LineRig } from "./line-rig.ts";

export const templateName = "devicelink";
export const roleArn = "arn:aws:iam::123456789012:role/provisioning";

export type Information = Record<string, unknown> & { state: string; thingName: string | null; serial: string };

export class IdentityRig {
  readonly line: LineRig["line"];
  readonly iot: IoTClient;
  readonly rootCA: string;
  readonly events: ProcessEvent[] = [];
  /** Called for each event of the cloud. */
  onCloudEvent: (event: ProcessEvent) => void = () => {};
  #rig: LineRig;
  #phone?: CameraClient;

  private constructor(rig: LineRig, iot: IoTClient, rootCA: string) {
    this.#rig = rig;
    this.line = rig.line;
    this.iot = iot;
    this.rootCA = rootCA;
    this.line.onCloudEvent = (event) => {
      this.events.push(event);
      this.onCloudEvent(event);
    };
  }

  static async open(): Promise<IdentityRig> {
    const rig = await LineRig.open();
    const { cloud } = rig.line;
    const rootCA = await readFile(cloud.rootCA, "utf8");
    const credentials = JSON.parse(await readFile(cloud.credentials, "utf8"));
    const requestHandler = { httpsAgent: { ca: rootCA } };
    const iot = new IoTClient({ region: cloud.region, credentials, requestHandler, endpoint: cloud.api.url });
    await setUpFleet(iot, { templateName, roleArn, region: cloud.region, hookArn: hookArn(cloud.region) });
    return new IdentityRig(rig, iot, rootCA);
  }

  /** The phone in the room, in Bluetooth range, with a session. */
  async phone(): Promise<CameraClient> {
    if (this.#phone?.connected && this.#phone.hasSession) return this.#phone;
    await this.#phone?.close().catch(() => {});
    const { name, pop } = await this.line.label;
    const phone = await new CameraClient(await RadioCentral.open({ port: this.line.radioPort }));
    this.#phone = phone;
    await phone.connect(name);
    await phone.openSession(pop);
    return phone;
  }

  async joinWiFi(): Promise<void> {
    const phone = await this.phone();
    await phone.configureWiFi(network);
    await phone.waitForWiFi();
  }

  async ask(endpoint: string, message: object): Promise<Record<string, unknown>> {
    return (await (await this.phone()).request(endpoint, message)) as Record<string, unknown>;
  }

  async information(): Promise<Information> {
    return (await this.ask("camera-command", { type: "GetDeviceInfo" })) as Information;
  }

  /** Asks again and again, over a new link where the old one is gone, until the answer fits. */
  async until(what: string, fits: (info: Information) => boolean, limit = 90_000): Promise<Information> {
    let last: unknown;
    for (const deadline = Date.now() + limit; ; await delay(150)) {
      try {
        const info = await this.information();
        if (fits(info)) return info;
        last = JSON.stringify(info);
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`no ${what} within ${limit / 1000} s: ${last}`);
    }
  }

  online(): Promise<Information> {
    return this.until("camera online", ({ state, applyState }) => state === "online" && applyState === "applied");
  }

  /** Power is gone, and comes back. */
  async cutPower(whileOff: () => Promise<void> = async () => {}): Promise<void> {
    await this.line.stopCamera("SIGKILL");
    await whileOff();
    await this.line.startCamera();
  }

  /**
   * Acts, and cuts the power at the first of the cloud's events that fits, once. The answer to what was done may be lost with the power;
   * every failure before the cut counts.
   */
  async cutAt(fits: (event: ProcessEvent) => boolean, act: () => Promise<unknown>): Promise<void> {
    let cutting = false;
    const cut = new Promise<void>((resolve, reject) => {
      this.onCloudEvent = (event) => {
        if (cutting || !fits(event)) return;
        cutting = true;
        this.cutPower().then(resolve, reject);
      };
    });
    try {
      await act().catch((error) => {
        if (!cutting) throw error;
      });
      await cut;
    } finally {
      this.onCloudEvent = () => {};
    }
  }

  /** The factory writes a record into the camera's storage, as it would into NVS. */
  async flash(key: string, record: object): Promise<void> {
    await writeFile(join(this.#rig.directory, "storage", "devicelink", key), `b${JSON.stringify(record)}`);
  }

  path(name: string): string {
    return join(this.#rig.directory, name);
  }

  /** A record of the camera's storage, if it is there. */
  async record(key: string): Promise<string | undefined> {
    return readFile(join(this.#rig.directory, "storage", "devicelink", key), "utf8").catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#phone?.close().catch(() => {});
    await this.#rig.close();
  }
}
