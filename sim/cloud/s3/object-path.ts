import { join } from "node:path";

/**
 * Object keys as file paths below the bucket's folder, and back. An ordinary key is its own path. What a file system would take
 * differently (empty, `.` and `..` segments, `%`, a leading dot, more than 200 bytes in a segment) is written with `%` escapes, so that no key
 * leads out of the folder and no two keys meet in one file.
 */
export function pathOfKey(key: string): string {
  return key
    .split("/")
    .map((segment) => splitLong(escapeSegment(segment)))
    .join("/");
}

export function keyOfPath(path: string): string {
  return path
    .split("/")
    .map((segment) => segment.replaceAll("%=", ""))
    .join("/")
    .replaceAll("%-/", "")
    .replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export function filePath(directory: string, bucket: string, key: string): string {
  return join(directory, bucket, pathOfKey(key));
}

/** Longest file name, in bytes; file systems take 255. */
const MAXIMUM_PIECE = 200;

function escapeSegment(segment: string): string {
  if (segment === "") return "%=";
  return segment.replace(/[%\0\\]|^\.|^~/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** A long segment becomes folders whose names end with `%-`. Neither a character nor an escape is torn. */
function splitLong(segment: string): string {
  let result = "";
  let length = 0;
  for (const token of segment.match(/%[0-9A-F=]{1,2}|[\s\S]/gu) ?? []) {
    const size = Buffer.byteLength(token);
    if (length + size > MAXIMUM_PIECE) {
      result += "%-/";
      length = 0;
    }
    result += token;
    length += size;
  }
  return result;
}
