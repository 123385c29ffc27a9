class Loop {
  static pending() @ "xs_host_loop_pending";
  static stop() @ "xs_host_loop_stop";
}

export function pending() {
  return Loop.pending();
}

export function stop() {
  Loop.stop();
}
