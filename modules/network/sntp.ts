import Timer from "timer";
import { ClockError, type TimeSource } from "./time-source";

/** The socket (`embedded:io/socket/udp`), as far as it is used here. */
interface UDP {
  write(buffer: ArrayBuffer | Uint8Array, address: string, port: number): void;
  read(): (ArrayBuffer & { address: string; port: number }) | undefined;
  close(): void;
}

interface Resolver {
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (error?: unknown) => void;
  }): void;
}

export interface SNTPOptions {
  UDP: { io: new (options: never) => UDP };
  resolver: Resolver;
  randomBytes(count: number): ArrayBuffer;
  /** For look-up and answer together, milliseconds. Default 4 s. */
  timeout?: number;
}

const usualPort = 123;
const packetSize = 48;
const defaultTimeout = 4000;
/** Amazon's first: who can reach AWS can mostly reach its time. */
export const timeServers: readonly string[] = Object.freeze(["time.aws.com", "pool.ntp.org"]);
/** NTP counts seconds from 1900, in 32 bits that overflow in 2036: 1970 and 2036 in milliseconds. */
const unixEpoch = 2208988800000;
const era1 = 4294967296000;

/** A client's request: version 4, mode 3. Its transmit time is random: a nonce that the answer must repeat (RFC 5905; RFC 8633, 3.2). */
export function createRequest(nonce: Uint8Array): Uint8Array {
  const packet = new Uint8Array(packetSize);
  packet[0] = (4 << 3) | 3;
  packet.set(nonce.subarray(0, 8), 40);
  return packet;
}

/**
 * The server's time in milliseconds since 1970, or undefined if the packet is no answer to the nonce: mode 4, synchronized (leap
 * indicator, stratum 1 to 15), the nonce as origin.
 */
export function parseAnswer(packet: ArrayBuffer, nonce: Uint8Array): number | undefined {
  if (packet.byteLength < packetSize) return undefined;
  const view = new DataView(packet);
  const leap = view.getUint8(0) >> 6;
  const mode = view.getUint8(0) & 7;
  const stratum = view.getUint8(1);
  if (leap === 3 || mode !== 4 || stratum < 1 || stratum > 15) return undefined;
  for (let i = 0; i < 8; i += 1) if (view.getUint8(24 + i) !== nonce[i]) return undefined;
  const seconds = view.getUint32(40);
  if (!seconds) return undefined;
  const milliseconds = seconds * 1000 + Math.floor((view.getUint32(44) * 1000) / 0x100000000);
  return milliseconds - unixEpoch + (seconds < 0x80000000 ? era1 : 0);
}

/** One question to one server. */
class Query {
  #options: SNTPOptions;
  #server: string;
  #udp?: UDP;
  #timer?: Timer;
  #resolve: (time: number) => void;
  #reject: (error: ClockError) => void;

  constructor(
    options: SNTPOptions,
    server: string,
    resolve: (time: number) => void,
    reject: (error: ClockError) => void,
  ) {
    const [host, port] = server.split(":");
    this.#options = options;
    this.#server = server;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = Timer.set(() => this.fail("NoAnswer", "is silent"), options.timeout ?? defaultTimeout);
    options.resolver.resolve({
      host,
      onResolved: (_, address) => this.ask(address, Number(port ?? usualPort)),
      onError: () => this.fail("HostNotFound", "has no address"),
    });
  }

  private ask(address: string, port: number): void {
    if (!this.#timer || this.#udp) return;
    const nonce = new Uint8Array(this.#options.randomBytes(8));
    try {
      const sent = Date.now();
      this.#udp = new this.#options.UDP.io({ onReadable: () => this.read(nonce, sent) } as never);
      this.#udp.write(createRequest(nonce), address, port);
    } catch {
      this.fail("NoAnswer", "cannot be asked");
    }
  }

  /** Half of the way there and back is the age of the answer. */
  private read(nonce: Uint8Array, sent: number): void {
    let time: number | undefined;
    for (let packet = this.#udp?.read(); packet && time === undefined; packet = this.#udp?.read())
      time = parseAnswer(packet, nonce);
    if (time === undefined || !this.#timer) return;
    this.close();
    this.#resolve(time + Math.max(0, Date.now() - sent) / 2);
  }

  private fail(code: string, what: string): void {
    if (!this.#timer) return;
    this.close();
    this.#reject(new ClockError(code, `${this.#server} ${what}`));
  }

  private close(): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#udp?.close();
    this.#udp = undefined;
  }
}

/** One time server, asked by SNTP (RFC 5905, section 14). Whoever sits on the way can answer for it. */
export class SNTP implements TimeSource {
  readonly isProven = false;
  readonly name: string;
  #options: SNTPOptions;

  /** @param name its name or address, and its port if that is not 123: `host` or `host:port` */
  constructor(name: string, options: SNTPOptions) {
    this.name = name;
    this.#options = options;
  }

  /** @throws ClockError HostNotFound, NoAnswer */
  getTime(): Promise<number> {
    return new Promise((resolve, reject) => void new Query(this.#options, this.name, resolve, reject));
  }
}
