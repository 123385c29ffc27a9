import protobuf from "protobufjs/minimal.js";

/**
 * Messages by tables of their fields, over the reader and writer of protobufjs. Its own classes for that compile themselves with
 * `new Function`, which a page's content security policy rightly refuses.
 */
type Scalar = "uint32" | "int32" | "bool" | "bytes" | "string";

interface Field {
  id: number;
  type: Scalar | MessageType;
  kind: "plain" | "oneof" | "repeated";
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is that of the table, which TypeScript does not see
export type Decoded = any;

const wireTypes: Record<Scalar, number> = { uint32: 0, int32: 0, bool: 0, bytes: 2, string: 2 };

/** A field that has its type's zero when it is absent. */
export function field(id: number, type: Scalar | MessageType): Field {
  return { id, type, kind: "plain" };
}

/** A field that is absent when it is absent: a member of a oneof. */
export function oneof(id: number, type: Scalar | MessageType): Field {
  return { id, type, kind: "oneof" };
}

export function repeated(id: number, type: Scalar | MessageType): Field {
  return { id, type, kind: "repeated" };
}

export class MessageType {
  #fields: [string, Field][];
  #byId: Map<number, [string, Field]>;

  constructor(fields: Record<string, Field>) {
    this.#fields = Object.entries(fields);
    this.#byId = new Map(this.#fields.map((entry) => [entry[1].id, entry]));
  }

  encode(message: object): Uint8Array {
    return this.#write(message as Decoded, protobuf.Writer.create()).finish();
  }

  /** @throws an error when the bytes are no such message */
  decode(bytes: Uint8Array): Decoded {
    const reader = protobuf.Reader.create(bytes);
    return this.#read(reader, reader.len);
  }

  #write(message: Decoded, writer: protobuf.Writer): protobuf.Writer {
    for (const [name, { id, type, kind }] of this.#fields) {
      const value = message[name];
      if (value === undefined) continue;
      for (const each of kind === "repeated" ? value : [value]) {
        if (type instanceof MessageType) type.#write(each, writer.uint32((id << 3) | 2).fork()).ldelim();
        else writer.uint32((id << 3) | wireTypes[type])[type](each as never);
      }
    }
    return writer;
  }

  #read(reader: protobuf.Reader, end: number): Decoded {
    const message = this.#empty();
    while (reader.pos < end) {
      const tag = reader.uint32();
      const known = this.#byId.get(tag >>> 3);
      const wireType = tag & 7;
      if (!known || wireType !== wireTypeOf(known[1])) {
        reader.skipType(wireType);
        continue;
      }
      const [name, { type, kind }] = known;
      const value = type instanceof MessageType ? type.#readDelimited(reader, end) : reader[type]();
      if (kind === "repeated") message[name].push(value);
      else message[name] = value;
    }
    if (reader.pos > end) throw new RangeError("a field is longer than its message");
    return message;
  }

  #readDelimited(reader: protobuf.Reader, limit: number): Decoded {
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > limit) throw new RangeError("a message is longer than the one around it");
    return this.#read(reader, end);
  }

  #empty(): Decoded {
    const message: Decoded = {};
    for (const [name, { type, kind }] of this.#fields) {
      if (kind === "repeated") message[name] = [];
      else if (kind === "plain" && !(type instanceof MessageType)) message[name] = zero(type);
    }
    return message;
  }
}

function wireTypeOf({ type }: Field): number {
  return type instanceof MessageType ? 2 : wireTypes[type];
}

function zero(type: Scalar): unknown {
  if (type === "bytes") return new Uint8Array(0);
  if (type === "string") return "";
  return type === "bool" ? false : 0;
}
