/** What a clock is set by: time servers as `host:port`, and then a server of HTTPS. */
export interface TimeTask {
  released: number;
  servers?: string[];
  https?: { host: string; port: number; roots: string[]; timeout?: number };
}

/** Milliseconds since 1970, or why there is none. */
export interface TimeOutcome {
  time?: number;
  state: string;
  source: string;
  code?: string;
  message?: string;
}
