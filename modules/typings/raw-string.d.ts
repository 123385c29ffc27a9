declare module "raw-string" {
  /**
   * A string of XS with exactly these bytes, whether they are UTF-8 or not. Only for natives that copy a string's bytes: its
   * characters must not be looked at. It ends at the first zero byte.
   */
  export default function rawString(bytes: Uint8Array): string;
}
