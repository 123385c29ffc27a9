import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** Somebody else whose time this is, such as the cloud: asked before time leaps, and told afterwards. */
export interface Follower {
  /** Resolves when nothing is under way there: everything that it had to say has been said. */
  settle(): Promise<void>;
  /** Resolves when its time goes on at `time`, milliseconds since 1970. */
  follow(time: number): Promise<void>;
}

/** Timers of Node take no more, milliseconds. */
const longestTimer = 2_000_000_000;

/**
 * Keeps the time of one simulated device and of those around it (world-clock.h has the protocol). Time goes at its real pace, and leaps to
 * the device's next timer when neither the device nor anybody else has anything to do. It never leaps over a moment that
 * `advance` was asked for, so whoever asked can act at that moment. While no device is switched on, nothing keeps it from leaping:
 * wait for the event `device` after one was started.
 */
export class WorldClock extends EventEmitter<{ device: [] }> {
  readonly #server: Server;
  readonly #followers = new Set<Follower>();
  /** Ahead of real time, milliseconds. */
  #offset = 0;
  /** No leap goes beyond it. */
  #limit = 0;
  #device?: DeviceClock;
  #arrived: () => void = () => {};
  #timer?: NodeJS.Timeout;
  #leaping = false;

  private constructor(server: Server) {
    super();
    this.#server = server;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(): Promise<WorldClock> {
    const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new WorldClock(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return Date.now() + this.#offset;
  }

  /** Resolves when its time is right. */
  async add(follower: Follower): Promise<void> {
    this.#followers.add(follower);
    await follower.follow(this.now);
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Lets time go on to a moment. Between such calls it does so at its real pace. */
  async advance(time: number): Promise<void> {
    this.#limit = time;
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    this.#look();
    await arrived;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#device?.close();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    const device = new DeviceClock(socket, {
      idle: () => this.#look(),
      gone: () => {
        if (this.#device === device) this.#device = undefined;
        this.#look();
      },
    });
    this.#device = device;
    device.tell(this.now);
    this.emit("device");
  }

  /** Is it time? Can it leap? Otherwise it goes on at its real pace, and whatever changes has this called again. */
  #look(): void {
    clearTimeout(this.#timer);
    const rest = this.#limit - this.now;
    if (rest <= 0) {
      this.#arrived();
      return;
    }
    this.#timer = setTimeout(() => this.#look(), Math.min(rest, longestTimer));
    if (this.#leaping || (this.#device && this.#device.idleUntil === undefined)) return;
    this.#leaping = true;
    this.#leap().finally(() => {
      this.#leaping = false;
      this.#look();
    });
  }

  async #leap(): Promise<void> {
    const device = this.#device;
    const target = Math.min(this.#limit, device?.idleUntil ?? Number.POSITIVE_INFINITY);
    if (!device?.isCalm) await Promise.all([...this.#followers].map((follower) => follower.settle()));
    if (device && !(await device.isQuiet())) return;
    if (target > this.now) this.#offset += target - this.now;
    await Promise.all([...this.#followers].map((follower) => follower.follow(this.now)));
    device?.tell(this.now);
  }
}

/** The keeper's end of the line to a device. */
class DeviceClock {
  /** It has nothing to do before, milliseconds since 1970. */
  idleUntil?: number;
  /** It has neither received nor sent anything since the last leap. */
  isCalm = false;
  readonly #socket: Socket;
  #answer?: (isQuiet: boolean) => void;

  constructor(socket: Socket, events: { idle(): void; gone(): void }) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#answer?.(false);
      events.gone();
    });
    createInterface({ input: socket })
      .on("line", (line) => {
        const [word, time] = line.split(" ");
        if (word === "idle" || word === "calm") {
          this.isCalm = word === "calm";
          this.idleUntil = Number(time);
          events.idle();
        } else if (word !== "device") this.#answer?.(word === "quiet");
      })
      .on("error", () => {});
  }

  /** True: it stands still until it is told the time. */
  isQuiet(): Promise<boolean> {
    this.idleUntil = undefined;
    return new Promise((resolve) => {
      this.#answer = resolve;
      if (this.#socket.destroyed) resolve(false);
      else this.#socket.write("check\n");
    });
  }

  tell(time: number): void {
    if (!this.#socket.destroyed) this.#socket.write(`time ${time}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}
