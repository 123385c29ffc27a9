/** A TLSSocket, its wire and the server at the other end. */
import type { TLSError } from "../../../modules/network/tls-error";
import { TLSSocket, type TLSSocketOptions } from "../../../modules/network/tls-socket";
import { after, equal, turns } from "../harness";
import { issueServer, type ServerCredentials, serverName } from "./certificates";
import { TLSServer } from "./tls-server";
import { Wire, type WireCall } from "./wire";

let known: ServerCredentials | undefined;

export interface RigOptions {
  credentials?: ServerCredentials;
  /** The application protocol that the server chooses. */
  protocol?: string;
  /** A call of TCP that throws from the start. */
  fails?: WireCall;
  /** TCP has room before its constructor has returned. */
  isEager?: boolean;
  secure?: Partial<TLSSocketOptions["secure"]>;
  socket?: Partial<TLSSocketOptions>;
}

export class TLSRig {
  readonly server: TLSServer;
  readonly socket: TLSSocket;
  readonly wire: Wire;
  /** What the owner has been told: counts of onReadable, of onWritable, and errors. */
  readable: number[] = [];
  writable: number[] = [];
  errors: TLSError[] = [];

  constructor({ credentials, protocol, fails, isEager, secure, socket }: RigOptions = {}) {
    known ??= issueServer();
    const { root } = credentials ?? known;
    this.server = new TLSServer(credentials ?? known, protocol);
    Wire.last = undefined;
    this.socket = new TLSSocket({
      host: serverName,
      address: "192.0.2.1",
      port: 8443,
      TCP: { io: Wire as never, server: this.server, fails, isEager },
      secure: { roots: [root], clock: { isSet: true, now: () => Date.now() }, ...secure },
      onReadable: (count) => this.readable.push(count),
      onWritable: (count) => this.writable.push(count),
      onError: (error) => this.errors.push(error),
      ...socket,
    });
    equal([this.readable, this.writable, this.errors], [[], [], []], "called before the constructor returned");
    this.wire = Wire.last!;
    after(() => this.socket.close());
  }

  /** The handshake. */
  connect(room?: number): this {
    this.wire.open(room);
    for (let flight = 0; flight < 2; flight++) this.wire.deliver();
    return this;
  }

  send(data: Uint8Array, piece?: number): void {
    this.server.send(data);
    this.wire.deliver(piece);
  }

  get codes(): string[] {
    return this.errors.map(({ code }) => code);
  }

  /** What is to be done at once has been done, and the connection has ended so. */
  async ended(code: string): Promise<void> {
    await turns(3);
    equal(this.codes, [code]);
  }
}
