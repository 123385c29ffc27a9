/** Somebody who tells the time. */
export interface TimeSource {
  readonly name: string;
  /** It is who it says it is, by certificates that are good at the time that it tells. */
  readonly isProven: boolean;
  /** Milliseconds since 1970, UTC. Rejects with a named error, in bounded time. */
  getTime(): Promise<number>;
}

/**
 * Why there is no time:
 *
 * - NoTimeSource: nobody can be asked
 * - HostNotFound, NoAnswer: the server has no address, or said nothing in time
 * - BadTime: what it told cannot be, or is contradicted
 * - any code of TLSError: of a server that was asked by HTTPS
 */
export class ClockError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  /** Any error as a ClockError: one that carries a `code` keeps it. */
  static of(error: unknown, name: string): ClockError {
    if (error instanceof ClockError) return error;
    const { code, message } = error as { code?: unknown; message?: unknown };
    return new ClockError(typeof code === "string" ? code : "NoAnswer", `${name}: ${message ?? error}`);
  }

  override get name(): string {
    return "ClockError";
  }
}

/** Whose clock it is. */
export interface TimeHost {
  /** When the firmware was released, milliseconds since 1970. */
  readonly released: number;
  /** Servers that it knows and can verify. @param port of their HTTPS, 443 if not given */
  httpsTime(port?: number): TimeSource[];
}
