// One module's way from source text to bytecode in "flash".
#ifndef DEVICELINK_SCRIPT_H
#define DEVICELINK_SCRIPT_H

#include "modules.h"

void script_parse(txMachine *root, module *entry);
void script_run(txMachine *the, module *entry, txSlot *slot, txID id);

#endif
