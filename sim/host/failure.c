#include "failure.h"

#define MAX_CAUSES 8

// Where a frame is; false at a frame without a line (a native).
static bool frame_line(txMachine *the, txSlot *frame, const char **path, int *line) {
  txSlot *environment = mxFrameToEnvironment(frame);
  if (environment->ID == XS_NO_ID)
    return false;
  *path = fxGetKeyName(the, environment->ID);
  *line = environment->value.environment.line;
  return *path != NULL;
}

// Prints the stack without allocating anything, because there may be nothing left to allocate.
static void print_stack(txMachine *the) {
  for (txSlot *frame = the->frame; frame; frame = frame->next) {
    const char *path;
    int line;
    if (frame_line(the, frame, &path, &line))
      fprintf(stderr, " at (%s:%d)\n", path, line);
  }
}

static void print_location(txMachine *the) {
  const char *path;
  int line;
  for (txSlot *frame = the->frame; frame; frame = frame->next) {
    if (frame_line(the, frame, &path, &line)) {
      fprintf(stderr, " (%s:%d)", path, line);
      break;
    }
  }
  fputc('\n', stderr);
}

// fxNewSlot gives up when nothing is free, so an empty free list tells slots from chunks.
static void print_memory(txMachine *the) {
  const char *what = the->freeHeap ? "no chunk of this size left" : "no slot left";
  fprintf(stderr, "out of memory: %s: slots %d of %d (16 bytes each on the chip), chunks %d of %d bytes", what,
          (int)the->currentHeapCount, (int)the->maximumHeapCount, (int)the->currentChunksSize,
          (int)the->maximumChunksSize);
  print_location(the);
  print_stack(the);
}

static void print_stack_overflow(txMachine *the) {
  long total = the->stackTop - the->stackBottom, used = the->stackTop - the->stack;
  fprintf(stderr, "out of memory: stack overflow: %ld of %ld stack slots", used, total);
  print_location(the);
  print_stack(the);
}

static void print_value(txMachine *the, txSlot *value) {
  mxPushSlot(value);
  if (mxIsReference(the->stack)) {
    mxDub();
    mxGetID(mxID(_stack));
    if (mxIsUndefined(the->stack))
      mxPop();
  }
  fprintf(stderr, "%s\n", fxToString(the, the->stack));
}

// Replaces `value` by its cause; false at the last one.
static bool next_cause(txMachine *the, txSlot *value) {
  if (!mxIsReference(value))
    return false;
  mxPushSlot(value);
  mxGetID(mxID(_cause));
  *value = *the->stack;
  return !mxIsUndefined(value);
}

void failure_exception(txMachine *the, const char *what, txSlot *value) {
  fflush(stdout);
  fprintf(stderr, "%s: ", what);
  mxPushSlot(value);
  txSlot *cause = the->stack;
  mxTry(the) {
    print_value(the, cause);
    for (int i = 0; i < MAX_CAUSES && next_cause(the, cause); i++) {
      fprintf(stderr, "caused by: ");
      print_value(the, cause);
    }
  }
  mxCatch(the) {
    fprintf(stderr, "(a value that cannot be converted to a string)\n");
  }
  exit(EXIT_EXCEPTION);
}

// Nobody has caught it, so the machine still is where it was thrown. Its value can be asked for its stack only from where the host had called.
static void leave_script(txMachine *the) {
  txJump *jump = the->firstJump;
  the->stack = jump->stack;
  the->scope = jump->scope;
  the->frame = jump->frame;
  the->code = jump->code;
}

// XS calls it where it cannot go on.
void fxAbort(txMachine *the, int status) {
  fflush(stdout);
  switch (status) {
    case XS_NOT_ENOUGH_MEMORY_EXIT:
      print_memory(the);
      exit(EXIT_MEMORY);
    case XS_STACK_OVERFLOW_EXIT:
      print_stack_overflow(the);
      exit(EXIT_MEMORY);
    case XS_NO_MORE_KEYS_EXIT:
      fprintf(stderr, "out of memory: no key left: %d names", (int)(the->keyIndex - the->keyOffset));
      print_location(the);
      exit(EXIT_MEMORY);
    case XS_DEBUGGER_EXIT:
      exit(EXIT_DEBUGGER);
    case XS_UNHANDLED_EXCEPTION_EXIT:
      leave_script(the);
      failure_exception(the, "uncaught exception", &mxException);
    case XS_UNHANDLED_REJECTION_EXIT:
      failure_exception(the, "unhandled rejection", &mxException);
    default:
      fprintf(stderr, "the engine stopped with status %d", status);
      print_location(the);
      print_stack(the);
      exit(EXIT_FATAL);
  }
}
