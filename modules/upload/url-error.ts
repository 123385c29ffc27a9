export type URLErrorCode =
  | "MalformedURL"
  | "URLTooLong"
  | "IllegalCharacter"
  | "UnsupportedScheme"
  | "MalformedHost"
  | "MalformedPort"
  | "MissingParameter"
  | "MalformedDate"
  | "MalformedExpires"
  | "HostNotSigned";

/** Why a URL cannot be used. The message never contains any part of the URL, because its query is a credential. */
export class URLError extends Error {
  readonly code: URLErrorCode;

  constructor(code: URLErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  // An own property cannot be made: Error.prototype is in flash, and its name with it.
  override get name(): string {
    return "URLError";
  }
}
