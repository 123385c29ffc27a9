// Settings: what was asked for, what the camera holds, and the register accesses that bring it there.
#include "mega-internal.h"

#define WAKE_PAUSE 500  // ms after low power; the maker's example waits 300 and remarks that 3MP needs longer

enum loop { LOOP_GAIN, LOOP_EXPOSURE, LOOP_WHITE_BALANCE };

int mega_configure(struct mega *camera, enum mega_control control, int32_t value) {
  if (!mega_supports(camera, control, value)) return MEGA_ERROR_UNSUPPORTED;
  camera->desired[control] = value;
  bool action = control == MEGA_FOCUS || control == MEGA_LENS;
  if (action || camera->actual[control] != value) camera->dirty |= 1u << control;
  else camera->dirty &= ~(1u << control);
  return 0;
}

int32_t mega_setting(const struct mega *camera, enum mega_control control) {
  return (unsigned)control < MEGA_CONTROL_COUNT ? camera->desired[control] : MEGA_UNSET;
}

bool mega_unwritten(const struct mega *camera) {
  if (camera->actual[MEGA_LOW_POWER] == 1 && camera->desired[MEGA_LOW_POWER] == 1) return false;  // it sleeps
  return camera->dirty != 0;
}

// After a reset nothing is known of the camera's registers, so everything that was asked for is written again.
void mega_forget_settings(struct mega *camera) {
  camera->dirty = 0;
  camera->focus_loaded = false;
  for (int control = 0; control < MEGA_CONTROL_COUNT; control++) {
    camera->actual[control] = MEGA_UNSET;
    if (camera->desired[control] != MEGA_UNSET) camera->dirty |= 1u << control;
  }
  camera->actual[MEGA_LOW_POWER] = 0;
}

static void set(struct mega *camera, uint8_t address, int32_t value) {
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, address, (uint16_t)(value & 0xFF));
}

// 0, +1, -1, +2, -2 ... are numbered 0, 1, 2, 3, 4 ...
static int32_t level_code(int32_t level) {
  return level > 0 ? 2 * level - 1 : -2 * level;
}

static void queue_sensor_write(struct mega *camera, uint16_t address, uint16_t value) {
  set(camera, MEGA_REG_I2C_HIGH, address >> 8);
  set(camera, MEGA_REG_I2C_LOW, address);
  set(camera, MEGA_REG_I2C_VALUE_HIGH, value >> 8);
  set(camera, MEGA_REG_I2C_VALUE, value);
}

// 0x83 and 0x84 sleep by a register of their sensor (0xD000107E), behind an address window of its own.
static void queue_low_power(struct mega *camera, int32_t on) {
  if (!camera->model->legacy) {
    set(camera, MEGA_REG_POWER_MODE, on);
  } else if (camera->model->id <= 0x82) {
    mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_POWER, on ? 0x07 : 0x05);
  } else {
    queue_sensor_write(camera, 0x0028, 0xD000);
    queue_sensor_write(camera, 0x002A, 0x107E);
    queue_sensor_write(camera, 0x0F12, (uint16_t)on);
  }
  if (on) return;
  mega_queue(camera, MEGA_STEP_PAUSE, 0, WAKE_PAUSE);
  camera->unsettled = true;
}

// From id 0x85 on a new format needs the size again; on older ids the very same write would spoil the next capture.
static void queue_format(struct mega *camera, int32_t format) {
  set(camera, MEGA_REG_FORMAT, format);
  if (!camera->model->legacy) camera->dirty |= 1u << MEGA_RESOLUTION;
}

static void queue_auto(struct mega *camera, enum loop loop, int32_t on) {
  set(camera, MEGA_REG_AUTO, (on ? 0x80 : 0) | loop);
  if (!camera->model->legacy) mega_queue(camera, MEGA_STEP_LOOPS, 0, 0);
}

// Gain 1 to 31 as an OV3640 codes it: bits 7:4 double it once each, bits 3:0 add sixteenths.
static int32_t ov3640_gain(int32_t gain) {
  int32_t doublings = 0, step = 16 * gain;
  while (step >= 32) {
    step /= 2;
    doublings++;
  }
  return ((1 << doublings) - 1) << 4 | (step - 16);
}

static void queue_gain(struct mega *camera, int32_t gain) {
  if (camera->model->id == 0x82) gain = ov3640_gain(gain);
  set(camera, MEGA_REG_GAIN_HIGH, gain >> 8);
  set(camera, MEGA_REG_GAIN_LOW, gain);
}

static void queue_exposure(struct mega *camera, int32_t exposure) {
  if (camera->model->legacy) set(camera, MEGA_REG_EXPOSURE_19_16, exposure >> 16);
  set(camera, MEGA_REG_EXPOSURE_15_8, exposure >> 8);
  set(camera, MEGA_REG_EXPOSURE_7_0, exposure);
}

// OV5640 registers 0x3603 (bits 9:4) and 0x3602 (bits 3:0).
static void queue_lens(struct mega *camera, int32_t position) {
  set(camera, MEGA_REG_I2C_HIGH, 0x36);
  set(camera, MEGA_REG_I2C_LOW, 0x03);
  set(camera, MEGA_REG_I2C_VALUE, (position >> 4) & 0x3F);
  set(camera, MEGA_REG_I2C_HIGH, 0x36);
  set(camera, MEGA_REG_I2C_LOW, 0x02);
  set(camera, MEGA_REG_I2C_VALUE, (position << 4) & 0xF0);
}

// The firmware of the auto focus is gone after each reset; 0 loads it, which takes seconds.
static void queue_focus(struct mega *camera, int32_t mode) {
  if (!camera->focus_loaded) set(camera, MEGA_REG_FOCUS, 0);
  camera->focus_loaded = true;
  set(camera, MEGA_REG_FOCUS, mode);
  if (mode != 1) return;
  camera->focus_time = camera->now;
  mega_queue_focus_status(camera);
}

static void queue_control(struct mega *camera, enum mega_control control, int32_t value) {
  static const uint8_t registers[MEGA_CONTROL_COUNT] = {
      [MEGA_QUALITY] = MEGA_REG_QUALITY,
      [MEGA_WHITE_BALANCE] = MEGA_REG_WHITE_BALANCE,
      [MEGA_EFFECT] = MEGA_REG_EFFECT,
      [MEGA_SHARPNESS] = MEGA_REG_SHARPNESS,
      [MEGA_FREEZE_EXPOSURE] = MEGA_REG_FREEZE_EXPOSURE,
      [MEGA_FREEZE_WHITE_BALANCE] = MEGA_REG_FREEZE_WHITE_BALANCE,
      [MEGA_BRIGHTNESS] = MEGA_REG_BRIGHTNESS,
      [MEGA_CONTRAST] = MEGA_REG_CONTRAST,
      [MEGA_SATURATION] = MEGA_REG_SATURATION,
      [MEGA_EXPOSURE_COMPENSATION] = MEGA_REG_EXPOSURE_COMPENSATION,
  };
  switch (control) {
    case MEGA_LOW_POWER: queue_low_power(camera, value); break;
    case MEGA_FORMAT: queue_format(camera, value); break;
    case MEGA_RESOLUTION: set(camera, MEGA_REG_RESOLUTION, mega_resolution_code(camera->model, value)); break;
    case MEGA_BRIGHTNESS:
    case MEGA_CONTRAST:
    case MEGA_SATURATION:
    case MEGA_EXPOSURE_COMPENSATION: set(camera, registers[control], level_code(value)); break;
    case MEGA_ROTATION: set(camera, MEGA_REG_ROTATION, value == 180); break;
    case MEGA_AUTO_EXPOSURE: queue_auto(camera, LOOP_EXPOSURE, value); break;
    case MEGA_AUTO_GAIN: queue_auto(camera, LOOP_GAIN, value); break;
    case MEGA_AUTO_WHITE_BALANCE: queue_auto(camera, LOOP_WHITE_BALANCE, value); break;
    case MEGA_EXPOSURE: queue_exposure(camera, value); break;
    case MEGA_GAIN: queue_gain(camera, value); break;
    case MEGA_LENS: queue_lens(camera, value); break;
    case MEGA_FOCUS: queue_focus(camera, value); break;
    default: set(camera, registers[control], value); break;
  }
  camera->actual[control] = value;
}

// Queues what has changed, in the order of enum mega_control: waking up first, then format before size, the rest after.
void mega_queue_settings(struct mega *camera) {
  bool sleep = camera->desired[MEGA_LOW_POWER] == 1;
  if (sleep && camera->actual[MEGA_LOW_POWER] == 1) return;
  for (int control = 0; control < MEGA_CONTROL_COUNT; control++) {
    if (!(camera->dirty & (1u << control)) || (control == MEGA_LOW_POWER && sleep)) continue;
    camera->dirty &= ~(1u << control);
    if (control == MEGA_LOW_POWER && camera->actual[control] == camera->desired[control]) continue;
    queue_control(camera, (enum mega_control)control, camera->desired[control]);
  }
  if (!sleep) return;
  camera->dirty &= ~(1u << MEGA_LOW_POWER);
  queue_control(camera, MEGA_LOW_POWER, 1);
}
