// How a device process ends: exit codes, and messages with a stack.
#ifndef DEVICELINK_FAILURE_H
#define DEVICELINK_FAILURE_H

#include "xsAll.h"

enum {
  EXIT_EXCEPTION = 1,  // uncaught exception, unhandled rejection, syntax error
  EXIT_USAGE = 2,      // command line or compiled manifest
  EXIT_MEMORY = 3,     // over the budget of `creation`: slots, chunks, stack or keys
  EXIT_DEBUGGER = 4,   // the debugger asked for it
  EXIT_FATAL = 5,      // a check of the engine failed
};

// Prints `what`, the value with its stack (and its causes), and ends the process with EXIT_EXCEPTION.
XS_FUNCTION_NORETURN void failure_exception(txMachine *the, const char *what, txSlot *value);

#endif
