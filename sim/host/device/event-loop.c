#include "loop.h"
#include "xsmc.h"

void xs_host_loop_pending(xsMachine *the) {
  xsmcSetInteger(xsResult, loop_pending());
}

void xs_host_loop_stop(xsMachine *the) {
  (void)the;
  loop_stop();
}
