import type { Air } from "./air.ts";
import type { Controller } from "./controller.ts";
import { Status } from "./hci.ts";

export interface Pace {
  /** ACL bytes a second in each direction. A phone and an ESP32 manage about 100,000. */
  bytesPerSecond?: number;
  /** Milliseconds between two connection events; absent: what the central asked for. */
  connectionInterval?: number;
}

export interface ConnectionParameters {
  /** Units of 1.25 ms. */
  interval: number;
  latency: number;
  /** Units of 10 ms. */
  supervisionTimeout: number;
}

interface Packet {
  first: boolean;
  payload: Buffer;
}

/** One direction of a link: packets in order, held while the link is silent, paced if asked for. */
class Lane {
  readonly #link: AirLink;
  readonly from: Controller;
  readonly to: Controller;
  #queue: Packet[] = [];
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #credit = 0;

  constructor(link: AirLink, from: Controller, to: Controller) {
    this.#link = link;
    this.from = from;
    this.to = to;
  }

  push(packet: Packet): void {
    this.#queue.push(packet);
    this.pump();
  }

  /** Delivers at the next connection event, or at once when there is no pace. */
  pump(): void {
    if (this.#timer || !this.#queue.length || this.#link.silent) return;
    const interval = this.#link.eventInterval;
    const run = () => {
      this.#timer = undefined;
      if (this.#link.open && !this.#link.silent) this.#connectionEvent(interval);
      this.pump();
    };
    if (interval === undefined) this.#timer = setImmediate(run);
    else this.#timer = setTimeout(run, this.#link.untilNextEvent(interval));
  }

  stop(): void {
    this.#queue.length = 0;
  }

  #connectionEvent(interval: number | undefined): void {
    const rate = this.#link.air.pace?.bytesPerSecond;
    if (interval === undefined || rate === undefined) this.#credit = Number.POSITIVE_INFINITY;
    else this.#credit = Math.min(this.#credit, 0) + (rate * interval) / 1000;
    // Packets that are queued while these are delivered wait for the next event.
    for (let count = this.#queue.length; count > 0 && this.#credit > 0 && this.#link.open; count--) {
      const packet = this.#queue.shift()!;
      this.#credit -= packet.payload.length;
      this.to.deliver(this.#link, packet.first, packet.payload);
      this.from.completed(this.#link);
    }
  }
}

/** A connection between two controllers. */
export class AirLink {
  readonly air: Air;
  readonly central: Controller;
  readonly peripheral: Controller;
  parameters: ConnectionParameters;
  /** Both hosts have shown the same key. */
  encrypted = false;
  open = true;
  silent = false;
  #dead = false;
  #lanes: [Lane, Lane];
  #supervision: NodeJS.Timeout | undefined;
  #anchor = performance.now();

  constructor(air: Air, central: Controller, peripheral: Controller, parameters: ConnectionParameters) {
    this.air = air;
    this.central = central;
    this.peripheral = peripheral;
    this.parameters = parameters;
    this.#lanes = [new Lane(this, central, peripheral), new Lane(this, peripheral, central)];
  }

  has(controller: Controller): boolean {
    return controller === this.central || controller === this.peripheral;
  }

  peer(controller: Controller): Controller {
    return controller === this.central ? this.peripheral : this.central;
  }

  send(from: Controller, first: boolean, payload: Buffer): void {
    if (this.open) this.#lanes[from === this.central ? 0 : 1].push({ first, payload });
  }

  /** Milliseconds between connection events, or undefined when the air is not paced. */
  get eventInterval(): number | undefined {
    const pace = this.air.pace;
    if (!pace) return undefined;
    return pace.connectionInterval ?? this.parameters.interval * 1.25;
  }

  untilNextEvent(interval: number): number {
    return interval - ((performance.now() - this.#anchor) % interval);
  }

  /** One side is gone for good: nothing is heard from it any more. */
  silence(): void {
    this.#dead = true;
    this.update();
  }

  /** Looks again whether the two hear each other, and starts or stops the supervision time-out. */
  update(): void {
    if (!this.open) return;
    this.silent = this.#dead || !this.central.reachable || !this.peripheral.reachable;
    if (this.silent) {
      const timeout = this.air.supervisionTimeout ?? this.parameters.supervisionTimeout * 10;
      this.#supervision ??= setTimeout(() => this.lose(), timeout);
    } else {
      clearTimeout(this.#supervision);
      this.#supervision = undefined;
      for (const lane of this.#lanes) lane.pump();
    }
  }

  /** Supervision time-out: both sides are told the same. */
  lose(): void {
    this.#end(Status.connectionTimeout, Status.connectionTimeout);
  }

  /** One host ends the link; the other is told `reason`. */
  terminate(by: Controller, reason: number): void {
    const remote = reason;
    if (by === this.central) this.#end(Status.localHostTerminated, remote);
    else this.#end(remote, Status.localHostTerminated);
  }

  fail(status: number): void {
    this.#end(status, status);
  }

  #end(centralReason: number, peripheralReason: number): void {
    if (!this.open) return;
    this.open = false;
    clearTimeout(this.#supervision);
    for (const lane of this.#lanes) lane.stop();
    this.air.forget(this);
    this.central.disconnected(this, centralReason);
    this.peripheral.disconnected(this, peripheralReason);
  }
}
