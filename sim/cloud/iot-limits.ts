/**
 * What AWS IoT Core's message broker allows (General Reference, "AWS IoT Core endpoints and quotas"). Tests may set their own.
 */
export interface IotLimits {
  /** Payload of a PUBLISH, and a CONNECT, bytes. */
  payload: number;
  topicBytes: number;
  topicSlashes: number;
  clientIdBytes: number;
  filtersPerSubscribe: number;
  subscriptionsPerConnection: number;
  /** PUBLISH in a second and connection; what is above is discarded without an acknowledgement. */
  publishesPerSecond: number;
  /** CONNECT in a second and client id. */
  connectsPerSecond: number;
  /** Seconds: shorter and longer ones become the nearest, and 0 the longest. */
  keepAliveMinimum: number;
  keepAliveMaximum: number;
  /** Seconds that a persistent session outlives its connection. */
  sessionExpiry: number;
  /** Seconds that a connection by WebSocket lasts at most. */
  webSocketDuration: number;
}

export const awsLimits: IotLimits = {
  payload: 128 * 1024,
  topicBytes: 256,
  topicSlashes: 7,
  clientIdBytes: 128,
  filtersPerSubscribe: 8,
  subscriptionsPerConnection: 50,
  publishesPerSecond: 100,
  connectsPerSecond: 1,
  keepAliveMinimum: 30,
  keepAliveMaximum: 1200,
  sessionExpiry: 3600,
  webSocketDuration: 24 * 60 * 60,
};

export function clampKeepAlive(seconds: number, limits: IotLimits): number {
  if (seconds === 0 || seconds > limits.keepAliveMaximum) return limits.keepAliveMaximum;
  return Math.max(seconds, limits.keepAliveMinimum);
}

/** Why a topic or topic filter is not taken, if it is not. Basic Ingest (`$aws/rules/<rule>/`) does not count. */
export function topicProblem(topic: string, limits: IotLimits): string | undefined {
  const counted = topic.replace(/^\$aws\/rules\/[^/]*\//, "");
  if (!counted || counted.includes("\0")) return "topic is empty or has a NUL in it";
  if (Buffer.byteLength(counted) > limits.topicBytes) return `topic has more than ${limits.topicBytes} bytes`;
  if (counted.split("/").length - 1 > limits.topicSlashes) return `topic has more than ${limits.topicSlashes} slashes`;
  return undefined;
}

/** Events per second. Up to `burst` may come at once. */
export class Rate {
  #perSecond: number;
  #burst: number;
  #tokens: number;
  #last = performance.now();

  constructor(perSecond: number, burst = perSecond) {
    this.#perSecond = perSecond;
    this.#burst = this.#tokens = Math.max(burst, 1);
  }

  /** @returns false when this one is too many */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#tokens + ((now - this.#last) / 1000) * this.#perSecond, this.#burst);
    this.#last = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
