import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import { ownMember } from "../own-member.ts";

const contentTypes: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

export interface PageFile {
  content: Buffer;
  headers: Record<string, string>;
}

/** A file of the built page, or undefined when there is no such file below the directory. */
export async function readPageFile(directory: string, pathname: string): Promise<PageFile | undefined> {
  const path = pathBelow(directory, pathname === "/" ? "/index.html" : pathname);
  const contentType = path && ownMember(contentTypes, extname(path));
  if (!contentType) return undefined;
  try {
    const content = await readFile(path);
    // Vite puts a hash of the content into the names of what lies in assets/.
    const isHashed = pathname.startsWith("/assets/");
    const cacheControl = isHashed ? "public, max-age=31536000, immutable" : "no-cache";
    return { content, headers: { "content-type": contentType, "cache-control": cacheControl } };
  } catch {
    return undefined;
  }
}

function pathBelow(directory: string, pathname: string): string | undefined {
  try {
    const path = normalize(join(directory, decodeURIComponent(pathname)));
    return path.startsWith(normalize(directory + sep)) && !path.includes("\0") ? path : undefined;
  } catch {
    return undefined;
  }
}
