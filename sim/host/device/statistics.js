class Meter {
  static read() @ "xs_host_statistics_read";
  static reset() @ "xs_host_statistics_reset";
  static collect() @ "xs_host_statistics_collect";
}

export function statistics() {
  return JSON.parse(Meter.read());
}

export function resetPeaks() {
  Meter.reset();
}

export function collectGarbage() {
  Meter.collect();
}
