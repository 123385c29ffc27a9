import rawString from "raw-string";

/**
 * A network's name (SSID) is up to 32 bytes and not always text (IEEE 802.11-2020 section 9.4.2.2): routers send GBK or Latin-1 as well.
 * The firmware keeps it as a string all the same, which goes through storage, logs and comparisons: one that is UTF-8 as it is, any other
 * with each byte from 0x80 on as the lone surrogate U+DC00 + byte (as in Python's PEP 383). Here both ways meet.
 */
const escapeBase = 0xdc00;
/** The published typings do not know offset and length. */
const fromArrayBuffer = String.fromArrayBuffer as (buffer: ArrayBufferLike, offset?: number, length?: number) => string;

/** The name with these bytes. */
export function wifiName(bytes: Uint8Array): string {
  if (!hasForbiddenBytes(bytes))
    try {
      return fromArrayBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch {
      // It is no UTF-8.
    }
  let name = "";
  for (const byte of bytes) name += String.fromCharCode(byte < 0x80 ? byte : escapeBase + byte);
  return name;
}

/** The bytes of this name. */
export function wifiNameBytes(name: string): Uint8Array {
  if (!isEscaped(name)) return new Uint8Array(ArrayBuffer.fromString(name));
  const bytes = new Uint8Array(name.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = name.charCodeAt(i) & 0xff;
  return bytes;
}

/** For people: what is no text as `\xB2`. */
export function readableWiFiName(name: string): string {
  if (!isEscaped(name)) return name;
  let readable = "";
  for (const byte of wifiNameBytes(name))
    readable += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase()}`;
  return readable;
}

/**
 * The driver takes and gives strings whose bytes it copies as they are: in XS one may hold what is not UTF-8, as long as nobody looks
 * at its characters. So such a string lives between here and the driver only.
 */
export function driverName(name: string): string {
  return rawString(wifiNameBytes(name));
}

export function nameFromDriver(raw: string): string {
  return wifiName(new Uint8Array(ArrayBuffer.fromString(raw)));
}

/** Zero, where XS ends; and what it reads though UTF-8 does not have it (RFC 3629 section 4): zero in two bytes, and surrogates. */
function hasForbiddenBytes(bytes: Uint8Array): boolean {
  return bytes.some((byte, i) => !byte || byte === 0xc0 || (byte === 0xed && bytes[i + 1] >= 0xa0));
}

/** Bytes below 0x80 and escaped ones, and at least one of these or zero: no other UTF-8 looks like that. */
function isEscaped(name: string): boolean {
  let escaped = false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= 0x80 && (code < escapeBase + 0x80 || code > escapeBase + 0xff)) return false;
    escaped ||= !code || code >= 0x80;
  }
  return escaped;
}
