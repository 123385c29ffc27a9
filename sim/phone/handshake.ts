import { utf8 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import type { GattLink } from "./gatt.ts";
import { isLongProof, srpUsername } from "./label.ts";
import type { MessageSecurity } from "./message-security.ts";
import { SessionData, Status } from "./messages.ts";
import type { Decoded } from "./protobuf.ts";
import { Security1 } from "./security1.ts";
import { Security2 } from "./security2.ts";
import { type CameraVersion, readVersion } from "./version.ts";
import { checkNotCancelled } from "./waiting.ts";

const sessionEndpoint = "prov-session";

/**
 * The handshake of the best scheme that the camera offers: security 2, or security 1 of older firmware. A proof of the long kind is only on cameras
 * that speak security 2: whoever offers less for it is not the camera.
 * @throws PhoneError WrongProof, LockedOut, Busy, UnsupportedProtocol, Disconnected, Cancelled
 */
export async function shakeHands(
  link: GattLink,
  proofOfPossession: string,
  signal?: AbortSignal,
): Promise<MessageSecurity> {
  const { prov } = await readVersion(link);
  checkNotCancelled(signal);
  if (offersSecurity2(prov)) return await shakeHands2(link, proofOfPossession, signal);
  if (isLongProof(proofOfPossession))
    throw new PhoneError(
      "UnsupportedProtocol",
      "a camera with this kind of label offers security 2, this device does not",
    );
  return await shakeHands1(link, proofOfPossession, signal);
}

function offersSecurity2(prov: CameraVersion["prov"] | undefined): boolean {
  return prov?.sec_ver === 2;
}

async function shakeHands1(link: GattLink, proofOfPossession: string, signal?: AbortSignal): Promise<Security1> {
  const security = new Security1();
  const challenge = (await exchange(link, 1, { sc0: { client_pubkey: security.publicKey } })).sr0;
  await checkStatus(link, challenge?.status);
  checkNotCancelled(signal);
  const proof = prove1(security, challenge, proofOfPossession);
  const answer = (await exchange(link, 1, { msg: 2, sc1: { client_verify_data: proof } })).sr1;
  await checkStatus(link, answer?.status);
  if (!security.accepts(answer.device_verify_data)) throw notTheCamera();
  checkNotCancelled(signal);
  return security;
}

function prove1(security: Security1, challenge: Decoded, proofOfPossession: string): Uint8Array {
  const { device_pubkey: key, device_random: random } = challenge;
  if (key.length !== 32 || random.length !== 16) throw malformed();
  try {
    return security.prove(key, random, proofOfPossession);
  } catch {
    throw malformed();
  }
}

async function shakeHands2(link: GattLink, proofOfPossession: string, signal?: AbortSignal): Promise<Security2> {
  const security = new Security2();
  const { publicKey: client_pubkey } = security;
  const sc0 = { client_username: utf8(srpUsername), client_pubkey };
  const challenge = (await exchange(link, 2, { sc0 })).sr0;
  await checkStatus(link, challenge?.status);
  checkNotCancelled(signal);
  const client_proof = security.prove(challenge.device_pubkey, challenge.device_salt, proofOfPossession);
  if (!client_proof) throw malformed();
  const answer = (await exchange(link, 2, { msg: 2, sc1: { client_proof } })).sr1;
  await checkStatus(link, answer?.status);
  if (!security.accepts(answer.device_proof, answer.device_nonce)) throw notTheCamera();
  checkNotCancelled(signal);
  return security;
}

async function exchange(link: GattLink, scheme: 1 | 2, payload: object): Promise<Decoded> {
  const name = `sec${scheme}`;
  await link.write(sessionEndpoint, SessionData.encode({ sec_ver: scheme, [name]: payload }));
  const value = await link.read(sessionEndpoint);
  try {
    const answer = SessionData.decode(value);
    if (answer.sec_ver === scheme && answer[name]) return answer[name];
  } catch {
    // Not a message at all: the same as one of another security scheme.
  }
  throw new PhoneError("UnsupportedProtocol", `the device does not speak security ${scheme}`);
}

async function checkStatus(link: GattLink, status: number | undefined): Promise<void> {
  if (status === Status.success) return;
  if (status === Status.cryptoError) throw new PhoneError("WrongProof", "wrong proof of possession");
  if (status === Status.tooManySessions) throw new PhoneError("Busy", "another phone has a session with this camera");
  if (status === Status.invalidSession) {
    const { devicelink } = await readVersion(link);
    const error = new PhoneError("LockedOut", `too many wrong proofs; wait ${devicelink?.retryAfter ?? "?"} s`);
    error.retryAfter = devicelink ? devicelink.retryAfter * 1000 : undefined;
    throw error;
  }
  throw new PhoneError("UnsupportedProtocol", `the camera refused the session, status ${status}`);
}

const malformed = () => new PhoneError("UnsupportedProtocol", "the camera's challenge is malformed");
const notTheCamera = () =>
  new PhoneError("WrongProof", "the device does not know the proof of possession: it is not the camera");
