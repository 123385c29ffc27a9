import { field, MessageType, oneof, repeated } from "./protobuf.ts";

/**
 * The messages of Espressif's unified provisioning that a phone needs (esp-idf components/protocomm/proto, idf-extra-components
 * network_provisioning/proto; Wi-Fi only). Independent of the camera's own codec on purpose: each checks the other.
 */
const empty = new MessageType({});
const statusOnly = new MessageType({ status: field(1, "uint32") });

const sec1Payload = new MessageType({
  msg: field(1, "uint32"),
  sc0: oneof(20, new MessageType({ client_pubkey: field(1, "bytes") })),
  sr0: oneof(
    21,
    new MessageType({ status: field(1, "uint32"), device_pubkey: field(2, "bytes"), device_random: field(3, "bytes") }),
  ),
  sc1: oneof(22, new MessageType({ client_verify_data: field(2, "bytes") })),
  sr1: oneof(23, new MessageType({ status: field(1, "uint32"), device_verify_data: field(3, "bytes") })),
});

const sec2Payload = new MessageType({
  msg: field(1, "uint32"),
  sc0: oneof(20, new MessageType({ client_username: field(1, "bytes"), client_pubkey: field(2, "bytes") })),
  sr0: oneof(
    21,
    new MessageType({ status: field(1, "uint32"), device_pubkey: field(2, "bytes"), device_salt: field(3, "bytes") }),
  ),
  sc1: oneof(22, new MessageType({ client_proof: field(1, "bytes") })),
  sr1: oneof(
    23,
    new MessageType({ status: field(1, "uint32"), device_proof: field(2, "bytes"), device_nonce: field(3, "bytes") }),
  ),
});

export const SessionData = new MessageType({
  sec_ver: field(2, "uint32"),
  sec1: oneof(11, sec1Payload),
  sec2: oneof(12, sec2Payload),
});

const scanStart = new MessageType({
  blocking: field(1, "bool"),
  passive: field(2, "bool"),
  group_channels: field(3, "uint32"),
  period_ms: field(4, "uint32"),
});
const scanEntry = new MessageType({
  ssid: field(1, "bytes"),
  channel: field(2, "uint32"),
  rssi: field(3, "int32"),
  bssid: field(4, "bytes"),
  auth: field(5, "uint32"),
});

export const NetworkScanPayload = new MessageType({
  msg: field(1, "uint32"),
  status: field(2, "uint32"),
  cmd_scan_wifi_start: oneof(10, scanStart),
  resp_scan_wifi_start: oneof(11, empty),
  cmd_scan_wifi_status: oneof(12, empty),
  resp_scan_wifi_status: oneof(
    13,
    new MessageType({ scan_finished: field(1, "bool"), result_count: field(2, "uint32") }),
  ),
  cmd_scan_wifi_result: oneof(14, new MessageType({ start_index: field(1, "uint32"), count: field(2, "uint32") })),
  resp_scan_wifi_result: oneof(15, new MessageType({ entries: repeated(1, scanEntry) })),
});

const connectedState = new MessageType({
  ip4_addr: field(1, "string"),
  auth_mode: field(2, "uint32"),
  ssid: field(3, "bytes"),
  bssid: field(4, "bytes"),
  channel: field(5, "int32"),
});
const wifiStatus = new MessageType({
  status: field(1, "uint32"),
  wifi_sta_state: field(2, "uint32"),
  wifi_fail_reason: oneof(10, "uint32"),
  wifi_connected: oneof(11, connectedState),
  /** The camera's own: the failure by its name. */
  failure: field(100, "string"),
});
const wifiConfig = new MessageType({
  ssid: field(1, "bytes"),
  passphrase: field(2, "bytes"),
  bssid: field(3, "bytes"),
  channel: field(4, "int32"),
});

export const NetworkConfigPayload = new MessageType({
  msg: field(1, "uint32"),
  cmd_get_wifi_status: oneof(10, empty),
  resp_get_wifi_status: oneof(11, wifiStatus),
  cmd_set_wifi_config: oneof(12, wifiConfig),
  resp_set_wifi_config: oneof(13, statusOnly),
  cmd_apply_wifi_config: oneof(14, empty),
  resp_apply_wifi_config: oneof(15, statusOnly),
});

export const NetworkCtrlPayload = new MessageType({
  msg: field(1, "uint32"),
  status: field(2, "uint32"),
  cmd_ctrl_wifi_reset: oneof(11, empty),
  resp_ctrl_wifi_reset: oneof(12, empty),
  cmd_ctrl_wifi_reprov: oneof(13, empty),
  resp_ctrl_wifi_reprov: oneof(14, empty),
});

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
