#include <stdlib.h>

#include "xsmc.h"

void xs_environment_get(xsMachine *the) {
  char *value = getenv(xsmcToString(xsArg(0)));
  if (value)
    xsmcSetString(xsResult, value);
}
