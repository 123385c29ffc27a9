import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * A TCP relay that is what a NAT is to those behind it: a flow that was idle for too long is forgotten, and nobody is told. What either side
 * sends then goes nowhere.
 */
export class ForgetfulNAT {
  /** Flows that were opened, and forgotten. */
  opened = 0;
  forgotten = 0;
  #server: Server;
  #sockets = new Set<Socket>();
  #patience: number;

  private constructor(server: Server, patience: number) {
    this.#server = server;
    this.#patience = patience;
  }

  /** @param patience milliseconds of idleness that a flow outlives */
  static async to(port: number, patience: number): Promise<ForgetfulNAT> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const nat = new ForgetfulNAT(server, patience);
    server.on("connection", (client) => nat.#relay(client, connect(port, "127.0.0.1")));
    return nat;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #relay(client: Socket, server: Socket): void {
    this.opened += 1;
    let isKnown = true;
    const timer = setTimeout(() => {
      isKnown = false;
      this.forgotten += 1;
    }, this.#patience);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data: Buffer) => {
        if (!isKnown) return;
        timer.refresh();
        to.write(data);
      });
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        clearTimeout(timer);
        if (isKnown) to.destroy();
      });
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
