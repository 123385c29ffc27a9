/**
 * A network's name (SSID) is up to 32 bytes, which need not be text. As a string it is its text where it is UTF-8, else each byte from 0x80
 * on is the lone surrogate U+DC00 + byte, as in the firmware (modules/network/wifi-name.ts): so it can be compared and sent back.
 */
const escapeBase = 0xdc00;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function wifiName(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return String.fromCharCode(...Array.from(bytes, (byte) => (byte < 0x80 ? byte : escapeBase + byte)));
  }
}

export function wifiNameBytes(name: string): Uint8Array {
  if (!isEscaped(name)) return encoder.encode(name);
  return Uint8Array.from(name, (letter) => letter.charCodeAt(0) & 0xff);
}

/**
 * For people: what is no text as `\xB2`, a zero byte and other control characters likewise, and a name without a letter in quotes.
 */
export function readableWiFiName(name: string): string {
  const escaped = isEscaped(name);
  const hidden = (code: number) => code < 0x20 || code === 0x7f || (escaped && code >= 0x80);
  const hex = (code: number) => `\\x${(code & 0xff).toString(16).toUpperCase().padStart(2, "0")}`;
  const readable = Array.from(name, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return hidden(code) ? hex(code) : letter;
  }).join("");
  return readable.trim() ? readable : `“${readable}”`;
}

function isEscaped(name: string): boolean {
  const isEscape = (code: number) => code >= escapeBase + 0x80 && code <= escapeBase + 0xff;
  const codes = Array.from({ length: name.length }, (_, i) => name.charCodeAt(i));
  return codes.some(isEscape) && codes.every((code) => code < 0x80 || isEscape(code));
}
