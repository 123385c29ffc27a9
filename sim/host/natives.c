#define _GNU_SOURCE
#include "natives.h"

#include <dlfcn.h>

#include "mc.xs.h"
#include "xs.h"

// Stands for a native that nobody has compiled into this host.
static void missing(xsMachine *the) {
  xsReferenceError("this host has no C function for it");
}

static module *running;  // XS gives the callback no argument; it is called before fxResolveModule returns

void natives_find(module *entry, txScript *script, txID *ids) {
  txByte *p = script->hostsBuffer;
  txID count;
  memcpy(&count, p, sizeof(count));
  p += sizeof(count);
  entry->natives = calloc(count, sizeof(txHostFunctionBuilder));
  entry->native_count = (int)count;
  for (txID i = 0; i < count; i++) {
    txHostFunctionBuilder *builder = &entry->natives[i];
    builder->length = *p++;  // -1: a destructor
    txID id;
    memcpy(&id, p, sizeof(id));
    p += sizeof(id);
    builder->id = id == XS_NO_ID ? XS_NO_ID : ids[id];
    builder->callback = (txCallback)dlsym(RTLD_DEFAULT, (char *)p);
    if (!builder->callback) {
      fprintf(stderr, "%s: this host has no C function %s\n", entry->source, (char *)p);
      builder->callback = builder->length < 0 ? NULL : missing;
    }
    p += strlen((char *)p) + 1;
  }
}

static void build(xsMachine *the) {
  xsResult = xsBuildHosts(running->native_count, running->natives);
}

void *natives_builder(module *entry) {
  running = entry;
  return build;
}

void natives_intern(txMachine *root) {
  for (int i = 0; i < mc_xs_id_count; i++)
    mc_xs_ids[i] = fxNewNameC(root, (txString)mc_xs_names[i]);
}
