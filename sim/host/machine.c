#include "machine.h"

#include "failure.h"
#include "flash.h"
#include "jobs.h"
#include "natives.h"
#include "trace.h"
#include "xs.h"

enum { NAME_MODULO = 1993, SYMBOL_MODULO = 127, PARSER_BUFFER = 64 * 1024, PARSER_MODULO = 1993 };

// Every preloaded module runs here, once, before the device "boots".
static void preload(xsMachine *the, firmware *it) {
  xsBeginHost(the);
  trace_install(the);
  for (module *entry = it->modules; entry; entry = entry->next)
    if (entry->preload)
      xsAwaitImport(entry->name, XS_IMPORT_NAMESPACE);
  xsEndHost(the);
  jobs_run(the);
}

static txMachine *create_root(firmware *it) {
  xsCreation creation = {
      .initialChunkSize = 1024 * 1024,
      .incrementalChunkSize = 256 * 1024,
      .initialHeapCount = 32 * 1024,
      .incrementalHeapCount = 8 * 1024,
      .stackCount = 4096,
      .initialKeyCount = 4096,
      .incrementalKeyCount = 1024,
      .nameModulo = NAME_MODULO,
      .symbolModulo = SYMBOL_MODULO,
      .parserBufferSize = PARSER_BUFFER,
      .parserTableModulo = PARSER_MODULO,
  };
  txMachine *root = fxCreateMachine(&creation, "root", NULL, XS_NO_ID);
  natives_intern(root);
  modules_parse(root, it);
  preload(root, it);
  flash_prepare(root);
  fxShareMachine(root);
  flash_seal(root);
  return root;
}

txMachine *machine_create(firmware *it, const char *name) {
  txMachine *root = create_root(it);
  arena_budget *budget = &it->budget;
  xsCreation creation = {
      .initialChunkSize = budget->chunk_initial,
      .incrementalChunkSize = budget->chunk_incremental,
      .initialHeapCount = budget->heap_initial,
      .incrementalHeapCount = budget->heap_incremental,
      .stackCount = budget->stack,
      .initialKeyCount = budget->keys_initial,
      .incrementalKeyCount = budget->keys_incremental,
      .nameModulo = NAME_MODULO,
      .symbolModulo = SYMBOL_MODULO,
      .parserBufferSize = PARSER_BUFFER,
      .parserTableModulo = PARSER_MODULO,
  };
  arena_prepare(budget);
  txMachine *the = fxCloneMachine(&creation, root, (txString)name, NULL);
  if (!the) {
    fprintf(stderr, "out of memory: the budget of `creation` is too small for an empty machine\n");
    exit(EXIT_MEMORY);
  }
  return the;
}

static void started(xsMachine *the) {
  if (!xsHas(xsArg(0), xsID("default")))
    return;
  xsVars(1);
  xsVar(0) = xsGet(xsArg(0), xsID("default"));
  if (xsTypeOf(xsVar(0)) == xsReferenceType && xsIsCallable(xsVar(0)))
    xsResult = xsCallFunction0(xsVar(0), xsGlobal);
}

static void failed(xsMachine *the) {
  failure_exception(the, "uncaught exception", mxArgv(0));
}

void machine_start(txMachine *machine, const char *main) {
  xsBeginHost(machine);
  xsVars(3);
  xsVar(0) = xsAwaitImport((char *)main, XS_IMPORT_ASYNC);
  xsVar(1) = xsNewHostFunction(started, 1);
  xsVar(2) = xsNewHostFunction(failed, 1);
  xsVar(0) = xsCall1(xsVar(0), xsID("then"), xsVar(1));
  xsCall1(xsVar(0), xsID("catch"), xsVar(2));
  xsEndHost(machine);
}
