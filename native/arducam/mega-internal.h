// What the files of the driver share with each other.
#ifndef MEGA_INTERNAL_H
#define MEGA_INTERNAL_H

#include "mega-registers.h"
#include "mega.h"

#define MEGA_UNSET INT32_MIN

struct mega_model {
  uint8_t id;
  bool legacy;           // ids below 0x85: older codes for the resolution, sharpness instead of power mode
  bool focus, sharpness, yellowish;
  uint16_t resolutions;  // one bit each
  int32_t exposure_limit, gain_minimum, gain_limit;
  const char *name;
};

// mega-models.c
const struct mega_model *mega_find_model(uint8_t id);
uint8_t mega_resolution_code(const struct mega_model *model, int32_t resolution);

// mega-controls.c
void mega_queue_settings(struct mega *camera);
bool mega_unwritten(const struct mega *camera);
void mega_forget_settings(struct mega *camera);

// mega-steps.c: a queue of register accesses and waits.
enum mega_step_kind {
  MEGA_STEP_WRITE,         // register = value
  MEGA_STEP_WRITE_IDLE,    // and wait until the bridge is idle
  MEGA_STEP_READ,          // values[value] = register
  MEGA_STEP_READ_IDLE,     // and wait until the bridge is idle
  MEGA_STEP_PAUSE,         // value ms
  MEGA_STEP_DONE,          // wait until the capture is done
  MEGA_STEP_LOOPS,         // wait until the auto loops have taken their new state
  MEGA_STEP_FOCUS_STATUS,  // ask again until the lens has found its place
};
enum mega_value {
  MEGA_VALUE_ID, MEGA_VALUE_YEAR, MEGA_VALUE_MONTH, MEGA_VALUE_DAY, MEGA_VALUE_FPGA, MEGA_VALUE_TEST,
  MEGA_VALUE_LENGTH_LOW, MEGA_VALUE_LENGTH_MIDDLE, MEGA_VALUE_LENGTH_HIGH, MEGA_VALUE_I2C, MEGA_VALUE_STATE,
};
void mega_queue(struct mega *camera, enum mega_step_kind kind, uint8_t address, uint16_t value);
void mega_queue_focus_status(struct mega *camera);
void mega_clear_queue(struct mega *camera);
int mega_run_steps(struct mega *camera);
int mega_write_register(struct mega *camera, uint8_t address, uint8_t value);
int mega_read_register(struct mega *camera, uint8_t address, uint8_t *value);

// mega-frame.c
enum { MEGA_PRESENCE_MARK = 0x5A };  // kept in the scratch register: gone after a power dip
int mega_open_frame(struct mega *camera, uint32_t length);
void mega_drop_frame(struct mega *camera);
int mega_check_head(const struct mega *camera);
int mega_probe_rewind(struct mega *camera);
void mega_drop_lead(struct mega *camera);

#endif
