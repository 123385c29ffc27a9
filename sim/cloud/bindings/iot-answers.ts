import { ResourceNotFoundException } from "@aws-sdk/client-iot";

/** All pages of a list; what is listed of something that does not exist is nothing. */
export async function collect<Page, Item>(
  pages: AsyncIterable<Page>,
  of: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  try {
    for await (const page of pages) items.push(...(of(page) ?? []));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return items;
}

/** The result of a call; undefined when it fails in this one way. */
export async function unless<T>(name: new (...options: never[]) => Error, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof name) return undefined;
    throw error;
  }
}
