// The module map: every module of the compiled manifest, parsed once, its bytecode outside every heap (as in flash).
#ifndef DEVICELINK_MODULES_H
#define DEVICELINK_MODULES_H

#include "arena.h"

typedef struct module module;
struct module {
  module *next;
  char *name;    // specifier: "modules/camera/frame", "embedded:io/socket/tcp"
  char *script;  // JavaScript file
  char *map;     // source map file, or NULL
  char *source;  // path in stacks and in the debugger
  bool preload;
  txScript code;
  txHostFunctionBuilder *natives;
  int native_count;
};

typedef struct {
  module *modules;
  arena_budget budget;
} firmware;

// Reads a compiled manifest (firmware.ts writes it); `root` is put before the sources' paths. Prints a reason and exits with EXIT_USAGE where it
// cannot be read.
firmware *modules_read(const char *path, const char *root);

// Parses every module and interns its names in the root machine; a syntax error is printed with file and line and ends the process.
void modules_parse(txMachine *root, firmware *it);

module *modules_find(const char *name);

#endif
