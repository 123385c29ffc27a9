import type { TextMapBounds } from "../json/text-map";

/** Of the headers that come with a URL. S3 takes 8 KB of them together; those of a grant are a handful of short ones. */
export const headerBounds: TextMapBounds = Object.freeze({ count: 16, name: 64, value: 1024 });
