import { ownMember, recordOf } from "../own-member.ts";

/** JSON of a shadow: what a device and the cloud say of each other. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export const sections = ["desired", "reported"] as const;
export type Section = (typeof sections)[number];
export type State = { [name in Section]?: JsonObject };

/** What `PUBLISH .../update` and UpdateThingShadow bring. */
export interface UpdateRequest {
  /** null empties a section. */
  state: { [name in Section]?: JsonObject | null };
  version?: number;
  clientToken?: string;
}

/** Of the state, its metadata not counted (General Reference). */
export const documentLimit = 8192;
const levelLimit = 6;
const tokenLimit = 64;

/** AWS's error of a code (device-shadow-error-messages). */
export class ShadowError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws ShadowError 400, 415 */
export function parseRequest(payload: Buffer): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch {
    throw new ShadowError(415, "Unsupported documented encoding; supported encoding is UTF-8");
  }
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    throw new ShadowError(400, "Invalid JSON");
  }
  if (!isObject(request)) throw new ShadowError(400, "Invalid JSON");
  const { clientToken } = request;
  if (clientToken !== undefined && (typeof clientToken !== "string" || Buffer.byteLength(clientToken) > tokenLimit))
    throw new ShadowError(400, "Invalid clientToken");
  return request;
}

/** @throws ShadowError 400 */
export function checkUpdate(request: Record<string, unknown>): UpdateRequest {
  const { state, version } = request;
  if (state === undefined) throw new ShadowError(400, "Missing required node: state");
  if (!isObject(state)) throw new ShadowError(400, "State node must be an object");
  for (const name of Object.keys(state))
    if (!(sections as readonly string[]).includes(name)) throw new ShadowError(400, "State contains an invalid node");
  for (const name of sections) {
    const section = state[name] ?? null;
    const title = `${name[0].toUpperCase()}${name.slice(1)}`;
    if (section !== null && !isObject(section)) throw new ShadowError(400, `${title} node must be an object`);
    checkNode(section as Json, 0);
  }
  if (version !== undefined && (!Number.isInteger(version) || (version as number) < 0))
    throw new ShadowError(400, "Invalid version");
  return request as unknown as UpdateRequest;
}

function checkNode(node: Json, level: number): void {
  if (typeof node !== "object" || node === null) return;
  if (level === levelLimit)
    throw new ShadowError(400, `JSON contains too many levels of nesting; maximum is ${levelLimit}`);
  for (const value of Object.values(node)) {
    if (Array.isArray(node) && value === null) throw new ShadowError(400, "State contains an invalid node");
    checkNode(value, level + 1);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects are merged, null takes a name out, everything else (arrays too) is replaced. @returns undefined for what is empty then */
export function merge(old: JsonObject | undefined, change: JsonObject): JsonObject | undefined {
  const merged: JsonObject = recordOf(old);
  for (const [name, value] of Object.entries(change)) {
    const before = merged[name];
    const after = isObject(value) ? merge(isObject(before) ? before : undefined, value) : value;
    if (after === null || after === undefined) delete merged[name];
    else merged[name] = after;
  }
  return Object.keys(merged).length ? merged : undefined;
}

/** What is desired and not reported like that. */
export function difference(desired: JsonObject, reported: JsonObject): JsonObject | undefined {
  const delta: JsonObject = recordOf();
  for (const [name, value] of Object.entries(desired)) {
    const actual = ownMember(reported, name);
    if (isObject(value) && isObject(actual)) {
      const inside = difference(value, actual);
      if (inside) delta[name] = inside;
    } else if (actual === undefined || JSON.stringify(value) !== JSON.stringify(actual)) delta[name] = value;
  }
  return Object.keys(delta).length ? delta : undefined;
}

/** `{timestamp}`, seconds since 1970, in the place of each value; for what is null, nothing. */
export function stamp(node: JsonObject, timestamp: number): JsonObject {
  const stamped: JsonObject = recordOf();
  for (const [name, value] of Object.entries(node))
    if (value !== null) stamped[name] = isObject(value) ? stamp(value, timestamp) : { timestamp };
  return stamped;
}

/** The part of `metadata` that belongs to the values of `state`. */
export function metadataOf(metadata: JsonObject, state: JsonObject): JsonObject {
  const part: JsonObject = recordOf();
  for (const [name, value] of Object.entries(state)) {
    const known = ownMember(metadata, name);
    if (!isObject(known)) continue;
    part[name] = isObject(value) ? metadataOf(known, value) : known;
  }
  return part;
}
