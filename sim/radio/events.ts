import type { Controller } from "./controller.ts";
import { addressToBytes, Event, eventPacket, LEEvent, Status } from "./hci.ts";
import type { ConnectionParameters } from "./link.ts";

/** HCI events as H4 packets (Bluetooth Core 5.4 Vol 4 Part E section 7.7). */

export function u16(value: number): [number, number] {
  return [value & 0xff, value >> 8];
}

export function commandComplete(opcode: number, status: number, values: number[]): Buffer {
  return eventPacket(Event.commandComplete, Buffer.from([1, ...u16(opcode), status, ...values]));
}

export function commandStatus(opcode: number, status: number): Buffer {
  return eventPacket(Event.commandStatus, Buffer.from([status, 1, ...u16(opcode)]));
}

export function disconnectionComplete(handle: number, reason: number): Buffer {
  return eventPacket(Event.disconnectionComplete, Buffer.from([Status.success, ...u16(handle), reason]));
}

export function oneCompletedPacket(handle: number): Buffer {
  return eventPacket(Event.numberOfCompletedPackets, Buffer.from([1, ...u16(handle), ...u16(1)]));
}

/** Bluetooth 4.2, the company identifier that is reserved for tests. */
export function remoteVersion(handle: number): Buffer {
  return eventPacket(
    Event.readRemoteVersionComplete,
    Buffer.from([Status.success, ...u16(handle), 8, 0xff, 0xff, 0, 0]),
  );
}

export function encryptionChanged(handle: number, status: number, refresh: boolean): Buffer {
  if (refresh) return eventPacket(Event.encryptionKeyRefresh, Buffer.from([status, ...u16(handle)]));
  return eventPacket(Event.encryptionChange, Buffer.from([status, ...u16(handle), status ? 0 : 1]));
}

function leEvent(subevent: number, parameters: Buffer): Buffer {
  return eventPacket(Event.leMeta, Buffer.concat([Buffer.from([subevent]), parameters]));
}

export function connectionComplete(
  handle: number,
  role: "central" | "peripheral",
  peer: Controller,
  { interval, latency, supervisionTimeout }: ConnectionParameters,
): Buffer {
  const head = [Status.success, ...u16(handle), role === "central" ? 0 : 1, peer.addressType];
  const rest = [...u16(interval), ...u16(latency), ...u16(supervisionTimeout), 0];
  return leEvent(
    LEEvent.connectionComplete,
    Buffer.concat([Buffer.from(head), addressToBytes(peer.address), Buffer.from(rest)]),
  );
}

/** What a host is told after it has cancelled a connection that was being made. */
export function connectionCancelled(): Buffer {
  const event = Buffer.alloc(18);
  event[0] = Status.unknownConnection;
  return leEvent(LEEvent.connectionComplete, event);
}

export function connectionUpdated(handle: number, parameters: ConnectionParameters): Buffer {
  const { interval, latency, supervisionTimeout } = parameters;
  const fields = [Status.success, ...u16(handle), ...u16(interval), ...u16(latency), ...u16(supervisionTimeout)];
  return leEvent(LEEvent.connectionUpdateComplete, Buffer.from(fields));
}

/** Received at -50 dBm. */
export function advertisingReport(type: number, advertiser: Controller, data: Buffer): Buffer {
  const head = Buffer.from([1, type, advertiser.addressType, ...addressToBytes(advertiser.address), data.length]);
  return leEvent(LEEvent.advertisingReport, Buffer.concat([head, data, Buffer.from([256 - 50])]));
}

/** LE encryption is all that it has. */
export function remoteFeatures(handle: number): Buffer {
  return leEvent(
    LEEvent.readRemoteFeaturesComplete,
    Buffer.from([Status.success, ...u16(handle), 1, 0, 0, 0, 0, 0, 0, 0]),
  );
}

/** @param randomAndDiversifier 10 bytes of the central's LE Enable Encryption command */
export function longTermKeyRequest(handle: number, randomAndDiversifier: Buffer): Buffer {
  return leEvent(LEEvent.longTermKeyRequest, Buffer.concat([Buffer.from(u16(handle)), randomAndDiversifier]));
}
