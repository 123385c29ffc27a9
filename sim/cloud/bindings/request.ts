import type { Proof } from "./proof.ts";

/**
 * What the rule hands to the function: the person's message, and the identity from the topic. The broker let the message through because the
 * identity's policies allow this topic to this identity only, so `identity` can be believed; nothing else can.
 */
export interface BindingEvent {
  identity?: unknown;
  requestId?: unknown;
  action?: unknown;
  thingName?: unknown;
  name?: unknown;
  certificateArn?: unknown;
  nonce?: unknown;
  publicKey?: unknown;
  signature?: unknown;
  csr?: unknown;
}

/** The camera's word that the person holds it: it has signed the nonce (proof.ts). */
export interface ClaimProof extends Proof {
  nonce: string;
}

/** The message of a person, and who that is. */
export type BindingRequest = { user: string; requestId: string } & (
  | { action: "challenge" }
  | { action: "claim"; thingName: string; name?: string; proof?: ClaimProof; csr?: string }
  | { action: "attach"; thingName: string; certificateArn: string }
  | { action: "release"; thingName: string }
  | { action: "list" }
);

/**
 * - BadRequest: the message is not one of the five, or names something that cannot be
 * - NotYours: the camera belongs to somebody else
 * - NoSuchCamera: the camera belongs to nobody, so there is nothing to attach a certificate to
 * - TooManyCameras: a person has fifty, or AWS IoT attaches no further policy to the identity (owner-pages.ts)
 * - NotProven: the camera has not signed that this person holds it, or not this claim
 * - StaleNonce: the nonce that it has signed is not the last one of this person's, too old, or was used for another claim
 */
export type BindingErrorCode =
  | "BadRequest"
  | "NotYours"
  | "NoSuchCamera"
  | "TooManyCameras"
  | "NotProven"
  | "StaleNonce";

/** Why it was not done. The person is told `code` and `message`. */
export class BindingRefusal extends Error {
  readonly code: BindingErrorCode;

  constructor(code: BindingErrorCode, message: string) {
    super(message);
    this.name = "BindingRefusal";
    this.code = code;
  }
}

/** Cognito's IdentityId. */
const identity = /^[a-z]{2}(?:-[a-z]+)+-\d:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const token = /^[a-zA-Z0-9+/=_-]{1,64}$/;
/** Cameras only, not whatever else the account has; with longer names fifty would not fit the policies of an owner (owner-pages.ts). */
const camera = /^camera-[a-zA-Z0-9_-]{1,24}$/;
const certificate = /^arn:[a-z-]+:iot:[a-z0-9-]+:\d{12}:cert\/[0-9a-f]{64}$/;
/** What people call a camera; no control characters. */
const displayName = /^[^\p{Cc}]{1,64}$/u;

const nonceText = /^[\w-]{16,64}$/;
/** P-256, or RSA of 4096 bits of a camera that was made elsewhere, with room to spare. */
const base64 = /^[a-zA-Z0-9+/]{16,1024}={0,2}$/;
const requestText = /^-----BEGIN CERTIFICATE REQUEST-----[a-zA-Z0-9+/=\s]{1,4000}-----END CERTIFICATE REQUEST-----\s*$/;

/** Both fields that the answer is found by are well formed. */
export function isAnswerable({ identity: user, requestId }: BindingEvent): boolean {
  return fits(user, identity) && fits(requestId, token);
}

/** @throws BindingRefusal BadRequest */
export function parseRequest(event: BindingEvent): BindingRequest {
  const { action, requestId, thingName, certificateArn } = event;
  const user = check(event.identity, identity, "the topic has no identity");
  const common = { user, requestId: check(requestId, token, "requestId has 1 to 64 characters of base64") };
  if (action === "list" || action === "challenge") return { ...common, action };
  if (action !== "claim" && action !== "attach" && action !== "release")
    throw new BindingRefusal("BadRequest", "action is challenge, claim, attach, release or list");
  const message = "thingName is camera- and 1 to 24 letters, digits, _ and -";
  const ofCamera = { ...common, thingName: check(thingName, camera, message) };
  if (action === "release") return { ...ofCamera, action };
  if (action === "claim") return { ...ofCamera, action, ...claimFields(event) };
  const arn = check(certificateArn, certificate, "certificateArn is that of a certificate");
  return { ...ofCamera, action, certificateArn: arn };
}

function claimFields({ name, nonce, publicKey, signature, csr }: BindingEvent) {
  const isProven = nonce !== undefined || publicKey !== undefined || signature !== undefined;
  return {
    ...(name === undefined ? {} : { name: check(name, displayName, "name has 1 to 64 characters") }),
    ...(csr === undefined ? {} : { csr: check(csr, requestText, "csr is a certificate request, PEM") }),
    ...(isProven ? { proof: proofFields(nonce, publicKey, signature) } : {}),
  };
}

function proofFields(nonce: unknown, publicKey: unknown, signature: unknown): ClaimProof {
  return {
    nonce: check(nonce, nonceText, "nonce is one that was given out"),
    publicKey: check(publicKey, base64, "publicKey is base64"),
    signature: check(signature, base64, "signature is base64"),
  };
}

function check(value: unknown, pattern: RegExp, otherwise: string): string {
  if (!fits(value, pattern)) throw new BindingRefusal("BadRequest", otherwise);
  return value;
}

function fits(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
