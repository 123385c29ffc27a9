/**
 * Packet identifiers 1 to 65535 (MQTT 3.1.1, 2.3.1), handed out in turn. An identifier that still waits for its
 * acknowledgement is passed over; PUBLISH and SUBSCRIBE share one space.
 */
export class PacketIds {
  #last: number;

  constructor(last = 0) {
    this.#last = last;
  }

  /** @param isInUse tells which identifiers wait for an acknowledgement; far fewer than 65535 do */
  take(isInUse: (id: number) => boolean): number {
    do {
      this.#last = this.#last === 0xffff ? 1 : this.#last + 1;
    } while (isInUse(this.#last));
    return this.#last;
  }
}
