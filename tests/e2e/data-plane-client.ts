/** Shadows over HTTPS, with requests signed by the AWS SDK's signer. */
import { request } from "node:https";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

export interface DataPlaneAccess {
  /** `https://localhost:PORT` */
  url: string;
  region: string;
  rootCA: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export interface Answer {
  status: number;
  error?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  body: any;
}

/** GetThingShadow, UpdateThingShadow or DeleteThingShadow, whatever comes back. */
export async function callShadow(
  access: DataPlaneAccess,
  method: "GET" | "POST" | "DELETE",
  thingName: string,
  body: string | Buffer = "",
): Promise<Answer> {
  const { url, region, rootCA: ca, credentials } = access;
  const { hostname, port } = new URL(url);
  const path = `/things/${thingName}/shadow`;
  const signer = new SignatureV4({ credentials, region, service: "iotdata", sha256: Sha256 });
  const headers = { host: `${hostname}:${port}` };
  const signed = await signer.sign({ method, protocol: "https:", hostname, path, headers, body });
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, path, method, ca, headers: signed.headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const error = response.headers["x-amzn-errortype"] as string | undefined;
        resolve({ status: response.statusCode ?? 0, error, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}
