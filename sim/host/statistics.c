#include "xsAll.h"

#include <poll.h>
#include <signal.h>

#include "clock.h"
#include "loop.h"
#include "statistics.h"

static uint32_t last_meter;
static uint64_t compute;
static int pipes[2];  // from the signal handler to the loop
static xsMachine *served;

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

int statistics_free(xsMachine *the) {
  int slots = (int)(the->maximumHeapCount - the->currentHeapCount);
  return slots * 16 + (int)(the->maximumChunksSize - the->currentChunksSize);
}

void statistics_reset(xsMachine *the) {
  the->peakHeapCount = the->currentHeapCount;
  the->peakChunksSize = the->currentChunksSize;
  the->stackPeak = the->stack;
}

void statistics_print(xsMachine *the) {
  char text[1024];
  statistics_write(the, text, sizeof(text));
  printf("{\"event\":\"statistics\",\"statistics\":%s}\n", text);
  fflush(stdout);
}

static void signalled(int number) {
  char byte = (char)number;
  int saved = errno;
  ssize_t written = write(pipes[1], &byte, 1);
  (void)written;  // a full pipe holds enough requests
  errno = saved;
}

static void requested(loop_source *source, short revents) {
  char byte;
  (void)revents;
  if (read(source->fd, &byte, 1) != 1)
    return;
  statistics_print(served);
  if (byte == SIGUSR2)
    statistics_reset(served);
}

void statistics_listen(void) {
  if (pipe(pipes))
    return;
  signal(SIGUSR1, signalled);
  signal(SIGUSR2, signalled);
}

void statistics_serve(xsMachine *the) {
  static loop_source source;
  served = the;
  source = (loop_source){.fd = pipes[0], .events = POLLIN, .background = true, .ready = requested};
  loop_add(&source);
}
