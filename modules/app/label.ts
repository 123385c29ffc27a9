import { srpUsername } from "../provisioning/srp-account";
import type { RecordStore } from "../storage/record-store";

/** What is printed on the camera: its Bluetooth name and the proof that one holds it in hand. */
export interface Label {
  /** Advertised name, `PROV_` and six hexadecimal digits. */
  name: string;
  /** Of a label that the camera made: 16 letters and digits, 80 bits; of one from the factory as it is there. */
  proofOfPossession: string;
  /** Serial number: the six digits of the name; also part of the thing name that the app proposes. */
  serial: string;
}

const hexDigits = "0123456789ABCDEF";
/** Crockford's 32: without i, l, o and u. Who types an o means 0. */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";
const proofLength = 16;

const serialLength = 6;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** The label that was written at the factory, or a new one, which is kept from then on. */
export function loadLabel(records: RecordStore, randomBytes: (count: number) => ArrayBuffer): Label {
  const known = records.read<Record<keyof Label, unknown>>("label");
  if (isText(known?.name) && isText(known.proofOfPossession)) {
    const { name, proofOfPossession, serial } = known;
    return { name, proofOfPossession, serial: isText(serial) ? serial : name.slice(-serialLength) };
  }
  const random = new Uint8Array(randomBytes(serialLength + proofLength));
  let serial = "";
  for (let i = 0; i < serialLength; i++) serial += hexDigits[random[i] & 15];
  let proofOfPossession = "";
  for (let i = 0; i < proofLength; i++) proofOfPossession += letters[random[serialLength + i] & 31];
  const label = { name: `PROV_${serial}`, proofOfPossession, serial };
  records.write("label", label);
  return label;
}

/** What Espressif's apps read from a QR code, for people who print their own label (network_provisioning). */
export function qrPayload(label: Label): string {
  return JSON.stringify({
    ver: "v1",
    name: label.name,
    username: srpUsername,
    pop: label.proofOfPossession,
    transport: "ble",
    network: "wifi",
    security: "2",
  });
}
