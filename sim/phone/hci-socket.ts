import { EventEmitter } from "node:events";
import { connect, type Socket } from "node:net";
import { H4Framer } from "../radio/hci.ts";
import type { HCITransport } from "../radio/host-stack.ts";
import { PhoneError } from "./errors.ts";
import { within } from "./waiting.ts";

/** HCI packets over a TCP connection to the radio daemon: `data` for each packet from the controller, `lost` and `close` at the end. */
export class HCISocket extends EventEmitter implements HCITransport {
  /** ble-host can be told of the end (`close`) only when somebody can listen to what it makes of it. */
  hostIsReady = false;
  #socket: Socket;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const framer = new H4Framer();
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const packet of framer.push(chunk)) this.emit("data", packet);
      } catch {
        socket.destroy();
      }
    });
    socket.on("close", () => {
      this.emit("lost");
      if (this.hostIsReady) this.emit("close");
    });
    socket.on("error", () => socket.destroy());
  }

  /** @throws PhoneError RadioUnavailable */
  static async open(port: number, timeout: number): Promise<HCISocket> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => reject(new PhoneError("RadioUnavailable", error.message)));
    });
    try {
      await within(timeout, opened, () => new PhoneError("RadioUnavailable", "the radio does not answer"));
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new HCISocket(socket);
  }

  write(packet: Buffer): void {
    if (this.#socket.writable) this.#socket.write(packet);
  }

  close(): void {
    this.#socket.destroy();
  }
}
