/** What the device of tests/advisor/firmware is told by its environment. */
export interface AdvisorSettings {
  endpoint: string;
  clientId: string;
  /** PEM. */
  root: string;
  certificate: string;
  key: string;
  /** Seconds. */
  keepAlive: number;
}
