import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { TemporaryCredentials } from "./aws-clients.ts";

/** Seconds in which the URL has to be used; the connection that it opens lives on. */
const expiresIn = 300;

interface Options {
  /** Such as wss://a1b2c3-ats.iot.eu-west-1.amazonaws.com/mqtt */
  endpoint: string;
  region: string;
  credentials: TemporaryCredentials;
  /** By the cloud's clock. */
  now: Date;
}

/**
 * The address for MQTT over WebSocket with SigV4 (IoT guide, "Device communication protocols"). It is a credential. The session token comes after
 * signing, as IoT Core wants it, other than every other service.
 */
export async function signMqttURL({ endpoint, region, credentials, now }: Options): Promise<string> {
  const { protocol, host, hostname, port, pathname } = new URL(endpoint);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service: "iotdevicegateway",
    region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
  });
  const request = {
    method: "GET",
    protocol,
    hostname,
    port: port ? Number(port) : undefined,
    path: pathname,
    headers: { host },
    query: {},
  };
  const { query = {} } = await signer.presign(request, { expiresIn, signingDate: now });
  const parameters = [...Object.entries(query), ["X-Amz-Security-Token", sessionToken]];
  const encoded = parameters.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return `${protocol}//${host}${pathname}?${encoded.join("&")}`;
}
