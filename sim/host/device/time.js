/** The clock, as the SDK's module of the same name; it follows --time-scale. */
class Time {
  /** @param seconds since 1970 */
  static set(seconds) @ "xs_host_time_set";
  /** Milliseconds since an arbitrary moment, 32 bits. */
  static get ticks() @ "xs_host_time_ticks";
  static get microseconds() @ "xs_host_time_microseconds";
  static delta(start, end) @ "xs_host_time_delta";
  static get timezone() { return 0; }
  static get dst() { return 0; }
}

export default Time;
