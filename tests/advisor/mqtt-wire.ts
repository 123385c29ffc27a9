/** MQTT 3.1.1 on the wire, as a server sees it: what a client may send, strictly read, and what the advisor answers. */

/** Control packet types (2.2.1). */
export const types = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
} as const;

export type PacketName = keyof typeof types;

export interface TopicFilter {
  topic: string;
  qos: number;
}

/** A packet as it came. Which fields there are depends on its type. */
export interface Packet {
  name: PacketName;
  /** PUBLISH with QoS 1, PUBACK, SUBSCRIBE, UNSUBSCRIBE, and the answers. */
  id?: number;
  // CONNECT
  clientId?: string;
  cleanSession?: boolean;
  /** Seconds. */
  keepAlive?: number;
  will?: { topic: string; payload: Buffer };
  // PUBLISH
  topic?: string;
  payload?: Buffer;
  qos?: number;
  duplicate?: boolean;
  // SUBSCRIBE, UNSUBSCRIBE
  filters?: TopicFilter[];
  // CONNACK, SUBACK
  sessionPresent?: boolean;
  returnCode?: number;
}

/** The peer broke a rule of MQTT 3.1.1; the message names the rule. */
export class MalformedPacketError extends Error {
  override name = "MalformedPacketError";
}

const names = Object.fromEntries(Object.entries(types).map(([name, type]) => [type, name as PacketName]));

/** Takes bytes as they come and gives whole packets. `maximum` is in bytes. */
export class PacketReader {
  #buffer: Buffer = Buffer.alloc(0);
  readonly #maximum: number;

  constructor(maximum = 300_000) {
    this.#maximum = maximum;
  }

  /** @throws MalformedPacketError */
  read(bytes: Buffer): Packet[] {
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, bytes]) : bytes;
    const packets: Packet[] = [];
    for (let packet = this.#next(); packet; packet = this.#next()) packets.push(packet);
    return packets;
  }

  #next(): Packet | undefined {
    const buffer = this.#buffer;
    let length = 0;
    let position = 1;
    for (let shift = 0; ; shift += 7, position += 1) {
      if (shift > 21) throw new MalformedPacketError("2.2.3: remaining length of more than four bytes");
      if (position >= buffer.length) return undefined;
      length |= (buffer[position]! & 0x7f) << shift;
      if (!(buffer[position]! & 0x80)) break;
    }
    const start = position + 1;
    if (length > this.#maximum) throw new MalformedPacketError(`a packet of ${length} bytes`);
    if (buffer.length < start + length) return undefined;
    this.#buffer = buffer.subarray(start + length);
    return decode(buffer[0]!, buffer.subarray(start, start + length));
  }
}

class Fields {
  #position = 0;
  readonly #body: Buffer;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get rest(): number {
    return this.#body.length - this.#position;
  }

  take(length: number): Buffer {
    if (this.rest < length) throw new MalformedPacketError("a field ends behind its packet");
    this.#position += length;
    return this.#body.subarray(this.#position - length, this.#position);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  word(): number {
    return this.take(2).readUInt16BE();
  }

  /** Packet identifier: never 0 (2.3.1). */
  id(): number {
    const id = this.word();
    if (!id) throw new MalformedPacketError("2.3.1-1: packet identifier 0");
    return id;
  }

  text(): string {
    const bytes = this.take(this.word());
    const text = bytes.toString("utf8");
    if (text.includes("\0") || !Buffer.from(text).equals(bytes)) throw new MalformedPacketError("1.5.3: bad UTF-8");
    return text;
  }
}

function decode(head: number, body: Buffer): Packet {
  const name = names[head >> 4];
  if (!name) throw new MalformedPacketError(`packet type ${head >> 4}`);
  const flags = head & 0x0f;
  const expected = name === "SUBSCRIBE" || name === "UNSUBSCRIBE" ? 2 : 0;
  if (name !== "PUBLISH" && flags !== expected) throw new MalformedPacketError(`2.2.2-2: flags ${flags} of ${name}`);
  const fields = new Fields(body);
  const packet = decoders[name]?.(fields, flags) ?? {};
  if (fields.rest) throw new MalformedPacketError(`${name} is ${fields.rest} bytes too long`);
  return { name, ...packet };
}

const withId = (fields: Fields) => ({ id: fields.id() });

const decoders: Partial<Record<PacketName, (fields: Fields, flags: number) => Partial<Packet>>> = {
  CONNECT: decodeConnect,
  CONNACK: (fields) => ({ sessionPresent: fields.byte() === 1, returnCode: fields.byte() }),
  PUBLISH: decodePublish,
  PUBACK: withId,
  SUBSCRIBE: (fields) => ({ id: fields.id(), filters: decodeFilters(fields, true) }),
  SUBACK: (fields) => ({ id: fields.id(), returnCode: fields.take(fields.rest)[0] }),
  UNSUBSCRIBE: (fields) => ({ id: fields.id(), filters: decodeFilters(fields, false) }),
  UNSUBACK: withId,
};

function decodeConnect(fields: Fields): Partial<Packet> {
  const protocol = fields.text();
  const level = fields.byte();
  if (protocol !== "MQTT" || level !== 4) throw new MalformedPacketError(`3.1.2: protocol ${protocol} level ${level}`);
  const flags = fields.byte();
  if (flags & 1) throw new MalformedPacketError("3.1.2-3: reserved flag of CONNECT");
  if (!(flags & 4) && flags & 0x38) throw new MalformedPacketError("3.1.2-11: will QoS or retain without a will");
  const keepAlive = fields.word();
  const clientId = fields.text();
  const cleanSession = (flags & 2) !== 0;
  if (!clientId && !cleanSession) throw new MalformedPacketError("3.1.3-7: no client id for a persistent session");
  const will = flags & 4 ? { topic: fields.text(), payload: fields.take(fields.word()) } : undefined;
  if (flags & 0x80) fields.text();
  if (flags & 0x40) fields.take(fields.word());
  return { clientId, cleanSession, keepAlive, will };
}

function decodePublish(fields: Fields, flags: number): Partial<Packet> {
  const qos = (flags >> 1) & 3;
  const duplicate = (flags & 8) !== 0;
  if (qos === 3) throw new MalformedPacketError("3.3.1-4: QoS 3");
  if (duplicate && !qos) throw new MalformedPacketError("3.3.1-2: DUP with QoS 0");
  const topic = fields.text();
  if (!topic || /[+#]/.test(topic)) throw new MalformedPacketError("3.3.2-2: topic with wildcards, or none");
  const id = qos ? fields.id() : undefined;
  return { topic, id, qos, duplicate, payload: fields.take(fields.rest) };
}

function decodeFilters(fields: Fields, withQoS: boolean): TopicFilter[] {
  const filters: TopicFilter[] = [];
  while (fields.rest) {
    const topic = fields.text();
    const qos = withQoS ? fields.byte() : 0;
    if (qos > 2) throw new MalformedPacketError("3.8.3-4: QoS of a filter");
    filters.push({ topic, qos });
  }
  if (!filters.length) throw new MalformedPacketError("3.8.3-3: no topic filter");
  return filters;
}

const word = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const text = (value: string) => Buffer.concat([word(Buffer.byteLength(value)), Buffer.from(value)]);

function encode(head: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

/** What either side may send. */
export const encoders = {
  connect: (clientId: string, keepAlive: number, cleanSession = false) =>
    encode(0x10, text("MQTT"), Buffer.from([4, cleanSession ? 2 : 0]), word(keepAlive), text(clientId)),
  connack: (sessionPresent: boolean, returnCode = 0) => encode(0x20, Buffer.from([sessionPresent ? 1 : 0, returnCode])),
  publish: (topic: string, payload: Buffer | string, qos = 0, id = 0, duplicate = false) =>
    encode(
      0x30 | (qos << 1) | (duplicate ? 8 : 0),
      text(topic),
      qos ? word(id) : Buffer.alloc(0),
      Buffer.from(payload as string),
    ),
  puback: (id: number) => encode(0x40, word(id)),
  subscribe: (id: number, filters: TopicFilter[]) =>
    encode(0x82, word(id), ...filters.map(({ topic, qos }) => Buffer.concat([text(topic), Buffer.from([qos])]))),
  suback: (id: number, codes: number[]) => encode(0x90, word(id), Buffer.from(codes)),
  unsuback: (id: number) => encode(0xb0, word(id)),
  pingreq: () => encode(0xc0),
  pingresp: () => encode(0xd0),
};

/** Whether a topic fits a filter (4.7), without the exception for topics that begin with `$`. */
export function isMatch(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const given = topic.split("/");
  for (let i = 0; i < wanted.length; i += 1) {
    if (wanted[i] === "#") return true;
    if (i >= given.length || (wanted[i] !== "+" && wanted[i] !== given[i])) return false;
  }
  return wanted.length === given.length;
}
