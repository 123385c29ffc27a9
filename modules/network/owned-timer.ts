import Timer from "timer";

/** What is used of the `timer` module; the SDK's default export fits. */
export interface TimerModule {
  /** The callback is called with the timer. */
  set(callback: (timer: Timer) => void, milliseconds: number): unknown;
  repeat(callback: (timer: Timer) => void, milliseconds: number): unknown;
  clear(timer: never): void;
}

/** A timer that knows whose it is. */
export interface OwnedTimer<Owner> extends Timer {
  owner: Owner;
}

/**
 * `Timer.set` for a callback in flash: it is called with the timer and finds its object there. A closure would take some ten slots of
 * the machine for as long as the timer runs, and many of them run for hours.
 */
export function setTimer<Owner>(
  owner: Owner,
  callback: (timer: OwnedTimer<Owner>) => void,
  delay: number,
  timers: TimerModule = Timer,
): OwnedTimer<Owner> {
  return own(timers.set(callback as (timer: Timer) => void, delay), owner);
}

/** `Timer.repeat`, likewise. */
export function repeatTimer<Owner>(
  owner: Owner,
  callback: (timer: OwnedTimer<Owner>) => void,
  interval: number,
  timers: TimerModule = Timer,
): OwnedTimer<Owner> {
  return own(timers.repeat(callback as (timer: Timer) => void, interval), owner);
}

function own<Owner>(timer: unknown, owner: Owner): OwnedTimer<Owner> {
  const owned = timer as OwnedTimer<Owner>;
  owned.owner = owner;
  return owned;
}
