import { createRandom } from "../../sim/camera/random.ts";
import type { Fault } from "../../sim/cloud/s3/faults.ts";

export const minute = 60_000;
export const hour = 60 * minute;

/** What can happen to a camera that nobody looks after. */
export type OutageKind =
  | "cloudKilled"
  | "storeFails"
  | "storeSilent"
  | "connectionCut"
  | "urlExpired"
  | "wifiGone"
  | "radioKilled"
  | "powerCut"
  | "grantsRefused"
  | "sessionDropped"
  | "person";

export interface Outage {
  kind: OutageKind;
  /** Milliseconds since 1970. */
  at: number;
  /** 0: over at once. */
  duration: number;
  /** Of the store. */
  faults: Fault[];
}

export interface OutagePlanOptions {
  seed: number;
  /** The whole time, milliseconds since 1970. */
  from: number;
  to: number;
  /** When the first picture is due, and how far apart they are. */
  firstDue: number;
  interval: number;
}

/** How often each kind comes up, against the others. Starting a cloud takes a second of real time, so there are few of these. */
const weights: Record<OutageKind, number> = {
  cloudKilled: 2,
  storeFails: 5,
  storeSilent: 3,
  connectionCut: 4,
  urlExpired: 4,
  wifiGone: 3,
  radioKilled: 1,
  powerCut: 6,
  grantsRefused: 3,
  sessionDropped: 4,
  person: 3,
};
/** Kinds that last. */
const lasting: readonly OutageKind[] = ["cloudKilled", "wifiGone", "radioKilled", "powerCut", "grantsRefused"];
const longestOutage = 5 * hour;
/** The radio of the simulator is called again every few seconds, which takes real time. */
const longestRadioOutage = 3 * minute;
const meanPause = 2.5 * hour;
/** A picture takes about so long from when it was due until it is stored, milliseconds. */
const busyTime = 50;

/** Outages one after the other, all by the seed: half of them at any time, half of them just when a picture is taken or on its way. */
export function planOutages(options: OutagePlanOptions): Outage[] {
  const { seed, from, to, firstDue, interval } = options;
  const random = createRandom(seed);
  const outages: Outage[] = [];
  // Every kind comes up at least once, in any order.
  const kinds = shuffle(Object.keys(weights) as OutageKind[], random);
  for (let time = from; ; ) {
    time += random() * 2 * meanPause;
    const kind = kinds.pop() ?? choose(random);
    if (random() < 0.5 || kind === "person") {
      const due = firstDue + Math.ceil((time - firstDue) / interval) * interval;
      time = due + random() * busyTime;
    }
    const longest = kind === "radioKilled" ? longestRadioOutage : longestOutage;
    const duration = lasting.includes(kind) ? minute + random() ** 3 * longest : 0;
    if (time + duration > to) return outages;
    outages.push({ kind, at: time, duration, faults: faultsOf(kind, random) });
    time += duration;
  }
}

function choose(random: () => number): OutageKind {
  const entries = Object.entries(weights) as [OutageKind, number][];
  let rest = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of entries) {
    rest -= weight;
    if (rest < 0) return kind;
  }
  return entries[0][0];
}

function shuffle<T>(values: T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

function faultsOf(kind: OutageKind, random: () => number): Fault[] {
  const times = 1 + Math.floor(random() * 3);
  const afterBytes = random() < 0.5 ? undefined : Math.floor(random() * 5000);
  switch (kind) {
    case "storeFails":
      return [{ times, afterBytes, action: { answer: random() < 0.5 ? "InternalError" : "SlowDown" } }];
    case "storeSilent":
      return [{ times, afterBytes, action: { stall: hour } }];
    case "connectionCut":
      return random() < 0.3
        ? [{ times, action: { cutAnswer: 10 } }]
        : [{ times, afterBytes, action: { cut: random() < 0.5 ? "reset" : "end" } }];
    case "urlExpired":
      return [{ times, action: { answer: "AccessDenied", message: "Request has expired" } }];
    default:
      return [];
  }
}
