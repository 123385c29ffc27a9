// The global `trace(...values)`.
#ifndef DEVICELINK_TRACE_H
#define DEVICELINK_TRACE_H

#include "xs.h"

// Writes its arguments as text, without separator or line end, to stdout and to the debugger.
void trace_install(xsMachine *the);

#endif
