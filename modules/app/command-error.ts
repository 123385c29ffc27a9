/** Why a command was not carried out. `code` is what a program branches on, `message` is for a person. */
export class CommandError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ErrorReport {
  code: string;
  message: string;
}

/** Characters: what an error quotes may be as long as a message, and is said again in answers, events and records. */
const codeLimit = 64;
const messageLimit = 200;

/** Any thrown value as `{code, message}`: every error class of this firmware carries a `code`. */
export function describeError(error: unknown): ErrorReport {
  if (error instanceof Error) {
    const code = (error as Error & { code?: unknown }).code;
    const message = (error.message || error.name).slice(0, messageLimit);
    return { code: typeof code === "string" ? code.slice(0, codeLimit) : "InternalError", message };
  }
  return {
    code: "InternalError",
    message: typeof error === "string" ? error.slice(0, messageLimit) : `thrown: ${typeof error}`,
  };
}
