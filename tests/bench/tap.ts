import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What went over one or more connections, in bytes of TCP payload (TLS records). */
export interface Traffic {
  connections: number;
  bytes: number;
  /** Pieces that a side wrote before the other one answered, and so segments at least. */
  pieces: number;
  /** How often the client spoke and then had to wait for the server; the connection itself not included. */
  roundTrips: number;
}

const nothing = (): Traffic => ({ connections: 0, bytes: 0, pieces: 0, roundTrips: 0 });

/** A TCP relay on the loopback interface that counts. It looks at who speaks, not at what is said. */
export class Tap {
  #server: Server;
  #sockets = new Set<Socket>();
  #traffic = nothing();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Tap> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const tap = new Tap(server);
    server.on("connection", (client) => tap.#relay(client, connect(port, "127.0.0.1")));
    return tap;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What has been counted since the last call. */
  take(): Traffic {
    const traffic = this.#traffic;
    this.#traffic = nothing();
    return traffic;
  }

  #relay(client: Socket, server: Socket): void {
    this.#traffic.connections += 1;
    let isClientSpeaking = false;
    const count = (fromClient: boolean, bytes: number) => {
      const traffic = this.#traffic;
      traffic.bytes += bytes;
      traffic.pieces += 1;
      if (isClientSpeaking && !fromClient) traffic.roundTrips += 1;
      isClientSpeaking = fromClient;
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data: Buffer) => {
        count(from === client, data.length);
        to.write(data);
      });
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
