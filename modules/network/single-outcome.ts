/**
 * Exactly one end, whatever throws. Who waits for an outcome (of an upload, a grant, a command) waits for ever if an exception falls
 * into the gap between "it is done" and "it is told"; and out of an I/O or timer callback it would restart the chip.
 *
 * So everything that owes an outcome runs its steps with `runStep`: what a step throws becomes its outcome. And it tells others with
 * `tell`: what they throw is theirs. Both take functions in flash and make no closure.
 */

/** Owes somebody an outcome. */
export interface OutcomeOwner {
  /** Ends with what was thrown, unless it has ended already. Must not throw: it sets its state first and tells with `tell`. */
  broken(error: unknown): void;
}

/** One step on the way to the outcome. Never throws. */
export function runStep<Owner extends OutcomeOwner, Argument = undefined>(
  owner: Owner,
  step: (this: Owner, argument: Argument) => void,
  argument?: Argument,
): void {
  try {
    step.call(owner, argument as Argument);
  } catch (error) {
    owner.broken(error);
  }
}

/** Tells somebody who is not allowed to disturb. What they throw is traced. */
export function tell<Target, Argument>(
  target: Target,
  method: ((this: Target, argument: Argument) => void) | undefined,
  argument: Argument,
): void {
  try {
    method?.call(target, argument);
  } catch (error) {
    trace(`told, and threw: ${error instanceof Error ? error.message : "no Error"}\n`);
  }
}
