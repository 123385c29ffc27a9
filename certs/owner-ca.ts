import { readFile } from "node:fs/promises";
import { LocalCA } from "./local-ca.ts";

const thingNamePattern = /^[a-zA-Z0-9:_-]{1,64}$/;
const day = 86_400_000;
/** Longer than a camera's life: just-in-time provisioning happens at its first connection, whenever that is. */
const deviceLife = 20 * 365 * day;

/** An authority of the owner's that AWS IoT is told of: what it signs may connect, after a first connection that registers it. */
export class OwnerCA {
  readonly certPem: string;
  #authority: LocalCA;

  private constructor(authority: LocalCA) {
    this.#authority = authority;
    this.certPem = authority.certPem;
  }

  /** Made on first use, with its key (mode 0600) in the directory. */
  static async open(directory: string): Promise<OwnerCA> {
    const notAfter = new Date(Date.now() + 30 * 365 * day);
    return new OwnerCA(await LocalCA.open(directory, { name: "Devicelink Owner CA", notAfter }));
  }

  /** The verification certificate of RegisterCACertificate: its common name is the account's registration code. */
  async verification(registrationCode: string): Promise<string> {
    if (!/^[\w-]{1,64}$/.test(registrationCode)) throw new TypeError("that is no registration code");
    const notAfter = new Date(Date.now() + 7 * day);
    return (await this.#authority.issueClient({ commonName: registrationCode, notAfter })).certPem;
  }

  /** Key and certificate of a camera: the common name becomes the thing name by the template. */
  async device(thingName: string): Promise<{ keyPem: string; certPem: string }> {
    if (!thingNamePattern.test(thingName)) throw new TypeError("a thing name has 1 to 64 of a-z A-Z 0-9 : _ -");
    return this.#authority.issueClient({ commonName: thingName, notAfter: new Date(Date.now() + deviceLife) });
  }
}

/** The `registrationConfig` of RegisterCACertificate: the template of this folder, and the role that may register things. */
export async function registrationConfig(roleArn: string): Promise<{ templateBody: string; roleArn: string }> {
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/.test(roleArn)) throw new TypeError("that is no role's ARN");
  const template = await readFile(new URL("jitp-template.json", import.meta.url), "utf8");
  return { templateBody: JSON.stringify(JSON.parse(template)), roleArn };
}
