// What the files of the virtual sensor share with each other.
#ifndef VIRTUAL_MEGA_INTERNAL_H
#define VIRTUAL_MEGA_INTERNAL_H

#include <stddef.h>
#include <stdio.h>

#include "virtual-mega.h"

enum { VM_SIZES = 14, VM_SENSOR_WRITES = 32, VM_MEMORY = 8390500 };

struct vm_size {
  uint16_t width, height;
};

struct vm_trace {
  FILE *file;
  uint8_t *out, *in;  // of the chip-select period under way
  size_t length, room;
  unsigned index;
  uint64_t bytes;
};

struct virtual_mega {
  struct virtual_mega_options options;
  struct virtual_mega_faults faults;
  struct virtual_mega_statistics statistics;
  struct vm_trace trace;
  uint8_t registers[128];
  uint64_t now;            // us
  uint64_t idle_at, loops_at, done_at, reset_at, focus_at;
  bool capturing, done, failed;  // failed: this capture will never be done
  // Transaction
  bool selected;
  uint32_t count;          // bytes of it so far
  uint8_t command;
  // Configuration of the sensor behind the bridge
  bool resolution_written, format_just_written, spoiled, seen_slow_write, focus_loaded, absurd_next;
  bool triggered_early, ever_triggered;
  uint64_t early_since;
  uint16_t sensor_address[VM_SENSOR_WRITES];
  uint16_t sensor_value[VM_SENSOR_WRITES];
  unsigned sensor_writes;
  // Frame memory
  uint8_t *fifo;
  uint32_t fifo_size;      // bytes that are there
  uint32_t length;         // as the registers tell
  uint32_t position;
  bool dummy, single_used, burst_used, counted;
  unsigned picture_slot;   // size and quality of the frame in memory
  unsigned taken[VM_SIZES][3];
};

// virtual-mega-sizes.c
bool vm_find_size(uint8_t id, uint8_t code, struct vm_size *size, unsigned *index);

// virtual-mega-registers.c
void vm_power_on(struct virtual_mega *camera);
void vm_write(struct virtual_mega *camera, uint8_t address, uint8_t value);
uint8_t vm_read(struct virtual_mega *camera, uint8_t address);
void vm_violation(struct virtual_mega *camera, const char *what);

// virtual-mega-capture.c
void vm_trigger(struct virtual_mega *camera);
void vm_clear_memory(struct virtual_mega *camera);
uint8_t vm_next_byte(struct virtual_mega *camera);
void vm_rewind(struct virtual_mega *camera);

// virtual-mega-trace.c
bool vm_open_trace(struct vm_trace *trace, const char *path);
void vm_trace_byte(struct vm_trace *trace, uint8_t out, uint8_t in);
void vm_end_trace_line(struct vm_trace *trace);
void vm_close_trace(struct vm_trace *trace);

#endif
