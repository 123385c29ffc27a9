#include "xsmc.h"

#if ESP32
#include "esp_system.h"

void xs_system_free_memory(xsMachine *the) {
  xsmcSetNumber(xsResult, esp_get_free_heap_size());
}
#else
#include <sys/sysinfo.h>

void xs_system_free_memory(xsMachine *the) {
  struct sysinfo info;
  xsmcSetNumber(xsResult, sysinfo(&info) ? 0 : (double)info.freeram * info.mem_unit);
}
#endif
