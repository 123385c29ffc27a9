import { RegistryError } from "./registry-error.ts";

/** Of a page that nobody has given a size. AWS does not tell its own. */
const usualSize = 25;
const largestSize = 250;

export interface ListOptions<Item> {
  /** Of one item, unlike that of any other; the list is in its order. */
  keyOf(item: Item): string;
  /** What size and token are called in the query: newer operations say maxResults and nextToken, older ones pageSize and marker. */
  style?: "maxResults" | "pageSize";
  /** Older lists are in the order of creation, the newest first unless the query has `isAscendingOrder`. */
  descending?: boolean;
}

/**
 * One page of a list. The token of the next one is the key of the last item, so that nothing is missed or told twice when items come and go
 * in between.
 *
 * @throws RegistryError InvalidRequestException
 */
export function pageOf<Item>(
  items: Item[],
  query: URLSearchParams,
  { keyOf, style = "maxResults", descending = false }: ListOptions<Item>,
): { items: Item[]; next?: string } {
  const size = sizeOf(query.get(style));
  const token = query.get(style === "maxResults" ? "nextToken" : "marker");
  const after = token === null ? undefined : decode(token);
  const order = descending && query.get("isAscendingOrder") !== "true" ? -1 : 1;
  const compare = (a: string, b: string) => (a === b ? 0 : a < b ? -order : order);
  const rest = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || compare(key, after) > 0)
    .sort((a, b) => compare(a.key, b.key));
  const page = rest.slice(0, size);
  return {
    items: page.map(({ item }) => item),
    next: rest.length > size ? encode(page[size - 1].key) : undefined,
  };
}

/** A key that sorts by time, and by name what was made in the same millisecond. */
export function keyByTime(milliseconds: number, name: string): string {
  return `${String(milliseconds).padStart(15, "0")} ${name}`;
}

function sizeOf(text: string | null): number {
  if (text === null) return usualSize;
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1 || size > largestSize)
    throw new RegistryError("InvalidRequestException", `a page has 1 to ${largestSize} results`);
  return size;
}

const prefix = "v1 ";
const encode = (key: string) => Buffer.from(prefix + key).toString("base64url");

function decode(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith(prefix)) throw new RegistryError("InvalidRequestException", "the token is not one of this list");
  return text.slice(prefix.length);
}
