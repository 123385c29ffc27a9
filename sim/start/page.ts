import encodeQR from "qr";
import type { CloudSettings } from "../phone/cloud-settings.ts";
import { formatLabel, groupedProof } from "../phone/label.ts";
import { type PhoneServer, servePhone } from "../phone/server.ts";
import { buildPage, pageDirectory } from "../phone/web/build.ts";
import { type Label, network } from "./processes.ts";
import type { Timeline } from "./timeline.ts";

/** The same one each time: a browser keeps what it knows by the address. Any other when it is taken. */
const usualPort = 8642;

interface Options {
  settings: CloudSettings;
  /** Absent: the camera is on a real radio, where only the browser's own Bluetooth gets. */
  radioPort?: number;
  timeline: Timeline;
}

/** Builds the phone's page if need be, and serves it. */
export async function openPage({ settings, radioPort, timeline }: Options): Promise<PhoneServer> {
  const wasBuilt = await buildPage();
  if (wasBuilt) timeline.note("The phone's page was built.");
  const options = { settings, radioPort, directory: pageDirectory };
  try {
    return await servePhone({ ...options, port: usualPort });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return servePhone(options);
  }
}

/** Where the page is, and who signs in there; the simulator's password is no secret, that of a real account stays in its file. */
export function sayPage({ url }: PhoneServer, { account, endpoints, name }: CloudSettings, timeline: Timeline): void {
  const fields = { url, ...(account ? { username: account.username } : {}) };
  timeline.step({ event: "page", who: "phone", text: `the phone's page is at ${url}`, fields });
  const who =
    account && endpoints ? `as ${account.username}, password ${account.password}` : `with your account of ${name}`;
  timeline.note(`\nOpen ${url} in a browser, and sign in ${who}.`);
}

/** What is printed on the camera. */
export function sayLabel(label: Label, timeline: Timeline): void {
  const { name, pop: proofOfPossession } = label;
  timeline.step({ event: "label", who: "camera", text: `waits to be set up as ${name}`, fields: { name } });
  const code = encodeQR(formatLabel({ name, proofOfPossession }), "ascii");
  timeline.note(`
Its label: name ${name}, proof of possession ${groupedProof(proofOfPossession)}
The Wi-Fi around it: ${network.ssid}, password ${network.passphrase}

${whiteOnBlack(code)}`);
}

/** Scanners want dark squares on a light ground, whatever the colours of the terminal. */
function whiteOnBlack(code: string): string {
  if (!process.stdout.isTTY) return code;
  return code
    .trimEnd()
    .split("\n")
    .map((line) => `\x1b[97;40m${line}\x1b[0m`)
    .join("\n");
}
