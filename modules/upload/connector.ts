import type { Connect, Connection, ConnectionHandlers } from "./connection";

/** What is needed of the SDK's `embedded:network/dns/resolver/udp`. */
interface Resolver {
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (error?: unknown) => void;
  }): void;
}

export interface ConnectorOptions {
  resolver: Resolver;
  /** Opens a socket to an address that was just looked up; for https a TLSSocket, which checks the certificate against `host`. */
  open(options: { host: string; address: string; port: number } & ConnectionHandlers): Connection;
}

/** No such name, or no way to find out. */
class LookUpError extends Error {
  readonly code = "HostNotFound";
}

/** Look-up and socket as one connection that can be closed at any time. */
class LookedUpConnection implements Connection {
  #socket: Connection | undefined;
  #closed = false;

  constructor({ resolver, open }: ConnectorOptions, host: string, port: number, handlers: ConnectionHandlers) {
    resolver.resolve({
      host,
      onResolved: (_, address) => {
        if (this.#closed || this.#socket) return;
        try {
          const socket = open({ host, address, port, ...handlers });
          // The socket may have failed, and so been closed, before it was known here.
          if (this.#closed) socket.close();
          else this.#socket = socket;
        } catch (error) {
          handlers.onError(error);
        }
      },
      onError: () => {
        if (!this.#closed && !this.#socket) handlers.onError(new LookUpError(`no address for ${host}`));
      },
    });
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

/** Makes the `connect` of an upload: a fresh look-up and a new socket for every attempt. */
export function createConnector(options: ConnectorOptions): Connect {
  return (host, port, handlers) => new LookedUpConnection(options, host, port, handlers);
}
