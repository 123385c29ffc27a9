/**
 * The elements of an S3 error document that the device keeps (S3 API Reference, "Error responses").
 * Left out on purpose: StringToSign, CanonicalRequest and AWSAccessKeyId, which repeat parts of the URL's secret query.
 */
export interface ErrorElements {
  Code?: string;
  Message?: string;
  RequestId?: string;
  /** With NotImplemented: the header that was not understood. */
  Header?: string;
  /** With AccessDenied: the header that should have been signed or left out. */
  HeadersNotSigned?: string;
  /** With PermanentRedirect and TemporaryRedirect: the host to ask. */
  Endpoint?: string;
  /** With an expired URL: the store's clock and the end of the URL's life (ISO 8601). */
  ServerTime?: string;
  Expires?: string;
}

const wanted: readonly string[] = [
  "Code",
  "Message",
  "RequestId",
  "Header",
  "HeadersNotSigned",
  "Endpoint",
  "ServerTime",
  "Expires",
];

const MAXIMUM_NAME = 24;
const MAXIMUM_TEXT = 240;

const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const SLASH = 0x2f;

/**
 * Takes wanted elements out of an `<Error>` document as its bytes arrive, in constant memory. What is longer than its place is cut; what is no
 * such document (empty, JSON, HTML of somebody in between) gives no elements. Texts are reduced to printable ASCII.
 */
export class ErrorDocument {
  readonly elements: ErrorElements = Object.create(null);

  readonly #name = new Uint8Array(MAXIMUM_NAME);
  readonly #text = new Uint8Array(MAXIMUM_TEXT);
  #nameLength = 0;
  #textLength = 0;
  #inTag = false;
  /** The tag's name is complete: attributes follow, which nobody needs. */
  #named = false;
  /** The first element was seen, and whether it is Error. */
  #isError: boolean | undefined;
  /** The element whose text is being collected. */
  #element: keyof ErrorElements | undefined;

  write(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 1) this.byte(bytes[i]);
  }

  private byte(byte: number): void {
    if (byte === LESS_THAN) {
      this.#inTag = true;
      this.#named = false;
      this.#nameLength = 0;
    } else if (!this.#inTag) {
      if (this.#element && this.#textLength < MAXIMUM_TEXT) this.#text[this.#textLength++] = printable(byte);
    } else if (byte === GREATER_THAN) {
      this.#inTag = false;
      this.tag();
    } else if (byte <= 0x20) {
      this.#named = true;
    } else if (!this.#named && this.#nameLength < MAXIMUM_NAME) {
      this.#name[this.#nameLength++] = printable(byte);
    }
  }

  private tag(): void {
    const closing = this.#name[0] === SLASH && this.#nameLength > 0;
    if (closing) {
      if (this.#element && asciiString(this.#name, this.#nameLength) === `/${this.#element}`) {
        this.elements[this.#element] ??= unescapeEntities(asciiString(this.#text, this.#textLength)).trim();
      }
      this.#element = undefined;
      return;
    }
    const name = asciiString(this.#name, this.#nameLength);
    if (name.startsWith("?") || name.startsWith("!")) return;
    if (this.#isError === undefined) this.#isError = name === "Error";
    if (!this.#isError) return;
    this.#element = wanted.includes(name) ? (name as keyof ErrorElements) : undefined;
    this.#textLength = 0;
  }
}

/** ASCII bytes as a string. */
export function asciiString(bytes: Uint8Array, length: number): string {
  return length === 0 ? "" : String.fromArrayBuffer(bytes.slice(0, length).buffer as ArrayBuffer);
}

/** The byte itself if it is printable ASCII, a space for white space, otherwise a question mark. */
export function printable(byte: number): number {
  if (byte > 0x20 && byte < 0x7f) return byte;
  return byte <= 0x20 ? 0x20 : 0x3f;
}

function unescapeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
