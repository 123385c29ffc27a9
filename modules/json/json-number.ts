/** How far a number is (RFC 8259, section 6). */
export const NumberState = Object.freeze({
  start: 0,
  minus: 1,
  zero: 2,
  integer: 3,
  point: 4,
  fraction: 5,
  exponent: 6,
  sign: 7,
  exponentDigits: 8,
  /** The byte does not belong to it any more. */
  end: 9,
});

const digit = 0;
const zero = 1;
const minus = 2;
const plus = 3;
const point = 4;
const letter = 5;

/** A row for each state, in their order: what follows a digit of 1 to 9, 0, -, +, the point and E. */
const transitions: readonly string[] = Object.freeze([
  "321999",
  "329999",
  "999946",
  "339946",
  "559999",
  "559996",
  "887799",
  "889999",
  "889999",
]) as string[];

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Whether a number may end there. */
export function endsNumber(state: number): boolean {
  const { zero, integer, fraction, exponentDigits } = NumberState;
  return state === zero || state === integer || state === fraction || state === exponentDigits;
}

export function nextNumberState(state: number, byte: number): number {
  const kind = kindOf(byte);
  return kind < 0 ? NumberState.end : transitions[state].charCodeAt(kind) - 0x30;
}

function kindOf(byte: number): number {
  if (isDigit(byte)) return byte === 0x30 ? zero : digit;
  if (byte === 0x2d) return minus;
  if (byte === 0x2b) return plus;
  if (byte === 0x2e) return point;
  return (byte | 0x20) === 0x65 ? letter : -1;
}
