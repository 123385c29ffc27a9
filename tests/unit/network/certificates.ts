/** An authority and a server's certificate (RFC 5280), made when a test runs. */
import { KeyPair } from "../../../native/tls/crypto";
import { join, uint } from "./bytes";

const sequence = 0x30;
const ecdsaWithSHA256 = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const commonName = [0x06, 0x03, 0x55, 0x04, 0x03];
const basicConstraints = [0x06, 0x03, 0x55, 0x1d, 0x13];
const subjectAltName = [0x06, 0x03, 0x55, 0x1d, 0x11];
const isAuthority = [0x01, 0x01, 0xff];

function der(tag: number, ...parts: Parameters<typeof join>): Uint8Array {
  const content = join(...parts);
  const size = content.length < 128 ? 0 : content.length < 256 ? 1 : 2;
  return join(tag, size ? join(0x80 | size, uint(size, content.length)) : content.length, content);
}

function nameOf(text: string): Uint8Array {
  return der(sequence, der(0x31, der(sequence, commonName, der(0x0c, text))));
}

function extension(identifier: number[], isCritical: boolean, ...value: Uint8Array[]): Uint8Array {
  return der(sequence, identifier, isCritical ? isAuthority : [], der(0x04, der(sequence, ...value)));
}

/** UTCTime, "YYMMDDHHMMSSZ". */
export interface Validity {
  from: string;
  to: string;
}

interface Request {
  subject: string;
  validity: Validity;
  extension: Uint8Array;
  publicKey: ArrayBuffer;
}

function issue(request: Request, issuer: string, key: KeyPair): Uint8Array {
  const { subject, validity, publicKey } = request;
  const toBeSigned = der(
    sequence,
    der(0xa0, der(0x02, 2)),
    der(0x02, 1),
    ecdsaWithSHA256,
    nameOf(issuer),
    der(sequence, der(0x17, validity.from), der(0x17, validity.to)),
    nameOf(subject),
    publicKey,
    der(0xa3, der(sequence, request.extension)),
  );
  return der(sequence, toBeSigned, ecdsaWithSHA256, der(0x03, 0, key.sign(toBeSigned)));
}

export interface ServerCredentials {
  /** DER of the authority and of the server's certificate. */
  root: Uint8Array;
  certificate: Uint8Array;
  key: KeyPair;
}

export const serverName = "camera.example";
export const longValidity: Validity = { from: "250101000000Z", to: "491231235959Z" };

/** An authority of its own for `serverName`. */
export function issueServer(validity = longValidity): ServerCredentials {
  const authority = new KeyPair();
  const key = new KeyPair();
  const root = issue(
    {
      subject: "Authority",
      validity: longValidity,
      extension: extension(basicConstraints, true, Uint8Array.from(isAuthority)),
      publicKey: authority.publicKey,
    },
    "Authority",
    authority,
  );
  const certificate = issue(
    {
      subject: "Server",
      validity,
      extension: extension(subjectAltName, false, der(0x82, serverName)),
      publicKey: key.publicKey,
    },
    "Authority",
    authority,
  );
  authority.close();
  return { root, certificate, key };
}
