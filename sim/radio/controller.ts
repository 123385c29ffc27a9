import type { Air } from "./air.ts";
import {
  advertisingReport,
  commandComplete,
  commandStatus,
  connectionCancelled,
  connectionComplete,
  connectionUpdated,
  disconnectionComplete,
  encryptionChanged,
  longTermKeyRequest,
  oneCompletedPacket,
  remoteFeatures,
  remoteVersion,
  u16,
} from "./events.ts";
import { AdvertisingPDU, addressFromBytes, addressToBytes, Command, PacketType, Status } from "./hci.ts";
import type { AirLink, ConnectionParameters } from "./link.ts";

/** Size and number of the ACL buffers that a host may fill (an ESP32 has 251 bytes, about 10 of them). */
const aclLength = 251;
const aclBuffers = 8;
const maximumLinks = 4;

interface OwnLink {
  link: AirLink;
  handle: number;
}

interface Initiating {
  useFilterAcceptList: boolean;
  peer: string;
  parameters: ConnectionParameters;
}

/**
 * A Bluetooth LE controller without a radio: takes HCI commands and ACL data from a host, gives events and ACL data
 * back, and meets other controllers in the Air. Legacy advertising, one advertising set, both roles.
 */
export class Controller {
  readonly index: number;
  /** Largest ATT MTU of this host; the air may allow less. */
  mtu = 517;
  readonly #air: Air;
  readonly #publicAddress: string;
  readonly #toHost: (packet: Buffer) => void;
  #randomAddress: string | undefined;
  #powered = true;
  #inRange = true;
  #removed = false;

  #advertisement: Buffer = Buffer.alloc(0);
  #scanResponse: Buffer = Buffer.alloc(0);
  #advertisingInterval = 100;
  #advertisesRandomAddress = false;
  #advertising: NodeJS.Timeout | undefined;

  #scanning = false;
  #activeScan = false;
  #filterDuplicates = false;
  #heard = new Set<string>();

  #filterAcceptList = new Set<string>();
  #initiating: Initiating | undefined;
  #links = new Map<number, OwnLink>();
  #nextHandle = 1;

  constructor(air: Air, address: string, toHost: (packet: Buffer) => void, name = "radio") {
    this.#air = air;
    this.#publicAddress = address;
    this.#toHost = toHost;
    this.index = air.add(this);
    air.btsnoop?.addIndex(this.index, address, name);
  }

  get address(): string {
    return this.#advertisesRandomAddress && this.#randomAddress ? this.#randomAddress : this.#publicAddress;
  }

  /** 0 public, 1 random */
  get addressType(): number {
    return this.address === this.#publicAddress ? 0 : 1;
  }

  /** Whether others hear it and it hears them. */
  get reachable(): boolean {
    return this.#powered && this.#inRange && !this.#removed;
  }

  get advertising(): boolean {
    return this.#advertising !== undefined;
  }

  setInRange(inRange: boolean): void {
    this.#inRange = inRange;
    this.#air.reachabilityChanged(this);
  }

  /** Power off: links end at once on this side, silently for the peers; advertising and scanning go on after power on. */
  setPower(powered: boolean): void {
    this.#powered = powered;
    if (!powered)
      for (const { link } of [...this.#links.values()]) {
        this.disconnected(link, Status.connectionTimeout);
        link.silence();
      }
    this.#air.reachabilityChanged(this);
  }

  /** The host is gone. */
  remove(): void {
    this.#removed = true;
    this.#stopAdvertising();
    this.#scanning = false;
    this.#initiating = undefined;
    this.#air.remove(this);
  }

  /** One H4 packet from the host. */
  receive(packet: Buffer): void {
    this.#air.btsnoop?.packet(this.index, true, packet);
    if (packet[0] === PacketType.command) this.#command(packet.readUInt16LE(1), packet.subarray(4));
    else if (packet[0] === PacketType.acl) this.#aclFromHost(packet);
  }

  // ---- what the air tells

  hear(advertiser: Controller): void {
    if (!this.#scanning) return;
    const address = advertiser.address;
    if (this.#filterDuplicates) {
      if (this.#heard.has(address)) return;
      this.#heard.add(address);
    }
    this.#report(AdvertisingPDU.connectable, advertiser, advertiser.#advertisement);
    if (this.#activeScan) this.#report(AdvertisingPDU.scanResponse, advertiser, advertiser.#scanResponse);
  }

  wants(advertiser: Controller): boolean {
    const initiating = this.#initiating;
    if (!initiating) return false;
    const key = advertiser.#addressKey();
    return initiating.useFilterAcceptList ? this.#filterAcceptList.has(key) : initiating.peer === key;
  }

  connectionParameters(): ConnectionParameters {
    return this.#initiating!.parameters;
  }

  connected(link: AirLink, peer: Controller): void {
    const central = link.central === this;
    if (central) this.#initiating = undefined;
    else this.#stopAdvertising();
    const handle = this.#nextHandle++;
    this.#links.set(handle, { link, handle });
    this.#send(connectionComplete(handle, central ? "central" : "peripheral", peer, link.parameters));
  }

  disconnected(link: AirLink, reason: number): void {
    const own = this.#find(link);
    if (!own) return;
    this.#links.delete(own.handle);
    this.#send(disconnectionComplete(own.handle, reason));
  }

  /** ACL data of the peer reaches this host. */
  deliver(link: AirLink, first: boolean, payload: Buffer): void {
    const own = this.#find(link);
    if (!own) return;
    const header = Buffer.alloc(5);
    header[0] = PacketType.acl;
    header.writeUInt16LE(own.handle | (first ? 0x2000 : 0x1000), 1);
    header.writeUInt16LE(payload.length, 3);
    this.#send(Buffer.concat([header, payload]));
  }

  /** A packet of this host has been acknowledged by the peer's link layer: its buffer is free again. */
  completed(link: AirLink): void {
    const own = this.#find(link);
    if (own) this.#send(oneCompletedPacket(own.handle));
  }

  // ---- commands

  #command(opcode: number, p: Buffer): void {
    if (opcode in this.#handlers) this.#handlers[opcode](p);
    else this.#status(opcode, Status.unknownCommand);
  }

  readonly #handlers: Record<number, (p: Buffer) => void> = {
    [Command.reset]: () => this.#reset(),
    [Command.setEventMask]: () => this.#complete(Command.setEventMask),
    [Command.leSetEventMask]: () => this.#complete(Command.leSetEventMask),
    [Command.readBdAddr]: () => this.#complete(Command.readBdAddr, ...addressToBytes(this.#publicAddress)),
    [Command.readBufferSize]: () =>
      this.#complete(Command.readBufferSize, ...u16(aclLength), 0, ...u16(aclBuffers), 0, 0),
    [Command.leReadBufferSize]: () => this.#complete(Command.leReadBufferSize, ...u16(aclLength), aclBuffers),
    [Command.leReadSupportedStates]: () =>
      this.#complete(Command.leReadSupportedStates, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0, 0),
    [Command.leReadAdvertisingTxPower]: () => this.#complete(Command.leReadAdvertisingTxPower, 0),
    [Command.leReadFilterAcceptListSize]: () => this.#complete(Command.leReadFilterAcceptListSize, 8),
    [Command.leSetRandomAddress]: (p) => {
      this.#randomAddress = addressFromBytes(p.subarray(0, 6));
      this.#advertisesRandomAddress = true;
      this.#complete(Command.leSetRandomAddress);
    },
    [Command.leSetAdvertisingParameters]: (p) => {
      // 0.625 ms units. Hosts ask for 20 ms to 10.24 s.
      this.#advertisingInterval = Math.max(20, p.readUInt16LE(0) * 0.625);
      this.#advertisesRandomAddress = p[5] === 1;
      this.#complete(Command.leSetAdvertisingParameters);
    },
    [Command.leSetAdvertisingData]: (p) => {
      this.#advertisement = Buffer.from(p.subarray(1, 1 + Math.min(p[0], 31)));
      this.#complete(Command.leSetAdvertisingData);
    },
    [Command.leSetScanResponseData]: (p) => {
      this.#scanResponse = Buffer.from(p.subarray(1, 1 + Math.min(p[0], 31)));
      this.#complete(Command.leSetScanResponseData);
    },
    [Command.leSetAdvertisingEnable]: (p) => this.#enableAdvertising(p[0] === 1),
    [Command.leSetScanParameters]: (p) => {
      this.#activeScan = p[0] === 1;
      this.#complete(Command.leSetScanParameters);
    },
    [Command.leSetScanEnable]: (p) => {
      this.#scanning = p[0] === 1;
      this.#filterDuplicates = p[1] === 1;
      this.#heard.clear();
      this.#complete(Command.leSetScanEnable);
    },
    [Command.leClearFilterAcceptList]: () => {
      this.#filterAcceptList.clear();
      this.#complete(Command.leClearFilterAcceptList);
    },
    [Command.leAddToFilterAcceptList]: (p) => {
      this.#filterAcceptList.add(addressKey(p[0], p.subarray(1, 7)));
      this.#complete(Command.leAddToFilterAcceptList);
    },
    [Command.leRemoveFromFilterAcceptList]: (p) => {
      this.#filterAcceptList.delete(addressKey(p[0], p.subarray(1, 7)));
      this.#complete(Command.leRemoveFromFilterAcceptList);
    },
    [Command.leCreateConnection]: (p) => this.#createConnection(p),
    [Command.leCreateConnectionCancel]: () => this.#cancelConnection(),
    [Command.leConnectionUpdate]: (p) => this.#updateConnection(p),
    [Command.leReadRemoteFeatures]: (p) =>
      this.#withLink(Command.leReadRemoteFeatures, p, ({ handle }) => this.#send(remoteFeatures(handle))),
    [Command.readRemoteVersion]: (p) =>
      this.#withLink(Command.readRemoteVersion, p, ({ handle }) => this.#send(remoteVersion(handle))),
    [Command.readRssi]: (p) => {
      const own = this.#links.get(p.readUInt16LE(0));
      this.#completeStatus(Command.readRssi, own ? 0 : Status.unknownConnection, p[0], p[1], 256 - 60);
    },
    [Command.disconnect]: (p) =>
      this.#withLink(Command.disconnect, p, ({ link }) => setImmediate(() => link.terminate(this, p[2]))),
    [Command.leEnableEncryption]: (p) => this.#startEncryption(p),
    [Command.leLongTermKeyReply]: (p) => this.#longTermKey(Command.leLongTermKeyReply, p, p.subarray(2, 18)),
    [Command.leLongTermKeyNegativeReply]: (p) => this.#longTermKey(Command.leLongTermKeyNegativeReply, p, undefined),
  };

  #reset(): void {
    for (const { link } of [...this.#links.values()]) link.silence();
    this.#links.clear();
    this.#stopAdvertising();
    this.#scanning = false;
    this.#initiating = undefined;
    this.#filterAcceptList.clear();
    this.#complete(Command.reset);
  }

  #enableAdvertising(enable: boolean): void {
    this.#stopAdvertising();
    if (enable) this.#advertising = setInterval(() => this.#air.advertise(this), this.#advertisingInterval);
    this.#complete(Command.leSetAdvertisingEnable);
  }

  #stopAdvertising(): void {
    clearInterval(this.#advertising);
    this.#advertising = undefined;
  }

  #createConnection(p: Buffer): void {
    if (this.#initiating) {
      this.#status(Command.leCreateConnection, Status.commandDisallowed);
      return;
    }
    if (this.#links.size >= maximumLinks) {
      this.#status(Command.leCreateConnection, Status.connectionLimit);
      return;
    }
    this.#initiating = {
      useFilterAcceptList: p[4] === 1,
      peer: addressKey(p[5], p.subarray(6, 12)),
      parameters: {
        interval: p.readUInt16LE(15),
        latency: p.readUInt16LE(17),
        supervisionTimeout: p.readUInt16LE(19),
      },
    };
    this.#status(Command.leCreateConnection, Status.success);
  }

  #cancelConnection(): void {
    if (!this.#initiating) {
      this.#completeStatus(Command.leCreateConnectionCancel, Status.commandDisallowed);
      return;
    }
    this.#initiating = undefined;
    this.#complete(Command.leCreateConnectionCancel);
    this.#send(connectionCancelled());
  }

  #updateConnection(p: Buffer): void {
    this.#withLink(Command.leConnectionUpdate, p, ({ link }) => {
      link.parameters = {
        interval: p.readUInt16LE(4),
        latency: p.readUInt16LE(6),
        supervisionTimeout: p.readUInt16LE(8),
      };
      this.updated(link);
      link.peer(this).updated(link);
    });
  }

  /** The parameters of the link have changed. */
  updated(link: AirLink): void {
    const own = this.#find(link);
    if (own) this.#send(connectionUpdated(own.handle, link.parameters));
  }

  // ---- encryption: the keys are compared, the data stay as they are

  #startEncryption(p: Buffer): void {
    this.#withLink(Command.leEnableEncryption, p, ({ link }) => {
      const peer = link.peer(this);
      peer.#offeredKey = Buffer.from(p.subarray(12, 28));
      const own = peer.#find(link);
      if (own) peer.#send(longTermKeyRequest(own.handle, p.subarray(2, 12)));
    });
  }

  /** The key that the central starts encryption with, until this host has answered with its own. */
  #offeredKey: Buffer | undefined;

  #longTermKey(opcode: number, p: Buffer, key: Buffer | undefined): void {
    const own = this.#links.get(p.readUInt16LE(0));
    this.#completeStatus(opcode, own ? Status.success : Status.unknownConnection, p[0], p[1]);
    if (!own) return;
    const { link } = own;
    const peer = link.peer(this);
    if (!key) peer.#encryptionChanged(link, Status.keyMissing, false);
    else if (!this.#offeredKey?.equals(key)) link.fail(Status.micFailure);
    else {
      const refresh = link.encrypted;
      link.encrypted = true;
      this.#encryptionChanged(link, Status.success, refresh);
      peer.#encryptionChanged(link, Status.success, refresh);
    }
    this.#offeredKey = undefined;
  }

  #encryptionChanged(link: AirLink, status: number, refresh: boolean): void {
    const own = this.#find(link);
    if (own) this.#send(encryptionChanged(own.handle, status, refresh));
  }

  // ---- ACL

  #aclFromHost(packet: Buffer): void {
    const flags = packet.readUInt16LE(1);
    const own = this.#links.get(flags & 0x0fff);
    if (!own) return;
    const payload = Buffer.from(packet.subarray(5));
    const first = (flags & 0x3000) !== 0x1000;
    if (first) limitMTU(payload, Math.min(this.mtu, this.#air.mtu));
    own.link.send(this, first, payload);
  }

  // ---- helpers

  #find(link: AirLink): OwnLink | undefined {
    for (const own of this.#links.values()) if (own.link === link) return own;
    return undefined;
  }

  #withLink(opcode: number, p: Buffer, run: (own: OwnLink) => void): void {
    const own = this.#links.get(p.readUInt16LE(0));
    this.#status(opcode, own ? Status.success : Status.unknownConnection);
    if (own) run(own);
  }

  #addressKey(): string {
    return `${this.addressType} ${this.address}`;
  }

  #report(type: number, advertiser: Controller, data: Buffer): void {
    this.#send(advertisingReport(type, advertiser, data));
  }

  #complete(opcode: number, ...values: number[]): void {
    this.#completeStatus(opcode, Status.success, ...values);
  }

  #completeStatus(opcode: number, status: number, ...values: number[]): void {
    this.#send(commandComplete(opcode, status, values));
  }

  #status(opcode: number, status: number): void {
    this.#send(commandStatus(opcode, status));
  }

  #send(packet: Buffer): void {
    if (this.#removed) return;
    this.#air.btsnoop?.packet(this.index, false, packet);
    this.#toHost(packet);
  }
}

function addressKey(type: number, bytes: Buffer): string {
  return `${type} ${addressFromBytes(bytes)}`;
}

/** Lowers the MTU in an ATT Exchange MTU request or response (Vol 3 Part F section 3.4.2), so that both sides agree on less. */
function limitMTU(l2cap: Buffer, mtu: number): void {
  const isExchange = l2cap.length === 7 && l2cap.readUInt16LE(2) === 0x0004 && (l2cap[4] === 0x02 || l2cap[4] === 0x03);
  if (isExchange && l2cap.readUInt16LE(5) > mtu) l2cap.writeUInt16LE(mtu, 5);
}
