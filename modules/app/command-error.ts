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

/** Any thrown value as `{code, message}`: every error class of this firmware carries a `code`. */
export function describeError(error: unknown): ErrorReport {
  if (error instanceof Error) {
    const code = (error as Error & { code?: unknown }).code;
    return { code: typeof code === "string" ? code : "InternalError", message: error.message || error.name };
  }
  return { code: "InternalError", message: typeof error === "string" ? error : `thrown: ${typeof error}` };
}
