/** The clock of the host: modules/network/sdk/system-clock on the chip, sim/host/device/system-clock on the desktop. */
declare module "system-clock" {
  export default function createClock(): import("../network/clock").Clock;
}
