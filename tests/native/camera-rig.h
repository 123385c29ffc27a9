// A driver, a virtual sensor and the wires between them, with time that only the test moves.
#ifndef CAMERA_RIG_H
#define CAMERA_RIG_H

#include <stdlib.h>
#include <string.h>

#include "../../native/arducam/mega.h"
#include "../../sim/camera/virtual-mega.h"
#include "tap.h"

enum { RIG_BURST = 2048 };

struct rig {
  struct mega_port port;  // first: the driver's pointer is ours
  struct virtual_mega *sensor;
  struct mega camera;
  uint32_t now, ticked;
  size_t in_flight;       // bytes of the burst that was begun and not finished: chip select is low, the bus is taken
  unsigned slot;          // where they go
  uint8_t buffers[2][RIG_BURST];
  uint32_t picture_length;
  unsigned pictures, last_index;
  uint32_t break_after;   // the port fails at this call; 0 never
  bool break_late;        // the camera hears that transfer all the same
};

// A JPEG by its marks alone: FF D8, a start of frame with the size, numbers that differ with index and position, FF D9.
__attribute__((unused)) static uint8_t *rig_picture(void *context, unsigned width, unsigned height, unsigned quality,
                                                    unsigned index, uint32_t *length) {
  struct rig *rig = context;
  static const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
  *length = rig->picture_length;
  uint8_t *bytes = malloc(*length);
  for (uint32_t i = 0; i < *length; i++)
    bytes[i] = i < sizeof head ? head[i] : (uint8_t)((i * 2654435761u >> 13) + index * 37 + width + height + quality);
  bytes[*length - 2] = 0xFF;
  bytes[*length - 1] = 0xD9;
  rig->pictures++;
  rig->last_index = index;
  return bytes;
}

static bool rig_breaks(struct rig *rig) {
  return rig->break_after && --rig->break_after == 0;
}

static int rig_exchange(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length) {
  struct rig *rig = (struct rig *)port;
  CHECK(!rig->in_flight, "a register access while a burst is on its way");
  CHECK(length <= MEGA_EXCHANGE_LIMIT, "%zu bytes", length);
  bool broken = rig_breaks(rig);
  if (broken && !rig->break_late) return -1;
  virtual_mega_select(rig->sensor);
  for (size_t i = 0; i < length; i++) rx[i] = virtual_mega_transfer(rig->sensor, tx[i]);
  virtual_mega_deselect(rig->sensor);
  return broken ? -1 : 0;
}

// The command now, the bytes when they are fetched: what is sent in between goes into the burst, as it would on the wire.
static int rig_begin_burst(struct mega_port *port, unsigned slot, size_t length) {
  struct rig *rig = (struct rig *)port;
  CHECK(slot < 2 && length >= 2 && length <= port->burst_limit, "slot %u, %zu bytes", slot, length);
  CHECK(!rig->in_flight, "two bursts at a time");
  CHECK(length <= port->burst_alignment || length % port->burst_alignment == 0, "%zu bytes", length);
  if (rig_breaks(rig)) return -1;
  rig->in_flight = length;
  rig->slot = slot;
  virtual_mega_select(rig->sensor);
  rig->buffers[slot][0] = virtual_mega_transfer(rig->sensor, 0x3C);
  return 0;
}

// Whatever comes of it, the bus is free afterwards.
static const uint8_t *rig_finish_burst(struct mega_port *port, unsigned slot) {
  struct rig *rig = (struct rig *)port;
  CHECK(rig->in_flight && rig->slot == slot, "no burst is on its way to slot %u", slot);
  bool broken = rig_breaks(rig);
  size_t length = broken && !rig->break_late ? 1 : rig->in_flight;
  for (size_t i = 1; i < length; i++) rig->buffers[slot][i] = virtual_mega_transfer(rig->sensor, 0);
  virtual_mega_deselect(rig->sensor);
  rig->in_flight = 0;
  return broken ? NULL : rig->buffers[slot];
}

static void rig_tick(struct mega_port *port, uint32_t now) {
  struct rig *rig = (struct rig *)port;
  virtual_mega_advance(rig->sensor, (uint64_t)(now - rig->ticked) * 1000);
  rig->ticked = now;
}

struct rig_options {
  struct virtual_mega_options sensor;
  struct mega_options camera;
  size_t burst_limit, burst_alignment;
  uint32_t picture_length;
};

__attribute__((unused)) static struct rig_options rig_defaults(uint8_t id) {
  return (struct rig_options){
      .sensor = {.id = id, .faults = virtual_mega_no_faults},
      .camera = mega_default_options,
      .burst_limit = RIG_BURST,
      .burst_alignment = 4,
      .picture_length = 20000,
  };
}

__attribute__((unused)) static struct rig *rig_open(const struct rig_options *options) {
  struct rig *rig = calloc(1, sizeof *rig);
  struct virtual_mega_options sensor = options->sensor;
  if (!sensor.picture) {
    sensor.picture = rig_picture;
    sensor.context = rig;
  }
  rig->picture_length = options->picture_length;
  rig->now = rig->ticked = 0xFFFFFF00u;  // the clock wraps soon
  rig->sensor = virtual_mega_create(&sensor);
  rig->port = (struct mega_port){
      .burst_limit = options->burst_limit,
      .burst_alignment = options->burst_alignment,
      .exchange = rig_exchange,
      .begin_burst = rig_begin_burst,
      .finish_burst = rig_finish_burst,
      .tick = rig_tick,
  };
  // Whatever was in that memory before.
  memset(&rig->camera, 0xA5, sizeof rig->camera);
  mega_init(&rig->camera, &rig->port, &options->camera);
  return rig;
}

__attribute__((unused)) static void rig_close(struct rig *rig) {
  virtual_mega_destroy(rig->sensor);
  free(rig);
}

// Polls until the driver is done, at most for two minutes of its own time.
__attribute__((unused)) static int rig_run(struct rig *rig) {
  for (uint32_t begun = rig->now; rig->now - begun < 120000;) {
    int result = mega_poll(&rig->camera, rig->now);
    if (result != MEGA_BUSY) return result;
    rig->now += mega_poll_interval(&rig->camera);
  }
  return MEGA_BUSY;
}

__attribute__((unused)) static int rig_start(struct rig *rig) {
  mega_start(&rig->camera);
  return rig_run(rig);
}

__attribute__((unused)) static int rig_capture(struct rig *rig) {
  int result = mega_capture(&rig->camera);
  return result ? result : rig_run(rig);
}

// Reads to the end by `size` bytes at a time into *bytes (malloc). The number of bytes, or the error that ended it.
__attribute__((unused)) static int32_t rig_read(struct rig *rig, size_t size, uint8_t **bytes) {
  uint32_t room = rig->camera.frame.length - rig->camera.frame.position, filled = 0;
  uint8_t *piece = malloc(size);
  *bytes = malloc(room + 1);
  for (;;) {
    int32_t count = mega_read(&rig->camera, piece, size);
    if (count <= 0) {
      free(piece);
      return count ? count : (int32_t)filled;
    }
    if (filled + (uint32_t)count > room) {
      free(piece);
      return INT32_MAX;  // more than there is
    }
    memcpy(*bytes + filled, piece, (size_t)count);
    filled += (uint32_t)count;
  }
}

// Is it picture `index` of that size and quality, byte for byte?
__attribute__((unused)) static bool rig_is_picture(struct rig *rig, const uint8_t *bytes, int32_t length, unsigned width,
                                                   unsigned height, unsigned quality, unsigned index) {
  uint32_t expected;
  unsigned pictures = rig->pictures, last = rig->last_index;
  uint8_t *picture = rig_picture(rig, width, height, quality, index, &expected);
  rig->pictures = pictures;
  rig->last_index = last;
  bool same = length == (int32_t)expected && !memcmp(picture, bytes, expected);
  free(picture);
  return same;
}

#define CHECK_RESULT(actual, expected)                                                                     \
  do {                                                                                                     \
    int actual_result = (actual);                                                                          \
    tap_check(actual_result == (expected), #actual " is " #expected, __FILE__, __LINE__, "%s",             \
              actual_result == MEGA_BUSY ? "Busy" : mega_result_name(actual_result));                      \
  } while (0)

#endif
