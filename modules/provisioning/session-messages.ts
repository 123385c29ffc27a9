import { MalformedMessage, ProtobufReader, ProtobufWriter } from "./protobuf";

/** esp-idf components/protocomm/proto/constants.proto */
export const Status = {
  success: 0,
  invalidSecurityScheme: 1,
  invalidProtocol: 2,
  tooManySessions: 3,
  invalidArgument: 4,
  internalError: 5,
  cryptoError: 6,
  invalidSession: 7,
} as const;

/** esp-idf components/protocomm/proto/session.proto: which kind of security the message belongs to. */
export const SecurityScheme = { one: 1, two: 2 } as const;
export type SecurityScheme = (typeof SecurityScheme)[keyof typeof SecurityScheme];

/** sec1.proto, Sec1MsgType, and sec2.proto, Sec2MsgType. */
export const SessionMessage = { command0: 0, response0: 1, command1: 2, response1: 3 } as const;

/** A request to prov-session, of either scheme. */
export interface SessionRequest {
  scheme: number;
  message: number;
  /** Security 2 alone. */
  username?: Uint8Array;
  publicKey?: Uint8Array;
  proof?: Uint8Array;
}

/** SessionData { sec_ver = 2, sec1 = 11, sec2 = 12 } */
const payloadFields: Record<SecurityScheme, number> = { 1: 11, 2: 12 };

/**
 * sec1 { msg = 1, sc0 = 20 { client_pubkey = 1 }, sc1 = 22 { client_verify_data = 2 } },
 * sec2 { msg = 1, sc0 = 20 { client_username = 1, client_pubkey = 2 }, sc1 = 22 { client_proof = 1 } }
 * @throws MalformedMessage
 */
export function readSessionRequest(bytes: Uint8Array): SessionRequest {
  const request: SessionRequest = { scheme: 0, message: SessionMessage.command0 };
  let payload = 0;
  for (const reader = new ProtobufReader(bytes); reader.next(); ) {
    if (reader.field === 2) request.scheme = reader.uint32();
    else if (reader.field === 11 || reader.field === 12) {
      payload = reader.field;
      readPayload(reader.message(), request, payload === 12);
    } else reader.skip();
  }
  if (isScheme(request.scheme) && payload !== payloadFields[request.scheme])
    throw new MalformedMessage("no payload of this scheme");
  return request;
}

export function isScheme(scheme: number): scheme is SecurityScheme {
  return scheme === SecurityScheme.one || scheme === SecurityScheme.two;
}

function readPayload(reader: ProtobufReader, request: SessionRequest, isSecurity2: boolean): void {
  while (reader.next()) {
    if (reader.field === 1) request.message = reader.uint32();
    else if (reader.field === 20) {
      const fields = readBytesFields(reader.message());
      request.publicKey = fields[isSecurity2 ? 2 : 1];
      request.username = isSecurity2 ? fields[1] : undefined;
    } else if (reader.field === 22) request.proof = readBytesFields(reader.message())[isSecurity2 ? 1 : 2];
    else reader.skip();
  }
}

/** Fields 1 and 2, which are bytes. */
function readBytesFields(reader: ProtobufReader): (Uint8Array | undefined)[] {
  const values: (Uint8Array | undefined)[] = [undefined, undefined, undefined];
  while (reader.next()) {
    if (reader.field <= 2) values[reader.field] = reader.bytes();
    else reader.skip();
  }
  return values;
}

/**
 * sr0 = 21, of security 1 { status = 1, device_pubkey = 2, device_random = 3 }, of security 2 { status = 1, device_pubkey = 2, device_salt = 3 }
 * @param other the random number or the salt
 */
export function sessionResponse0(
  scheme: SecurityScheme,
  status: number,
  publicKey?: Uint8Array,
  other?: Uint8Array,
): ArrayBuffer {
  return sessionData(scheme, SessionMessage.response0, 21, status, publicKey, other);
}

/**
 * sr1 = 23, of security 1 { status = 1, device_verify_data = 3 }, of security 2 { status = 1, device_proof = 2, device_nonce = 3 }
 * @param nonce security 2 alone
 */
export function sessionResponse1(
  scheme: SecurityScheme,
  status: number,
  proof?: Uint8Array,
  nonce?: Uint8Array,
): ArrayBuffer {
  const [second, third] = scheme === SecurityScheme.one ? [undefined, proof] : [proof, nonce];
  return sessionData(scheme, SessionMessage.response1, 23, status, second, third);
}

function sessionData(
  scheme: SecurityScheme,
  message: number,
  field: number,
  status: number,
  second: Uint8Array | undefined,
  third: Uint8Array | undefined,
): ArrayBuffer {
  // Tags and lengths take less than 16 bytes a level.
  const length = 16 + (second?.length ?? 0) + (third?.length ?? 0);
  const response = new ProtobufWriter(length).uint32(1, status);
  if (second) response.bytes(2, second);
  if (third) response.bytes(3, third);
  const payload = new ProtobufWriter(length + 16).uint32(1, message).message(field, response);
  return new ProtobufWriter(length + 32).uint32(2, scheme).message(payloadFields[scheme], payload).finish();
}
