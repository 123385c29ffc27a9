/** Memory that is left: native/system/free-memory on the chip and in the Moddable simulator, sim/host/device/free-memory on the XS host. */
declare module "free-memory" {
  /** Bytes: of the chip's heap, of the simulator's computer, or of the XS host's arena (which has the chip's size). */
  export default function freeMemory(): number;
}
