import { fromUTF8, utf8 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import type { GattLink } from "./gatt.ts";

const versionEndpoint = "proto-ver";

/** What proto-ver says. */
export interface CameraVersion {
  prov: { ver: string; sec_ver: number; sec_patch_ver?: number; cap: string[] };
  devicelink?: { ver: string; busy: boolean; retryAfter: number };
}

export async function readVersion(link: GattLink): Promise<CameraVersion> {
  await link.write(versionEndpoint, utf8("---"));
  const text = fromUTF8(await link.read(versionEndpoint));
  try {
    return JSON.parse(text);
  } catch {
    throw new PhoneError("UnsupportedProtocol", "the device gives no version");
  }
}
