import { collectGarbage, resetPeaks, statistics } from "statistics";
import Timer from "timer";

/**
 * The firmware with an eye on its memory: two hundred times a second everything unreachable is collected, and what is left is what the
 * firmware holds. Each time that is more than ever before, a line says so.
 */
let slots = 0;
let chunkBytes = 0;
let stack = 0;
Timer.repeat(() => {
  // Only the number is kept: what the probe itself holds would be counted as the firmware's.
  const { stackPeak } = statistics();
  collectGarbage();
  const now = statistics();
  if (now.slots > slots || now.chunkBytes > chunkBytes || stackPeak > stack) {
    slots = Math.max(slots, now.slots);
    chunkBytes = Math.max(chunkBytes, now.chunkBytes);
    stack = Math.max(stack, stackPeak);
    trace(`${JSON.stringify({ probe: { slots, chunkBytes, stack } })}\n`);
  }
  resetPeaks();
}, 5);

const { default: main } = await import("main");
main();
