import { PhoneError } from "./errors.ts";
import { namePrefix } from "./gatt.ts";

/** What is printed on a camera. */
export interface CameraLabel {
  /** Bluetooth name, `PROV_` and more. */
  name: string;
  proofOfPossession: string;
}

/** Longest text that is looked at: a QR code of this kind has some 120 characters. */
const longest = 1000;
const longestName = 29;

/**
 * Reads the QR code of a label: the payload of Espressif's provisioning apps, version 1
 * (`{"ver":"v1","name":"PROV_0A1B2C","pop":"...","transport":"ble","network":"wifi","security":"1"}`).
 * @throws PhoneError BadLabel, UnsupportedProtocol (a device that is set up in another way than this app can)
 */
export function parseLabel(text: string): CameraLabel {
  const payload = parsePayload(text);
  const { ver, name, pop, transport, security, network } = payload;
  if (ver !== "v1") throw bad("it is no label of version v1");
  if (transport !== undefined && transport !== "ble")
    throw unsupported(`the device is set up over ${transport}, not over Bluetooth`);
  if (network !== undefined && network !== "wifi") throw unsupported(`the device is for a ${network} network`);
  if (security !== undefined && String(security) !== "1")
    throw unsupported(`the device wants security ${security}, this app speaks security 1`);
  return checkLabel({ name, proofOfPossession: pop });
}

/**
 * Checks what somebody typed. Spaces around it are taken away.
 * @throws PhoneError BadLabel
 */
export function checkLabel(typed: { name: unknown; proofOfPossession: unknown }): CameraLabel {
  const name = typeof typed.name === "string" ? typed.name.trim() : "";
  const proofOfPossession = typeof typed.proofOfPossession === "string" ? typed.proofOfPossession.trim() : "";
  if (!name.startsWith(namePrefix) || name.length === namePrefix.length || name.length > longestName)
    throw bad(`the name of a camera begins with ${namePrefix} and has at most ${longestName} characters`);
  if (!proofOfPossession) throw bad("the proof of possession is missing");
  return { name, proofOfPossession };
}

/** The text for the QR code of a label. */
export function formatLabel({ name, proofOfPossession }: CameraLabel): string {
  return JSON.stringify({ ver: "v1", name, pop: proofOfPossession, transport: "ble", network: "wifi", security: "1" });
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
