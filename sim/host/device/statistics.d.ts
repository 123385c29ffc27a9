declare module "statistics" {
  /** What the machine uses. A slot is 16 bytes on the chip; chunks are counted in bytes. */
  export interface Statistics {
    slots: number;
    slotsPeak: number;
    slotsTotal: number;
    chunkBytes: number;
    chunkBytesPeak: number;
    chunkBytesTotal: number;
    stackPeak: number;
    stackTotal: number;
    /** Names that this machine has added to those of the preloaded modules. */
    keys: number;
    /** Garbage collections. */
    collections: number;
    /** The engine's compute count: the same in every run of the same work, comparable within one build only. */
    compute: number;
    /** Device milliseconds since start. */
    milliseconds: number;
  }

  export function statistics(): Statistics;
  /** Starts the peaks of slots, chunks and stack from what is in use now. */
  export function resetPeaks(): void;
  export function collectGarbage(): void;
}
