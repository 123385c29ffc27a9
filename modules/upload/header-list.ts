import type { TextPairBounds, TextPairs } from "../json/text-pairs";

/** The headers that come with a URL, with their names as they were written. */
export type HeaderList = TextPairs;

/**
 * S3 takes 8 KB of them together, 2 KB of metadata among them; those of a grant are a handful of short ones. They are in memory twice while a picture goes up, and
 * more often for a moment.
 */
export const headerBounds: TextPairBounds = Object.freeze({ count: 16, name: 64, value: 1024, total: 2048 });
