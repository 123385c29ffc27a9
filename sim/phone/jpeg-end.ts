/**
 * Has a JPEG no end? The camera calls what it stores so (`complete: false`); whoever only has the bytes, as the gallery, finds out by the
 * markers of ITU-T T.81 annex B. Independent of the driver's own scanner on purpose: each checks the other.
 */
export function isCut(jpeg: Uint8Array): boolean {
  let at = 2;
  for (;;) {
    const marker = nextMarker(jpeg, at);
    if (!marker) return true;
    const { code, behind } = marker;
    if (code === endOfImage) return false;
    const length = hasNoLength(code) ? 0 : (jpeg[behind] << 8) | jpeg[behind + 1];
    at = behind + length;
    if (code === startOfScan) at = endOfScan(jpeg, at);
    if (!(at < jpeg.length)) return true;
  }
}

const startOfScan = 0xda;
const endOfImage = 0xd9;

/** TEM, and the restart markers. */
const hasNoLength = (code: number) => code === 0x01 || (code >= 0xd0 && code <= 0xd7);

/** FF may be repeated before the code. */
function nextMarker(jpeg: Uint8Array, at: number): { code: number; behind: number } | undefined {
  if (jpeg[at] !== 0xff) return undefined;
  let behind = at + 1;
  while (jpeg[behind] === 0xff) behind++;
  return behind < jpeg.length ? { code: jpeg[behind], behind: behind + 1 } : undefined;
}

/** Where the next marker is that does not belong to the coded data. */
function endOfScan(jpeg: Uint8Array, from: number): number {
  for (let at = jpeg.indexOf(0xff, from); at >= 0; at = jpeg.indexOf(0xff, at + 1)) {
    const code = jpeg[at + 1];
    if (code !== 0x00 && code !== 0xff && !hasNoLength(code)) return at;
  }
  return jpeg.length;
}
