import type { LiveCamera, LiveState } from "../../live-camera.ts";
import type { PhoneCloud } from "../../phone-cloud.ts";
import { ago } from "../format.ts";
import { type PillKind, pill } from "../parts/notice.ts";

/** A camera whose state and pictures are followed. Without a connection it waits for one; the shell says that there is none. */
export function follow(cloud: PhoneCloud, thingName: string): LiveCamera {
  const live = cloud.live(thingName);
  live.open().catch(() => {});
  return live;
}

/** The state of a camera in a word, and its sign. */
export function onlinePill(state: LiveState): HTMLElement {
  const [kind, text] = onlineWords(state);
  return pill(kind, text);
}

function onlineWords({ online, lastSeen }: LiveState): [PillKind, string] {
  if (online) return ["good", "Online"];
  if (online === undefined) return ["off", "Checking…"];
  return ["warn", lastSeen ? `Offline, last seen ${ago(new Date(lastSeen))}` : "Offline"];
}
