import type { MQTTClient, ReadableOptions } from "../../../modules/cloud/client-interface";
import { MessageReader, WholeMessage } from "../../../modules/cloud/message-reader";
import { equal, test } from "../harness";
import { text } from "./fake-broker";

/** Hands out the bytes of "abcdefgh" in their order. */
class Client {
  position = 0;

  read(wanted: number | Uint8Array): ArrayBuffer | number {
    const count = typeof wanted === "number" ? wanted : wanted.length;
    const bytes = new Uint8Array(ArrayBuffer.fromString("abcdefgh".slice(this.position, this.position + count)));
    this.position += count;
    if (typeof wanted === "number") return bytes.buffer as ArrayBuffer;
    wanted.set(bytes);
    return count;
  }
}

/** The message after each of the calls. */
function messages(...calls: [count: number, options: Partial<ReadableOptions>][]) {
  const client = new Client() as unknown as MQTTClient;
  const reader = new MessageReader();
  return calls.map(([count, options]) => {
    const message = reader.read(client, count, options as ReadableOptions);
    return message && `${message.topic} ${message.QoS} ${text(message.payload)}`;
  });
}

test("a message that is there as a whole is read at once", () => {
  equal(messages([3, { topic: "t", byteLength: 3, QoS: 1 }]), ["t 1 abc"]);
  equal(messages([3, { topic: "t", byteLength: 3 }]), ["t 0 abc"]);
});

test("one that comes in pieces is put together, and the next one after it", () => {
  equal(
    messages(
      [1, { topic: "t", byteLength: 4, QoS: 1 }],
      [2, {}],
      [1, {}],
      [2, { topic: "u", byteLength: 3 }],
      [1, {}],
      [1, {}],
    ),
    [undefined, undefined, "t 1 abcd", undefined, "u 0 efg", undefined],
  );
});

test("pieces are put into a whole one after the other, from where they lie", () => {
  const whole = new WholeMessage(4);
  const bytes = new Uint8Array(ArrayBuffer.fromString("xabyzcdx"));
  whole.write(bytes, 1, 3);
  whole.write(bytes, 5, 7);
  equal(text(whole.payload), "abcd");
});
