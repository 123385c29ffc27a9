import { collectGarbage, resetPeaks, statistics } from "statistics";
import Timer from "timer";

/**
 * The firmware with an eye on its memory: four times a second everything unreachable is collected, and what is left is what the
 * firmware holds. The largest such figure is traced whenever it grows, with the figures since the last line.
 */
let most = 0;
Timer.repeat(() => {
  collectGarbage();
  const now = statistics();
  if (now.slots > most) {
    most = now.slots;
    trace(`probe: ${JSON.stringify({ slots: now.slots, chunkBytes: now.chunkBytes, stackPeak: now.stackPeak })}\n`);
  }
  resetPeaks();
}, 250);

const { default: main } = await import("main");
main();
