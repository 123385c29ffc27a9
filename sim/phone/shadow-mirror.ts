import { ownMember } from "../own-member.ts";

export type JsonObject = Record<string, unknown>;

/** The classic shadow as this phone knows it. */
export interface ShadowState {
  desired: JsonObject;
  reported: JsonObject;
  /** What is desired and not yet reported. */
  delta: JsonObject;
  /** 0: there is none yet. */
  version: number;
}

/** Settings of a camera that has no shadow yet. */
export const noShadow: ShadowState = { desired: {}, reported: {}, delta: {}, version: 0 };

interface Message {
  state?: { desired?: JsonObject | null; reported?: JsonObject | null };
  current?: { state?: { desired?: JsonObject; reported?: JsonObject }; version?: number };
  version?: number;
}

/**
 * What a message of the shadow service makes of the shadow (IoT guide, "Device Shadow MQTT topics"): the document of `get/accepted`,
 * or of `update/documents`. Messages may come late or twice; older versions change nothing.
 *
 * @returns the same object when nothing is new
 */
export function withShadowMessage(
  known: ShadowState | undefined,
  topic: string,
  message: unknown,
): ShadowState | undefined {
  const { state, current, version } = (message ?? {}) as Message;
  if (topic.endsWith("/shadow/get/accepted")) return newer(known, state, version);
  if (topic.endsWith("/shadow/update/documents")) return newer(known, current?.state, current?.version);
  return known;
}

function newer(known: ShadowState | undefined, state: Message["state"], version = 0): ShadowState | undefined {
  if (known && version <= known.version) return known;
  const desired = state?.desired ?? {};
  const reported = state?.reported ?? {};
  return { desired, reported, delta: difference(desired, reported), version };
}

/** The members of `desired` that `reported` has otherwise, or not at all. */
function difference(desired: JsonObject, reported: JsonObject): JsonObject {
  const entries = Object.entries(desired).filter(([name, value]) => !isEqual(value, ownMember(reported, name)));
  return Object.fromEntries(entries);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  return (
    names.length === others.length &&
    names.every((name) => isEqual(ownMember(a as JsonObject, name), ownMember(b as JsonObject, name)))
  );
}
