import { MemberCursor } from "./json-members";

/** What the shadow service says, as far as it is looked at. */
export interface ShadowMessage {
  /** Of the document; 0 in a rejection. */
  version: number;
  clientToken: string;
  /** Of a rejection, as in HTTP; otherwise 0. */
  code: number;
  /** What the cloud wants, one level deep; see `readWishes`. */
  wishes?: Record<string, unknown>;
}

/** AWS: 8 KB of state. With its metadata a document can be larger, but then the session drops it. */
const documentLimit = 8192;
/** No setting has a longer name, and none a longer value: they are short words and numbers. */
const nameLimit = 40;
const valueLimit = 64;
const wishLimit = 32;
/** AWS: at most 64 bytes; six times as long when all of it is escaped, which our own tokens never are. */
const tokenLimit = 66;

/**
 * Reads an answer or a delta. A document has the wishes in `state.desired`, a delta in `state` itself.
 *
 * @param topic what stands behind `shadow/`
 * @throws SyntaxError, RangeError
 */
export function readShadowMessage(topic: string, payload: ArrayBuffer): ShadowMessage {
  const bytes = new Uint8Array(payload);
  if (bytes.length > documentLimit) throw new RangeError(`a shadow message of ${bytes.length} bytes`);
  const message: ShadowMessage = { version: 0, clientToken: "", code: 0 };
  const cursor = new MemberCursor(bytes);
  let state = -1;
  while (cursor.next()) {
    if (cursor.keyLength > 13) continue;
    const { key } = cursor;
    if (key === "state") state = cursor.valueStart;
    else if (key === "version" || key === "code") message[key] = readCount(cursor);
    else if (key === "clientToken" && cursor.valueLength <= tokenLimit) message.clientToken = String(cursor.value);
  }
  if (state < 0) return message;
  if (topic === "update/delta") message.wishes = readWishes(new MemberCursor(bytes, state));
  else if (topic === "get/accepted") message.wishes = readDesired(bytes, state);
  return message;
}

function readCount(cursor: MemberCursor): number {
  const value = cursor.valueLength <= 16 ? cursor.value : undefined;
  if (typeof value !== "number" || !(value >= 0) || value % 1)
    throw new SyntaxError("version or code is no whole number");
  return value;
}

function readDesired(bytes: Uint8Array, at: number): Record<string, unknown> | undefined {
  const state = new MemberCursor(bytes, at);
  return state.find("desired") ? readWishes(new MemberCursor(bytes, state.valueStart)) : undefined;
}

/** Names and values; a value that is too long for any setting is undefined. Names that are too long, and more than 32, are passed over. */
function readWishes(cursor: MemberCursor): Record<string, unknown> {
  const wishes: Record<string, unknown> = Object.create(null);
  for (let count = 0; count < wishLimit && cursor.next(); count += 1)
    if (cursor.keyLength <= nameLimit) wishes[cursor.key] = cursor.valueLength <= valueLimit ? cursor.value : undefined;
  return wishes;
}
