import { createWriteStream, type WriteStream } from "node:fs";
import { addressToBytes, PacketType } from "./hci.ts";

/** btsnoop counts microseconds from midnight, January 1st, 0 AD. */
const epoch = 0x00dcddb30f2f8000n;
/** Data link type "Bluetooth Linux Monitor": like `btmon -w`, it keeps several controllers apart in one file. */
const linuxMonitor = 2001;
const Opcode = { newIndex: 0, command: 2, event: 3, aclSent: 4, aclReceived: 5 } as const;

/**
 * A capture that Wireshark, tshark and btmon open. One adapter index per virtual controller: what the host sent to its controller
 * and what it received.
 */
export class BtsnoopWriter {
  #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
    const header = Buffer.alloc(16);
    header.write("btsnoop\0", "latin1");
    header.writeUInt32BE(1, 8);
    header.writeUInt32BE(linuxMonitor, 12);
    this.#file.write(header);
  }

  /** A controller appears. `name` is cut at 8 bytes by the format. */
  addIndex(index: number, address: string, name: string): void {
    const label = Buffer.alloc(8);
    label.write(name, "latin1");
    this.#record(index, Opcode.newIndex, Buffer.concat([Buffer.from([0, 0]), addressToBytes(address), label]));
  }

  /** One H4 packet between the host and the controller `index`. */
  packet(index: number, fromHost: boolean, h4: Buffer): void {
    const opcode =
      h4[0] === PacketType.command
        ? Opcode.command
        : h4[0] === PacketType.event
          ? Opcode.event
          : fromHost
            ? Opcode.aclSent
            : Opcode.aclReceived;
    this.#record(index, opcode, h4.subarray(1));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(() => resolve()));
  }

  #record(index: number, opcode: number, data: Buffer): void {
    const header = Buffer.alloc(24);
    header.writeUInt32BE(data.length, 0);
    header.writeUInt32BE(data.length, 4);
    header.writeUInt32BE(((index << 16) | opcode) >>> 0, 8);
    header.writeUInt32BE(0, 12);
    header.writeBigUInt64BE(epoch + BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)), 16);
    this.#file.write(Buffer.concat([header, data]));
  }
}
