import { constants } from "node:os";
import { ownMember } from "../own-member.ts";

/**
 * Calls what belongs to each key until Q, Ctrl-C, Ctrl-D or a signal. Without a terminal there are no keys: then only
 * the signals end it, and a line on standard input counts as its first character.
 */
export function onKeys(actions: Record<string, () => void>): Promise<void> {
  const { stdin } = process;
  return new Promise((resolve) => {
    const press = (data: Buffer) => {
      const key = data.toString();
      if (["q", "Q", "\u0003", "\u0004"].includes(key[0])) end();
      else (ownMember(actions, key[0]) ?? (() => {}))();
    };
    const end = () => {
      stdin.off("data", press);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve();
    };
    process.on("SIGINT", end).on("SIGTERM", end);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on("data", press);
    stdin.resume();
  });
}

/** A signal has asked the program to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.signal = signal;
  }
}

/** As shells count it. */
export const exitCodeOf = ({ signal }: Interrupted) => 128 + constants.signals[signal];

/**
 * For the time before there are keys: Ctrl-C and signals reject `interrupted` instead of ending the program on the spot, so that it can
 * put away what it has made. A second one ends it at once. `forget` leaves signals to others.
 */
export function onInterruption(): { interrupted: Promise<never>; forget(): void } {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let forget = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    const stop = (signal: NodeJS.Signals) => {
      forget();
      reject(new Interrupted(signal));
    };
    forget = () => {
      for (const signal of signals) process.off(signal, stop);
    };
    for (const signal of signals) process.on(signal, stop);
  });
  interrupted.catch(() => {}); // whoever waits for it hears of it
  return { interrupted, forget: () => forget() };
}
