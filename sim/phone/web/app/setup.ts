import type { ActivityLog } from "../../activity.ts";
import type { CameraClient } from "../../camera-client.ts";
import type { CloudSettings } from "../../cloud-settings.ts";
import type { PhoneCloud } from "../../phone-cloud.ts";
import { SetupFlow, type SetupSnapshot } from "../../setup-flow.ts";
import { openClient, type Transport } from "./bluetooth.ts";

/** What is known of a camera that is being added, as it survives a reload: nothing that must stay secret. */
export interface SetupDraft {
  transport?: Transport;
  /** Bluetooth name. */
  camera?: string;
  /** What the person calls it. */
  label?: string;
  thingName?: string;
  registered?: boolean;
}

const key = "devicelink.setup";

/** The camera that is being added: its Bluetooth link and the flow, from the first screen to the last. */
export class Setup {
  /** Name of the Wi-Fi that was chosen last. */
  network?: string;
  #settings: CloudSettings;
  #activity: ActivityLog;
  #client?: CameraClient;
  #transport?: Transport;
  #flow?: SetupFlow;

  constructor(settings: CloudSettings, activity: ActivityLog) {
    this.#settings = settings;
    this.#activity = activity;
  }

  /** Of this page or of the one before the reload. */
  get draft(): SetupDraft {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? "{}");
    } catch {
      return {};
    }
  }

  /** Absent after a reload: proof of possession and Wi-Fi password are asked for again then, and nothing is done twice. */
  get flow(): SetupFlow | undefined {
    return this.#flow;
  }

  /** The camera is online. */
  get isDone(): boolean {
    return this.#flow?.steps.every(({ state }) => state === "done") === true;
  }

  /** The client on a transport; a change of the transport closes the one before. */
  async client(transport: Transport): Promise<CameraClient> {
    if (this.#client && this.#transport === transport) return this.#client;
    await this.#closeClient();
    // Somebody else may have asked meanwhile.
    if (this.#client && this.#transport === transport) return this.#client;
    this.#client = openClient(transport, this.#settings, this.#activity);
    this.#transport = transport;
    return this.#client;
  }

  /** The link to the camera that is being added. */
  get link(): CameraClient | undefined {
    return this.#client;
  }

  /** The link to this camera, when there is one, for pictures over Bluetooth. */
  linkTo(thingName: string): CameraClient | undefined {
    const isLinked = this.#flow?.thingName === thingName && this.#client?.hasSession;
    return isLinked ? this.#client : undefined;
  }

  /** A flow for the camera; goes on with what is known of it from before. */
  async begin(
    cloud: PhoneCloud,
    chosen: { transport: Transport; camera: string; proofOfPossession: string; label?: string },
  ): Promise<SetupFlow> {
    const { transport, camera: name, proofOfPossession, label } = chosen;
    const draft = this.draft;
    const client = await this.client(transport);
    const resume: SetupSnapshot | undefined =
      draft.camera === name && draft.thingName
        ? { name, proofOfPossession, label, thingName: draft.thingName, registered: draft.registered }
        : undefined;
    const flow = new SetupFlow({ client, cloud, name, proofOfPossession, label, resume });
    this.#flow = flow;
    const keep = () => {
      if (this.#flow !== flow) return;
      const { thingName, registered } = flow.snapshot;
      this.#save({ transport, camera: name, label, thingName, registered });
    };
    flow.on("change", keep);
    keep();
    return flow;
  }

  /** The camera is there; its link stays for pictures. */
  finished(): void {
    sessionStorage.removeItem(key);
  }

  /** The person does not want to go on. */
  async abandon(): Promise<void> {
    sessionStorage.removeItem(key);
    await this.close();
  }

  async close(): Promise<void> {
    this.#flow = undefined;
    await this.#closeClient();
  }

  async #closeClient(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => {});
  }

  #save(draft: SetupDraft): void {
    try {
      sessionStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // A storage that is full or forbidden: a reload then begins anew.
    }
  }
}
