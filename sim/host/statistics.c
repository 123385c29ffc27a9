#include "xsAll.h"

#include "clock.h"
#include "statistics.h"

static uint32_t last_meter;
static uint64_t compute;

void statistics_sample(xsMachine *the) {
  uint32_t meter = the->meterIndex;
  compute += meter - last_meter;
  last_meter = meter;
}

void statistics_write(xsMachine *the, char *text, int size) {
  statistics_sample(the);
  snprintf(text, size,
           "{\"slots\":%d,\"slotsPeak\":%d,\"slotsTotal\":%d,\"chunkBytes\":%d,\"chunkBytesPeak\":%d,\"chunkBytesTotal\":%d,"
           "\"stackPeak\":%d,\"stackTotal\":%d,\"keys\":%d,\"collections\":%d,\"compute\":%llu,\"milliseconds\":%.0f}",
           (int)the->currentHeapCount, (int)the->peakHeapCount, (int)the->maximumHeapCount, (int)the->currentChunksSize,
           (int)the->peakChunksSize, (int)the->maximumChunksSize, (int)(the->stackTop - the->stackPeak),
           (int)(the->stackTop - the->stackBottom), (int)(the->keyIndex - the->keyOffset), the->garbageCollectionCount,
           (unsigned long long)compute, clock_milliseconds());
}

void statistics_reset(xsMachine *the) {
  the->peakHeapCount = the->currentHeapCount;
  the->peakChunksSize = the->currentChunksSize;
  the->stackPeak = the->stack;
}
