import { Clock } from "modules/network/clock";

/** The desktop's clock: its owner keeps it right. */
export default function createClock(): Clock {
  return new Clock();
}
