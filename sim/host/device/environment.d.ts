/** A variable of the simulator process, undefined where it is not set. For simulator modules only. */
export function getEnvironment(name: string): string | undefined;
