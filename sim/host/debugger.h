// The xsbug protocol: XS speaks it, this carries its bytes.
#ifndef DEVICELINK_DEBUGGER_H
#define DEVICELINK_DEBUGGER_H

#include "xsAll.h"

// "host:port" or "host" (port 5002), to be connected when the next machine with an arena is created. Prints a reason and exits with EXIT_USAGE
// where the address is wrong or nobody listens there.
void debugger_prepare(const char *address);

// Lets the debugger interrupt the running machine (pause, new breakpoints).
void debugger_watch(txMachine *the);

#endif
