/** MQTT over WebSocket with URLs that the AWS SDK's own signer has signed. */
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import type { AccessKey } from "../../sim/cloud/credentials.ts";

export interface SigningOptions {
  service?: string;
  region?: string;
  path?: string;
  /** Seconds. */
  expiresIn?: number;
  signingDate?: Date;
  /** AWS's clients put the session token there when everything else is signed; the SDK's signer would sign it. */
  token?: "appended" | "signed" | "none" | { instead: string };
  /** The Host that is signed, where it is not the one that is sent. */
  host?: string;
}

type Credentials = Pick<AccessKey, "accessKeyId" | "secretAccessKey" | "sessionToken">;

/** Path and query of the WebSocket's URL. */
export async function presign(host: string, credentials: Credentials, options: SigningOptions = {}): Promise<string> {
  const { service = "iotdevicegateway", region = "us-east-1", path = "/mqtt", token = "appended" } = options;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(token === "signed" ? { sessionToken } : {}) },
    region,
    service,
    sha256: Sha256,
  });
  const request = { method: "GET", protocol: "wss:", hostname: host, path, headers: { host: options.host ?? host } };
  const { expiresIn = 60, signingDate = new Date() } = options;
  const { query } = await signer.presign(request, { expiresIn, signingDate });
  const parameters = new URLSearchParams(query as Record<string, string>);
  if (token === "appended" && sessionToken) parameters.append("X-Amz-Security-Token", sessionToken);
  if (typeof token === "object") parameters.append("X-Amz-Security-Token", token.instead);
  return `${path}?${parameters}`;
}

/** Where a WebSocket goes: `127.0.0.1` under a name, as a browser does it by itself. */
export interface Door {
  /** `ws://127.0.0.1:PORT` or `wss://localhost:PORT` */
  origin: string;
  /** The Host header. */
  host: string;
  /** PEM, for wss. */
  ca?: string;
}

/** npm mqtt over a signed WebSocket. */
export async function connectSigned(
  door: Door,
  credentials: Credentials,
  options: IClientOptions & { signing?: SigningOptions } = {},
): Promise<MqttClient> {
  const { signing, ...rest } = options;
  const target = await presign(door.host, credentials, signing);
  const wsOptions = { headers: { host: door.host }, ca: door.ca };
  const mqtt = await connectAsync(`${door.origin}${target}`, { wsOptions, reconnectPeriod: 0, ...rest }, false);
  mqtt.on("error", () => {});
  return mqtt;
}
