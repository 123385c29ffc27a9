// The frame memory: what a trigger puts into it and how it is clocked out.
#include <stdlib.h>
#include <string.h>

#include "virtual-mega-internal.h"

// Microseconds, as measured on an id 0x82.
enum { CAPTURE_TIME = 66000, NEXT_FRAME_TIME = 35800 };
#define ABSURD_LENGTH 8390520u
#define COUNTED_BYTES 64u  // a frame of which so much was read is not shown again; a probe or a discarded frame reads less

void vm_clear_memory(struct virtual_mega *camera) {
  free(camera->fifo);
  camera->fifo = NULL;
  camera->fifo_size = camera->length = camera->position = 0;
  camera->capturing = camera->done = camera->failed = false;
  camera->dummy = camera->single_used = camera->burst_used = camera->counted = false;
}

static uint8_t *raw_picture(struct vm_size size, uint32_t *length) {
  *length = 2u * size.width * size.height;
  uint8_t *bytes = malloc(*length);
  for (uint32_t i = 0; bytes && i < *length; i++) bytes[i] = (uint8_t)(i * 7 + i / (2u * size.width));
  return bytes;
}

static uint8_t *load_picture(struct virtual_mega *camera, uint32_t *length) {
  struct vm_size size = {640, 480};  // a reset sensor delivers VGA
  unsigned index = 5, quality = camera->registers[0x2A] < 3 ? camera->registers[0x2A] : 1;
  if (camera->resolution_written && !vm_find_size(camera->options.id, camera->registers[0x21], &size, &index)) {
    vm_violation(camera, "a size that this sensor does not have");
    return NULL;
  }
  uint8_t format = camera->registers[0x20];
  camera->counted = format == 2 || format == 3;  // those are not from the collection
  if (camera->counted) return raw_picture(size, length);
  camera->picture_slot = index * 3 + quality;
  if (!camera->options.picture) return NULL;
  return camera->options.picture(camera->options.context, size.width, size.height, quality,
                                 camera->taken[index][quality], length);
}

static void shorten(const uint8_t *bytes, uint32_t *length) {
  if (*length >= 4 && bytes[*length - 2] == 0xFF && bytes[*length - 1] == 0xD9) *length -= 2;
}

// FF before the first marker, as T.81 allows.
static uint8_t *put_lead(uint8_t *bytes, uint32_t *length, uint32_t lead) {
  uint8_t *longer = lead < VM_MEMORY - *length ? malloc(lead + *length) : NULL;
  if (!longer) return bytes;
  memset(longer, 0xFF, lead);
  memcpy(longer + lead, bytes, *length);
  *length += lead;
  free(bytes);
  return longer;
}

// N + 1 frames one after another, then the padding that some cameras append.
static bool fill_memory(struct virtual_mega *camera, const uint8_t *picture, uint32_t length) {
  uint32_t frames = camera->registers[0x01] + 1u, padding = camera->faults.padding;
  uint64_t wanted = (uint64_t)frames * length + padding;
  uint32_t size = frames == 256 || wanted > VM_MEMORY ? VM_MEMORY : (uint32_t)wanted;
  camera->fifo = calloc(1, size);
  if (!camera->fifo) return false;
  for (uint32_t at = 0; length && at + padding < size; at += length)
    memcpy(camera->fifo + at, picture, at + length <= size ? length : size - at);
  if (padding && padding < size) memset(camera->fifo + size - padding, camera->faults.padding_byte, padding);
  camera->fifo_size = camera->length = size;
  return true;
}

// Sooner than the sensor has settled: the frame is constant, and triggering early again keeps it so.
static bool is_too_early(struct virtual_mega *camera) {
  uint64_t limit = camera->faults.early * 1000ull;
  if (!limit) return false;
  uint64_t since = camera->triggered_early ? camera->early_since : camera->reset_at;
  bool early = (!camera->ever_triggered || camera->triggered_early) && camera->now - since < limit;
  camera->triggered_early = early;
  camera->early_since = camera->now;
  camera->ever_triggered = true;
  return early;
}

static bool strikes(uint32_t *times) {
  if (*times && *times != UINT32_MAX) {
    (*times)--;
    return true;
  }
  return *times == UINT32_MAX;
}

// What is wrong with the picture itself.
static uint8_t *spoil(struct virtual_mega *camera, uint8_t *bytes, uint32_t *length) {
  struct virtual_mega_faults *faults = &camera->faults;
  if (faults->no_end_marker) shorten(bytes, length);
  if (!faults->after && strikes(&faults->truncated)) *length /= 2;
  return faults->lead ? put_lead(bytes, length, faults->lead) : bytes;
}

static void apply_capture_faults(struct virtual_mega *camera) {
  struct virtual_mega_faults *faults = &camera->faults;
  bool dark = camera->spoiled | is_too_early(camera);
  if (faults->after) {
    faults->after--;
  } else {
    dark |= strikes(&faults->dark);
    if (strikes(&faults->zero_length)) camera->length = 0;
    if (strikes(&faults->absurd_length)) camera->length = ABSURD_LENGTH;
  }
  if (camera->absurd_next) camera->length = ABSURD_LENGTH;
  camera->absurd_next = false;
  for (uint32_t i = 0; dark && i < camera->fifo_size; i++) camera->fifo[i] = i & 1 ? 0x01 : 0x08;
  if (!dark && camera->registers[0x06] & 0x80)
    for (uint32_t i = 0; i < camera->fifo_size; i++) camera->fifo[i] = (uint8_t)i;
}

void vm_trigger(struct virtual_mega *camera) {
  uint32_t length = 0;
  bool asleep = camera->options.id <= 0x82 ? camera->registers[0x02] & 0x02
                : camera->options.id >= 0x85 ? camera->registers[0x28] & 0x01
                                             : virtual_mega_sensor_register(camera, 0x0F12) == 1;
  if (camera->now < camera->idle_at) vm_violation(camera, "a capture was started while the bridge was busy");
  vm_clear_memory(camera);
  camera->statistics.captures++;
  camera->capturing = camera->dummy = true;
  camera->format_just_written = false;
  camera->done_at = camera->now;
  if (!camera->options.instant) camera->done_at += CAPTURE_TIME + NEXT_FRAME_TIME * camera->registers[0x01];
  uint8_t *picture = asleep || camera->registers[0x05] & 0x80 ? NULL : load_picture(camera, &length);
  if (asleep) vm_violation(camera, "a capture in low power");
  if (picture) picture = spoil(camera, picture, &length);
  camera->failed = !picture || !fill_memory(camera, picture, length);
  free(picture);
  if (!camera->failed) apply_capture_faults(camera);
}

void vm_rewind(struct virtual_mega *camera) {
  camera->position = 0;
  camera->dummy = !camera->options.rewind_no_dummy;
}

uint8_t vm_next_byte(struct virtual_mega *camera) {
  if (camera->faults.reset_at >= 0 && camera->position == camera->faults.reset_at) {
    camera->faults.reset_at = -1;
    vm_power_on(camera);
  }
  if (!camera->done || camera->position >= camera->fifo_size) return 0;
  uint8_t byte = camera->fifo[camera->position];
  if (camera->position == camera->faults.flip_at) byte ^= 1;
  camera->position++;
  camera->statistics.data_bytes++;
  uint32_t enough = camera->fifo_size < COUNTED_BYTES ? camera->fifo_size : COUNTED_BYTES;
  if (camera->position >= enough && !camera->counted) {
    camera->counted = true;
    camera->taken[camera->picture_slot / 3][camera->picture_slot % 3]++;
  }
  return byte;
}
