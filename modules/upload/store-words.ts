import type { HeaderList } from "./header-list";
import type { PresignedURL } from "./presigned-url";

type Headers = HeaderList | undefined;

/** Of what a store says so much goes into results, events and logs, characters. */
const messageLimit = 200;

/**
 * What a store says, as far as it may be repeated: of the letters and the length that such a word has, and nothing of the URL's query or of the
 * request's headers in it. Otherwise undefined: a part of a name is no name.
 */
function word(text: string | undefined, pattern: RegExp, url: PresignedURL, headers: Headers) {
  if (text === undefined || !pattern.test(text)) return undefined;
  return url.redact(text, headers) === text ? text : undefined;
}

/** `<Code>`, or a name of this room's (`HTTP 503`): the longest that S3 knows has 41 letters. */
export function storeCode(text: string | undefined, url: PresignedURL, headers: Headers): string | undefined {
  return word(text, /^(HTTP [0-9]{3}|[A-Za-z_][\w.:-]{0,63})$/, url, headers);
}

/** Hexadecimal or base64, 16 to 76 characters in the stores that are known. */
export function storeRequestId(text: string | undefined, url: PresignedURL, headers: Headers): string | undefined {
  return word(text, /^[\w+/=.:-]{1,96}$/, url, headers);
}

/** Without its quotes (RFC 9110 section 8.8.3). */
export function storeETag(text: string | undefined, url: PresignedURL, headers: Headers): string | undefined {
  return word(text?.replace(/^(W\/)?"/, "").replace(/"$/, ""), /^[!#-~]{1,64}$/, url, headers);
}

/** The host that a redirect names. */
export function storeEndpoint(text: string | undefined, url: PresignedURL, headers: Headers): string | undefined {
  return word(text, /^(https?:\/\/)?[A-Za-z0-9][A-Za-z0-9.:-]{0,127}$/, url, headers);
}

/** For people. */
export function storeMessage(text: string, url: PresignedURL | undefined, headers: Headers): string {
  return (url?.redact(text, headers) ?? text).slice(0, messageLimit);
}
