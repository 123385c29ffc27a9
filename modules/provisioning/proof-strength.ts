/**
 * Security 1 lets who has once pretended to be the camera try proofs of possession on a computer of his own, as many as he likes. So it is
 * spoken only with a proof that has at least this many bits.
 */
const enough = 80;
/** A random proof that is long enough has more different characters than this. */
const fewestCharacters = 8;

/** Whether a proof of possession, if it is random, is too long to be guessed away from the camera. */
export function isStrongProof(proof: string): boolean {
  const characters = proof.replaceAll("-", "");
  let different = "";
  for (const character of characters) if (!different.includes(character)) different += character;
  return different.length >= fewestCharacters && characters.length * bitsPerCharacter(characters) >= enough;
}

/** As from the smallest usual alphabet: digits, hexadecimal digits, 32 letters and digits. */
function bitsPerCharacter(characters: string): number {
  if (/^[0-9]*$/.test(characters)) return 3.3;
  return /^[0-9a-f]*$/i.test(characters) ? 4 : 5;
}
