import Base64 from "base64";
import { Digest, KeyPair } from "../../native/tls/crypto";
import type { TextPairs } from "../json/text-pairs";
import type { IdentityStore } from "../storage/identity-store";
import type { RecordStore } from "../storage/record-store";
import { CommandError } from "./command-error";
import { type Message, optionalString, stringField } from "./commands";
import { createRequest } from "./keys";

/** The camera's own key, and the thing name that is made of it. */
interface OwnKey {
  thingName: string;
  /** P-256, PEM. A secret: it signs here and goes nowhere. */
  key: string;
}

export interface OwnershipHost {
  readonly records: RecordStore;
  readonly identities: IdentityStore;
}

const record = "ownKey";
/** RFC 4648, in lower case. */
const base32 = "abcdefghijklmnopqrstuvwxyz234567";
const nameBytes = 15;
const hexDigits = "0123456789abcdef";
/** Cognito's identity id has 50 characters or so, a nonce 32: none has a line break, which separates what is signed. */
const fieldLimit = 64;
const commonNameLimit = 64;

/**
 * The thing name that the camera proposes: `camera-` and the first 120 bits of SHA-256 over its public key (SubjectPublicKeyInfo), in
 * base32. So whoever can sign with that key is the thing. The key is made when the name is asked for the first time, and stays until the
 * whole storage is erased.
 */
export function ownThingName({ records }: OwnershipHost): string {
  return ownKey(records).thingName;
}

/**
 * The camera signs that this person holds it, and for which nonce of the cloud: with its own key, or as a thing that has another name (made at the factory, or
 * before cameras had a key of their own) with the key of its certificate. The request for a certificate, if one is wanted, is signed over.
 *
 * @throws CommandError BadField, NoKey (thingName is neither the camera's own name nor that of its identity), StorageFailed
 */
export function proveOwnership(host: OwnershipHost, message: Message): object {
  const identity = wordField(message, "identity");
  const nonce = wordField(message, "nonce");
  const isWanted = message.csr ?? false;
  if (typeof isWanted !== "boolean") throw new CommandError("BadField", "csr is true or false");
  const thingName = optionalString(message, "thingName", 128) ?? ownThingName(host);
  const pair = new KeyPair(keyOf(host, thingName));
  try {
    const csr = isWanted ? requestFor(host, thingName) : undefined;
    const statement = claimStatement(identity, thingName, nonce, csr);
    const signature = encode(pair.sign(ArrayBuffer.fromString(statement)));
    return { thingName, publicKey: encode(pair.publicKey), signature, csr };
  } finally {
    pair.close();
  }
}

/**
 * The camera signs for the certificate that it has just been given, so that the cloud makes it that of the thing: parameters for the template. None for a thing
 * that has another name.
 */
export function provisioningProof(
  host: OwnershipHost,
  serialNumber: string | undefined,
  certificateId: string | null,
): TextPairs {
  const { thingName, key } = ownKey(host.records);
  if (thingName !== `camera-${serialNumber}`) return [];
  const pair = new KeyPair(key);
  try {
    const text = `devicelink-provision-v1\n${thingName}\n${certificateId}`;
    return [
      ["PublicKey", encode(pair.publicKey)],
      ["Signature", encode(pair.sign(ArrayBuffer.fromString(text)))],
    ];
  } finally {
    pair.close();
  }
}

/** What is signed: one line for each, the first of which belongs to nothing else; the last is the digest of the request (DER), or `-`. */
export function claimStatement(identity: string, thingName: string, nonce: string, csr?: string): string {
  return `devicelink-claim-v1\n${identity}\n${thingName}\n${nonce}\n${csr === undefined ? "-" : digestOf(csr)}`;
}

function ownKey(records: RecordStore): OwnKey {
  const known = records.read<OwnKey>(record);
  if (known?.thingName && known.key) return known;
  const pair = new KeyPair();
  try {
    const made = { thingName: thingNameOf(pair.publicKey), key: pair.exportPEM() };
    records.write(record, made);
    return made;
  } catch {
    throw new CommandError("StorageFailed", "the camera's key cannot be kept");
  } finally {
    pair.close();
  }
}

function thingNameOf(publicKey: ArrayBuffer): string {
  const digest = sha256(publicKey);
  let name = "camera-";
  let bits = 0;
  let count = 0;
  for (let i = 0; i < nameBytes; i++) {
    bits = (bits << 8) | digest[i];
    for (count += 8; count >= 5; count -= 5) name += base32[(bits >> (count - 5)) & 31];
    bits &= 31;
  }
  return name;
}

function keyOf({ records, identities }: OwnershipHost, thingName: string): string {
  const own = ownKey(records);
  if (thingName === own.thingName) return own.key;
  const identity = identities.summary?.thingName === thingName ? identities.current : undefined;
  if (!identity)
    throw new CommandError("NoKey", "thingName is neither this camera's own name nor that of its identity");
  return identity.key;
}

function requestFor({ identities }: OwnershipHost, thingName: string): string {
  const { key, csr } = createRequest(thingName.slice(0, commonNameLimit));
  identities.keepPendingKey(thingName, key);
  return csr;
}

function wordField(message: Message, name: string): string {
  const value = stringField(message, name, fieldLimit);
  if (!/^[\w:-]+$/.test(value)) throw new CommandError("BadField", `${name} has letters, digits, _, : and - only`);
  return value;
}

/** SHA-256 of what is in a PEM text, in hex. */
function digestOf(pem: string): string {
  const body = pem.slice(pem.indexOf("\n"), pem.lastIndexOf("-----END")).replace(/\s/g, "");
  let digits = "";
  for (const byte of sha256(Base64.decode(body))) digits += hexDigits[byte >> 4] + hexDigits[byte & 15];
  return digits;
}

function sha256(bytes: ArrayBuffer): Uint8Array {
  const digest = new Digest("SHA-256");
  digest.write(bytes);
  return new Uint8Array(digest.close());
}

function encode(bytes: ArrayBuffer): string {
  return Base64.encode(bytes);
}
