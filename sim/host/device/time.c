#include "clock.h"
#include "xsmc.h"

static int32_t ticks(void) {
  return (int32_t)(uint32_t)(uint64_t)clock_milliseconds();
}

void xs_host_time_set(xsMachine *the) {
  clock_set_wall(xsmcToNumber(xsArg(0)) * 1000);
}

void xs_host_time_ticks(xsMachine *the) {
  xsmcSetInteger(xsResult, ticks());
}

void xs_host_time_microseconds(xsMachine *the) {
  xsmcSetNumber(xsResult, (double)(uint64_t)(clock_milliseconds() * 1000));
}

void xs_host_time_delta(xsMachine *the) {
  uint32_t start = (uint32_t)xsmcToInteger(xsArg(0));
  uint32_t end = (uint32_t)(xsmcArgc > 1 ? xsmcToInteger(xsArg(1)) : ticks());
  xsmcSetInteger(xsResult, (int32_t)(end - start));
}
