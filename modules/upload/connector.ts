import type { Connection, ConnectionHandlers } from "./connection";

/** What is needed of the SDK's `embedded:network/dns/resolver/udp`. */
interface Resolver {
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (error?: unknown) => void;
  }): void;
}

/** They are called on the socket, whose `target` is that of its options (ECMA-419). */
interface SocketCallbacks {
  onReadable(this: { target: ConnectionHandlers }, count: number): void;
  onWritable(this: { target: ConnectionHandlers }, count: number): void;
  onError(this: { target: ConnectionHandlers }, error?: unknown): void;
}

export interface SocketOptions extends SocketCallbacks {
  target: ConnectionHandlers;
  host: string;
  address: string;
  port: number;
}

export interface Opener {
  /** Opens a socket to an address that was just looked up; for https a TLSSocket, which checks the certificate against `host`. */
  open(options: SocketOptions): Connection;
}

/** No such name, or no way to find out. */
class LookUpError extends Error {
  readonly code = "HostNotFound";
}

const callbacks: SocketCallbacks = Object.freeze({
  onReadable(count: number) {
    this.target.onReadable(count);
  },
  onWritable(count: number) {
    this.target.onWritable(count);
  },
  onError(error?: unknown) {
    this.target.onError(error);
  },
} as SocketCallbacks);

/** Look-up and socket as one connection that can be closed at any time: a fresh look-up and a new socket for every attempt. */
export class LookedUpConnection implements Connection {
  #opener: Opener;
  #handlers: ConnectionHandlers;
  #port: number;
  #socket: Connection | undefined;
  #closed = false;

  constructor(resolver: Resolver, opener: Opener, host: string, port: number, handlers: ConnectionHandlers) {
    this.#opener = opener;
    this.#handlers = handlers;
    this.#port = port;
    resolver.resolve({
      host,
      onResolved: (_, address) => this.open(host, address),
      onError: () => {
        if (!this.#closed && !this.#socket) handlers.onError(new LookUpError(`no address for ${host}`));
      },
    });
  }

  private open(host: string, address: string): void {
    if (this.#closed || this.#socket) return;
    try {
      const target = this.#handlers;
      const socket = this.#opener.open({ target, host, address, port: this.#port, ...callbacks });
      // The socket may have failed, and so been closed, before it was known here.
      if (this.#closed) socket.close();
      else this.#socket = socket;
    } catch (error) {
      this.#handlers.onError(error);
    }
  }

  write(buffer: Uint8Array): number | undefined {
    if (!this.#socket) throw new Error("not connected");
    return this.#socket.write(buffer) ?? undefined;
  }

  read(count: number): ArrayBuffer | undefined {
    return this.#socket?.read(count);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
