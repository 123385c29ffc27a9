// The bus side of the virtual sensor: chip select, command byte, what comes back under which byte.
#include <stdlib.h>
#include <string.h>

#include "virtual-mega-internal.h"

#define CLOCK_HZ 8000000u
// What the bus shows where nothing is defined: never a value that a driver could take for a good one.
#define JUNK_COMMAND 0xA7
#define JUNK_DUMMY 0xD9

struct virtual_mega *virtual_mega_create(const struct virtual_mega_options *options) {
  struct virtual_mega *camera = calloc(1, sizeof *camera);
  if (!camera) return NULL;
  camera->options = *options;
  camera->faults = options->faults;
  vm_power_on(camera);
  camera->registers[0x01] = camera->faults.frames_left;
  if (camera->faults.pattern_left) camera->registers[0x06] |= 0x80;
  if (options->trace && !vm_open_trace(&camera->trace, options->trace)) {
    free(camera);
    return NULL;
  }
  return camera;
}

void virtual_mega_destroy(struct virtual_mega *camera) {
  if (!camera) return;
  virtual_mega_deselect(camera);
  vm_close_trace(&camera->trace);
  free(camera->fifo);
  free(camera);
}

void virtual_mega_power_cycle(struct virtual_mega *camera) {
  vm_power_on(camera);
}

void virtual_mega_select(struct virtual_mega *camera) {
  if (camera->selected && camera->count) return;  // was low already: no edge
  camera->selected = true;
  camera->count = 0;
}

void virtual_mega_deselect(struct virtual_mega *camera) {
  if (!camera->count) {
    camera->selected = false;
    return;
  }
  bool write = camera->command & 0x80;
  if (write && camera->count < 2) vm_violation(camera, "a write without a value");
  camera->statistics.transactions++;
  vm_end_trace_line(&camera->trace);
  camera->selected = false;
  camera->count = 0;
}

bool virtual_mega_is_selected(const struct virtual_mega *camera) {
  return camera->selected;
}

void virtual_mega_advance(struct virtual_mega *camera, uint64_t microseconds) {
  camera->now += microseconds;
}

// Bytes under the command and, in the first burst since the capture, under one dummy byte are not the picture's.
static uint8_t burst_byte(struct virtual_mega *camera, uint8_t out) {
  if (out) vm_violation(camera, "something was sent into a burst");
  if (camera->count == 1 && camera->single_used) vm_violation(camera, "single and burst reads mixed in one frame");
  camera->burst_used = true;
  if (camera->dummy) {
    camera->dummy = false;
    return JUNK_DUMMY;
  }
  return vm_next_byte(camera);
}

static uint8_t single_byte(struct virtual_mega *camera) {
  if (camera->count != 2) return JUNK_DUMMY;
  if (camera->burst_used) vm_violation(camera, "single and burst reads mixed in one frame");
  camera->single_used = true;
  return vm_next_byte(camera);
}

static uint8_t answer(struct virtual_mega *camera, uint8_t out) {
  uint8_t command = camera->command;
  if (command & 0x80) {
    if (camera->count == 1) vm_write(camera, command & 0x7F, out);
    else vm_violation(camera, "more than one value in a write");
    return JUNK_COMMAND;
  }
  if (command == 0x3C) return burst_byte(camera, out);
  if (command == 0x3D) return single_byte(camera);
  return camera->count == 2 ? vm_read(camera, command) : JUNK_DUMMY;
}

uint8_t virtual_mega_transfer(struct virtual_mega *camera, uint8_t out) {
  uint8_t in = JUNK_COMMAND;
  camera->statistics.bytes++;
  camera->statistics.bus_time += 8u * (1000000000u / CLOCK_HZ);
  camera->now += 8u * 1000000u / CLOCK_HZ;
  if (camera->count == 0) camera->command = out;
  else in = answer(camera, out);
  camera->count++;
  if (camera->faults.miso >= 0) in = (uint8_t)camera->faults.miso;
  vm_trace_byte(&camera->trace, out, in);
  return in;
}

uint8_t virtual_mega_register(const struct virtual_mega *camera, uint8_t address) {
  return camera->registers[address & 0x7F];
}

int virtual_mega_sensor_register(const struct virtual_mega *camera, uint16_t address) {
  for (unsigned i = camera->sensor_writes; i > 0; i--)
    if (camera->sensor_address[i - 1] == address) return camera->sensor_value[i - 1];
  return -1;
}

struct virtual_mega_statistics virtual_mega_statistics(const struct virtual_mega *camera) {
  return camera->statistics;
}

struct virtual_mega_faults *virtual_mega_faults(struct virtual_mega *camera) {
  return &camera->faults;
}
