/**
 * Certificates, keys and roots that somebody handed in, judged by the parsers and limits that will use them. What is given back is for the storage:
 * the same, or mended where there is no doubt what was meant (line ends, indentation, `\n` that was escaped once too often, a byte order mark,
 * text around the blocks).
 *
 * All of them throw an Error whose message ends with one of these names:
 * - NoPEM; NoArmour: base64 without the lines of dashes; NoEnd: it was cut; BadBase64
 * - IsCertificate, IsRequest, IsPublicKey, IsPrivateKey, IsOther: a PEM of another kind; Encrypted; SeveralKeys
 * - Unreadable: what is in it is none, or is damaged
 * - Curve: none of P-256, P-384, P-521; ShortKey: RSA below 2048 bits
 * - OtherKey: the certificate is for another key; NotFirst: another one of the chain is for it; BrokenChain: one is not issued by the next one
 * - WeakSignature: not with SHA-256, SHA-384 or SHA-512
 * - Expired, NotYetValid: at that time (a day of patience for a clock that is late)
 * - NoAuthority: a root that can vouch for nobody
 * - OutOfMemory
 */

/** A private key, PEM, not encrypted. */
export function readKey(text: string): string;

/**
 * The certificate for a key, and those that issued it, in this order; PEM.
 * @param key as readKey gives it; @param time milliseconds since 1970, 0 if it is not known
 */
export function readCertificates(text: string, key: string, time: number): string;

/** The authorities to trust, PEM: each can be parsed, and one at least is of use. @param time milliseconds since 1970, 0 if it is not known */
export function readRoots(text: string, time: number): string;
