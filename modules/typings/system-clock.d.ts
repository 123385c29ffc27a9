/** The clock of the host: modules/network/sdk/system-clock on the chip, sim/host/device/system-clock on the desktop. */
declare module "system-clock" {
  export default function createClock(
    host: import("../network/time-source").TimeHost,
  ): import("../network/clock").Clock;
}
