import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import type { TopicFilter } from "./client-interface";
import { type ShadowMessage, ShadowReader, type Wishes } from "./shadow-message";

export interface ShadowHost {
  /** Messages wait that cannot be taken yet: an answer may be among them. */
  readonly isBehind?: boolean;
  /** Milliseconds since 1970. */
  now(): number;
  /** Publishes on `$aws/things/<thing>/shadow/<operation>`, without a queue (QoS 0). It may reject: the time-out sees to it. */
  sendShadow(operation: ShadowOperation, payload: string): Promise<unknown>;
  /** What can be desired. */
  readonly settingNames: readonly string[];
  /** Does what the cloud wants. Bad values may be among it. @returns true when there is something to report */
  fulfil(wishes: Wishes): boolean;
  /** How things are: what becomes `state.reported`. A null takes a name out of the document. */
  reportedState(): object;
  /** An exchange was given up: "NoAnswer", "Malformed", or "Rejected" with AWS's code in the text. */
  shadowFailed(code: string, message: string): void;
}

export type ShadowOperation = "get" | "update";

const topics = ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"] as const;

/** Milliseconds. */
const answerTime = 10_000;
const firstPause = 2000;
const attemptLimit = 4;

/** Codes after which the same request can go well later (device-shadow-error-messages): too many in flight, internal failure. */
const passing = [429, 500, 503];

export function shadowRoot(thingName: string): string {
  return `$aws/things/${thingName}/shadow/`;
}

/** Never `shadow/#`, which would bring the device its own requests as well. */
export function shadowFilters(thingName: string): TopicFilter[] {
  return topics.map((topic) => ({ topic: shadowRoot(thingName) + topic, QoS: 1 }));
}

/**
 * The device's side of its classic shadow (IoT guide, "Device Shadow service"). After each connect it gets the document, fulfils what
 * is desired, and reports; then it follows the deltas. One request is under way at a time; each has a token, because the answers
 * to everybody's requests come to the same topics. No I/O but the host's.
 *
 * Deltas may come late, twice or in the wrong order: only a version above the last one counts. Those that come while the document is
 * awaited are older than it or make it be fetched again.
 */
export class Shadow {
  static #onTimer({ owner }: OwnedTimer<Shadow>): void {
    owner.onTime();
  }

  #host: ShadowHost;
  #timers: TimerModule;
  #timer?: Timer;
  #connected = false;
  #granted = false;
  /** What is under way, or waits for its next attempt. */
  #request?: ShadowOperation;
  #isAsked = false;
  #token = 0;
  #attempts = 0;
  /** Of the desired state that was fulfilled, and the highest that was heard of. */
  #version = 0;
  #newest = 0;
  /** Something changed while a report was under way. */
  #reportAgain = false;
  /** What came in the place of the answer, if something did. */
  #obstacle = "";

  constructor(host: ShadowHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
  }

  /** Version of the desired state that was fulfilled last, 0 for none. */
  get version(): number {
    return this.#version;
  }

  /** The broker has granted the topics (or not any more). Without that nothing is sent: a forbidden PUBLISH ends the connection. */
  grant(granted: boolean): void {
    this.#granted = granted;
    this.start();
  }

  connected(): void {
    this.#connected = true;
    this.start();
  }

  disconnected(): void {
    this.#connected = false;
    this.rest();
    this.#request = undefined;
  }

  /** Something has changed by itself. */
  report(): void {
    if (this.#request) this.#reportAgain = true;
    else if (this.#connected && this.#granted) this.begin("update");
  }

  /** What reads a message while it comes. @param topic what stands behind `shadow/` */
  open(topic: string): ShadowReader {
    return new ShadowReader(topic, this.#host.settingNames);
  }

  /** The message is complete. Never throws. */
  receive(topic: string, reader: ShadowReader): void {
    if (!this.#connected || !this.#granted) return;
    let message: ShadowMessage;
    try {
      message = reader.message();
    } catch (error) {
      this.unreadable(topic, (error as Error).message);
      return;
    }
    if (topic === "update/delta") this.receiveDelta(message);
    else if (this.#isAsked && message.clientToken === String(this.#token)) this.receiveAnswer(topic, message);
  }

  /** The session dropped a message on this topic because of its size. */
  dropped(topic: string): void {
    if (this.#connected && this.#granted) this.unreadable(topic, "too large");
  }

  /** It may have been the answer that is waited for: if none comes after it, that is what happened, and not that nobody answered. */
  private unreadable(topic: string, reason: string): void {
    const text = `${topic}: ${reason}`;
    if (this.#isAsked && topic.startsWith(`${this.#request}/`) && topic !== "update/delta") this.#obstacle = text;
    else this.#host.shadowFailed("Malformed", text);
  }

  private start(): void {
    if (!this.#connected || !this.#granted) return;
    // A shadow that was deleted and made anew may count from 1 again.
    this.#version = this.#newest = 0;
    this.#token = Math.max(this.#token, this.#host.now());
    this.begin("get");
  }

  private begin(request: ShadowOperation, attempts = 0): void {
    this.#attempts = attempts;
    this.#request = request;
    this.send();
  }

  private send(): void {
    const host = this.#host;
    const request = this.#request!;
    this.rest();
    this.#token += 1;
    this.#isAsked = true;
    this.#obstacle = "";
    const clientToken = String(this.#token);
    if (request === "update") this.#reportAgain = false;
    const message = request === "get" ? { clientToken } : { state: { reported: host.reportedState() }, clientToken };
    this.await();
    host.sendShadow(request, JSON.stringify(message)).catch(ignore);
  }

  private await(): void {
    this.#timer = setTimer(this, Shadow.#onTimer, answerTime, this.#timers) as Timer;
  }

  private onTime(): void {
    this.#timer = undefined;
    const obstacle = this.#obstacle;
    if (!this.#isAsked) this.send();
    else if (obstacle) this.failed("Malformed", obstacle, 0);
    else if (this.#host.isBehind) this.await();
    else this.failed("NoAnswer", `${this.#request} was not answered`, 0);
  }

  private receiveDelta({ version, wishes }: ShadowMessage): void {
    this.#newest = Math.max(this.#newest, version);
    if (this.#request === "get" || version <= this.#version || !wishes) return;
    this.#version = version;
    if (this.#host.fulfil(wishes)) this.report();
  }

  private receiveAnswer(topic: string, message: ShadowMessage): void {
    this.rest();
    this.#isAsked = false;
    if (topic === "get/accepted") this.receiveDocument(message);
    else if (topic === "get/rejected" && message.code === 404) this.begin("update", this.#attempts);
    else if (topic === "update/accepted") this.finish();
    else this.rejected(message.code);
  }

  private receiveDocument({ version, wishes }: ShadowMessage): void {
    if (version < this.#newest) {
      this.failed("NoAnswer", "the document is older than its delta", 0);
      return;
    }
    this.#version = this.#newest = version;
    if (wishes) this.#host.fulfil(wishes);
    this.begin("update", this.#attempts);
  }

  private rejected(code: number): void {
    const reason = `${this.#request} was rejected with ${code}`;
    // 409: somebody else was quicker. What is desired may be something else by now.
    if (code === 409 && this.#attempts + 1 < attemptLimit) this.#request = "get";
    if (code === 409 || passing.includes(code)) this.failed("Rejected", reason, firstPause << this.#attempts);
    else this.giveUp("Rejected", reason);
  }

  /** Tries again after the pause, in milliseconds, if that was not often enough. */
  private failed(code: string, reason: string, pause: number): void {
    this.#attempts += 1;
    if (this.#attempts >= attemptLimit) this.giveUp(code, `${reason}, ${this.#attempts} times`);
    else if (!pause) this.send();
    else {
      this.rest();
      this.#isAsked = false;
      this.#timer = setTimer(this, Shadow.#onTimer, pause, this.#timers) as Timer;
    }
  }

  /**
   * A document that cannot be had, because it is too large perhaps, does not keep the camera from reporting once: the delta comes then. When nobody
   * answers that either, there is no shadow service (a broker that is not AWS's), which has been told of by then.
   */
  private giveUp(code: string, reason: string): void {
    const request = this.#request;
    const isTold = code === "NoAnswer" && this.#attempts > attemptLimit;
    this.rest();
    this.#isAsked = false;
    this.#request = undefined;
    if (!isTold) this.#host.shadowFailed(code, reason);
    if (request === "get") this.begin("update", attemptLimit);
  }

  private finish(): void {
    this.#request = undefined;
    if (this.#reportAgain) this.begin("update");
  }

  private rest(): void {
    if (this.#timer) this.#timers.clear(this.#timer as never);
    this.#timer = undefined;
  }
}

function ignore(): void {}
