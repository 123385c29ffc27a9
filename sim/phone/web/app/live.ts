import type { LiveState } from "../../live-camera.ts";
import { ago } from "../format.ts";
import { type PillKind, pill } from "../parts/notice.ts";

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
