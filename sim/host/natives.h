// Natives: `@ "name"` in a module's source is the C function of that name in this executable.
#ifndef DEVICELINK_NATIVES_H
#define DEVICELINK_NATIVES_H

#include "modules.h"

// Looks up the functions that the parser listed in script->hostsBuffer; `ids` are the machine's numbers of the module's names.
void natives_find(module *entry, txScript *script, txID *ids);

// The callback that XS runs before the module's code, to build the module's host functions.
void *natives_builder(module *entry);

// Numbers the names that natives use as xsID_name (mc.xs.h, written by build.ts).
void natives_intern(txMachine *root);

#endif
