import { Duplex } from "node:stream";
import { type IotLimits, Rate, topicProblem } from "./iot-limits.ts";

const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 10;
const DISCONNECT = 14;

/** Room for topic and identifier beside the payload. */
const headroom = 1024;

type Verdict = "pass" | "drop";

/**
 * Stands between the connection (a TLS socket, or the stream of a WebSocket) and the broker, and gives the broker only what AWS IoT Core would take: aedes implements all of MQTT,
 * AWS leaves some of it out. A QoS 2 packet is answered with silence, what is above the rate is discarded, and a violation of
 * a limit ends the connection.
 */
export class MqttGate extends Duplex {
  /** The client said goodbye. */
  disconnected = false;
  /** Which limit was violated, if any. */
  violation?: string;
  #socket: Duplex;
  #limits: IotLimits;
  #rate: Rate;
  #pending = Buffer.alloc(0);
  #filters = new Set<string>();

  constructor(socket: Duplex, limits: IotLimits) {
    super();
    this.#socket = socket;
    this.#limits = limits;
    this.#rate = new Rate(limits.publishesPerSecond);
    socket.on("data", (data) => this.#receive(data));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /**
   * A PUBLISH with QoS 0 to this client alone, past the broker: aedes numbers what it publishes, and would take what it
   * has on its way to this client for repetitions of what overtakes it.
   */
  say(topic: string, payload: string): void {
    const name = Buffer.from(topic);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(name.length);
    const body = Buffer.concat([size, name, Buffer.from(payload)]);
    const length: number[] = [];
    for (let rest = body.length; rest || !length.length; rest >>= 7)
      length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    this.write(Buffer.concat([Buffer.from([PUBLISH << 4, ...length]), body]));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #receive(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    for (let length = this.#packetLength(); length && !this.destroyed; length = this.#packetLength()) {
      const packet = this.#pending.subarray(0, length);
      this.#pending = this.#pending.subarray(length);
      if (this.#judge(packet) === "pass" && !this.destroyed && !this.push(packet)) this.#socket.pause();
    }
  }

  /** Of the packet at the front, when it is there as a whole; otherwise 0. */
  #packetLength(): number {
    let length = 0;
    for (let i = 1; i < this.#pending.length; i += 1) {
      const byte = this.#pending[i];
      length += (byte & 0x7f) * 128 ** (i - 1);
      if (i === 4 && byte & 0x80) return this.#violate("remaining length of more than four bytes");
      if (byte & 0x80) continue;
      if (length > this.#limits.payload + headroom) return this.#violate(`packet of ${length} bytes`);
      const end = i + 1 + length;
      return this.#pending.length >= end ? end : 0;
    }
    return 0;
  }

  #judge(packet: Buffer): Verdict {
    const type = packet[0] >> 4;
    const body = packet.subarray(bodyStart(packet));
    if (type === DISCONNECT) this.disconnected = true;
    if (type === CONNECT && body.length > this.#limits.payload) this.#violate("CONNECT is too large");
    if (type === PUBLISH) return this.#judgePublish((packet[0] >> 1) & 3, body);
    if (type === SUBSCRIBE) return this.#judgeSubscribe(body);
    if (type === UNSUBSCRIBE) for (const [filter] of filters(body, 0)) this.#filters.delete(filter);
    return "pass";
  }

  #judgePublish(QoS: number, body: Buffer): Verdict {
    const end = 2 + (body.length < 2 ? 0 : body.readUInt16BE(0));
    const problem = topicProblem(body.toString("utf8", 2, end), this.#limits);
    if (problem) this.#violate(`PUBLISH: ${problem}`);
    const payload = body.length - end - (QoS ? 2 : 0);
    if (payload > this.#limits.payload) this.#violate(`PUBLISH: payload of ${payload} bytes`);
    return QoS === 2 || !this.#rate.take() ? "drop" : "pass";
  }

  #judgeSubscribe(body: Buffer): Verdict {
    const wanted = filters(body, 1);
    if (wanted.length > this.#limits.filtersPerSubscribe) this.#violate(`SUBSCRIBE with ${wanted.length} filters`);
    for (const [filter] of wanted) {
      const problem = topicProblem(filter, this.#limits);
      if (problem) this.#violate(`SUBSCRIBE: ${problem}`);
      this.#filters.add(filter);
    }
    if (this.#filters.size > this.#limits.subscriptionsPerConnection) this.#violate("too many subscriptions");
    return wanted.some(([, QoS]) => QoS === 2) ? "drop" : "pass";
  }

  #violate(what: string): 0 {
    this.violation ??= what;
    this.destroy();
    return 0;
  }
}

function bodyStart(packet: Buffer): number {
  let i = 1;
  while (packet[i] & 0x80) i += 1;
  return i + 1;
}

/** The filters of a SUBSCRIBE (one byte of options each) or UNSUBSCRIBE (none). */
function filters(body: Buffer, optionBytes: 0 | 1): [filter: string, QoS: number][] {
  const result: [string, number][] = [];
  for (let at = 2; at + 2 <= body.length; ) {
    const end = at + 2 + body.readUInt16BE(at);
    result.push([body.toString("utf8", at + 2, end), optionBytes ? body[end] & 3 : 0]);
    at = end + optionBytes;
  }
  return result;
}
