/** Timers, as the SDK's module of the same name. Delays are in milliseconds of the device's clock. */
class Timer {
  static set(callback, delay, repeat) @ "xs_host_timer_set";
  static repeat(callback, interval) @ "xs_host_timer_repeat";
  static schedule(timer, delay, repeat) @ "xs_host_timer_schedule";
  static clear(timer) @ "xs_host_timer_clear";
  static delay(milliseconds) @ "xs_host_timer_delay";
}

export default Timer;
