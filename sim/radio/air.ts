import type { BtsnoopWriter } from "./btsnoop.ts";
import type { Controller } from "./controller.ts";
import { AirLink, type Pace } from "./link.ts";

export interface AirOptions {
  /** How fast ACL data moves; absent: as fast as the process can. */
  pace?: Pace;
  /** Largest ATT MTU that the link lets the two hosts agree on, 23 to 517. */
  mtu?: number;
  /** Milliseconds until a silent link counts as lost; absent: what the central asked for (usually 5 s). */
  supervisionTimeout?: number;
  btsnoop?: BtsnoopWriter;
}

/** What lies between the virtual controllers: who hears whom, and the links. */
export class Air {
  pace: Pace | undefined;
  mtu: number;
  supervisionTimeout: number | undefined;
  readonly btsnoop: BtsnoopWriter | undefined;
  #controllers = new Set<Controller>();
  #links = new Set<AirLink>();
  #nextIndex = 0;

  constructor(options: AirOptions = {}) {
    this.pace = options.pace;
    this.mtu = options.mtu ?? 517;
    this.supervisionTimeout = options.supervisionTimeout;
    this.btsnoop = options.btsnoop;
  }

  get links(): ReadonlySet<AirLink> {
    return this.#links;
  }

  /** @returns the adapter index of the controller, for captures. */
  add(controller: Controller): number {
    this.#controllers.add(controller);
    return this.#nextIndex++;
  }

  /** The controller is gone without a word: its peers find out by supervision time-out. */
  remove(controller: Controller): void {
    this.#controllers.delete(controller);
    for (const link of this.#links) if (link.has(controller)) link.silence();
  }

  /** Delivers one advertisement: reports to scanners, and a link to the first controller that is waiting for this address. */
  advertise(advertiser: Controller): void {
    if (!advertiser.reachable) return;
    for (const listener of this.#controllers) {
      if (listener === advertiser || !listener.reachable) continue;
      listener.hear(advertiser);
      if (listener.wants(advertiser)) {
        this.#connect(listener, advertiser);
        return;
      }
    }
  }

  /** Range or power of a controller changed: links stop or go on. */
  reachabilityChanged(controller: Controller): void {
    for (const link of this.#links) if (link.has(controller)) link.update();
  }

  forget(link: AirLink): void {
    this.#links.delete(link);
  }

  #connect(central: Controller, peripheral: Controller): void {
    const link = new AirLink(this, central, peripheral, central.connectionParameters());
    this.#links.add(link);
    peripheral.connected(link, central);
    central.connected(link, peripheral);
  }
}
