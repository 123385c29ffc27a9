import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "./errors.ts";

/** One rule of a bucket's CORS configuration, with the names of PutBucketCors. */
export interface CorsRule {
  /** Each with one `*` at most. */
  AllowedOrigins: string[];
  AllowedMethods: ("GET" | "PUT" | "POST" | "DELETE" | "HEAD")[];
  /** Each with one `*` at most, in any case. */
  AllowedHeaders?: string[];
  ExposeHeaders?: string[];
  MaxAgeSeconds?: number;
}

const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";

/** Headers for the answer to a request from a page; none when no rule of the bucket fits. The request is served all the same. */
export function corsHeaders(
  rules: CorsRule[],
  method: string,
  { origin }: IncomingHttpHeaders,
): Record<string, string> {
  const rule = origin === undefined ? undefined : rules.find((one) => fits(one, origin, method, []));
  return rule ? describe(rule, origin!) : {};
}

/**
 * The answer to a preflight (S3 User Guide, "Using cross-origin resource sharing").
 *
 * @throws S3Error as S3 refuses it
 */
export function preflightHeaders(rules: CorsRule[] | undefined, headers: IncomingHttpHeaders): Record<string, string> {
  const { origin } = headers;
  const method = headers["access-control-request-method"];
  if (!origin || !method)
    throw new S3Error("BadRequest", {
      message: `Insufficient information. ${origin ? "Access-Control-Request-Method" : "Origin"} request header needed.`,
    });
  if (!rules?.length)
    throw new S3Error("AccessForbidden", { message: "CORSResponse: CORS is not enabled for this bucket." });
  const asked = headers["access-control-request-headers"] ?? "";
  const names = asked
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  const rule = rules.find((one) => fits(one, origin, method, names));
  if (!rule) throw new S3Error("AccessForbidden", { message: notAllowed });
  return {
    ...describe(rule, origin),
    ...(names.length ? { "Access-Control-Allow-Headers": names.join(", ") } : {}),
    ...(rule.MaxAgeSeconds === undefined ? {} : { "Access-Control-Max-Age": String(rule.MaxAgeSeconds) }),
  };
}

function describe(rule: CorsRule, origin: string): Record<string, string> {
  const anybody = rule.AllowedOrigins.includes("*");
  return {
    "Access-Control-Allow-Origin": anybody ? "*" : origin,
    ...(anybody ? {} : { "Access-Control-Allow-Credentials": "true" }),
    "Access-Control-Allow-Methods": rule.AllowedMethods.join(", "),
    ...(rule.ExposeHeaders?.length ? { "Access-Control-Expose-Headers": rule.ExposeHeaders.join(", ") } : {}),
    Vary: vary,
  };
}

function fits(rule: CorsRule, origin: string, method: string, names: string[]): boolean {
  const { AllowedOrigins, AllowedMethods, AllowedHeaders = [] } = rule;
  return (
    AllowedOrigins.some((pattern) => matches(pattern, origin)) &&
    (AllowedMethods as string[]).includes(method) &&
    names.every((name) => AllowedHeaders.some((pattern) => matches(pattern.toLowerCase(), name)))
  );
}

function matches(pattern: string, text: string): boolean {
  const [start, end] = pattern.split("*");
  if (end === undefined) return pattern === text;
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}
