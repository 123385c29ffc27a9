import type { BackoffOptions } from "./backoff";
import type { MQTTClientClass, QoS, Will } from "./client-interface";
import type { CloudError } from "./cloud-error";
import type { InboundMessage } from "./connection";
import type { ResolverOptions } from "./guard-resolver";
import type { TransportOptions } from "./guard-socket";
import type { MessageStream } from "./message-reader";
import type { Settings } from "./settings";

/**
 * - disconnected: not wanted, or not yet
 * - resolving, connecting: on the way
 * - connected: CONNACK came
 * - backing-off: the next attempt waits for its time
 * - refused: likewise, and the last attempt failed because the broker (or its TLS) does not accept this device. It keeps trying: a
 *   certificate that has just been made may take a while to be accepted, and one may be activated later.
 */
export type CloudState = "disconnected" | "resolving" | "connecting" | "connected" | "backing-off" | "refused";

export interface CloudSessionOptions extends Partial<Settings> {
  /**
   * `host` or `host:port`; port 8883 when not given, and 443 is spoken with the ALPN name that AWS IoT asks for. Of several (eight at most) the
   * quickest to answer is taken, and another one when it goes dark.
   */
  endpoint: string | readonly string[];
  /** Of several endpoints the one that was good last time: it is tried first. */
  preferredEndpoint?: string;
  /** AWS IoT: the thing name. */
  clientId: string;
  /** The MQTT client: `{ io: MQTTClient }` from `embedded:network/mqtt/client`. */
  mqtt: { io: MQTTClientClass };
  /** The resolver: `{ io: Resolver, ... }` from `embedded:network/dns/resolver/udp`. */
  dns: ResolverOptions;
  /** The socket: `{ io: TLSSocket, TCP: {...}, secure: {...} }`. On port 443 the ALPN name is put into `secure`. */
  socket: TransportOptions;
  /** What the broker says for the device when it is lost without a word. */
  will?: Will;
  backoff?: BackoffOptions;
  /**
   * What the broker has kept for this client is not to be delivered. The next connection is made with a clean session, which makes the broker
   * drop it (MQTT 3.1.1, 3.1.2.4), `onSessionDropped` is called, and another one with a session to last.
   */
  mustDropSession?(): boolean;
  onSessionDropped?(): void;
  /** The error is there when a connection ended by itself. */
  onStateChanged?(state: CloudState, error?: CloudError): void;
  /**
   * A message has come; it has not been read yet. false: it waits in the connection, and everything behind it, until `resume()`. A connection
   * in which one waits for too long is ended.
   */
  admitMessage?(): boolean;
  onMessage?(message: InboundMessage): void;
  /** A message begins that is not held in memory, AWS IoT's own among them. @returns what takes its payload and then comes with it to `onMessage` */
  openStream?(topic: string): MessageStream | undefined;
  /** Something went wrong that is not the end of the connection. */
  onError?(error: CloudError): void;
}

export interface PublishOptions {
  /** 1: resolves when the broker has acknowledged. 0: resolves when written, and is not queued without a connection. Default 1. */
  QoS?: QoS;
  retain?: boolean;
  /**
   * Resolves when the message is queued. Its acknowledgement is awaited as that of every other one, until it has been written and the
   * acknowledgement may stand behind messages that wait for us: then it is forgotten.
   */
  expendable?: boolean;
}
