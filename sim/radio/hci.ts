/**
 * The part of the Host Controller Interface that a Bluetooth LE host needs (Bluetooth Core 5.4, Vol 4): packet types of the
 * UART transport (Part A), command and event codes (Part E section 7).
 */

/** Packet indicators of the UART transport, "H4" (Part A section 2). */
export const PacketType = { command: 0x01, acl: 0x02, event: 0x04 } as const;

/** Operation codes, OGF in the upper 6 bits. */
export const Command = {
  disconnect: 0x0406,
  readRemoteVersion: 0x041d,
  setEventMask: 0x0c01,
  reset: 0x0c03,
  readBufferSize: 0x1005,
  readBdAddr: 0x1009,
  readRssi: 0x1405,
  leSetEventMask: 0x2001,
  leReadBufferSize: 0x2002,
  leSetRandomAddress: 0x2005,
  leSetAdvertisingParameters: 0x2006,
  leReadAdvertisingTxPower: 0x2007,
  leSetAdvertisingData: 0x2008,
  leSetScanResponseData: 0x2009,
  leSetAdvertisingEnable: 0x200a,
  leSetScanParameters: 0x200b,
  leSetScanEnable: 0x200c,
  leCreateConnection: 0x200d,
  leCreateConnectionCancel: 0x200e,
  leReadFilterAcceptListSize: 0x200f,
  leClearFilterAcceptList: 0x2010,
  leAddToFilterAcceptList: 0x2011,
  leRemoveFromFilterAcceptList: 0x2012,
  leConnectionUpdate: 0x2013,
  leReadRemoteFeatures: 0x2016,
  leEnableEncryption: 0x2019,
  leLongTermKeyReply: 0x201a,
  leLongTermKeyNegativeReply: 0x201b,
  leReadSupportedStates: 0x201c,
} as const;

export const Event = {
  disconnectionComplete: 0x05,
  encryptionChange: 0x08,
  readRemoteVersionComplete: 0x0c,
  commandComplete: 0x0e,
  commandStatus: 0x0f,
  numberOfCompletedPackets: 0x13,
  encryptionKeyRefresh: 0x30,
  leMeta: 0x3e,
} as const;

export const LEEvent = {
  connectionComplete: 0x01,
  advertisingReport: 0x02,
  connectionUpdateComplete: 0x03,
  readRemoteFeaturesComplete: 0x04,
  longTermKeyRequest: 0x05,
} as const;

/** Error codes (Vol 1 Part F). */
export const Status = {
  success: 0x00,
  unknownCommand: 0x01,
  unknownConnection: 0x02,
  keyMissing: 0x06,
  connectionTimeout: 0x08,
  connectionLimit: 0x09,
  commandDisallowed: 0x0c,
  invalidParameters: 0x12,
  remoteUserTerminated: 0x13,
  remotePowerOff: 0x15,
  localHostTerminated: 0x16,
  micFailure: 0x3d,
} as const;

export const AdvertisingPDU = { connectable: 0x00, scanResponse: 0x04 } as const;

/** A device address as a host writes it: most significant byte first, upper case, with colons. */
export function addressToBytes(address: string): Buffer {
  return Buffer.from(address.replaceAll(":", ""), "hex").reverse();
}

export function addressFromBytes(bytes: Buffer): string {
  return Buffer.from(bytes).reverse().toString("hex").toUpperCase().match(/../g)!.join(":");
}

export function eventPacket(code: number, parameters: Buffer): Buffer {
  return Buffer.concat([Buffer.from([PacketType.event, code, parameters.length]), parameters]);
}

/** Cuts a byte stream into H4 packets (commands and ACL data from a host, events and ACL data from a controller). */
export class H4Framer {
  #pending: Buffer = Buffer.alloc(0);

  /** @throws Error when the stream is not H4; it cannot be followed any further then. */
  push(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length ? Buffer.concat([this.#pending, chunk]) : chunk;
    const packets: Buffer[] = [];
    for (;;) {
      const length = packetLength(this.#pending);
      if (length === undefined || this.#pending.length < length) return packets;
      packets.push(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
    }
  }
}

function packetLength(bytes: Buffer): number | undefined {
  if (!bytes.length) return undefined;
  switch (bytes[0]) {
    case PacketType.command:
      return bytes.length < 4 ? undefined : 4 + bytes[3];
    case PacketType.acl:
      return bytes.length < 5 ? undefined : 5 + bytes.readUInt16LE(3);
    case PacketType.event:
      return bytes.length < 3 ? undefined : 3 + bytes[2];
    default:
      throw new Error(`not an H4 packet: type ${bytes[0]}`);
  }
}
