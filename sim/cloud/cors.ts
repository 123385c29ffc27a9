import type { IncomingMessage, ServerResponse } from "node:http";

/** Seconds that a browser may remember a preflight's answer. */
const maximumAge = 172_800;
const methods = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS";
/** What pages may read besides the body; the SDK takes an error's name from there. */
const exposed = "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, x-amz-apigw-id, Date";

/**
 * Cross-origin resource sharing as AWS's APIs have it: any page may call them, because nothing but a signature gives it rights. (S3 asks each
 * bucket's own rules: s3/cors.ts.)
 *
 * @returns true for a preflight, which is answered herewith
 */
export function allowAnyOrigin(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.headers.origin === undefined) return false;
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Expose-Headers", exposed);
  if (request.method !== "OPTIONS") return false;
  response.setHeader("Access-Control-Allow-Methods", methods);
  response.setHeader("Access-Control-Allow-Headers", request.headers["access-control-request-headers"] ?? "*");
  response.setHeader("Access-Control-Max-Age", maximumAge);
  response.writeHead(200, { "content-length": 0 }).end();
  return true;
}

/**
 * Chromium asks before a page of a public address talks to this machine (Private Network Access); the answer is part of the preflight's,
 * whatever service gives that.
 */
export function allowPrivateNetwork(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers["access-control-request-private-network"] === "true")
    response.setHeader("Access-Control-Allow-Private-Network", "true");
}
