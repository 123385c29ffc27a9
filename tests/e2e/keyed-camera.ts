import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { CameraProof } from "../../sim/phone/camera-bindings.ts";
import { makeRequest } from "./iot-rig.ts";

/** What a person asks the camera to sign, and the cloud to believe. */
export interface Signed {
  identity: string;
  nonce: string;
  thingName?: string;
  csr?: string;
}

/** A camera's key and its name, for tests of the cloud: what ProveOwnership answers, made by Node. */
export class KeyedCamera {
  readonly thingName: string;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor(key = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey, thingName?: string) {
    this.#key = key;
    const der = createPublicKey(key as never).export({ type: "spki", format: "der" });
    this.publicKey = der.toString("base64");
    this.thingName = thingName ?? nameOf(der);
  }

  /** One that signs with the key (PEM) of its certificate. */
  static of(key: string, thingName: string): KeyedCamera {
    return new KeyedCamera(createPrivateKey(key), thingName);
  }

  sign({ identity, nonce, thingName = this.thingName, csr }: Signed): CameraProof & { csr?: string } {
    const body = csr?.replace(/-----[^-]+-----/g, "");
    const digest = body === undefined ? "-" : createHash("sha256").update(Buffer.from(body, "base64")).digest("hex");
    const text = `devicelink-claim-v1\n${identity}\n${thingName}\n${nonce}\n${digest}`;
    const signature = sign("sha256", Buffer.from(text), this.#key).toString("base64");
    return { publicKey: this.publicKey, signature, ...(csr === undefined ? {} : { csr }) };
  }

  /** Parameters of RegisterThing, for the certificate that was just made. */
  signForCertificate(certificateId: string): { PublicKey: string; Signature: string; SerialNumber: string } {
    const text = `devicelink-provision-v1\n${this.thingName}\n${certificateId}`;
    const Signature = sign("sha256", Buffer.from(text), this.#key).toString("base64");
    return { PublicKey: this.publicKey, Signature, SerialNumber: this.thingName.replace("camera-", "") };
  }

  /** For PhoneCloud.claim. */
  prove = async (challenge: { identity: string; nonce: string }) => this.sign(challenge);

  /** The same, with a request for a certificate. */
  proveWithRequest = async (challenge: { identity: string; nonce: string }) =>
    this.sign({ ...challenge, csr: await this.request() });

  async request(): Promise<string> {
    return (await makeRequest(this.thingName)).csr;
  }
}

/** RFC 4648 in lower case, by long division rather than by bits: another way than the firmware's. */
function nameOf(publicKey: Buffer): string {
  let number = BigInt(`0x${createHash("sha256").update(publicKey).digest("hex").slice(0, 30)}`);
  let letters = "";
  for (let i = 0; i < 24; i += 1) {
    letters = "abcdefghijklmnopqrstuvwxyz234567"[Number(number % 32n)] + letters;
    number /= 32n;
  }
  return `camera-${letters}`;
}
