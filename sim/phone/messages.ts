import protobuf from "protobufjs";

/**
 * The messages of Espressif's unified provisioning that a phone needs (esp-idf components/protocomm/proto, idf-extra-components
 * network_provisioning/proto; Wi-Fi only). Independent of the camera's own codec on purpose: each checks the other.
 */
const schema = `
syntax = "proto3";

message SessionData {
  uint32 sec_ver = 2;
  Sec1Payload sec1 = 11;
}
message Sec1Payload {
  uint32 msg = 1;
  oneof payload {
    SessionCmd0 sc0 = 20;
    SessionResp0 sr0 = 21;
    SessionCmd1 sc1 = 22;
    SessionResp1 sr1 = 23;
  }
}
message SessionCmd0 { bytes client_pubkey = 1; }
message SessionResp0 { uint32 status = 1; bytes device_pubkey = 2; bytes device_random = 3; }
message SessionCmd1 { bytes client_verify_data = 2; }
message SessionResp1 { uint32 status = 1; bytes device_verify_data = 3; }

message NetworkScanPayload {
  uint32 msg = 1;
  uint32 status = 2;
  oneof payload {
    CmdScanWifiStart cmd_scan_wifi_start = 10;
    Empty resp_scan_wifi_start = 11;
    Empty cmd_scan_wifi_status = 12;
    RespScanWifiStatus resp_scan_wifi_status = 13;
    CmdScanWifiResult cmd_scan_wifi_result = 14;
    RespScanWifiResult resp_scan_wifi_result = 15;
  }
}
message Empty {}
message CmdScanWifiStart { bool blocking = 1; bool passive = 2; uint32 group_channels = 3; uint32 period_ms = 4; }
message RespScanWifiStatus { bool scan_finished = 1; uint32 result_count = 2; }
message CmdScanWifiResult { uint32 start_index = 1; uint32 count = 2; }
message RespScanWifiResult { repeated WiFiScanResult entries = 1; }
message WiFiScanResult { bytes ssid = 1; uint32 channel = 2; int32 rssi = 3; bytes bssid = 4; uint32 auth = 5; }

message NetworkConfigPayload {
  uint32 msg = 1;
  oneof payload {
    Empty cmd_get_wifi_status = 10;
    RespGetWifiStatus resp_get_wifi_status = 11;
    CmdSetWifiConfig cmd_set_wifi_config = 12;
    StatusOnly resp_set_wifi_config = 13;
    Empty cmd_apply_wifi_config = 14;
    StatusOnly resp_apply_wifi_config = 15;
  }
}
message StatusOnly { uint32 status = 1; }
message CmdSetWifiConfig { bytes ssid = 1; bytes passphrase = 2; bytes bssid = 3; int32 channel = 4; }
message RespGetWifiStatus {
  uint32 status = 1;
  uint32 wifi_sta_state = 2;
  oneof state {
    uint32 wifi_fail_reason = 10;
    WifiConnectedState wifi_connected = 11;
  }
  string failure = 100;
}
message WifiConnectedState { string ip4_addr = 1; uint32 auth_mode = 2; bytes ssid = 3; bytes bssid = 4; int32 channel = 5; }

message NetworkCtrlPayload {
  uint32 msg = 1;
  uint32 status = 2;
  oneof payload {
    Empty cmd_ctrl_wifi_reset = 11;
    Empty resp_ctrl_wifi_reset = 12;
    Empty cmd_ctrl_wifi_reprov = 13;
    Empty resp_ctrl_wifi_reprov = 14;
  }
}
`;

const { root } = protobuf.parse(schema, { keepCase: true });

export const SessionData = root.lookupType("SessionData");
export const NetworkScanPayload = root.lookupType("NetworkScanPayload");
export const NetworkConfigPayload = root.lookupType("NetworkConfigPayload");
export const NetworkCtrlPayload = root.lookupType("NetworkCtrlPayload");

// biome-ignore lint/suspicious/noExplicitAny: the shape is the schema's above, which TypeScript does not see
export type Decoded = any;

export function encode(type: protobuf.Type, message: object): Uint8Array {
  return type.encode(type.create(message)).finish();
}

/** @throws an error when the bytes are no such message */
export function decode(type: protobuf.Type, bytes: Uint8Array): Decoded {
  return type.toObject(type.decode(bytes), { defaults: true, arrays: true, oneofs: true });
}

/** protocomm constants.proto, Status */
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

export const authModes = ["open", "wep", "wpa", "wpa2", "wpa/wpa2", "wpa2-enterprise", "wpa3", "wpa2/wpa3"];
