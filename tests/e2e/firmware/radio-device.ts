/** A device with nothing but its radio: the real Provisioning with endpoints that do what a test asks for. */
import { GATTServer } from "embedded:io/bluetoothle/peripheral";
import WiFi from "embedded:network/interface/wifi";
import { getEnvironment } from "environment";
import { collectGarbage, resetPeaks, statistics } from "statistics";
import Timer from "timer";
import { WiFiStation } from "../../../modules/network/wifi-station";
import { Provisioning } from "../../../modules/provisioning/provisioning";
import { RecordStore } from "../../../modules/storage/record-store";
import * as crypto from "../../../native/tls/crypto";

interface Request {
  type: string;
  [field: string]: unknown;
}

function report(event: object): void {
  trace(`${JSON.stringify(event)}\n`);
}

class Refusal extends Error {
  readonly code = "TestRefusal";
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void Timer.set(() => resolve(), milliseconds));
}

const commands: Record<string, (request: Request) => object | Promise<object>> = {
  Echo: (request) => request,
  Length: ({ text }) => ({ length: (text as string).length }),
  Big: ({ length }) => ({ text: "x".repeat(length as number) }),
  Slow: async ({ milliseconds }) => {
    await later(milliseconds as number);
    return { type: "Slow" };
  },
  Fail: () => {
    throw new Refusal("as asked");
  },
  Notify: () => {
    provisioning.notifyEvent();
    return {};
  },
  ResetPeaks: () => {
    collectGarbage();
    resetPeaks();
    return {};
  },
  Statistics: () => {
    collectGarbage();
    return statistics();
  },
};

const handle = (request: object) => commands[(request as Request).type](request as Request);

/** Milliseconds; 0 or absent: no Improv. */
const improvWindow = Number(getEnvironment("IMPROV_WINDOW") ?? 0);
const wifi = new WiFiStation({ io: WiFi, onStateChanged: (state) => report({ wifi: state }) });
const provisioning = new Provisioning({
  io: GATTServer,
  crypto,
  name: getEnvironment("DEVICE_NAME") ?? "PROV_TEST",
  proofOfPossession: getEnvironment("PROOF") ?? "abcd-efgh-jkmn-pqrs",
  storage: new RecordStore("radio"),
  wifi,
  endpoints: {
    shape: { bytes: 6144, depth: 8, values: 256, text: 6144, name: 64 },
    has: (endpoint) => endpoint.startsWith("camera-"),
    handle: (_endpoint, request) => handle(request),
  },
  linkEncryption: getEnvironment("LINK_ENCRYPTION") === "1",
  improv: improvWindow
    ? { allowed: true, window: improvWindow, info: ["devicelink-camera", "0.1.0", "simulated", "PROV_TEST"] }
    : undefined,
  requestTimeout: 2000,
  links: 3,
  patience: Number(getEnvironment("PATIENCE") ?? 20_000),
  onWiFiConfigured: ({ SSID }) => report({ configured: SSID }),
  onStateChanged: (state) => report({ state }),
  onWarning: (warning) => report({ warning }),
});
