declare module "event-loop" {
  /** How many timers, sockets and look-ups the machine waits for: 0 when nothing can happen any more. */
  export function pending(): number;
  /** Ends the machine after this turn, whatever it waits for. */
  export function stop(): void;
}
