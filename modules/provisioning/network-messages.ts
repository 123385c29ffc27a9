import { wifiNameBytes } from "../network/wifi-name";
import type { AccessPoint } from "../network/wifi-types";
import { ProtobufReader, ProtobufWriter } from "./protobuf";

/** idf-extra-components network_provisioning/proto/network_config.proto, NetworkConfigMsgType (Wi-Fi part). */
export const ConfigMessage = { getStatus: 0, set: 2, apply: 4 } as const;
/** network_scan.proto, NetworkScanMsgType (Wi-Fi part). */
export const ScanMessage = { start: 0, status: 2, result: 4 } as const;
/** network_ctrl.proto, NetworkCtrlMsgType (Wi-Fi part). */
export const ControlMessage = { reset: 1, reprovision: 3 } as const;

/** network_constants.proto */
export const StationState = { connected: 0, connecting: 1, disconnected: 2, failed: 3 } as const;
export const FailReason = { authError: 0, networkNotFound: 1 } as const;

/** WifiAuthMode, in its order. */
const authModes = [
  "none",
  "wep",
  "wpa_psk",
  "wpa2_psk",
  "wpa_wpa2_psk",
  "wpa2_enterprise",
  "wpa3_psk",
  "wpa2_wpa3_psk",
];

/** Longest attribute value without the tag of security 2: no answer may be longer, since Espressif's endpoints are not fragmented. */
export const longestAnswer = 512 - 16;

/** Any request to prov-config, prov-scan or prov-ctrl: they are numbered alike. */
export interface NetworkRequest {
  message: number;
  /** Number of the payload's field, 0 when there is none. */
  payloadField: number;
  payload: ProtobufReader;
}

/** @throws MalformedMessage */
export function readNetworkRequest(bytes: Uint8Array): NetworkRequest {
  const request: NetworkRequest = { message: 0, payloadField: 0, payload: new ProtobufReader(new Uint8Array(0)) };
  for (const reader = new ProtobufReader(bytes); reader.next(); ) {
    if (reader.field === 1) request.message = reader.uint32();
    else if (reader.field >= 10) {
      request.payloadField = reader.field;
      request.payload = reader.message();
    } else reader.skip();
  }
  return request;
}

export interface WiFiConfig {
  ssid: Uint8Array;
  passphrase: Uint8Array;
  bssid: Uint8Array;
}

/** CmdSetWifiConfig @throws MalformedMessage */
export function readWiFiConfig(reader: ProtobufReader): WiFiConfig {
  const none = new Uint8Array(0);
  const config: WiFiConfig = { ssid: none, passphrase: none, bssid: none };
  while (reader.next()) {
    if (reader.field === 1) config.ssid = reader.bytes();
    else if (reader.field === 2) config.passphrase = reader.bytes();
    else if (reader.field === 3) config.bssid = reader.bytes();
    else reader.skip();
  }
  return config;
}

/** The first number fields of a message, by field number. @throws MalformedMessage */
export function readNumbers(reader: ProtobufReader, count: number): number[] {
  const values = new Array<number>(count + 1).fill(0);
  while (reader.next()) {
    if (reader.field <= count) values[reader.field] = reader.uint32();
    else reader.skip();
  }
  return values;
}

/** An answer of prov-config: every kind has its status as field 1 of its payload, whose number is 10 + message type. */
export function configAnswer(requestMessage: number, status: number, state?: ProtobufWriter): ArrayBuffer {
  const payload = state ?? new ProtobufWriter(16);
  const body = state ? payload : payload.uint32(1, status);
  const message = requestMessage + 1;
  return new ProtobufWriter(longestAnswer)
    .uint32(1, message)
    .message(10 + message, body)
    .finish();
}

export interface ConnectedState {
  address: string;
  SSID: string;
  BSSID?: string;
  channel?: number;
  security?: string;
}

/** RespGetWifiStatus */
export function connectedStatus(state: ConnectedState): ProtobufWriter {
  const connected = new ProtobufWriter(160)
    .string(1, state.address)
    .uint32(2, authMode(state.security))
    .bytes(3, wifiNameBytes(state.SSID))
    .bytes(4, bssidBytes(state.BSSID))
    .int32(5, state.channel ?? 0);
  return new ProtobufWriter(200).uint32(2, StationState.connected).message(11, connected);
}

export function connectingStatus(): ProtobufWriter {
  return new ProtobufWriter(16).uint32(2, StationState.connecting);
}

export function disconnectedStatus(): ProtobufWriter {
  return new ProtobufWriter(16).uint32(2, StationState.disconnected);
}

/** `state` is a oneof: its field is written even when the value is 0. There is room for the name of the failure. */
export function failedStatus(reason: number): ProtobufWriter {
  return new ProtobufWriter(48).uint32(2, StationState.failed).enumeration(10, reason);
}

/** An answer of prov-scan or prov-ctrl: their status is a field of the outer message. */
export function answer(
  requestMessage: number,
  payloadField: number,
  status: number,
  body?: ProtobufWriter,
): ArrayBuffer {
  return new ProtobufWriter(longestAnswer)
    .uint32(1, requestMessage + 1)
    .uint32(2, status)
    .message(payloadField, body ?? new ProtobufWriter(0))
    .finish();
}

/** RespScanWifiStatus */
export function scanStatus(finished: boolean, count: number): ProtobufWriter {
  return new ProtobufWriter(16).bool(1, finished).uint32(2, count);
}

/** RespScanWifiResult @throws RangeError when the entries do not fit into one attribute value */
export function scanResults(accessPoints: AccessPoint[]): ProtobufWriter {
  const results = new ProtobufWriter(longestAnswer - 12);
  for (const { SSID, channel, RSSI, BSSID, security } of accessPoints) {
    const entry = new ProtobufWriter(80)
      .bytes(1, wifiNameBytes(SSID))
      .uint32(2, channel)
      .int32(3, RSSI)
      .bytes(4, bssidBytes(BSSID))
      .uint32(5, authMode(security));
    results.message(1, entry);
  }
  return results;
}

/**
 * What has no number here, or is not known, is some kind of protection: phones ask for a password then. A number that WifiAuthMode
 * has not got would end Espressif's app for Android.
 */
const someProtection = authModes.indexOf("wpa2_psk");

function authMode(security: string | undefined): number {
  const mode = authModes.indexOf(security ?? "unknown");
  return mode < 0 ? someProtection : mode;
}

function bssidBytes(bssid: string | undefined): Uint8Array {
  if (!bssid) return new Uint8Array(0);
  return Uint8Array.from(bssid.split(":"), (pair) => Number.parseInt(pair, 16));
}
