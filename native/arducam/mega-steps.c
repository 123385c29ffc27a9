// A queue of register accesses and bounded waits, worked off as far as the camera's state allows at each poll.
#include "mega-internal.h"

#define FOCUS_LOAD_TIMEOUT 10000u  // uploads the auto focus firmware into the sensor
#define FOCUS_TIMEOUT 3000u

int mega_write_register(struct mega *camera, uint8_t address, uint8_t value) {
  const uint8_t tx[2] = {address | MEGA_WRITE, value};
  uint8_t rx[2];
  camera->bus_bytes += sizeof tx;
  camera->bus_transactions++;
  return camera->port->exchange(camera->port, tx, rx, sizeof tx) ? MEGA_ERROR_BUS : 0;
}

// Command, one dummy byte, value.
int mega_read_register(struct mega *camera, uint8_t address, uint8_t *value) {
  const uint8_t tx[3] = {address, 0, 0};
  uint8_t rx[3] = {0};
  camera->bus_bytes += sizeof tx;
  camera->bus_transactions++;
  if (camera->port->exchange(camera->port, tx, rx, sizeof tx)) return MEGA_ERROR_BUS;
  *value = rx[2];
  return 0;
}

// The queue is longer than the longest sequence (every setting at once, then a capture); mega-controls test counts it.
void mega_queue(struct mega *camera, enum mega_step_kind kind, uint8_t address, uint16_t value) {
  if (camera->step_count >= MEGA_QUEUE) return;
  struct mega_step *step = &camera->steps[(camera->step_first + camera->step_count++) % MEGA_QUEUE];
  *step = (struct mega_step){(uint8_t)kind, address, value};
}

void mega_clear_queue(struct mega *camera) {
  camera->step_count = 0;
  camera->step_started = false;
}

// Asks the sensor (OV5640 register 0x3029) over the bridge.
void mega_queue_focus_status(struct mega *camera) {
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, MEGA_REG_I2C_HIGH, 0x30);
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, MEGA_REG_I2C_LOW, 0x29);
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, MEGA_REG_RESET, MEGA_RESET_I2C_READ);
  mega_queue(camera, MEGA_STEP_PAUSE, 0, 5);
  mega_queue(camera, MEGA_STEP_READ, MEGA_REG_I2C_DATA, MEGA_VALUE_I2C);
  mega_queue(camera, MEGA_STEP_FOCUS_STATUS, 0, 0);
}

static bool expired(const struct mega *camera, uint32_t limit) {
  return camera->now - camera->step_time >= limit;
}

// A dead bus reads all zeros or all ones; then the idle bits never come.
static int silence(const struct mega *camera, int error) {
  uint8_t state = camera->values[MEGA_VALUE_STATE];
  return state == 0x00 || state == 0xFF ? MEGA_ERROR_NO_CAMERA : error;
}

static int wait_state(struct mega *camera, uint8_t mask, uint8_t expected, uint32_t limit, int error) {
  uint8_t *state = &camera->values[MEGA_VALUE_STATE];
  int result = mega_read_register(camera, MEGA_REG_STATE, state);
  if (result) return result;
  if ((*state & mask) == expected) return 0;
  return expired(camera, limit) ? silence(camera, error) : MEGA_BUSY;
}

static uint32_t idle_limit(const struct mega *camera, const struct mega_step *step) {
  if (step->address == MEGA_REG_RESET) return camera->options.reset_timeout;
  if (step->address == MEGA_REG_FOCUS) return FOCUS_LOAD_TIMEOUT;
  return camera->options.idle_timeout;
}

static int wait_idle(struct mega *camera, const struct mega_step *step) {
  return wait_state(camera, MEGA_STATE_MASK, MEGA_STATE_IDLE, idle_limit(camera, step), MEGA_ERROR_IDLE_TIMEOUT);
}

static int access_register(struct mega *camera, const struct mega_step *step) {
  if (step->kind == MEGA_STEP_WRITE || step->kind == MEGA_STEP_WRITE_IDLE)
    return mega_write_register(camera, step->address, (uint8_t)step->value);
  return mega_read_register(camera, step->address, &camera->values[step->value]);
}

// A lens that finds nothing to focus on is no error: the picture is taken as it is.
static void check_focus(struct mega *camera) {
  camera->focused = camera->values[MEGA_VALUE_I2C] == 0x10;
  if (camera->focused || camera->now - camera->focus_time >= FOCUS_TIMEOUT) return;
  mega_queue(camera, MEGA_STEP_PAUSE, 0, 50);
  mega_queue_focus_status(camera);
}

static int run_step(struct mega *camera, const struct mega_step *step) {
  bool first = !camera->step_started;
  if (first) {
    camera->step_started = true;
    camera->step_time = camera->now;
  }
  switch (step->kind) {
    case MEGA_STEP_WRITE:
    case MEGA_STEP_READ: return access_register(camera, step);
    case MEGA_STEP_WRITE_IDLE:
    case MEGA_STEP_READ_IDLE: {
      int result = first ? access_register(camera, step) : 0;
      return result ? result : wait_idle(camera, step);
    }
    case MEGA_STEP_PAUSE: return expired(camera, step->value) ? 0 : MEGA_BUSY;
    case MEGA_STEP_DONE:
      return wait_state(camera, MEGA_STATE_DONE, MEGA_STATE_DONE, camera->options.capture_timeout,
                        MEGA_ERROR_CAPTURE_TIMEOUT);
    case MEGA_STEP_LOOPS:
      return wait_state(camera, MEGA_STATE_LOOPS_BUSY, 0, camera->options.idle_timeout, MEGA_ERROR_IDLE_TIMEOUT);
    case MEGA_STEP_FOCUS_STATUS: check_focus(camera); return 0;
  }
  return 0;
}

// 0 when the queue is empty, MEGA_BUSY, or an error (the queue is cleared then).
int mega_run_steps(struct mega *camera) {
  while (camera->step_count) {
    const struct mega_step step = camera->steps[camera->step_first];
    int result = run_step(camera, &step);
    if (result == MEGA_BUSY) return result;
    if (result) {
      mega_clear_queue(camera);
      return result;
    }
    camera->step_first = (camera->step_first + 1) % MEGA_QUEUE;
    camera->step_count--;
    camera->step_started = false;
  }
  return 0;
}

uint32_t mega_poll_interval(const struct mega *camera) {
  if (!camera->step_count) return 1;
  const struct mega_step *step = &camera->steps[camera->step_first];
  if (step->kind == MEGA_STEP_DONE) return 4;
  if (step->kind != MEGA_STEP_PAUSE) return 2;
  uint32_t passed = camera->now - camera->step_time;
  return passed < step->value ? step->value - passed : 1;
}
