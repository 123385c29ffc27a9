import type { TextMapBounds } from "../json/text-map";

/**
 * Of the headers that come with a URL. S3 takes 8 KB of them together, 2 KB of metadata among them; those of a grant are a handful of short ones. They are in memory
 * twice while a picture goes up, and three times for a moment.
 */
export const headerBounds: TextMapBounds = Object.freeze({ count: 16, name: 64, value: 1024, total: 2048 });
