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
export const securityScheme1 = 1;

/** sec1.proto, Sec1MsgType. */
export const SessionMessage = { command0: 0, response0: 1, command1: 2, response1: 3 } as const;

/** A request to prov-session, security 1. */
export interface SessionRequest {
  scheme: number;
  message: number;
  clientPublicKey?: Uint8Array;
  clientVerifyData?: Uint8Array;
}

const longest = 160;

/** SessionData { sec_ver = 2, sec1 = 11 { msg = 1, sc0 = 20 { client_pubkey = 1 }, sc1 = 22 { client_verify_data = 2 } } } */
export function readSessionRequest(bytes: Uint8Array): SessionRequest {
  const request: SessionRequest = { scheme: 0, message: SessionMessage.command0 };
  let sawPayload = false;
  for (const reader = new ProtobufReader(bytes); reader.next(); ) {
    if (reader.field === 2) request.scheme = reader.uint32();
    else if (reader.field === 11) {
      sawPayload = true;
      readSecurity1(reader.message(), request);
    } else reader.skip();
  }
  if (request.scheme === securityScheme1 && !sawPayload) throw new MalformedMessage("no security 1 payload");
  return request;
}

function readSecurity1(reader: ProtobufReader, request: SessionRequest): void {
  while (reader.next()) {
    if (reader.field === 1) request.message = reader.uint32();
    else if (reader.field === 20) request.clientPublicKey = readBytesField(reader.message(), 1);
    else if (reader.field === 22) request.clientVerifyData = readBytesField(reader.message(), 2);
    else reader.skip();
  }
}

function readBytesField(reader: ProtobufReader, field: number): Uint8Array | undefined {
  let value: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === field) value = reader.bytes();
    else reader.skip();
  }
  return value;
}

/** sr0 = 21 { status = 1, device_pubkey = 2, device_random = 3 } */
export function sessionResponse0(status: number, publicKey?: Uint8Array, random?: Uint8Array): ArrayBuffer {
  const response = new ProtobufWriter(longest).uint32(1, status);
  if (publicKey) response.bytes(2, publicKey);
  if (random) response.bytes(3, random);
  return sessionData(SessionMessage.response0, 21, response);
}

/** sr1 = 23 { status = 1, device_verify_data = 3 } */
export function sessionResponse1(status: number, deviceVerifyData?: Uint8Array): ArrayBuffer {
  const response = new ProtobufWriter(longest).uint32(1, status);
  if (deviceVerifyData) response.bytes(3, deviceVerifyData);
  return sessionData(SessionMessage.response1, 23, response);
}

function sessionData(message: number, field: number, response: ProtobufWriter): ArrayBuffer {
  const security1 = new ProtobufWriter(longest).uint32(1, message).message(field, response);
  return new ProtobufWriter(longest).uint32(2, securityScheme1).message(11, security1).finish();
}
