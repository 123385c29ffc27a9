import Timer from "timer";
import { WiFiError } from "./wifi-types";

interface Waiter {
  test(): boolean;
  resolve(): void;
  reject(error: Error): void;
  timer: Timer;
  /** Not ended by fail(). */
  steadfast: boolean;
}

/** Promises for "this holds", tested whenever something may have changed, each with a time limit. */
export class Condition {
  #waiters: Waiter[] = [];

  /** @throws WiFiError Timeout after `timeout` milliseconds, or what fail() gives */
  wait(test: () => boolean, timeout: number, steadfast = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        test,
        resolve,
        reject,
        steadfast,
        timer: Timer.set(() => {
          this.remove(waiter);
          reject(new WiFiError("Timeout", `nothing for ${timeout} ms`));
        }, timeout),
      };
      this.#waiters.push(waiter);
      this.check();
    });
  }

  check(): void {
    for (const waiter of this.#waiters.slice())
      if (waiter.test()) {
        this.end(waiter);
        waiter.resolve();
      }
  }

  fail(error: Error): void {
    for (const waiter of this.#waiters.slice())
      if (!waiter.steadfast) {
        this.end(waiter);
        waiter.reject(error);
      }
  }

  private end(waiter: Waiter): void {
    Timer.clear(waiter.timer);
    this.remove(waiter);
  }

  private remove(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
  }
}
