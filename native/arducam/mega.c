// The life of a camera: reset, identify, write the settings, settle, discard, then one capture after another, with a bounded
// ladder of recoveries when a capture goes wrong.
#include "mega-internal.h"

#include <string.h>

enum stage {
  STAGE_OFF,
  STAGE_RESET,     // reset, read id and date
  STAGE_PREPARE,   // put right what survives a reset
  STAGE_SETTINGS,
  STAGE_SETTLE,
  STAGE_DISCARD,
  STAGE_READY,
  STAGE_PRESENCE,  // still the camera that was set up?
  STAGE_CAPTURE,
  STAGE_FAILED,
};

enum { CONTINUE = 2 };  // to the next stage, in the same poll

const struct mega_options mega_default_options = {
    .reset_timeout = 3000,
    .idle_timeout = 3000,
    .capture_timeout = 5000,
    .settle = 500,
    .discard = 2,
    .probe_rewind = true,
    .jpeg_limit = 4 * 1024 * 1024,
};

const char *mega_result_name(int result) {
  static const char *const names[] = {
      "Ready",        "BusError",     "NoCamera",  "UnknownSensor", "IdleTimeout", "CaptureTimeout", "AbsurdLength",
      "DarkFrame",    "BadFrame",     "CameraReset", "Unsupported", "NotStarted",  "NoFrame",        "LowPower",
  };
  size_t index = (size_t)(result < 0 ? -result : 0);
  return index < sizeof names / sizeof *names ? names[index] : "Unknown";
}

void mega_init(struct mega *camera, struct mega_port *port, const struct mega_options *options) {
  memset(camera, 0, sizeof *camera);
  camera->port = port;
  camera->options = options ? *options : mega_default_options;
  camera->rewindable = -1;
  for (int control = 0; control < MEGA_CONTROL_COUNT; control++)
    camera->desired[control] = camera->actual[control] = MEGA_UNSET;
  mega_configure(camera, MEGA_FORMAT, MEGA_JPEG);
  mega_configure(camera, MEGA_RESOLUTION, MEGA_VGA);
  mega_configure(camera, MEGA_QUALITY, 1);
  mega_configure(camera, MEGA_WHITE_BALANCE, 0);  // writing it, even 0, cures the colour cast
  camera->frame.error = MEGA_ERROR_NO_FRAME;
}

static void begin_reset(struct mega *camera) {
  mega_drop_frame(camera);
  mega_clear_queue(camera);
  mega_forget_settings(camera);
  camera->unsettled = true;
  camera->identified = false;
  camera->discards = camera->options.discard;
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, MEGA_REG_RESET, MEGA_RESET_ALL);
  mega_queue(camera, MEGA_STEP_READ_IDLE, MEGA_REG_ID, MEGA_VALUE_ID);
  mega_queue(camera, MEGA_STEP_READ_IDLE, MEGA_REG_YEAR, MEGA_VALUE_YEAR);
  mega_queue(camera, MEGA_STEP_READ_IDLE, MEGA_REG_MONTH, MEGA_VALUE_MONTH);
  mega_queue(camera, MEGA_STEP_READ_IDLE, MEGA_REG_DAY, MEGA_VALUE_DAY);
  mega_queue(camera, MEGA_STEP_READ_IDLE, MEGA_REG_FPGA, MEGA_VALUE_FPGA);
  camera->stage = STAGE_RESET;
}

static void queue_trigger(struct mega *camera) {
  mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_FIFO, MEGA_FIFO_CLEAR_DONE);
  mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_FIFO, MEGA_FIFO_START);
  mega_queue(camera, MEGA_STEP_DONE, 0, 0);
  mega_queue(camera, MEGA_STEP_READ, MEGA_REG_LENGTH_LOW, MEGA_VALUE_LENGTH_LOW);
  mega_queue(camera, MEGA_STEP_READ, MEGA_REG_LENGTH_MIDDLE, MEGA_VALUE_LENGTH_MIDDLE);
  mega_queue(camera, MEGA_STEP_READ, MEGA_REG_LENGTH_HIGH, MEGA_VALUE_LENGTH_HIGH);
}

static int identify(struct mega *camera) {
  const uint8_t *values = camera->values;
  uint8_t id = values[MEGA_VALUE_ID];
  if (id == 0x00 || id == 0xFF) return MEGA_ERROR_NO_CAMERA;
  const struct mega_model *model = mega_find_model(id);
  if (!model) return MEGA_ERROR_UNKNOWN_SENSOR;
  if (model != camera->model) camera->rewindable = -1;
  camera->model = model;
  camera->identified = true;
  camera->identification = (struct mega_identification){
      .id = id,
      .year = values[MEGA_VALUE_YEAR] & 0x3F,
      .month = values[MEGA_VALUE_MONTH] & 0x0F,
      .day = values[MEGA_VALUE_DAY] & 0x1F,
      .fpga = values[MEGA_VALUE_FPGA],
  };
  for (int control = 0; control < MEGA_CONTROL_COUNT; control++) {
    int32_t value = camera->desired[control];
    if (value == MEGA_UNSET || mega_supports(camera, (enum mega_control)control, value)) continue;
    camera->desired[control] = control == MEGA_RESOLUTION ? MEGA_VGA : MEGA_UNSET;
    return MEGA_ERROR_UNSUPPORTED;
  }
  return 0;
}

// 0x01 and 0x06 survive a reset of this chip and even the camera's own, and a forgotten value spoils every capture.
static void queue_preparation(struct mega *camera) {
  mega_queue(camera, MEGA_STEP_WRITE_IDLE, MEGA_REG_I2C_DEVICE, MEGA_SENSOR_ADDRESS);
  mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_FRAMES, 0);
  mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_TIMING, MEGA_TIMING_NORMAL);
  mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_TEST, MEGA_PRESENCE_MARK);
  mega_queue(camera, MEGA_STEP_READ, MEGA_REG_TEST, MEGA_VALUE_TEST);
}

static uint32_t frame_length(const struct mega *camera) {
  const uint8_t *values = camera->values;
  return (uint32_t)values[MEGA_VALUE_LENGTH_HIGH] << 16 | (uint32_t)values[MEGA_VALUE_LENGTH_MIDDLE] << 8 |
         values[MEGA_VALUE_LENGTH_LOW];
}

// The bytes to read, or 0 when the length cannot be true. Raw frames may report a few bytes too many.
static uint32_t accept_length(const struct mega *camera, uint32_t length) {
  uint16_t width, height;
  if (camera->actual[MEGA_FORMAT] == MEGA_JPEG) return length <= camera->options.jpeg_limit ? length : 0;
  mega_dimensions(camera, camera->actual[MEGA_RESOLUTION], &width, &height);
  uint32_t exact = 2u * width * height;
  return length >= exact && length <= exact + 1024 ? exact : 0;
}

static int open_capture(struct mega *camera, uint32_t most) {
  camera->last_length = frame_length(camera);
  uint32_t length = accept_length(camera, camera->last_length);
  if (!length) return MEGA_ERROR_ABSURD_LENGTH;
  int result = mega_open_frame(camera, length < most ? length : most);
  return result ? result : mega_check_head(camera);
}

static bool must_probe(const struct mega *camera) {
  return camera->rewindable < 0 && camera->options.probe_rewind;
}

// One of the first captures: nobody wants it, so its first bytes serve to find out whether the camera can rewind.
static int finish_discard(struct mega *camera) {
  int result = 0;
  if (must_probe(camera)) {
    result = open_capture(camera, MEGA_HEAD + 2);
    if (!result) result = mega_probe_rewind(camera);
  }
  mega_drop_frame(camera);
  return result == MEGA_ERROR_BUS ? result : 0;  // whatever else is wrong with it: that is why it is discarded
}

static int finish_capture(struct mega *camera) {
  int result = open_capture(camera, UINT32_MAX);
  if (!result && must_probe(camera)) result = mega_probe_rewind(camera);
  if (result) return result;
  mega_drop_lead(camera);
  camera->capture_wanted = false;
  camera->stage = STAGE_READY;
  return CONTINUE;
}

static int after_settling(struct mega *camera) {
  camera->stage = STAGE_READY;
  if (camera->discards) {
    camera->discards--;
    queue_trigger(camera);
    camera->stage = STAGE_DISCARD;
  } else {
    camera->unsettled = false;
  }
  return CONTINUE;
}

static int after_settings(struct mega *camera) {
  bool asleep = camera->actual[MEGA_LOW_POWER] == 1;
  if (asleep || !camera->unsettled) {
    camera->stage = STAGE_READY;
    if (!camera->capture_wanted) return CONTINUE;
    if (asleep) return MEGA_ERROR_LOW_POWER;
    queue_trigger(camera);
    camera->stage = STAGE_CAPTURE;
    return CONTINUE;
  }
  if (!camera->discards) camera->discards = camera->options.discard;
  mega_queue(camera, MEGA_STEP_PAUSE, 0, (uint16_t)camera->options.settle);
  camera->stage = STAGE_SETTLE;
  return CONTINUE;
}

static int write_settings(struct mega *camera) {
  mega_queue_settings(camera);
  camera->stage = STAGE_SETTINGS;
  return CONTINUE;
}

static int when_ready(struct mega *camera) {
  if (camera->capture_wanted) {
    if (!camera->presence) return write_settings(camera);
    mega_queue(camera, MEGA_STEP_READ, MEGA_REG_TEST, MEGA_VALUE_TEST);
    camera->stage = STAGE_PRESENCE;
    return CONTINUE;
  }
  bool unread = camera->frame.valid && !camera->frame.error && camera->frame.position < camera->frame.length;
  return mega_unwritten(camera) && !unread ? write_settings(camera) : MEGA_READY;
}

// The queue is empty: what comes next? CONTINUE, MEGA_READY or an error.
static int advance(struct mega *camera) {
  int result = 0;
  switch ((enum stage)camera->stage) {
    case STAGE_OFF: return MEGA_ERROR_NOT_STARTED;
    case STAGE_FAILED: return camera->failure;
    case STAGE_RESET:
      result = identify(camera);
      if (result) return result;
      queue_preparation(camera);
      camera->stage = STAGE_PREPARE;
      return CONTINUE;
    case STAGE_PREPARE:
      camera->presence = camera->values[MEGA_VALUE_TEST] == MEGA_PRESENCE_MARK;
      return write_settings(camera);
    case STAGE_SETTINGS: return after_settings(camera);
    case STAGE_SETTLE: return after_settling(camera);
    case STAGE_DISCARD:
      result = finish_discard(camera);
      return result ? result : after_settling(camera);
    case STAGE_READY: return when_ready(camera);
    case STAGE_PRESENCE:
      if (camera->values[MEGA_VALUE_TEST] == MEGA_PRESENCE_MARK) return write_settings(camera);
      begin_reset(camera);  // it lost its power and with it the settings: set it up again
      return CONTINUE;
    case STAGE_CAPTURE: return finish_capture(camera);
  }
  return MEGA_ERROR_NOT_STARTED;
}

static int fail(struct mega *camera, int error) {
  mega_clear_queue(camera);
  mega_drop_frame(camera);
  camera->capture_wanted = false;
  camera->failure = error;
  camera->stage = STAGE_FAILED;
  return error;
}

// After the queue has run: is the camera still set up? Then the next trigger.
static int capture_again(struct mega *camera) {
  mega_drop_frame(camera);
  camera->stage = STAGE_READY;
  return CONTINUE;
}

// The ladder for a capture that went wrong. First what is known to help, then a full reset, then the error is told.
static int recover(struct mega *camera, int error) {
  // It was sent to sleep before the trigger: nothing is wrong with it.
  if (error == MEGA_ERROR_LOW_POWER) {
    camera->capture_wanted = false;
    return error;
  }
  bool pointless = error == MEGA_ERROR_BUS || error == MEGA_ERROR_NO_CAMERA || error == MEGA_ERROR_UNKNOWN_SENSOR ||
                   error == MEGA_ERROR_UNSUPPORTED;
  if (!camera->capture_wanted || pointless || camera->attempts >= 2) return fail(camera, error);
  bool first = camera->attempts++ == 0 && camera->stage == STAGE_CAPTURE;
  if (first && error == MEGA_ERROR_ABSURD_LENGTH) {
    mega_queue(camera, MEGA_STEP_WRITE, MEGA_REG_RESET, MEGA_RESET_FLUSH);
    return capture_again(camera);
  }
  if (first && (error == MEGA_ERROR_DARK_FRAME || error == MEGA_ERROR_BAD_FRAME)) {
    mega_queue(camera, MEGA_STEP_PAUSE, 0, (uint16_t)camera->options.settle);
    return capture_again(camera);
  }
  camera->attempts = 2;
  begin_reset(camera);
  return CONTINUE;
}

void mega_start(struct mega *camera) {
  camera->capture_wanted = false;
  camera->attempts = 0;
  camera->failure = 0;
  begin_reset(camera);
}

void mega_stop(struct mega *camera) {
  mega_clear_queue(camera);
  mega_drop_frame(camera);
  camera->capture_wanted = false;
  camera->stage = STAGE_OFF;
}

int mega_capture(struct mega *camera) {
  if (camera->stage == STAGE_OFF) return MEGA_ERROR_NOT_STARTED;
  if (camera->desired[MEGA_LOW_POWER] == 1) return MEGA_ERROR_LOW_POWER;
  mega_drop_frame(camera);
  camera->capture_wanted = true;
  camera->attempts = 0;
  if (camera->stage == STAGE_FAILED) begin_reset(camera);
  return 0;
}

int mega_poll(struct mega *camera, uint32_t now) {
  camera->now = now;
  if (camera->port->tick) camera->port->tick(camera->port, now);
  for (;;) {
    int result = mega_run_steps(camera);
    if (result == MEGA_BUSY) return result;
    if (!result) result = advance(camera);
    if (result < 0 && camera->stage != STAGE_OFF && camera->stage != STAGE_FAILED) result = recover(camera, result);
    if (result != CONTINUE) return result;
  }
}
