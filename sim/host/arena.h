// The fixed block of memory that a device's XS machine lives in.
#ifndef DEVICELINK_ARENA_H
#define DEVICELINK_ARENA_H

#include "xsAll.h"

// `creation` of the manifest, in the chip's terms: bytes of chunks, counts of 16-byte slots.
typedef struct {
  int chunk_initial, chunk_incremental;
  int heap_initial, heap_incremental;
  int stack;
  int static_bytes;  // 0: the sum of the initial sizes, or no limit where an increment is given
  int keys_initial, keys_incremental;
} arena_budget;

// The next machine that is created takes its chunks and slots from a block of this size, and never from anywhere else.
void arena_prepare(const arena_budget *budget);

#endif
