import { PhoneError } from "./errors.ts";
import { namePrefix } from "./gatt.ts";

/** What is printed on a camera. */
export interface CameraLabel {
  /** Bluetooth name, `PROV_` and more. */
  name: string;
  proofOfPossession: string;
}

/** User name of SRP that Espressif's apps take. */
export const srpUsername = "wifiprov";

/** Longest text that is looked at: a QR code of this kind has some 120 characters. */
const longest = 1000;
const longestName = 29;

/**
 * Reads the QR code of a label: the payload of Espressif's provisioning apps, version 1
 * (`{"ver":"v1","name":"PROV_0A1B2C","pop":"...","transport":"ble","network":"wifi","security":"2"}`).
 * @throws PhoneError BadLabel, UnsupportedProtocol (a device that is set up in another way than this app can)
 */
export function parseLabel(text: string): CameraLabel {
  const payload = parsePayload(text);
  const { ver, name, pop, transport, security, network, username } = payload;
  if (ver !== "v1") throw bad("it is no label of version v1");
  if (transport !== undefined && transport !== "ble")
    throw unsupported(`the device is set up over ${transport}, not over Bluetooth`);
  if (network !== undefined && network !== "wifi") throw unsupported(`the device is for a ${network} network`);
  if (security !== undefined && String(security) !== "1" && String(security) !== "2")
    throw unsupported(`the device wants security ${security}, this app speaks 1 and 2`);
  if (username !== undefined && username !== srpUsername)
    throw unsupported(`the device has a user of another name, ${String(username).slice(0, 32)}`);
  return checkParts(name, typeof pop === "string" ? pop.trim() : "");
}

/**
 * Checks what somebody typed. Spaces around it are taken away, the proof is read as in readProof().
 * @throws PhoneError BadLabel
 */
export function checkLabel(typed: { name: unknown; proofOfPossession: unknown }): CameraLabel {
  const { name, proofOfPossession } = typed;
  return checkParts(name, typeof proofOfPossession === "string" ? readProof(proofOfPossession) : "");
}

function checkParts(given: unknown, proofOfPossession: string): CameraLabel {
  const name = typeof given === "string" ? given.trim() : "";
  if (!name.startsWith(namePrefix) || name.length === namePrefix.length || name.length > longestName)
    throw bad(`the name of a camera begins with ${namePrefix} and has at most ${longestName} characters`);
  if (!proofOfPossession) throw bad("the proof of possession is missing");
  return { name, proofOfPossession };
}

/** The text for the QR code of a label. */
export function formatLabel({ name, proofOfPossession }: CameraLabel): string {
  const pop = { username: srpUsername, pop: proofOfPossession };
  return JSON.stringify({ ver: "v1", name, ...pop, transport: "ble", network: "wifi", security: "2" });
}

/** 16 of Crockford's 32 letters and digits: 80 bits. Cameras that have such a proof speak security 2. */
const longProof = /^[0-9a-hjkmnp-tv-z]{16}$/;

/**
 * A proof as somebody typed it. One of 16 letters and digits may have capital letters, groups with whatever between them, and the letters
 * that it never has for the digits that they look like. Any other is taken as it is.
 */
export function readProof(typed: string): string {
  const letters = typed
    .toLowerCase()
    .replace(/[\s\p{P}]/gu, "")
    .replaceAll("o", "0")
    .replace(/[il]/g, "1");
  return longProof.test(letters) ? letters : typed.trim();
}

export function isLongProof(proof: string): boolean {
  return longProof.test(proof);
}

/** For people: in groups of four. */
export function groupedProof(proof: string): string {
  return isLongProof(proof) ? (proof.match(/..../g) ?? []).join("-") : proof;
}

function parsePayload(text: string): Record<string, unknown> {
  if (text.length > longest) throw bad("it is too long for a label");
  try {
    const payload = JSON.parse(text);
    if (payload !== null && typeof payload === "object" && !Array.isArray(payload)) return payload;
  } catch {
    // Some other QR code: an address, a Wi-Fi, ...
  }
  throw bad("it is no label of a camera");
}

const bad = (why: string) => new PhoneError("BadLabel", `the label cannot be used: ${why}`);
const unsupported = (why: string) => new PhoneError("UnsupportedProtocol", why);
