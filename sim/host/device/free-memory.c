#include "statistics.h"
#include "xsmc.h"

void xs_host_arena_free(xsMachine *the) {
  xsmcSetInteger(xsResult, statistics_free(the));
}
