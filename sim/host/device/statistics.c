#include "statistics.h"
#include "xsmc.h"

void xs_host_statistics_read(xsMachine *the) {
  char text[1024];
  statistics_write(the, text, sizeof(text));
  xsmcSetString(xsResult, text);
}

void xs_host_statistics_reset(xsMachine *the) {
  statistics_reset(the);
}

void xs_host_statistics_collect(xsMachine *the) {
  xsCollectGarbage();
}
