/**
 * Why JSON was not read.
 *
 * - TooLong, TooDeep, TooManyValues, StringTooLong (names of members as well), NumberTooLong: over a bound of its message
 * - Malformed: not JSON (RFC 8259), not UTF-8, cut off, or no object
 */
export type JSONErrorCode = "TooLong" | "TooDeep" | "TooManyValues" | "StringTooLong" | "NumberTooLong" | "Malformed";

/** The message begins with the code and quotes nothing of what was read. */
export class JSONError extends Error {
  readonly code: JSONErrorCode;

  constructor(code: JSONErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }

  override get name(): string {
    return "JSONError";
  }
}
