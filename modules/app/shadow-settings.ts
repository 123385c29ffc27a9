import type { TopicFilter } from "../cloud/client-interface";
import type { CloudError } from "../cloud/cloud-error";
import type { MessageStream } from "../cloud/message-reader";
import { Shadow, type ShadowHost, type ShadowOperation, shadowFilters, shadowRoot } from "../cloud/shadow";
import type { ShadowReader, Wishes } from "../cloud/shadow-message";
import { type SettingsStore, settingNames } from "./settings";

/** The session (modules/cloud/session), as far as it is used here. */
export interface ShadowSession {
  readonly clientId: string;
  readonly isBehind?: boolean;
  publish(topic: string, payload: string, options: { QoS: 0 }): Promise<void>;
}

export interface ShadowSettingsHost {
  readonly settings: Pick<SettingsStore, "fulfil" | "report">;
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
  /** Milliseconds since 1970. */
  now(): number;
}

/** The settings in the shadow: what the cloud desires becomes a setting, and what is set is reported. */
export class ShadowSettings implements ShadowHost {
  #host: ShadowSettingsHost;
  #session?: ShadowSession;
  #shadow?: Shadow;

  constructor(host: ShadowSettingsHost) {
    this.#host = host;
  }

  /** A session that has just been made takes the place of the last one. @returns what it has to subscribe to */
  follow(session: ShadowSession): TopicFilter[] {
    this.#shadow?.disconnected();
    this.#session = session;
    this.#shadow = new Shadow(this);
    return shadowFilters(session.clientId);
  }

  /** The broker has answered. @param refused the topics that it has not granted */
  granted(refused: string): void {
    this.#shadow?.grant(!refused.includes(this.root));
  }

  sessionChanged(isConnected: boolean): void {
    if (isConnected) this.#shadow?.connected();
    else this.#shadow?.disconnected();
  }

  /** A message begins that may be for the shadow, or not. */
  open(topic: string): MessageStream | undefined {
    const { root } = this;
    return topic.startsWith(root) ? this.#shadow?.open(topic.slice(root.length)) : undefined;
  }

  /** It is complete. */
  receive(topic: string, stream: MessageStream): void {
    const { root } = this;
    if (topic.startsWith(root)) this.#shadow?.receive(topic.slice(root.length), stream as ShadowReader);
  }

  /** Where the policy does not allow to listen it will not allow to speak either, and a forbidden PUBLISH ends the connection. */
  sessionFailed({ code, message }: CloudError): void {
    const { root } = this;
    if (code === "SubscriptionRefused" && message.startsWith(root)) this.#shadow?.grant(false);
    const at = code === "MessageTooLarge" ? message.indexOf(root) : -1;
    if (at >= 0) this.#shadow?.dropped(message.slice(at + root.length));
  }

  private get root(): string {
    return shadowRoot(this.#session?.clientId ?? "");
  }

  // Called by the shadow

  /** @internal */
  get isBehind(): boolean {
    return this.#session?.isBehind ?? false;
  }

  /** @internal */
  now(): number {
    return this.#host.now();
  }

  /** @internal */
  sendShadow(operation: ShadowOperation, payload: string): Promise<unknown> {
    const session = this.#session as ShadowSession;
    return session.publish(this.root + operation, payload, { QoS: 0 });
  }

  /** @internal */
  get settingNames(): readonly string[] {
    return settingNames;
  }

  /** @internal */
  fulfil(wishes: Wishes): boolean {
    return this.#host.settings.fulfil(wishes);
  }

  /** @internal */
  reportedState(): object {
    return this.#host.settings.report;
  }

  /** @internal */
  shadowFailed(code: string, message: string): void {
    this.#host.events.add("Error", { code: `Shadow${code}`, message });
  }
}
