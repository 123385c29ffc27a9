import { fileURLToPath } from "node:url";
import { startDevice } from "../../../sim/host/device-process.ts";
import { buildHost } from "../../../sim/host/executable.ts";
import { buildFirmware, type CompiledFirmware } from "../../../sim/host/firmware.ts";
import { withSDKClient } from "../../e2e/host/sdk-client.ts";
import type { AdvisorSettings } from "./advisor-settings.ts";
import type { Client, RunningClient, Target } from "./client.ts";

const manifest = fileURLToPath(new URL("../firmware/manifest.json", import.meta.url));

/** Whose MQTT client the session stands on: the XS host's, or the Moddable SDK's own (needs $MODDABLE). */
export type MqttClientName = "host" | "sdk";

/** The camera's cloud session in the XS engine, in a process of its own. */
export class DeviceClient implements Client {
  readonly isScalable = true;
  readonly timeScale: number;
  #mqtt: MqttClientName;
  #firmware?: Promise<CompiledFirmware>;

  constructor(timeScale: number, mqtt: MqttClientName = "host") {
    this.timeScale = timeScale;
    this.#mqtt = mqtt;
  }

  async start({ host, port, clientId, identity, timeScale }: Target): Promise<RunningClient> {
    this.#firmware ??= this.#build();
    const settings: AdvisorSettings = {
      endpoint: `${host}:${port}`,
      clientId,
      root: identity.rootPem,
      certificate: identity.certPem,
      key: identity.keyPem,
      keepAlive: 30,
    };
    const device = await startDevice({
      manifest: await this.#firmware,
      module: "tests/advisor/firmware/advisor-device",
      // The same jitter each time: a verdict on it can be repeated.
      environment: { SESSION: JSON.stringify(settings), RANDOM_SEED: "1" },
      timeScale,
      onExit: ({ code, stderr }) => {
        if (code) process.stderr.write(`The device ended with ${code}: ${stderr}\n`);
      },
    });
    return {
      stop: async () => {
        device.kill("SIGKILL");
        await device.exited;
      },
    };
  }

  async #build(): Promise<CompiledFirmware> {
    await buildHost();
    return buildFirmware(this.#mqtt === "sdk" ? await withSDKClient("advisor", manifest) : manifest);
  }
}
