// The device's machine: built-ins and preloaded modules in a shared root, the rest in the arena of a clone.
#ifndef DEVICELINK_MACHINE_H
#define DEVICELINK_MACHINE_H

#include "modules.h"

txMachine *machine_create(firmware *it, const char *name);

// Imports the main module and calls its default export, if that is a function. The outcome of both ends the process where it is an exception.
void machine_start(txMachine *the, const char *main);

#endif
