import Timer from "timer";

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
): OwnedTimer<Owner> {
  return own(Timer.set(callback as (timer: Timer) => void, delay), owner);
}

/** `Timer.repeat`, likewise. */
export function repeatTimer<Owner>(
  owner: Owner,
  callback: (timer: OwnedTimer<Owner>) => void,
  interval: number,
): OwnedTimer<Owner> {
  return own(Timer.repeat(callback as (timer: Timer) => void, interval), owner);
}

function own<Owner>(timer: Timer, owner: Owner): OwnedTimer<Owner> {
  const owned = timer as OwnedTimer<Owner>;
  owned.owner = owner;
  return owned;
}
