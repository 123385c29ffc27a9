import type { ActivityLog } from "../../activity.ts";
import { CameraClient } from "../../camera-client.ts";
import type { CloudSettings } from "../../cloud-settings.ts";
import { RadioWebSocket } from "../../radio-websocket.ts";
import { browserBluetooth, WebBluetoothCentral } from "../../web-bluetooth.ts";

/** The simulator's radio, or the Bluetooth of this computer or phone. */
export type Transport = "radio" | "bluetooth";

/** What there is to choose from here, the likelier one first. */
export function transportsFor({ radio }: CloudSettings): Transport[] {
  const transports: Transport[] = [];
  if (radio) transports.push("radio");
  if (browserBluetooth()) transports.push("bluetooth");
  return transports;
}

/** A client on a transport whose messages are noted, without their contents. */
export function openClient(transport: Transport, { radio }: CloudSettings, activity: ActivityLog): CameraClient {
  const client = new CameraClient(
    transport === "radio" && radio ? new RadioWebSocket(radio) : new WebBluetoothCentral(),
  );
  client.on("exchange", ({ messageType, ...detail }) => activity.add("bluetooth", "out", messageType, detail));
  client.on("notify", () => activity.add("bluetooth", "in", "camera-event: something to fetch"));
  client.on("disconnect", () => activity.add("bluetooth", "note", `The link to ${client.name} is gone`));
  return client;
}
