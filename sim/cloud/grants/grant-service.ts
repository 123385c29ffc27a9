import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Binding, BindingTable } from "../bindings/binding.ts";
import { shortText } from "../bindings/short-text.ts";
import { type GrantEvent, GrantRefusal, type GrantRequest, isAnswerable, parseRequest } from "./request.ts";

export interface GrantServices {
  /** Whose camera it is. */
  table: Pick<BindingTable, "get">;
  /** Signs the URLs: they can do what its credentials can do, and live no longer than those. */
  s3: S3Client;
  bucket: string;
  /** QoS 1. Rejects when the broker does not take it. */
  publish(topic: string, payload: string): Promise<void>;
  /** How long a URL lives, in seconds: 1 to 3600. Default 900. */
  expiresIn?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** For the log; has nothing in it that must stay secret, and of what was asked only what is a short text. */
export interface GrantOutcome {
  thing?: string;
  imageId?: string;
  status: "granted" | "refused";
  /** Of the refusal. */
  code?: string;
  user?: string;
}

export type GrantHandler = (event: GrantEvent) => Promise<GrantOutcome>;

/** What the camera takes at most, bytes (modules/cloud/settings, maximumMessage). */
const messageLimit = 4096;
/** Seconds. A URL is used at once; an hour is for cameras whose upload has to wait for its network. */
const longestExpiry = 3600;
const usualExpiry = 900;

/**
 * The function behind the rule. A refusal is an answer as well; whatever else goes wrong (table, signer, broker) rejects, so that
 * Lambda runs it again, and the camera asks again.
 */
export function createHandler(services: GrantServices): GrantHandler {
  return async (event) => {
    try {
      const request = parseRequest(event);
      const { user } = await bindingOf(services.table, request.thing);
      await answer(services, request, await grant(services, request, user));
      return { thing: request.thing, imageId: request.imageId, status: "granted", user };
    } catch (error) {
      if (!(error instanceof GrantRefusal)) throw error;
      const { code, message } = error;
      if (isAnswerable(event)) await answer(services, event as GrantRequest, { error: { code, message } });
      return { thing: shortText(event.thing), imageId: shortText(event.imageId), status: "refused", code };
    }
  };
}

async function bindingOf(table: GrantServices["table"], thing: string): Promise<Binding> {
  const binding = await table.get(thing);
  if (!binding?.user || binding.releasing) throw new GrantRefusal("NotBound", `${thing} is bound to no user`);
  return binding;
}

/**
 * A URL for what was checked and nothing else: this many bytes of this type, at a place where nothing is. All of it is in the signature, so that a URL
 * that gets into other hands is of no use for anything larger, and replaces no picture.
 */
async function grant(
  services: GrantServices,
  { thing, imageId, contentType, byteLength }: GrantRequest,
  user: string,
): Promise<object> {
  const { s3, bucket, now = Date.now } = services;
  const expiresIn = Math.min(Math.max(Math.floor(services.expiresIn ?? usualExpiry), 1), longestExpiry);
  const expires = now() + expiresIn * 1000;
  // Below the owner's own prefix, which the owner's credentials can read and nobody else's.
  const Key = `users/${user}/${thing}/${imageId}.jpg`;
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key,
    ContentType: contentType,
    ContentLength: byteLength,
    IfNoneMatch: "*",
  });
  // The presigner leaves these out of the signature unless told otherwise.
  const signableHeaders = new Set(["content-length", "content-type", "if-none-match"]);
  const url = await getSignedUrl(s3, command, { expiresIn, signableHeaders });
  const headers = { "Content-Type": contentType, "Content-Length": String(byteLength), "If-None-Match": "*" };
  return { url, headers, expires };
}

async function answer(
  { publish }: GrantServices,
  { thing, imageId, requestId }: GrantRequest,
  fields: object,
): Promise<void> {
  const payload = JSON.stringify({ imageId, requestId, ...fields });
  if (Buffer.byteLength(payload) > messageLimit)
    throw new GrantRefusal("GrantTooLarge", `the grant has more than ${messageLimit} bytes`);
  await publish(`device/${thing}/uploads/grant`, payload);
}
