import type { CloudSettings } from "./cloud-settings.ts";

/**
 * The headers of every answer of the page's server. The content security policy (https://www.w3.org/TR/CSP3/) lets the page run its own
 * scripts only, and talk to its server and to its cloud only.
 * @param hosts names and ports under which the page may be opened
 */
export function securityHeaders(settings: CloudSettings, hosts: readonly string[]): Record<string, string> {
  const cloud = cloudOrigins(settings).join(" ");
  const sockets = hosts.map((host) => `ws://${host}`).join(" ");
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    `connect-src 'self' ${sockets} ${cloud}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    // Bluetooth for the camera, the phone's own camera for the QR code.
    "permissions-policy": "bluetooth=(self), camera=(self), geolocation=(), microphone=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

/** Where the page finds Cognito, IoT and S3: the stand-ins, or the region's endpoints of AWS. */
function cloudOrigins({ region, bucket, endpoints }: CloudSettings): string[] {
  if (endpoints) {
    const { cognitoIdp, cognitoIdentity, iot, iotData, s3, mqtt } = endpoints;
    return [...new Set([cognitoIdp, cognitoIdentity, iot, iotData, s3, mqtt].map(originOf))];
  }
  const domain = `${region}.${region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"}`;
  return [
    `https://cognito-idp.${domain}`,
    `https://cognito-identity.${domain}`,
    `https://iot.${domain}`,
    // The account's own name in front is known to AWS only (DescribeEndpoint).
    `https://*.iot.${domain}`,
    `wss://*.iot.${domain}`,
    `https://s3.${domain}`,
    `https://${bucket}.s3.${domain}`,
  ];
}

/** Without path, and also for `ws:`, whose URLs have no origin of their own in every engine. */
function originOf(address: string): string {
  const { protocol, host } = new URL(address);
  return `${protocol}//${host}`;
}
