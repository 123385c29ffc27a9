declare module "environment" {
  /** A variable of the simulator process, undefined where it is not set. */
  export function getEnvironment(name: string): string | undefined;
}
