/** ECMA-419 key-value storage (NVS on the chip: paths and keys of at most 15 characters). */
declare module "embedded:storage/key-value" {
  export type StorageFormat =
    | "buffer"
    | "string"
    | "uint8"
    | "int8"
    | "uint16"
    | "int16"
    | "uint32"
    | "int32"
    | "uint64"
    | "int64";

  export interface StorageOpenOptions {
    path: string;
    format?: StorageFormat;
    mode?: "r" | "r+";
  }

  export class Storage {
    format: StorageFormat;
    close(): void;
    delete(key: string): void;
    /** The value in the current format, or undefined when there is none. */
    read(key: string): ArrayBuffer | string | number | bigint | undefined;
    write(key: string, value: ArrayBuffer | Uint8Array | string | number | bigint): void;
  }

  const KeyValueStorage: { open(options: StorageOpenOptions): Storage };
  export default KeyValueStorage;
}
