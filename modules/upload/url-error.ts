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
    this.name = "URLError";
    this.code = code;
  }
}
