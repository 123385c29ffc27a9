import { isStrongProof } from "../../../modules/provisioning/proof-strength";
import { equal, test } from "../harness";

/** So many characters of the alphabet, in turn. */
const take = (alphabet: string, length: number) => alphabet.repeat(length).slice(0, length);

test("80 bits are enough, as the alphabet has them: digits, hexadecimal digits, letters and digits", () => {
  for (const [alphabet, fewest] of [
    ["0123456789", 25],
    ["0123456789abcdef", 20],
    ["0123456789ABCDEF", 20],
    ["abcdefghjkmnpqrstvwxyz", 16],
  ] as const) {
    equal(isStrongProof(take(alphabet, fewest)), true, alphabet);
    equal(isStrongProof(take(alphabet, fewest - 1)), false, alphabet);
  }
});

test("dashes do not count", () => {
  equal(isStrongProof("abcd-efgh-jkmn-pqrs"), true);
  equal(isStrongProof("abcd-efgh-jkmn-pqr"), false);
});

test("eight different characters are the fewest that look random", () => {
  equal(isStrongProof(take("ghjkmnpq", 16)), true);
  equal(isStrongProof(take("ghjkmnp", 64)), false);
  equal(isStrongProof(""), false);
});
