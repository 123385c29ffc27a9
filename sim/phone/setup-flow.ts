import type { CameraCertificate } from "./camera-bindings.ts";
import type { CameraClient } from "./camera-client.ts";
import { CameraOwner } from "./camera-owner.ts";
import { codeOf, FlowError, isLostLink } from "./cloud-errors.ts";
import { Emitter } from "./emitter.ts";
import type { PhoneCloud, Prove } from "./phone-cloud.ts";
import { type Step, StepList } from "./steps.ts";
import { checkNotCancelled, pause } from "./waiting.ts";
import { readableWiFiName } from "./wifi-name.ts";
import type { WiFiNetwork } from "./wifi-setup.ts";

export const setupSteps = ["connect", "session", "wifi", "claim", "certificate", "register", "online"] as const;
export type SetupStepName = (typeof setupSteps)[number];
export type SetupStep = Step<SetupStepName>;

export interface SetupOptions {
  client: CameraClient;
  cloud: PhoneCloud;
  /** Bluetooth name, such as PROV_0A1B2C. */
  name: string;
  proofOfPossession: string;
  /** What the person calls the camera. Default: the name that it has, or its thing name. */
  label?: string;
  /** Of a page that was reloaded in the middle: what `snapshot` said. */
  resume?: SetupSnapshot;
  /** Milliseconds until the camera has to be online; default 90 s. */
  onlineLimit?: number;
}

/** Enough to go on after a reload; has the proof of possession in it, but no Wi-Fi password. */
export interface SetupSnapshot {
  name: string;
  proofOfPossession: string;
  label?: string;
  thingName?: string;
  /** The camera has taken its identity: what is left is to wait. */
  registered?: boolean;
}

export interface SetupEvents {
  /** Some step, or what is known of the camera, has changed. */
  change: SetupFlow;
}

interface Run {
  signal?: AbortSignal;
}

const pollInterval = 500;
/** How long a camera that says that it is online may take to answer through the cloud; milliseconds. */
const proofLimit = 5_000;
/** Names that can be a person's (sim/cloud/bindings/request.ts). */
const claimable = /^camera-[\w-]{1,24}$/;
/** The camera's key and the certificate do not belong together any more. */
const uselessCertificate = ["NoKey", "BadKey", "BadCertificate"];

/**
 * From a camera in its box to one that is online and this person's. run() does what is left to do: after a failure, a cancellation or a
 * reload it goes on where it stopped. Each step may be done twice without harm.
 */
export class SetupFlow extends Emitter<SetupEvents> {
  #options: SetupOptions;
  #steps: StepList<SetupStepName>;
  #owner: CameraOwner;
  #network?: { ssid: string; passphrase?: string };
  #thingName?: string;
  #info?: Record<string, unknown>;
  #certificate?: CameraCertificate;
  #certificateArn?: string;
  #registered: boolean;
  #isRunning = false;
  /** The name that the camera had did not hold. */
  #isNamedAnew = false;

  constructor(options: SetupOptions) {
    super();
    const { client, resume } = options;
    this.#options = options;
    this.#steps = new StepList(setupSteps, () => this.emit("change", this));
    this.#owner = new CameraOwner({ client });
    this.#thingName = resume?.thingName;
    this.#registered = resume?.registered === true;
  }

  get steps(): readonly SetupStep[] {
    return this.#steps.all;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Known from step session on. */
  get thingName(): string | undefined {
    return this.#thingName;
  }

  /** Of the certificate that was made; known from step certificate on, unless the camera had one. */
  get certificateArn(): string | undefined {
    return this.#certificateArn;
  }

  /** What the camera says of itself (GetDeviceInfo), known from step session on. */
  get info(): Record<string, unknown> | undefined {
    return this.#info;
  }

  get snapshot(): SetupSnapshot {
    const { name, proofOfPossession, label } = this.#options;
    return { name, proofOfPossession, label, thingName: this.#thingName, registered: this.#registered };
  }

  /** The networks that the camera hears; connects and opens the session first if need be. @throws PhoneError */
  async scanWiFi({ signal }: Run = {}): Promise<WiFiNetwork[]> {
    await this.run({ until: "session", signal });
    return this.#options.client.scanWiFi({ signal });
  }

  /** For step wifi. A camera that is on a network already keeps it when none was chosen. */
  chooseNetwork(network: { ssid: string; passphrase?: string }): void {
    this.#network = network;
    this.#steps.reset("wifi");
  }

  /**
   * Does the steps that are left, up to and with `until` (default: all).
   * @throws what the failed step threw, which is also in its `advice`; PhoneError Cancelled; FlowError NetworkNeeded, CameraStaysOffline,
   * AlreadyRunning
   */
  async run({ until = "online", signal }: Run & { until?: SetupStepName } = {}): Promise<void> {
    if (this.#isRunning) throw new FlowError("AlreadyRunning", "the camera is being set up already");
    this.#isRunning = true;
    if (this.#steps.isDone("session") && !this.#options.client.hasSession) this.#steps.reset("connect", "session");
    try {
      for (const name of setupSteps) {
        checkNotCancelled(signal);
        await this.#do(name, signal);
        if (name === until) return;
      }
    } finally {
      this.#isRunning = false;
      this.emit("change", this);
    }
  }

  /** The link is looked after each time; everything else stays done. */
  async #do(name: SetupStepName, signal: AbortSignal | undefined): Promise<void> {
    const work = this.#work(name);
    if (name === "connect" || name === "session") return this.#steps.run(name, () => work(signal));
    if (this.#steps.isDone(name)) return;
    await this.#steps.run(name, async () => {
      try {
        return await work(signal);
      } catch (error) {
        if (!isLostLink(error)) throw error;
        await this.#linkAgain(signal);
        return await work(signal);
      }
    });
  }

  #work(name: SetupStepName): (signal: AbortSignal | undefined) => Promise<string | undefined> {
    const works = {
      connect: this.#connect,
      session: this.#openSession,
      wifi: this.#joinWiFi,
      claim: this.#claim,
      certificate: this.#certify,
      register: this.#register,
      online: this.#waitUntilOnline,
    };
    const work = works[name].bind(this);
    // Whoever hears that a step begins may cancel it, and some steps are done without having waited for anything.
    return async (signal) => {
      checkNotCancelled(signal);
      return work(signal);
    };
  }

  async #linkAgain(signal: AbortSignal | undefined): Promise<void> {
    for (const name of ["connect", "session"] as const) await this.#steps.run(name, () => this.#work(name)(signal));
  }

  async #connect(signal?: AbortSignal): Promise<string> {
    const { client, name } = this.#options;
    if (!client.connected || client.name !== name) await client.connect(name, { signal });
    return name;
  }

  async #openSession(signal?: AbortSignal): Promise<string> {
    const { client, proofOfPossession } = this.#options;
    if (!client.hasSession) await client.openSession(proofOfPossession, { signal });
    await this.#ask();
    const { cameraModel, firmware } = this.#info ?? {};
    return [cameraModel, firmware && `firmware ${firmware}`].filter(Boolean).join(", ");
  }

  async #ask(): Promise<Record<string, unknown>> {
    this.#info = await this.#owner.deviceInfo();
    this.#thingName = this.#nameOf(this.#info);
    return this.#info;
  }

  /** The name that it has in the cloud, unless that did not hold; else its own. */
  #nameOf(info: Record<string, unknown>): string {
    const { thingName } = info;
    const isNamed = typeof thingName === "string" && claimable.test(thingName) && !this.#isNamedAnew;
    return isNamed ? thingName : CameraOwner.thingNameOf(info);
  }

  async #joinWiFi(signal?: AbortSignal): Promise<string> {
    const { client } = this.#options;
    const status = await client.wifiStatus();
    const network = this.#network;
    const isThere = status.state === "connected" && (!network || network.ssid === status.ssid);
    if (isThere) return `${readableWiFiName(status.ssid ?? "")}, ${status.address}`;
    if (!network) throw new FlowError("NetworkNeeded", "the camera is on no Wi-Fi, and none was chosen");
    if (status.state === "failed") await client.resetWiFi();
    await client.configureWiFi(network);
    const { address } = await client.waitForWiFi({ signal });
    return `${readableWiFiName(network.ssid)}, ${address}`;
  }

  async #claim(signal?: AbortSignal): Promise<string> {
    try {
      return await this.#claimAs(signal);
    } catch (error) {
      // Its name of before is not registered with its certificate (any more): it was released, or belongs to another account.
      const own = CameraOwner.thingNameOf(this.#info ?? {});
      if (codeOf(error) !== "NotProven" || this.#thing === own) throw error;
      this.#isNamedAnew = true;
      this.#thingName = own;
      return this.#claimAs(signal);
    }
  }

  async #claimAs(signal: AbortSignal | undefined): Promise<string> {
    const { cloud, label } = this.#options;
    const { name } = await cloud.claim(this.#thing, label, { signal, prove: this.#prover(false, signal) });
    return name;
  }

  /** How the camera signs; undefined for one whose firmware cannot. */
  #prover(csr: boolean, signal: AbortSignal | undefined): Prove | undefined {
    if (typeof this.#info?.ownThingName !== "string") return undefined;
    return (challenge) => this.#owner.prove(challenge, { thingName: this.#thing, csr, signal });
  }

  /** A certificate for a key that the camera makes; none when it has a good one. */
  async #certify(signal?: AbortSignal): Promise<string> {
    const { cloud } = this.#options;
    if (await this.#isRegistered(signal)) return "the camera has one";
    if (!this.#certificate) {
      const prove = this.#prover(true, signal);
      const csr = prove ? undefined : await this.#request(signal);
      this.#certificate = (await cloud.claim(this.#thing, undefined, { signal, prove, csr })).certificate;
    }
    if (!this.#certificate) throw new FlowError("NoCertificate", "the cloud made no certificate for the camera");
    const { certificateArn } = this.#certificate;
    this.#certificateArn = certificateArn;
    return certificateArn.replace(/^.*\//, "").slice(0, 12);
  }

  /** Of a camera that cannot sign. */
  async #request(signal: AbortSignal | undefined): Promise<string> {
    const csrRequest = { type: "CreateCsr", thingName: this.#thing };
    const { csr } = (await this.#options.client.request("camera-cert", csrRequest, { signal })) as { csr: string };
    return csr;
  }

  async #register(signal?: AbortSignal): Promise<string> {
    const { client, cloud } = this.#options;
    const { certPem } = this.#certificate ?? {};
    const endpoint = await cloud.deviceEndpoint();
    if (!certPem) return endpoint;
    const { rootCA, region } = cloud.settings;
    const message = { type: "RegisterDevice", thingName: this.#thing, endpoint, certPem, rootCA, region };
    try {
      await client.request("camera-cert", message, { signal });
    } catch (error) {
      if (uselessCertificate.includes(codeOf(error))) this.#forgetCertificate();
      throw error;
    }
    this.#certificate = undefined;
    this.#registered = true;
    return endpoint;
  }

  /** The camera says it over Bluetooth, or, when the person has walked away, the cloud does. */
  async #waitUntilOnline(signal?: AbortSignal): Promise<string | undefined> {
    const { client, cloud, onlineLimit = 90_000 } = this.#options;
    const live = cloud.live(this.#thing);
    void live.open().catch(() => {}); // then Bluetooth has to tell
    for (const deadline = Date.now() + onlineLimit; Date.now() < deadline; await pause(pollInterval, signal)) {
      const info = client.hasSession ? await this.#ask().catch(() => undefined) : undefined;
      const progress = applyProgress(info);
      if (progress === "rejected" && this.#registered) return this.#reject(info);
      if (progress === "trying") this.#steps.describe("online", applyReason(info) ?? String(info?.state));
      else if (live.state.online) return "heard through the cloud";
      else if (info?.state === "online") return undefined;
      else if (info) this.#steps.describe("online", String(info.state));
    }
    this.#forgetCertificate();
    const reason = applyReason(this.#info);
    const end = reason ? ` (${reason})` : "";
    throw new FlowError("CameraStaysOffline", `${this.#thing} is not online after ${onlineLimit / 1000} s${end}`);
  }

  /** The camera has gone back to the identity before: the next run() makes another certificate. */
  #reject(info: Record<string, unknown> | undefined): never {
    this.#forgetCertificate();
    throw new FlowError("IdentityRejected", applyReason(info) ?? "");
  }

  /** It is online with this person's cloud, or was told how just now: its word alone might be about another cloud. */
  async #isRegistered(signal?: AbortSignal): Promise<boolean> {
    const { thingName, state } = await this.#ask();
    if (thingName !== this.#thing) return false;
    if (this.#registered) return true;
    if (state !== "online") return false;
    const live = this.#options.cloud.live(this.#thing);
    return live.command({ type: "GetDeviceInfo" }, { timeout: proofLimit, signal }).then(
      () => true,
      () => false,
    );
  }

  /** The next run() makes a new one. */
  #forgetCertificate(): void {
    this.#certificate = undefined;
    this.#registered = false;
    this.#steps.reset("certificate", "register");
  }

  get #thing(): string {
    if (!this.#thingName) throw new Error("the camera has not been asked yet");
    return this.#thingName;
  }
}

/**
 * How far the camera is with the identity that it got: it tries it, or has gone back to the one before; else undefined. A camera of before 2026-12 does not try: it
 * has no such state after RegisterDevice.
 */
function applyProgress(info: Record<string, unknown> | undefined): "trying" | "rejected" | undefined {
  if (info?.applyState === "trying" || info?.applyState === "enrolling") return "trying";
  return info && applyReason(info) ? "rejected" : undefined;
}

/** Why the last try came to nothing, in the camera's own words. */
function applyReason(info: Record<string, unknown> | undefined): string | undefined {
  const { code, message } = (info?.applyError ?? {}) as { code?: unknown; message?: unknown };
  return code === undefined ? undefined : `${code}: ${message}`;
}
