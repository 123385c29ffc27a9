// Turns the root machine's heap into what a chip has in flash.
#ifndef DEVICELINK_FLASH_H
#define DEVICELINK_FLASH_H

#include "xsAll.h"

// Freezes what the SDK's linker freezes in preloaded modules and built-ins (functions, classes and their prototypes, collections, buffers), and
// makes the collector of a cloned machine leave all of it alone. Call it once, just before fxShareMachine.
void flash_prepare(txMachine *root);

// After fxShareMachine: no chunk of the root may be moved any more.
void flash_seal(txMachine *root);

#endif
