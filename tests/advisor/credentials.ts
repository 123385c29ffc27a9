import { LocalCA, type ServerIdentity } from "../../certs/local-ca.ts";

/** What the endpoint shows as its certificate. */
export type CertificateKind = "ordinary" | "large" | "foreign" | "otherName" | "expired";

/** PEM texts for the client under test. */
export interface ClientIdentity {
  rootPem: string;
  certPem: string;
  keyPem: string;
}

export const host = "localhost";

/** Today's chain of AWS IoT is about 4800 bytes of DER (leaf, intermediate, two cross-signed roots); this is a fifth more. */
const largeChain = 5760;
const day = 86_400_000;

/** An authority that the client trusts, one that it does not, and what they sign. Made when first asked for. */
export class Credentials {
  readonly #trusted = LocalCA.create({ name: "Advisor Root", keyType: "RSA" });
  #made = new Map<CertificateKind, Promise<ServerIdentity>>();

  async rootPem(): Promise<string> {
    return (await this.#trusted).certPem;
  }

  async client(thingName: string): Promise<ClientIdentity> {
    const authority = await this.#trusted;
    return { rootPem: authority.certPem, ...(await authority.issueClient({ commonName: thingName })) };
  }

  server(kind: CertificateKind): Promise<ServerIdentity> {
    const identity = this.#made.get(kind) ?? this.#make(kind);
    this.#made.set(kind, identity);
    return identity;
  }

  async #make(kind: CertificateKind): Promise<ServerIdentity> {
    const authority = await this.#trusted;
    switch (kind) {
      case "ordinary":
        return authority.issueServer({ names: [host] });
      case "large":
        return this.#makeLarge(authority);
      case "foreign":
        return (await LocalCA.create({ name: "Somebody Else" })).issueServer({ names: [host] });
      case "otherName":
        return authority.issueServer({ names: ["advisor.example.com"] });
      case "expired":
        return authority.issueServer({
          names: [host],
          notBefore: new Date(Date.now() - 30 * day),
          notAfter: new Date(Date.now() - day),
        });
    }
  }

  async #makeLarge(authority: LocalCA): Promise<ServerIdentity> {
    const others: string[] = [];
    for (let length = 1500; length < largeChain; length += 40)
      others.push(`another-name-of-the-endpoint-${String(others.length).padStart(3, "0")}.example`);
    return authority.issueServer({ names: [host, ...others], keyType: "RSA", intermediate: true });
  }
}
