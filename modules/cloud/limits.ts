import { CloudError } from "./cloud-error";

/**
 * The limits of AWS IoT Core that a device can run into ("AWS IoT Core endpoints and quotas", message broker). They are
 * checked before anything is sent, because the broker answers a violation by closing the connection.
 */
export const limits = Object.freeze({
  /** Payload of a PUBLISH, bytes. */
  payload: 128 * 1024,
  /** Topic or topic filter, bytes of UTF-8. */
  topicBytes: 256,
  topicSlashes: 7,
  clientIdBytes: 128,
  filtersPerSubscribe: 8,
  subscriptionsPerConnection: 50,
  /** Unacknowledged QoS 1 messages in each direction; the broker holds further ones back. */
  inFlight: 100,
  /** Seconds; the broker takes values outside for the nearest end, and 0 for the largest. */
  keepAliveMinimum: 30,
  keepAliveMaximum: 1200,
});

/** Bytes that a text has in UTF-8. */
export const utf8Length = (text: string): number => ArrayBuffer.fromString(text).byteLength;

/** Basic Ingest: `$aws/rules/<rule>/` in front of a topic counts neither for its length nor for its slashes. */
function withoutRule(topic: string): string {
  if (!topic.startsWith("$aws/rules/")) return topic;
  const end = topic.indexOf("/", 11);
  return end < 0 ? topic : topic.slice(end + 1);
}

function checkLevels(text: string, what: string): void {
  if (!text || text.includes("\0")) throw new CloudError("InvalidTopic", `${what} is empty or has a NUL in it`);
  if (utf8Length(text) > limits.topicBytes)
    throw new CloudError("InvalidTopic", `${what} is longer than ${limits.topicBytes} bytes`);
  if (text.split("/").length - 1 > limits.topicSlashes)
    throw new CloudError("InvalidTopic", `${what} has more than ${limits.topicSlashes} slashes`);
}

/** @throws CloudError InvalidTopic */
export function checkTopic(topic: string): void {
  checkLevels(withoutRule(topic), "topic");
  if (topic.includes("+") || topic.includes("#")) throw new CloudError("InvalidTopic", "topic has a wildcard in it");
}

/** @throws CloudError InvalidTopic */
export function checkTopicFilter(filter: string): void {
  checkLevels(filter, "topic filter");
  const levels = filter.split("/");
  for (let i = 0; i < levels.length; i += 1) {
    const level = levels[i];
    if (level === "+" || (level === "#" && i === levels.length - 1)) continue;
    if (level.includes("+") || level.includes("#"))
      throw new CloudError("InvalidTopic", "a wildcard stands for a whole level, # for the last one only");
  }
}

/** @throws CloudError PayloadTooLarge */
export function checkPayload(byteLength: number): void {
  if (byteLength > limits.payload)
    throw new CloudError("PayloadTooLarge", `payload of ${byteLength} bytes; the limit is ${limits.payload}`);
}

/** @throws CloudError InvalidClientId */
export function checkClientId(id: string): void {
  if (!id || id.startsWith("$") || utf8Length(id) > limits.clientIdBytes)
    throw new CloudError(
      "InvalidClientId",
      `client id must have 1 to ${limits.clientIdBytes} bytes and not start with $`,
    );
}

/** Seconds, as the broker would take them. */
export function clampKeepAlive(seconds: number): number {
  if (!(seconds > 0 && seconds <= limits.keepAliveMaximum)) return limits.keepAliveMaximum;
  return Math.max(Math.ceil(seconds), limits.keepAliveMinimum);
}
