// The registers of the bridge: what a write does, what a read shows, and how long the bridge is busy.
#include <stdlib.h>
#include <string.h>

#include "virtual-mega-internal.h"

#define STATE_GARNISH 0x20  // other bits than the documented ones may be set: seen on a real camera

// Microseconds. Reset, format and size as measured on an id 0x82; the others are guesses of the same order.
enum {
  RESET_TIME = 45000,
  CONFIGURE_TIME = 8600,
  SETTING_TIME = 1500,
  BRIDGE_TIME = 300,
  READ_TIME = 60,
  LOOPS_TIME = 4000,
  FOCUS_LOAD_TIME = 900000,
  FOCUS_TIME = 350000,
};

void vm_violation(struct virtual_mega *camera, const char *what) {
  camera->statistics.violations++;
  camera->statistics.last_violation = what;
  fprintf(stderr, "virtual camera: %s\n", what);
}

// The sensor and most of the bridge, as 07=40 leaves them. Frame count and test pattern survive it.
static void reset_sensor(struct virtual_mega *camera) {
  uint8_t kept[] = {camera->registers[0x00], camera->registers[0x01], camera->registers[0x06]};
  memset(camera->registers, 0, sizeof camera->registers);
  camera->registers[0x00] = kept[0];
  camera->registers[0x01] = kept[1];
  camera->registers[0x06] = kept[2];
  camera->registers[0x02] = 0x05;
  camera->registers[0x2A] = 1;
  camera->resolution_written = camera->format_just_written = camera->spoiled = camera->focus_loaded = false;
  camera->ever_triggered = camera->triggered_early = false;
  camera->reset_at = camera->now;
  camera->sensor_writes = 0;
  vm_clear_memory(camera);
}

void vm_power_on(struct virtual_mega *camera) {
  camera->registers[0x00] = 0;
  camera->registers[0x01] = 0;
  camera->registers[0x06] = 0x01;
  reset_sensor(camera);
}

static bool is_busy(const struct virtual_mega *camera) {
  if (camera->faults.never_idle && camera->seen_slow_write) return true;
  return camera->now < camera->idle_at;
}

static void be_busy(struct virtual_mega *camera, uint32_t microseconds) {
  camera->seen_slow_write = true;
  if (!camera->options.instant) camera->idle_at = camera->now + microseconds;
}

// I2C to the sensor: the bridge drops or garbles what comes while it is at work.
static bool accept_slow_write(struct virtual_mega *camera) {
  if (!is_busy(camera)) return true;
  vm_violation(camera, "a setting was written while the bridge was busy");
  if (camera->faults.busy_write == BUSY_WRITE_ABSURD_LENGTH) camera->absurd_next = true;
  return camera->faults.busy_write != BUSY_WRITE_LOST;
}

static void write_sensor(struct virtual_mega *camera) {
  bool wide = camera->options.id == 0x83 || camera->options.id == 0x84;
  unsigned i = camera->sensor_writes < VM_SENSOR_WRITES ? camera->sensor_writes++ : VM_SENSOR_WRITES - 1;
  camera->sensor_address[i] = (uint16_t)(camera->registers[0x0B] << 8 | camera->registers[0x0C]);
  camera->sensor_value[i] = (uint16_t)((wide ? camera->registers[0x0E] << 8 : 0) | camera->registers[0x0D]);
}

static void write_resolution(struct virtual_mega *camera, uint8_t value) {
  bool redundant = camera->resolution_written && camera->registers[0x21] == value;
  bool excused = camera->options.id >= 0x85 && camera->format_just_written;
  camera->spoiled = redundant && !excused && !camera->faults.redundant_allowed;
  camera->resolution_written = true;
}

static void write_focus(struct virtual_mega *camera, uint8_t value) {
  if (camera->options.id != 0x81) vm_violation(camera, "auto focus on a camera without a lens motor");
  if (value == 0) camera->focus_loaded = true;
  else if (!camera->focus_loaded) vm_violation(camera, "auto focus without its firmware");
  be_busy(camera, value == 0 ? FOCUS_LOAD_TIME : SETTING_TIME);
  if (value == 1) camera->focus_at = camera->now + (camera->options.instant ? 0 : FOCUS_TIME);
}

static void write_setting(struct virtual_mega *camera, uint8_t address, uint8_t value) {
  if (!accept_slow_write(camera)) return;
  bool configures = address == 0x20 || address == 0x21;
  if (address == 0x21) write_resolution(camera, value);
  camera->format_just_written = address == 0x20;
  camera->registers[address] = value;
  be_busy(camera, configures ? CONFIGURE_TIME : address < 0x20 ? BRIDGE_TIME : SETTING_TIME);
  if (address == 0x0D) write_sensor(camera);
  if (address == 0x29) write_focus(camera, value);
  if (address == 0x30 && !camera->options.instant) camera->loops_at = camera->idle_at + LOOPS_TIME;
  if (address == 0x33 && camera->options.id >= 0x85) vm_violation(camera, "0x33 does not exist from id 0x85 on");
}

static void write_reset(struct virtual_mega *camera, uint8_t value) {
  if (value & 0x40) {
    camera->idle_at = 0;
    reset_sensor(camera);
    be_busy(camera, RESET_TIME);
    return;
  }
  if (value & 0x80) vm_clear_memory(camera);
  if (value & 0x01) {
    bool focus_status = camera->registers[0x0B] == 0x30 && camera->registers[0x0C] == 0x29;
    be_busy(camera, BRIDGE_TIME);
    camera->registers[0x48] = focus_status && camera->focus_loaded && camera->now >= camera->focus_at ? 0x10 : 0x00;
  }
}

static void write_fifo(struct virtual_mega *camera, uint8_t value) {
  if (value & 0x01) camera->done = false;
  if (value & 0x02) vm_trigger(camera);
  if (value & 0x10 && camera->options.rewind) vm_rewind(camera);
}

void vm_write(struct virtual_mega *camera, uint8_t address, uint8_t value) {
  bool slow = (address >= 0x0A && address <= 0x0E) || (address >= 0x20 && address <= 0x35);
  if (slow) {
    write_setting(camera, address, value);
  } else if (address == 0x07) {
    write_reset(camera, value);
  } else if (address == 0x04) {
    write_fifo(camera, value);
  } else if (address <= 0x06) {
    camera->registers[address] = value;
  } else {
    vm_violation(camera, "a write to a register that has no such use");
  }
}

static uint8_t read_state(struct virtual_mega *camera) {
  uint8_t state = STATE_GARNISH | (is_busy(camera) ? 0x01 : 0x02);
  bool stuck = camera->faults.never_done || camera->failed;
  if (camera->capturing && !stuck && camera->now >= camera->done_at) {
    camera->capturing = false;
    camera->done = true;
  }
  if (camera->done) state |= 0x04;
  if (camera->options.id >= 0x85 && camera->now < camera->loops_at) state |= 0x08;
  return state;
}

// Registers of the image block read back as 0.
uint8_t vm_read(struct virtual_mega *camera, uint8_t address) {
  bool identity = address >= 0x40 && address <= 0x49 && address != 0x44;
  if (identity && address <= 0x43 && !camera->options.instant && !is_busy(camera)) camera->idle_at = camera->now + READ_TIME;
  switch (address) {
    case 0x40: return camera->options.id;
    case 0x41: return 0xC0 | 23;  // garnish: the year is in bits 5:0 alone
    case 0x42: return 0xF0 | 3;
    case 0x43: return 0xE0 | 18;
    case 0x44: return read_state(camera);
    case 0x45: return camera->length & 0xFF;
    case 0x46: return camera->length >> 8 & 0xFF;
    case 0x47: return camera->length >> 16 & 0xFF;
    case 0x48: return camera->registers[0x48];
    case 0x49: return 0x20;
    default: return address < 0x20 ? camera->registers[address] : 0;
  }
}
