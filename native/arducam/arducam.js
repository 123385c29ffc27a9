/**
 * The driver in C as XS sees it; arducam.d.ts says what each member takes and gives.
 */
export default class Arducam @ "xs_arducam_destructor" {
  constructor(host, clock, out, input, select, hz, transferSize, settle, discard, probeRewind) @ "xs_arducam";
  close() @ "xs_arducam_close";
  start() @ "xs_arducam_start";
  stop() @ "xs_arducam_stop";
  poll(now) @ "xs_arducam_poll";
  get interval() @ "xs_arducam_get_interval";
  configure(control, value) @ "xs_arducam_configure";
  supports(control, value) @ "xs_arducam_supports";
  setting(control) @ "xs_arducam_setting";
  capture() @ "xs_arducam_capture";
  read(buffer) @ "xs_arducam_read";
  rewind() @ "xs_arducam_rewind";
  describe(result) @ "xs_arducam_describe";
  get model() @ "xs_arducam_get_model";
  info(index) @ "xs_arducam_info";
}
