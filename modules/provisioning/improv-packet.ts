/**
 * The packets of Improv Wi-Fi (improv-wifi.com/ble, revision 2.4), as bytes: command, length of the data, data, and the low byte of
 * the sum of all that. Nothing here does I/O.
 */
import { wifiName, wifiNameBytes } from "../network/wifi-name";
import { decodeText } from "./text";

/** Command numbers; 2 (identify), 5 (host name) and 6 (device name) are left out: there is nothing here that they could do. */
export const ImprovCommand = { sendWiFiSettings: 1, deviceInfo: 3, scan: 4 } as const;

export const ImprovState = { authorizationRequired: 1, authorized: 2, provisioning: 3, provisioned: 4 } as const;
export type ImprovStateCode = (typeof ImprovState)[keyof typeof ImprovState];

export const ImprovError = {
  none: 0,
  invalidPacket: 1,
  unknownCommand: 2,
  unableToConnect: 3,
  notAuthorized: 4,
  unknown: 0xff,
} as const;
export type ImprovErrorCode = (typeof ImprovError)[keyof typeof ImprovError];

/** Bits of the capabilities: 1 identify, 2 device info, 4 scan, 8 host name. The board has nothing to blink. */
export const improvCapabilities = 0b0110;

const headerLength = 2;
const longestData = 255;
/** Header, data, check sum. */
export const longestPacket = headerLength + longestData + 1;

export interface ImprovRequest {
  command: number;
  data: Uint8Array;
}

export interface ImprovSettings {
  SSID: string;
  password: string;
}

/**
 * Puts a packet together from the writes that it comes in, 20 bytes each when the link has the smallest MTU.
 * Its two fields are all that a client costs between two commands.
 */
export class ImprovReader {
  #bytes: Uint8Array | undefined;
  #receivedAt = 0;

  /**
   * @param now milliseconds that only ever grow; may wrap at 32 bits
   * @returns the packet when it is whole, undefined while something is missing, "Invalid" for a wrong check sum or bytes after it;
   *   what comes next is the beginning of another packet then
   */
  push(part: Uint8Array, now: number): ImprovRequest | "Invalid" | undefined {
    const before = this.#bytes && ((now - this.#receivedAt) | 0) < stalled ? this.#bytes : undefined;
    this.#bytes = undefined;
    const bytes = before ? joined(before, part) : part.slice();
    const length = bytes.length < headerLength ? longestPacket : headerLength + bytes[1] + 1;
    if (bytes.length < length) {
      this.#bytes = bytes;
      this.#receivedAt = now;
      return undefined;
    }
    if (bytes.length > length || checksum(bytes, length - 1) !== bytes[length - 1]) return "Invalid";
    return { command: bytes[0], data: bytes.subarray(headerLength, length - 1) };
  }
}

/** Milliseconds after which the rest of a packet does not come any more. */
const stalled = 5000;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The low byte of the sum of the first `length` bytes. */
export function checksum(bytes: Uint8Array, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += bytes[i];
  return sum & 0xff;
}

/** The data of sendWiFiSettings: two strings, each after its length. @returns undefined when they are something else */
export function readSettings(data: Uint8Array): ImprovSettings | undefined {
  const ssidEnd = 1 + data[0];
  // Written so that a length which is not there, undefined, fails, too.
  if (!(data.length > ssidEnd && data.length === ssidEnd + 1 + data[ssidEnd])) return undefined;
  if (data[0] < 1 || data[0] > longestSSID || data[ssidEnd] > longestPassphrase) return undefined;
  const ssid = data.slice(1, ssidEnd);
  if (ssid.includes(0)) return undefined;
  try {
    return { SSID: wifiName(ssid), password: decodeText(data.slice(ssidEnd + 1)) };
  } catch {
    return undefined;
  }
}

const longestSSID = 32;
const longestPassphrase = 64;

/**
 * A result: a list of strings; a network's name may be no text (wifi-name).
 * @param limit bytes of the packet; the strings are taken in groups of `group`, as many whole groups as fit
 */
export function resultPacket(
  command: number,
  strings: readonly string[],
  limit = longestPacket,
  group = 1,
): Uint8Array {
  const out = new Uint8Array(Math.min(limit, longestPacket));
  let length = headerLength;
  for (let first = 0; first < strings.length; first += group) {
    const end = append(out, length, strings.slice(first, first + group));
    if (!end) break;
    length = end;
  }
  out[0] = command;
  out[1] = length - headerLength;
  out[length] = checksum(out, length);
  return out.slice(0, length + 1);
}

/** @returns where the strings end, or 0 when they and the check sum do not fit */
function append(out: Uint8Array, start: number, strings: readonly string[]): number {
  let offset = start;
  for (const string of strings) {
    const bytes = wifiNameBytes(string);
    if (offset + 1 + bytes.length + 1 > out.length) return 0;
    out[offset] = bytes.length;
    out.set(bytes, offset + 1);
    offset += 1 + bytes.length;
  }
  return offset;
}
