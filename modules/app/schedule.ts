import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { CommandError, describeError } from "./command-error";
import type { Message } from "./commands";

export interface ScheduleHost {
  /** Seconds between two pictures, 0 for none. */
  readonly captureInterval: number;
  readonly device: {
    readonly state: string;
    takePhoto(message: Message): Promise<object>;
    upload(message: Message): object;
  };
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
}

/** After a start the first picture does not wait longer than this, milliseconds, so that no restart leaves a gap longer than the interval. */
const firstWait = 60_000;

/**
 * Pictures at a steady pace. Each one is taken and uploaded as a command would do it, with a URL that the camera asks the cloud for. One
 * that cannot be taken is skipped, counted and told of as a PhotoSkipped event; what comes of an upload is an UploadResult.
 */
export class Schedule {
  static #onTimer({ owner }: OwnedTimer<Schedule>): void {
    owner.due();
  }

  /** `busy` and `offline` count skipped pictures, `failed` those that the camera did not take. */
  readonly counters = { captured: 0, busy: 0, offline: 0, failed: 0 };
  #host: ScheduleHost;
  #timers: TimerModule;
  #timer?: Timer;

  constructor(host: ScheduleHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
  }

  /** After power-on. */
  start(): void {
    this.wait(firstWait);
  }

  /** The interval is another one: it begins now. */
  intervalChanged(): void {
    this.wait(Infinity);
  }

  private wait(limit: number): void {
    if (this.#timer) this.#timers.clear(this.#timer as never);
    const interval = this.#host.captureInterval * 1000;
    const delay = Math.min(interval, limit);
    this.#timer = interval ? (setTimer(this, Schedule.#onTimer, delay, this.#timers) as Timer) : undefined;
  }

  private due(): void {
    this.#timer = undefined;
    this.wait(Infinity);
    this.take();
  }

  private async take(): Promise<void> {
    const { device } = this.#host;
    try {
      if (device.state !== "online") throw new CommandError("Offline", `the camera is ${device.state}`);
      const { imageId } = (await device.takePhoto({})) as { imageId: string };
      device.upload({ imageId });
      this.counters.captured += 1;
    } catch (error) {
      const { code, message } = describeError(error);
      this.skip(code, message);
    }
  }

  private skip(code: string, message: string): void {
    const { counters } = this;
    if (code === "Offline" || code === "NotConnected") counters.offline += 1;
    else if (code === "Busy") counters.busy += 1;
    else counters.failed += 1;
    this.#host.events.add("PhotoSkipped", {
      code,
      message,
      skipped: counters.offline + counters.busy + counters.failed,
    });
  }
}
