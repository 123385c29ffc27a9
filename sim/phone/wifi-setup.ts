import { toHex, utf8 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import { authModes, NetworkConfigPayload, NetworkCtrlPayload, NetworkScanPayload, Status } from "./messages.ts";
import type { RequestOptions, Session } from "./session.ts";
import { pause } from "./waiting.ts";
import { wifiName, wifiNameBytes } from "./wifi-name.ts";

export interface WiFiNetwork {
  /** As in wifi-name.ts. */
  ssid: string;
  bssid: string;
  channel: number;
  /** dBm */
  rssi: number;
  /** "open", "wpa2", ... */
  auth: string;
}

export interface WiFiStatus {
  state: "connected" | "connecting" | "disconnected" | "failed";
  /** What the camera calls the failure: "AuthError", "NotFound", ... */
  failure?: string;
  address?: string;
  ssid?: string;
}

const states = ["connected", "connecting", "disconnected", "failed"] as const;
const pollInterval = 200;
const scanTimeout = 15_000;
/** Entries that fit into one attribute value, as Espressif's own clients count. */
const page = 4;

/** The networks that the camera hears. @throws PhoneError ScanFailed, Cancelled */
export async function scanWiFi(session: Session, signal?: AbortSignal): Promise<WiFiNetwork[]> {
  const ask = async (message: object) => {
    const answer = await session.binary("prov-scan", NetworkScanPayload, message, signal);
    if (answer.status !== Status.success) throw new PhoneError("ScanFailed", `scan status ${answer.status}`);
    return answer;
  };
  await ask({ cmd_scan_wifi_start: { blocking: false } });
  const deadline = performance.now() + scanTimeout;
  let count = 0;
  for (;;) {
    const { resp_scan_wifi_status: status } = await ask({ msg: 2, cmd_scan_wifi_status: {} });
    if (status?.scan_finished) {
      count = status.result_count;
      break;
    }
    if (performance.now() > deadline) throw new PhoneError("ScanFailed", "the scan does not end");
    await pause(pollInterval, signal);
  }
  const networks: WiFiNetwork[] = [];
  for (let start = 0; start < count; start += page) {
    const range = { start_index: start, count: Math.min(page, count - start) };
    const answer = await ask({ msg: 4, cmd_scan_wifi_result: range });
    for (const { ssid, bssid, channel, rssi, auth } of answer.resp_scan_wifi_result?.entries ?? [])
      networks.push({
        ssid: wifiName(ssid),
        bssid: toHex(bssid),
        channel,
        rssi,
        auth: authModes[auth] ?? "unknown",
      });
  }
  return networks;
}

/** Hands over credentials and tells the camera to use them. @throws PhoneError WiFiFailed when it does not take them */
export async function configureWiFi(session: Session, network: { ssid: string; passphrase?: string }): Promise<void> {
  const cmd_set_wifi_config = {
    ssid: wifiNameBytes(network.ssid),
    passphrase: utf8(network.passphrase ?? ""),
  };
  const set = await session.binary("prov-config", NetworkConfigPayload, { msg: 2, cmd_set_wifi_config });
  if (set.resp_set_wifi_config?.status !== Status.success)
    throw new PhoneError("WiFiFailed", "the camera does not take the network's name or password");
  const apply = await session.binary("prov-config", NetworkConfigPayload, { msg: 4, cmd_apply_wifi_config: {} });
  if (apply.resp_apply_wifi_config?.status !== Status.success)
    throw new PhoneError("WiFiFailed", "the camera does not apply the settings");
}

export async function wifiStatus(session: Session, signal?: AbortSignal): Promise<WiFiStatus> {
  const request = { msg: 0, cmd_get_wifi_status: {} };
  const answer = await session.binary("prov-config", NetworkConfigPayload, request, signal);
  const status = answer.resp_get_wifi_status;
  if (!status) throw new PhoneError("UnsupportedProtocol", "the camera gives no Wi-Fi status");
  const state = states[status.wifi_sta_state] ?? "disconnected";
  if (state === "connected") {
    const { ip4_addr, ssid } = status.wifi_connected ?? { ip4_addr: "", ssid: new Uint8Array(0) };
    return { state, address: ip4_addr, ssid: wifiName(ssid) };
  }
  if (state !== "failed") return { state };
  return { state, failure: status.failure || (status.wifi_fail_reason === 0 ? "AuthError" : "NotFound") };
}

/**
 * Waits until the camera is on the network.
 * @throws PhoneError WiFiAuthError, WiFiNotFound, WiFiFailed, WiFiTimeout, Cancelled
 */
export async function waitForWiFi(session: Session, { timeout, signal }: RequestOptions): Promise<WiFiStatus> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const status = await wifiStatus(session, signal);
    if (status.state === "connected") return status;
    if (status.state === "failed") {
      const code =
        status.failure === "AuthError"
          ? "WiFiAuthError"
          : status.failure === "NotFound"
            ? "WiFiNotFound"
            : "WiFiFailed";
      throw new PhoneError(code, `the camera could not join the network: ${status.failure}`);
    }
    if (performance.now() > deadline) throw new PhoneError("WiFiTimeout", "the camera does not join the network");
    await pause(pollInterval, signal);
  }
}

/** After a failure: lets the camera take credentials again. */
export async function resetWiFi(session: Session): Promise<boolean> {
  const answer = await session.binary("prov-ctrl", NetworkCtrlPayload, { msg: 1, cmd_ctrl_wifi_reset: {} });
  return answer.status === Status.success;
}
