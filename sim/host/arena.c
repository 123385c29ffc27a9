#include "arena.h"

#include <sys/mman.h>

#define CHIP_SLOT_BYTES 16
#define UNLIMITED (1 << 30)

// Chunks grow up from the start, slots down from the end. `left` counts in the chip's terms: on a 64-bit host a slot takes more bytes, but
// it is the number of slots that has to fit.
typedef struct {
  txByte *memory, *chunks, *slots;
  size_t size;
  long left;
} arena;

static arena *prepared;

static arena *arena_of(txMachine *the) {
  return the->arena;
}

void arena_prepare(const arena_budget *budget) {
  bool grows = budget->chunk_incremental || budget->heap_incremental;
  long limit = budget->static_bytes;
  if (!limit)
    limit = grows ? UNLIMITED : budget->chunk_initial + CHIP_SLOT_BYTES * ((long)budget->heap_initial + budget->stack);
  limit += sizeof(txBlock);  // XS puts one header before the first chunk

  arena *it = calloc(1, sizeof(arena));
  it->size = (size_t)limit * (sizeof(txSlot) / CHIP_SLOT_BYTES) + 4096;
  it->memory = mmap(NULL, it->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (it->memory == MAP_FAILED) {
    fprintf(stderr, "no memory for an arena of %zu bytes\n", it->size);
    exit(EXIT_FAILURE);
  }
  it->chunks = it->memory;
  it->slots = it->memory + it->size / sizeof(txSlot) * sizeof(txSlot);
  it->left = limit;
  prepared = it;
}

void fxCreateMachinePlatform(txMachine *the) {
  the->arena = prepared;
  prepared = NULL;
}

void fxDeleteMachinePlatform(txMachine *the) {
  (void)the;
}

void *fxAllocateChunks(txMachine *the, txSize size) {
  arena *it = arena_of(the);
  if (!it)
    return malloc(size);
  if (size > it->left)
    return NULL;
  it->left -= size;
  void *result = it->chunks;
  it->chunks += size;
  return result;
}

txSlot *fxAllocateSlots(txMachine *the, txSize count) {
  arena *it = arena_of(the);
  if (!it)
    return malloc(count * sizeof(txSlot));
  if (count > it->left / CHIP_SLOT_BYTES)
    return NULL;
  it->left -= (long)count * CHIP_SLOT_BYTES;
  it->slots -= count * sizeof(txSlot);
  return (txSlot *)it->slots;
}

void fxFreeChunks(txMachine *the, void *chunks) {
  if (!arena_of(the))
    free(chunks);
}

void fxFreeSlots(txMachine *the, void *slots) {
  if (!arena_of(the))
    free(slots);
}
