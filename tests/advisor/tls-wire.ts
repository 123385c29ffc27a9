/** What the TLS client shows before anything is encrypted: its ClientHello, its records, its alerts. */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Record content types (RFC 8446, 5.1). */
const contentAlert = 21;
const contentHandshake = 22;

export interface ClientHello {
  /** IANA numbers, without signalling values and GREASE. */
  suites: number[];
  serverName?: string;
  protocols: string[];
}

/** The cipher suites of IoTSecurityPolicy_TLS13_1_2_2022_10. */
export const recommendedSuites = new Map([
  [0x1301, "TLS_AES_128_GCM_SHA256"],
  [0x1302, "TLS_AES_256_GCM_SHA384"],
  [0x1303, "TLS_CHACHA20_POLY1305_SHA256"],
  [0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"],
  [0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"],
]);
/** ECDHE with AES-CBC or AES256-GCM, and AES with RSA key exchange. */
const otherSuites = [
  0xc02c, 0xc030, 0xc023, 0xc024, 0xc027, 0xc028, 0xc009, 0xc00a, 0xc013, 0xc014, 0x009c, 0x009d, 0x003c, 0x003d,
  0x002f, 0x0035,
];
export const supportedSuites = new Set([...recommendedSuites.keys(), ...otherSuites]);

/** TLS_EMPTY_RENEGOTIATION_INFO_SCSV, TLS_FALLBACK_SCSV and RFC 8701's values mean something else than a suite. */
const isSuite = (number: number) => number !== 0x00ff && number !== 0x5600 && (number & 0x0f0f) !== 0x0a0a;

/** Reads the handshake message that a connection begins with; undefined while it is not there as a whole. @throws RangeError */
export function parseClientHello(bytes: Buffer): ClientHello | undefined {
  let message = Buffer.alloc(0);
  for (let at = 0; at + 5 <= bytes.length; ) {
    if (bytes[at] !== contentHandshake) throw new RangeError("the first record is no handshake");
    const length = bytes.readUInt16BE(at + 3);
    message = Buffer.concat([message, bytes.subarray(at + 5, at + 5 + length)]);
    at += 5 + length;
    if (message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3)) return parseHello(message.subarray(4));
  }
  return undefined;
}

function parseHello(body: Buffer): ClientHello {
  let at = 2 + 32;
  at += 1 + body.readUInt8(at);
  const suitesEnd = at + 2 + body.readUInt16BE(at);
  const suites: number[] = [];
  for (at += 2; at < suitesEnd; at += 2) suites.push(body.readUInt16BE(at));
  at += 1 + body.readUInt8(at);
  const hello: ClientHello = { suites: suites.filter(isSuite), protocols: [] };
  if (at + 2 > body.length) return hello;
  for (at += 2; at + 4 <= body.length; ) {
    const type = body.readUInt16BE(at);
    const data = body.subarray(at + 4, at + 4 + body.readUInt16BE(at + 2));
    at += 4 + data.length;
    if (type === 0) hello.serverName = data.subarray(5, 5 + data.readUInt16BE(3)).toString();
    if (type === 16)
      for (let p = 2; p < data.length; p += 1 + data[p]!)
        hello.protocols.push(data.subarray(p + 1, p + 1 + data[p]!).toString());
  }
  return hello;
}

/** Lies between TCP and TLS: passes every byte on, and keeps what can be seen from outside. */
export class WireTap extends Duplex {
  hello?: ClientHello;
  /** Alerts of level warning that came in the clear, without close_notify. */
  readonly warnings: number[] = [];
  /** Bytes of the longest record that was sent. */
  longestSent = 0;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #skip = 0;
  #sent = Buffer.alloc(0);
  #sentSkip = 0;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (bytes) => {
      this.#watchReceived(bytes);
      if (!this.push(bytes)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#watchSent(bytes);
    this.#socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #watchReceived(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (!this.hello) this.#readHello();
    this.#skip = eachRecord(this.#received, this.#skip, (type, body) => {
      // Two bytes: level and description. Encrypted alerts are longer.
      if (type === contentAlert && body.length === 2 && body[0] === 1 && body[1] !== 0) this.warnings.push(body[1]!);
    });
    if (this.hello) {
      this.#received = this.#received.subarray(Math.min(this.#skip, this.#received.length));
      this.#skip = 0;
    }
  }

  #readHello(): void {
    try {
      this.hello = parseClientHello(this.#received);
    } catch {
      // Not TLS: the TLS engine will say so.
    }
  }

  #watchSent(bytes: Buffer): void {
    this.#sent = Buffer.concat([this.#sent, bytes]);
    this.#sentSkip = eachRecord(this.#sent, this.#sentSkip, (_type, body) => {
      this.longestSent = Math.max(this.longestSent, body.length);
    });
    this.#sent = this.#sent.subarray(this.#sentSkip);
    this.#sentSkip = 0;
  }
}

/** @returns the position behind the last whole record */
function eachRecord(bytes: Buffer, from: number, visit: (type: number, body: Buffer) => void): number {
  let at = from;
  while (at + 5 <= bytes.length && at + 5 + bytes.readUInt16BE(at + 3) <= bytes.length) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    visit(bytes[at]!, bytes.subarray(at + 5, end));
    at = end;
  }
  return at;
}
