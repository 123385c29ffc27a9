/** Advertising records as the SDK's GATTServer takes them. Numeric keys are AD types of their own. */
export interface AdvertisingRecords {
  name?: string;
  services?: string[];
  manufacturerData?: { manufacturer: number; data: ArrayBuffer | Uint8Array };
  flags?: number;
  [type: number]: ArrayBuffer | Uint8Array;
}

/** AD types (Bluetooth assigned numbers section 2.3). */
const flagsType = 0x01;
const completeName = 0x09;
const manufacturerType = 0xff;
const uuidListTypes: Record<number, number> = { 2: 0x03, 4: 0x05, 16: 0x07 };
const capacity = 31;

/** Legacy advertising data, at most 31 bytes. @throws RangeError when they do not fit, TypeError for an unknown record. */
export function advertisingData(records: AdvertisingRecords): Uint8Array {
  const out = new Uint8Array(capacity);
  let length = 0;
  const add = (type: number, ...parts: Uint8Array[]) => {
    let size = 2;
    for (const part of parts) size += part.length;
    if (length + size > capacity) throw new RangeError(`advertising data is longer than ${capacity} bytes`);
    out[length++] = size - 1;
    out[length++] = type;
    for (const part of parts) {
      out.set(part, length);
      length += part.length;
    }
  };
  for (const key of Object.keys(records)) {
    const value = (records as Record<string, unknown>)[key];
    if (key === "name") add(completeName, new Uint8Array(ArrayBuffer.fromString(value as string)));
    else if (key === "flags") add(flagsType, Uint8Array.of(value as number));
    else if (key === "services") addServices(value as string[], add);
    else if (key === "manufacturerData") {
      const { manufacturer, data } = value as NonNullable<AdvertisingRecords["manufacturerData"]>;
      add(manufacturerType, Uint8Array.of(manufacturer & 255, manufacturer >> 8), bytesOf(data));
    } else if (Number(key) > 0 && Number(key) <= 255) add(Number(key), bytesOf(value as ArrayBuffer));
    else throw new TypeError(`unknown advertising record ${key}`);
  }
  return out.slice(0, length);
}

function addServices(uuids: string[], add: (type: number, ...parts: Uint8Array[]) => void): void {
  const parsed = uuids.map(uuidBytes);
  for (const size of [2, 4, 16]) {
    const matching = parsed.filter((each) => each.length === size);
    if (matching.length) add(uuidListTypes[size], ...matching);
  }
}

/** The bytes of a 16, 32 or 128 bit UUID, least significant first as in every Bluetooth packet. @throws RangeError */
export function uuidBytes(uuid: string): Uint8Array {
  const hex = uuid.replaceAll("-", "");
  if (![4, 8, 32].includes(hex.length) || !/^[0-9a-fA-F]+$/.test(hex)) throw new RangeError("bad uuid");
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[bytes.length - 1 - i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) throw new TypeError("not a buffer");
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}
