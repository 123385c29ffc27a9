/**
 * X.509 certificates as a certificate authority makes them (RFC 5280): keys, subjects and the extensions that TLS peers look at.
 * The policy (who gets which certificate, where keys are kept) is local-ca.ts.
 */
import "reflect-metadata";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const { subtle } = webcrypto;
// The library's typings speak of the browser's Crypto, which is this one.
x509.cryptoProvider.set(webcrypto as never);

export type CryptoKey = webcrypto.CryptoKey;
export type CryptoKeyPair = webcrypto.CryptoKeyPair;

export type KeyType = "P-256" | "P-384" | "RSA";
export type CertificateRole = "authority" | "server" | "client";

/** Someone who can sign: a certificate with its key. */
export interface Issuer {
  certificate: x509.X509Certificate;
  privateKey: CryptoKey;
}

export interface CertificateRequest {
  role: CertificateRole;
  commonName: string;
  publicKey: CryptoKey | x509.PublicKey;
  /** Without an issuer the certificate signs itself, with `privateKey`. */
  issuer?: Issuer;
  privateKey?: CryptoKey;
  /** DNS names and IP addresses (subjectAltName). */
  names?: string[];
  notBefore?: Date;
  notAfter?: Date;
  /** How many authorities may follow below this one (role "authority"). */
  pathLength?: number;
}

const day = 86_400_000;

function keyAlgorithm(type: KeyType): webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams {
  if (type === "RSA")
    return {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      publicExponent: new Uint8Array([1, 0, 1]),
      modulusLength: 2048,
    };
  return { name: "ECDSA", namedCurve: type };
}

function signingAlgorithm(key: CryptoKey): webcrypto.EcdsaParams | webcrypto.Algorithm {
  if (key.algorithm.name !== "ECDSA") return { name: key.algorithm.name };
  return {
    name: "ECDSA",
    hash: (key.algorithm as webcrypto.EcKeyAlgorithm).namedCurve === "P-384" ? "SHA-384" : "SHA-256",
  };
}

export function generateKeyPair(type: KeyType = "P-256"): Promise<CryptoKeyPair> {
  return subtle.generateKey(keyAlgorithm(type), true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** PKCS #8 PEM of a private key. */
export async function exportPrivateKey(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** The first certificate of a PEM text, which may hold other blocks too. */
export function parseCertificate(pem: string): x509.X509Certificate {
  const block = x509.PemConverter.decodeWithHeaders(pem).find(({ type }) => type === "CERTIFICATE");
  if (!block) throw new TypeError("no certificate in this PEM text");
  return new x509.X509Certificate(block.rawData);
}

/** Reads back what `exportPrivateKey` wrote; the key's type is taken from the certificate it belongs to. */
export function importPrivateKey(pem: string, certificate: x509.X509Certificate): Promise<CryptoKey> {
  const algorithm = {
    ...certificate.publicKey.algorithm,
    hash: "SHA-256",
  } as webcrypto.Algorithm as webcrypto.EcKeyImportParams;
  return subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, true, ["sign"]);
}

export function certificateToPem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** AWS IoT's certificate id: SHA-256 of the certificate's DER, in hex. */
export function certificateId(certificate: x509.X509Certificate): string {
  return createHash("sha256").update(Buffer.from(certificate.rawData)).digest("hex");
}

function usage(role: CertificateRole, request: CertificateRequest): x509.Extension[] {
  const { KeyUsageFlags: flags } = x509;
  if (role === "authority")
    return [
      new x509.BasicConstraintsExtension(true, request.pathLength, true),
      new x509.KeyUsagesExtension(flags.keyCertSign | flags.cRLSign | flags.digitalSignature, true),
    ];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(
      (request.publicKey.algorithm.name === "ECDSA" ? 0 : flags.keyEncipherment) | flags.digitalSignature,
      true,
    ),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[role === "server" ? "serverAuth" : "clientAuth"]]),
  ];
}

function subjectAltName(names: string[]): x509.Extension[] {
  if (names.length === 0) return [];
  const entries = names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  return [new x509.SubjectAlternativeNameExtension(entries)];
}

/** 16 bytes, positive and without a leading zero byte (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** Signs what is asked for, without judging it: tests also need certificates that nobody should trust. */
export async function issueCertificate(request: CertificateRequest): Promise<x509.X509Certificate> {
  const { issuer, publicKey, role } = request;
  const signingKey = issuer?.privateKey ?? request.privateKey;
  if (!signingKey) throw new TypeError("a self-signed certificate needs its private key");
  const subject = [{ CN: [request.commonName] }];
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: issuer?.certificate.subjectName ?? subject,
    publicKey,
    signingKey,
    signingAlgorithm: signingAlgorithm(signingKey),
    notBefore: request.notBefore ?? new Date(Date.now() - day),
    notAfter: request.notAfter ?? new Date(Date.now() + 825 * day),
    extensions: [
      ...usage(role, request),
      ...subjectAltName(request.names ?? []),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer?.certificate.publicKey ?? publicKey),
    ],
  });
}

export class BadRequestError extends Error {
  override name = "BadRequestError";
}

/** Parses a PKCS #10 request and proves that its sender holds the key. */
export async function verifyRequest(pem: string): Promise<x509.Pkcs10CertificateRequest> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch {
    throw new BadRequestError("not a PEM certificate signing request");
  }
  if (!(await request.verify().catch(() => false)))
    throw new BadRequestError("the request's signature does not fit its key");
  return request;
}
