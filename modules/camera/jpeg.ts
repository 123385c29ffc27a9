const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;

/** Frame headers of ITU-T T.81 table B.1: C0 to CF without DHT (C4), JPG (C8) and DAC (CC). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/**
 * Reads a JPEG as it passes by, in pieces of any size: its dimensions from the frame header, and whether it ended with the end
 * marker. Segments are skipped by their length and of the picture's data only the last bytes are looked at, so a piece
 * costs next to nothing however long it is.
 */
export class JPEGScanner {
  /** Pixels; 0 until the frame header has passed. */
  width = 0;
  height = 0;
  /** False as soon as the bytes cannot be a JPEG's. */
  valid = true;
  /** Bytes up to and including the last end marker that was followed by zeros alone; 0 without one. */
  endOfImage = 0;
  #position = 0;
  #scanning = false;
  /** Where the next byte of interest is, and how many bytes of a marker or header have been gathered. */
  #next = 0;
  #gathered = 0;
  #header = new Uint8Array(9);
  #last = 0;

  /** Back to a first byte. */
  reset(): void {
    this.width = 0;
    this.height = 0;
    this.valid = true;
    this.endOfImage = 0;
    this.#position = 0;
    this.#scanning = false;
    this.#next = 0;
    this.#gathered = 0;
    this.#last = 0;
  }

  /** Bytes seen so far. */
  get position(): number {
    return this.#position;
  }

  write(bytes: Uint8Array, count = bytes.length): void {
    const begin = this.#position;
    if (!this.#scanning && this.valid) this.readHeaders(bytes, count);
    this.readEnd(bytes, count, begin);
    this.#position = begin + count;
  }

  private readHeaders(bytes: Uint8Array, count: number): void {
    const begin = this.#position;
    while (this.#next < begin + count && this.valid && !this.#scanning) {
      this.#header[this.#gathered++] = bytes[this.#next++ - begin];
      this.take();
    }
  }

  /** Looks at what has been gathered: two bytes of a marker, two of a length, five more of a frame header. */
  private take(): void {
    const header = this.#header;
    const count = this.#gathered;
    if (count === 1) this.valid = header[0] === 0xff;
    if (count < 2 || !this.valid) return;
    const marker = header[1];
    if (this.#next === 2) {
      this.valid = marker === startOfImage;
      this.#gathered = 0;
    } else if (marker === 0xff) {
      this.#gathered = 1; // fill bytes before a marker
    } else if (marker === startOfScan) {
      this.#scanning = true;
    } else if (count === 4) {
      this.takeLength(marker, (header[2] << 8) | header[3]);
    } else if (count === 9) {
      this.height = (header[5] << 8) | header[6];
      this.width = (header[7] << 8) | header[8];
      this.skip(((header[2] << 8) | header[3]) - 7);
    }
  }

  private takeLength(marker: number, length: number): void {
    this.valid = length >= (isStartOfFrame(marker) ? 8 : 2);
    if (this.valid && !isStartOfFrame(marker)) this.skip(length - 2);
  }

  private skip(count: number): void {
    this.#next += count;
    this.#gathered = 0;
  }

  /** The last two bytes that are not zeros: from the end backwards, so in a picture's middle only one byte is looked at. */
  private readEnd(bytes: Uint8Array, count: number, begin: number): void {
    let end = count;
    while (end > 0 && bytes[end - 1] === 0) end--;
    if (end === 0) {
      if (count > 0 && !this.endOfImage) this.#last = 0;
      return;
    }
    const before = end > 1 ? bytes[end - 2] : this.#last;
    const marked = before === 0xff && bytes[end - 1] === endOfImage;
    const inScan = this.#scanning && begin + end - 2 >= this.#next; // a table may look like the end
    this.endOfImage = marked && inScan ? begin + end : 0;
    this.#last = end === count ? bytes[end - 1] : 0;
  }
}

/** The dimensions of a JPEG of which at least the headers are in memory, or undefined. */
export function dimensionsOf(bytes: Uint8Array): { width: number; height: number } | undefined {
  const scanner = new JPEGScanner();
  scanner.write(bytes);
  return scanner.width ? { width: scanner.width, height: scanner.height } : undefined;
}
