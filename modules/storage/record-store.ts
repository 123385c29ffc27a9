import KeyValueStorage, { type Storage } from "embedded:storage/key-value";
import { type JSONShape, parseJSON } from "../json/parse-json";
import { recordBytes } from "./record-bytes";

/** The longest key and path that NVS takes, in characters (ESP-IDF NVS_KEY_NAME_MAX_SIZE - 1). */
const keyLimit = 15;

/**
 * The longest record is an identity that fleet provisioning has brought: a certificate of up to 4 KB, and roots that came with the claim in a command of 6 KB. Flash
 * that wore out may hold anything.
 */
const recordShape: JSONShape = Object.freeze({
  bytes: 9216,
  depth: 6,
  values: 256,
  text: 6144,
  name: 64,
  // An order of an earlier firmware has an object there.
  maps: Object.freeze(["parameters"]) as string[],
});

/**
 * Small JSON records over ECMA-419 key-value storage, one key each. A record is written in one piece, so that a cut
 * leaves the old one or the new one, never a mixture. A record that cannot be read counts as absent: storage that wore
 * out must not keep the camera from starting.
 */
export class RecordStore {
  #storage: Storage;

  /** @param path the storage's name (an NVS namespace on the chip), at most 15 characters */
  constructor(path: string) {
    if (path.length > keyLimit) throw new RangeError(`storage path longer than ${keyLimit} characters: ${path}`);
    this.#storage = KeyValueStorage.open({ path, format: "buffer" });
  }

  /** @param names the members that are wanted, default all: of a long record the others take no memory */
  read<T extends object>(key: string, names?: readonly string[]): T | undefined {
    try {
      const value = this.#storage.read(key) as ArrayBuffer | undefined;
      const shape = names ? { ...recordShape, names, nested: names } : recordShape;
      return value?.byteLength ? (parseJSON(value, shape) as T) : undefined;
    } catch {
      return undefined;
    }
  }

  /** A record that is no JSON; undefined when it is absent or cannot be read. */
  readBytes(key: string): ArrayBuffer | undefined {
    try {
      return this.#storage.read(key) as ArrayBuffer | undefined;
    } catch {
      return undefined;
    }
  }

  /** Throws what the storage throws (full, worn out): the caller must not report as saved what is not. */
  write(key: string, record: object): void {
    this.writeBytes(key, recordBytes(record));
  }

  /** As write(). */
  writeBytes(key: string, bytes: ArrayBuffer | Uint8Array): void {
    if (key.length > keyLimit) throw new RangeError(`storage key longer than ${keyLimit} characters: ${key}`);
    this.#storage.write(key, bytes);
  }

  delete(key: string): void {
    try {
      this.#storage.delete(key);
    } catch {
      // Some ports throw for a key that is not there; absent is what was asked for.
    }
  }

  close(): void {
    this.#storage.close();
  }
}
