import {
  checksum,
  ImprovReader,
  type ImprovRequest,
  longestPacket,
  readSettings,
  resultPacket,
} from "../../../modules/provisioning/improv-packet";
import { assert, equal, test } from "../harness";
import { bytes } from "./phone";

/** The example of the specification, with its check sum as npm improv-wifi-sdk has sent it. */
const example = bytes(1, 0x1e, 12, "MyWirelessAP", 16, "mysecurepassword", 0xc0);

function whole(packet: Uint8Array): ImprovRequest {
  const request = new ImprovReader().push(packet, 0);
  assert(typeof request === "object", `${request}`);
  return request as ImprovRequest;
}

test("the specification's example", () => {
  const { command, data } = whole(example);
  equal(command, 1);
  equal(readSettings(data), { SSID: "MyWirelessAP", password: "mysecurepassword" });
});

test("a packet in writes of every size, and another one after it", () => {
  for (let size = 1; size <= example.length; size++) {
    const reader = new ImprovReader();
    for (let round = 0; round < 2; round++)
      for (let offset = 0; offset < example.length; offset += size) {
        const request = reader.push(example.slice(offset, offset + size), 0);
        equal(typeof request, offset + size >= example.length ? "object" : "undefined");
      }
  }
});

test("a packet cut at every byte is not carried out, and the rest completes it", () => {
  for (let length = 0; length < example.length; length++) {
    const reader = new ImprovReader();
    equal(reader.push(example.slice(0, length), 0), undefined);
    assert(typeof reader.push(example.slice(length), 1) === "object");
  }
});

test("every wrong check sum is invalid, and the next packet is read", () => {
  for (let sum = 0; sum < 256; sum++) {
    if (sum === 0xc0) continue;
    const reader = new ImprovReader();
    const wrong = example.slice();
    wrong[wrong.length - 1] = sum;
    equal(reader.push(wrong, 0), "Invalid");
    assert(typeof reader.push(example, 0) === "object");
  }
});

test("every bit that is flipped in the data is found; in the length it is one packet or none", () => {
  for (let bit = 0; bit < example.length * 8; bit++) {
    const wrong = example.slice();
    wrong[bit >> 3] ^= 1 << (bit & 7);
    const request = new ImprovReader().push(wrong, 0);
    if (bit >> 3 === 1 && wrong[1] > example[1]) equal(request, undefined);
    else equal(request, "Invalid");
  }
});

test("bytes after the packet make it invalid", () => {
  equal(new ImprovReader().push(bytes(3, 0, 3, 0), 0), "Invalid");
});

test("the beginning of a packet that never ended is forgotten after five seconds, across the clock's wrap", () => {
  const late = new ImprovReader();
  late.push(example.slice(0, 20), 0x7ffffff0);
  equal(late.push(bytes(3, 0, 3), (0x7ffffff0 + 5000) | 0), { command: 3, data: new Uint8Array(0) });
  const soon = new ImprovReader();
  soon.push(example.slice(0, 20), 0x7ffffff0);
  assert(typeof soon.push(example.slice(20), (0x7ffffff0 + 4999) | 0) === "object");
});

test("the longest packet", () => {
  const packet = new Uint8Array(longestPacket).fill(0xff);
  packet[longestPacket - 1] = checksum(packet, longestPacket - 1);
  equal(whole(packet).data.length, 255);
});

test("settings: cut at every byte, too long, too short, not UTF-8", () => {
  const data = example.slice(2, -1);
  for (let length = 0; length < data.length; length++) equal(readSettings(data.slice(0, length)), undefined);
  equal(readSettings(bytes(data, 0)), undefined);
  equal(readSettings(bytes(0, 3, "abc")), undefined);
  equal(readSettings(bytes(33, new Uint8Array(33).fill(65), 0)), undefined);
  equal(readSettings(bytes(1, "A", 65, new Uint8Array(65).fill(65))), undefined);
  equal(readSettings(bytes(1, 65, 2, [0xff, 0xfe])), undefined);
  equal(readSettings(bytes(2, [65, 0], 0)), undefined, "a zero byte");
  equal(readSettings(bytes(1, 65, 4, [0xc3], "b", [0xc3, 0x9c])), undefined);
  equal(readSettings(bytes(6, "Büro!", 0)), { SSID: "Büro!", password: "" });
  equal(
    readSettings(bytes(32, new Uint8Array(32).fill(65), 64, new Uint8Array(64).fill(66)))?.password,
    "B".repeat(64),
  );
});

test("results", () => {
  equal(resultPacket(1, []), bytes(1, 0, 1));
  equal(resultPacket(3, ["ab", ""]), bytes(3, 4, 2, "ab", 0, (3 + 4 + 2 + 97 + 98) & 255));
  const groups = ["one", "1", "x", "two", "2", "y"];
  equal(resultPacket(4, groups, 20, 3)[1], 16);
  equal(resultPacket(4, groups, 19, 3)[1], 16);
  equal(resultPacket(4, groups, 18, 3).length, 11);
  equal(resultPacket(4, groups, 3, 3), bytes(4, 0, 4));
  const many = resultPacket(4, new Array(300).fill("a"));
  equal([many.length, many[1]], [257, 254]);
});
