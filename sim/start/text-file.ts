import { readFile } from "node:fs/promises";

/** A text that a person wrote: UTF-8 or UTF-16, with or without a byte order mark. Editors and shells on Windows write each of them. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path);
  // A decoder leaves a byte order mark out.
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

/** Text of this kind begins with an ASCII character: half of its first two bytes is zero in UTF-16. */
function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if ((first === 0xff && second === 0xfe) || second === 0) return "utf-16le";
  if ((first === 0xfe && second === 0xff) || first === 0) return "utf-16be";
  return "utf-8";
}
