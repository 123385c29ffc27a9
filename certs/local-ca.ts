/**
 * A certificate authority for one machine: it stands in for Amazon's roots (server certificates) and for AWS IoT (device
 * certificates made from a CSR) while simulating and testing. Never trust its root on anything but the simulator.
 */
import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  certificateId,
  certificateToPem,
  exportPrivateKey,
  generateKeyPair,
  type Issuer,
  importPrivateKey,
  issueCertificate,
  type KeyType,
  parseCertificate,
  verifyRequest,
} from "./certificates.ts";

export { BadRequestError, type KeyType } from "./certificates.ts";

export interface Validity {
  /** Default: yesterday. */
  notBefore?: Date;
  notAfter?: Date;
}

export interface AuthorityOptions extends Validity {
  /** Common name of the root. */
  name?: string;
  keyType?: KeyType;
}

export interface ServerOptions extends Validity {
  /** DNS names and IP addresses; the first one is the common name as well. */
  names: string[];
  keyType?: KeyType;
  /** Signed by an intermediate authority instead of by the root. */
  intermediate?: boolean;
}

export interface ClientOptions extends Validity {
  commonName: string;
  keyType?: KeyType;
}

/** PEM texts: the key (PKCS #8) and its certificate. */
export interface Identity {
  keyPem: string;
  certPem: string;
}

export interface ServerIdentity extends Identity {
  /** The leaf, then the intermediate if there is one; never the root. */
  chainPem: string;
}

const day = 86_400_000;
const years = (count: number) => new Date(Date.now() + count * 365 * day);

export class LocalCA {
  /** The root's certificate, PEM. */
  readonly certPem: string;
  readonly #root: Issuer;
  readonly #keyType: KeyType;
  #intermediate: Promise<Issuer> | undefined;

  private constructor(root: Issuer) {
    this.#root = root;
    this.#keyType = root.privateKey.algorithm.name === "ECDSA" ? "P-256" : "RSA";
    this.certPem = certificateToPem(root.certificate);
  }

  /** A new root, kept in memory only. */
  static async create(options: AuthorityOptions = {}): Promise<LocalCA> {
    const { privateKey, publicKey } = await generateKeyPair(options.keyType);
    const certificate = await issueCertificate({
      role: "authority",
      commonName: options.name ?? "Devicelink Local CA",
      publicKey,
      privateKey,
      notBefore: options.notBefore,
      notAfter: options.notAfter ?? years(10),
    });
    return new LocalCA({ certificate, privateKey });
  }

  /**
   * The root that is kept in a directory, made on first use: `local-ca.key` (key and certificate, mode 0600) and `local-ca.crt`
   * (the certificate alone, for those who are to trust it). Two processes that open the same directory get the same root.
   */
  static async open(directory: string, options: AuthorityOptions = {}): Promise<LocalCA> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, "local-ca.key");
    const authority = (await LocalCA.#load(path)) ?? (await LocalCA.#store(path, await LocalCA.create(options)));
    await writeFile(join(directory, "local-ca.crt"), authority.certPem);
    return authority;
  }

  static async #load(path: string): Promise<LocalCA | undefined> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    await chmod(path, 0o600);
    const certificate = parseCertificate(text);
    return new LocalCA({ certificate, privateKey: await importPrivateKey(text, certificate) });
  }

  /** link() is atomic and fails if another process was faster; then that one's root is the root. */
  static async #store(path: string, authority: LocalCA): Promise<LocalCA> {
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    const text = (await exportPrivateKey(authority.#root.privateKey)) + authority.certPem;
    await writeFile(temporary, text, { mode: 0o600 });
    try {
      await link(temporary, path);
      return authority;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return (await LocalCA.#load(path))!;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** The intermediate is made when it is first needed and lives as long as this object. */
  async #makeIntermediate(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair(this.#keyType);
    const certificate = await issueCertificate({
      role: "authority",
      commonName: "Devicelink Local Intermediate CA",
      publicKey,
      issuer: this.#root,
      pathLength: 0,
      notAfter: years(5),
    });
    return { certificate, privateKey };
  }

  async issueServer(options: ServerOptions): Promise<ServerIdentity> {
    if (options.intermediate) this.#intermediate ??= this.#makeIntermediate();
    const issuer = options.intermediate ? await this.#intermediate! : this.#root;
    const { privateKey, publicKey } = await generateKeyPair(options.keyType);
    const certificate = await issueCertificate({
      role: "server",
      commonName: options.names[0]!,
      names: options.names,
      publicKey,
      issuer,
      notBefore: options.notBefore,
      notAfter: options.notAfter,
    });
    const certPem = certificateToPem(certificate);
    const chainPem = options.intermediate ? certPem + certificateToPem(issuer.certificate) : certPem;
    return { keyPem: await exportPrivateKey(privateKey), certPem, chainPem };
  }

  async issueClient(options: ClientOptions): Promise<Identity> {
    const { privateKey, publicKey } = await generateKeyPair(options.keyType);
    const certificate = await issueCertificate({
      role: "client",
      commonName: options.commonName,
      publicKey,
      issuer: this.#root,
      notBefore: options.notBefore,
      notAfter: options.notAfter,
    });
    return { keyPem: await exportPrivateKey(privateKey), certPem: certificateToPem(certificate) };
  }

  /**
   * What AWS IoT's CreateCertificateFromCsr does: a client certificate for the request's key, with the request's common name or
   * the given one. `certificateId` is the SHA-256 of its DER, as in AWS IoT.
   *
   * @throws BadRequestError if the text is no request or its signature does not fit
   */
  async issueFromCsr(
    csrPem: string,
    options: { days?: number; commonName?: string } = {},
  ): Promise<{ certPem: string; certificateId: string }> {
    const request = await verifyRequest(csrPem);
    const certificate = await issueCertificate({
      role: "client",
      commonName: options.commonName ?? request.subjectName.getField("CN")[0] ?? "AWS IoT Certificate",
      publicKey: request.publicKey,
      issuer: this.#root,
      notAfter: new Date(Date.now() + (options.days ?? 825) * day),
    });
    return { certPem: certificateToPem(certificate), certificateId: certificateId(certificate) };
  }
}
