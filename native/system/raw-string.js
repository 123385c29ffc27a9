/** Strings of bytes for the Wi-Fi driver; see modules/typings/raw-string.d.ts. */
class RawString {
  static from(bytes) @ "xs_raw_string"
}

export default function rawString(bytes) {
  return RawString.from(bytes);
}
