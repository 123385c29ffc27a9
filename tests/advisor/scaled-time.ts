/** The device's time: it runs `scale` times as fast as ours. Everything in the advisor counts in milliseconds of the device. */
export class ScaledTime {
  readonly scale: number;

  constructor(scale = 1) {
    this.scale = scale;
  }

  now(): number {
    return performance.now() * this.scale;
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds / this.scale));
  }

  /** How exactly a time can be measured on a busy machine: 25 ms of ours. */
  get resolution(): number {
    return 25 * this.scale;
  }
}

/** Something that changes, and those who wait for it to be as they want it. */
export class Changing {
  readonly time: ScaledTime;
  #waiting = new Set<() => void>();

  constructor(time: ScaledTime) {
    this.time = time;
  }

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** What `find` finds, as soon as it does; undefined when it has not after `timeout` milliseconds of the device. */
  until<T>(find: () => T | undefined, timeout: number): Promise<T | undefined> {
    const found = find();
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const finish = (result: T | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(result);
      };
      const look = () => {
        const result = find();
        if (result !== undefined) finish(result);
      };
      const timer = setTimeout(() => finish(find()), timeout / this.time.scale);
      this.#waiting.add(look);
    });
  }
}
