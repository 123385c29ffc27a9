const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
const pattern = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;

/** An HTTP date (RFC 9110, section 5.6.7) in the form that servers send, milliseconds since 1970; undefined for anything else. */
export function parseHTTPDate(text: string): number | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [day, hour, minute, second] = [match[1], match[4], match[5], match[6]].map(Number);
  const month = months.indexOf(match[2]) / 3;
  const time = Date.UTC(Number(match[3]), month, day, hour, minute, second);
  // A day that the month lacks, a letter off: it would be another date.
  const isSame = new Date(time).getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return Number.isInteger(month) && isSame ? time : undefined;
}

const lineFeed = 10;
const carriageReturn = 13;
/** The longest header line that is looked at; the rest of a longer one is skipped. */
const longestLine = 64;

/** Finds the Date in the head of an HTTP/1.1 answer, as its bytes arrive, in constant memory. */
export class DateHeader {
  /** Milliseconds since 1970, once it was found. */
  time?: number;
  /** The head is over, or it is none. */
  isOver = false;
  #line = "";
  #isFirst = true;

  write(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && !this.isOver; i += 1) {
      const byte = bytes[i];
      if (byte === lineFeed) this.endLine();
      else if (byte !== carriageReturn && this.#line.length < longestLine) this.#line += String.fromCharCode(byte);
    }
  }

  private endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (this.#isFirst) {
      this.#isFirst = false;
      this.isOver = !/^HTTP\/1\.[01] [2-5]\d\d( |$)/.test(line);
    } else if (!line) this.isOver = true;
    else if (/^date:/i.test(line)) {
      this.time = parseHTTPDate(line.slice(5).trim());
      this.isOver = true;
    }
  }
}
