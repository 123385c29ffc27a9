// Driver for Arducam Mega SPI cameras, ids 0x81 to 0x87. Pure protocol: it never waits and owns no hardware. The caller polls
// it with the time; every wait is bounded and every failure has a name.
//
//   mega_init -> mega_start -> mega_poll until MEGA_READY        reset, identify, settle, discard the first frames
//   mega_capture -> mega_poll until MEGA_READY -> mega_read      one frame, pulled out in chunks
//
// Facts: application note of September 2023, the maker's SDK V3, measurements by others. DIFFERENCES.md lists where it
// deliberately does something else than the SDK.
#ifndef MEGA_H
#define MEGA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mega-jpeg.h"
#include "mega-port.h"

enum mega_result {
  MEGA_READY = 0,
  MEGA_BUSY = 1,
  MEGA_ERROR_BUS = -1,              // the SPI port failed
  MEGA_ERROR_NO_CAMERA = -2,        // nothing answers: MISO is stuck at 00 or FF
  MEGA_ERROR_UNKNOWN_SENSOR = -3,   // an id outside 0x81 to 0x87
  MEGA_ERROR_IDLE_TIMEOUT = -4,     // the bridge stays busy after a setting
  MEGA_ERROR_CAPTURE_TIMEOUT = -5,  // the capture is never done
  MEGA_ERROR_ABSURD_LENGTH = -6,    // length 0, or more than any picture has, also after flush and reset
  MEGA_ERROR_DARK_FRAME = -7,       // one 16-bit value over and over: triggered before the sensor had settled
  MEGA_ERROR_BAD_FRAME = -8,        // a JPEG that does not begin with FF D8
  MEGA_ERROR_CAMERA_RESET = -9,     // the camera lost its memory (a dip in its supply) while a frame was in it
  MEGA_ERROR_UNSUPPORTED = -10,     // this model has no such setting
  MEGA_ERROR_NOT_STARTED = -11,
  MEGA_ERROR_NO_FRAME = -12,        // nothing to read, or a rewind went wrong
  MEGA_ERROR_LOW_POWER = -13,       // no pictures in low power
};

// The error's name as it appears in CameraError.code, "IdleTimeout" for example.
const char *mega_result_name(int result);

// Settings. A write happens before the next capture, or at once when no unread frame is in the camera.
enum mega_control {
  MEGA_LOW_POWER,              // 0, 1
  MEGA_FORMAT,                 // enum mega_format
  MEGA_RESOLUTION,             // enum mega_resolution
  MEGA_QUALITY,                // 0 high, 1 default, 2 low
  MEGA_BRIGHTNESS,             // -4 to 4
  MEGA_CONTRAST,               // -3 to 3
  MEGA_SATURATION,             // -3 to 3
  MEGA_EXPOSURE_COMPENSATION,  // -3 to 3
  MEGA_WHITE_BALANCE,          // 0 auto, 1 sunny, 2 office, 3 cloudy, 4 home
  MEGA_EFFECT,                 // 0 none, 1 cool, 2 warm, 3 black and white, 4 sepia, 5 negative, 6 grass, 9 yellowish
  MEGA_SHARPNESS,              // 0 auto, 1 to 8; 3MP legacy cameras
  MEGA_ROTATION,               // 0, 180 (degrees)
  MEGA_FREEZE_EXPOSURE,        // 0, 1; ids from 0x85 on
  MEGA_FREEZE_WHITE_BALANCE,   // 0, 1; ids from 0x85 on
  MEGA_AUTO_EXPOSURE,          // 0, 1. The manual controls are best effort: see README.md
  MEGA_EXPOSURE,               // range by model
  MEGA_AUTO_GAIN,              // 0, 1
  MEGA_GAIN,                   // range by model
  MEGA_AUTO_WHITE_BALANCE,     // 0, 1
  MEGA_LENS,                   // position 0 to 1023; id 0x81
  MEGA_FOCUS,                  // 1 single, 2 continuous, 3 pause, 4 off; id 0x81. Done each time, also with the same value
  MEGA_CONTROL_COUNT
};

enum mega_format { MEGA_JPEG = 1, MEGA_RGB565 = 2, MEGA_YUV = 3 };

enum mega_resolution {
  MEGA_96X96, MEGA_128X128, MEGA_QQVGA, MEGA_QVGA, MEGA_320X320, MEGA_VGA, MEGA_SVGA, MEGA_XGA, MEGA_HD, MEGA_SXGA,
  MEGA_UXGA, MEGA_FHD, MEGA_QXGA, MEGA_5MP, MEGA_RESOLUTION_COUNT
};

// All times in milliseconds.
struct mega_options {
  uint32_t reset_timeout;    // 3000: idle after a reset, 45 measured
  uint32_t idle_timeout;     // 3000: idle after a setting, 17 measured
  uint32_t capture_timeout;  // 5000: trigger to done, 36 to 69 measured; stills of 5MP are not published
  uint32_t settle;           // 500 without a trigger after reset and settings, else the frame may be constant
  uint8_t discard;           // 2 captures that are thrown away after the settling; up to 15 help in a dark room
  bool probe_rewind;         // true: find out whether 0x04 bit 4 rewinds the read pointer, on a capture that is thrown away
  uint32_t jpeg_limit;       // 4 MiB: a longer JPEG is absurd
};

extern const struct mega_options mega_default_options;

// What the camera says of itself. Year since 2000.
struct mega_identification {
  uint8_t id, year, month, day, fpga;
};

// MEGA_LEAD: spurious FF before the first marker, T.81 allows them and few decoders do; so many are left out.
enum { MEGA_HEAD = 16, MEGA_LEAD = 4, MEGA_QUEUE = 64, MEGA_VALUES = 12 };

struct mega_step {
  uint8_t kind, address;
  uint16_t value;
};

// A frame in the camera's memory and the part of it that is on its way out.
struct mega_frame {
  bool valid;
  bool dummy;               // the next burst is the first since the capture: one more byte to drop
  uint32_t length;          // bytes, without the lead
  uint32_t fetched;         // bytes clocked out of the camera
  uint32_t position;        // bytes handed to the caller
  const uint8_t *data;      // rest of the current chunk
  size_t left;
  unsigned slot;            // buffer of the current chunk
  size_t pending, skip;     // picture bytes of the next chunk, and bytes before them
  const uint8_t *finished;  // the next chunk, when it is here already
  uint8_t head[MEGA_HEAD];  // first bytes, to recognise the beginning after a rewind
  size_t head_length;
  size_t lead;              // bytes before them that are not handed out
  struct mega_jpeg jpeg;    // of what was handed out
  int error;                // why there is no more to read
};

struct mega_model;

// One camera. Allocated by the caller, no field is meant for it; the functions below are.
struct mega {
  struct mega_port *port;
  struct mega_options options;
  const struct mega_model *model;
  struct mega_identification identification;
  uint32_t now;
  uint8_t stage;
  uint8_t attempts;            // recoveries of the capture under way
  uint8_t discards;            // captures still to throw away
  bool capture_wanted, unsettled, identified, presence;
  int8_t rewindable;           // -1 not known yet
  uint8_t rewind_skip;         // bytes to drop in the first burst after a rewind
  int failure;
  int32_t desired[MEGA_CONTROL_COUNT], actual[MEGA_CONTROL_COUNT];
  uint32_t dirty;              // one bit a control
  struct mega_step steps[MEGA_QUEUE];
  uint8_t step_first, step_count;
  bool step_started;
  uint32_t step_time, focus_time;
  uint8_t values[MEGA_VALUES];  // what the read steps read
  bool focus_loaded, focused;
  uint32_t last_length;         // as the camera gave it, for messages
  struct mega_frame frame;
  uint64_t bus_bytes, bus_transactions;
};

// `options` may be NULL. The port stays the caller's.
void mega_init(struct mega *camera, struct mega_port *port, const struct mega_options *options);

// Begins with a reset: the camera has no reset wire, and what an earlier owner left must go.
void mega_start(struct mega *camera);

// Abandons whatever goes on. Settings are kept for the next mega_start.
void mega_stop(struct mega *camera);

// Does what can be done at `now` (milliseconds, wraps). MEGA_BUSY, MEGA_READY, or the error that ended the operation.
int mega_poll(struct mega *camera, uint32_t now);

// Milliseconds after which the next poll makes sense while busy.
uint32_t mega_poll_interval(const struct mega *camera);

// 0, or MEGA_ERROR_UNSUPPORTED. Before the camera is identified only values that no model has are refused, and
// mega_poll reports the rest.
int mega_configure(struct mega *camera, enum mega_control control, int32_t value);

// The value that was asked for, or INT32_MIN when none was.
int32_t mega_setting(const struct mega *camera, enum mega_control control);

// Drops the frame in the camera and takes a new one. 0 or an error.
int mega_capture(struct mega *camera);

// The next bytes of the frame: their number, 0 at its end, or an error. Waits for one chunk at most. Before the last
// chunk is handed out the camera must prove that it was not reset meanwhile.
int32_t mega_read(struct mega *camera, void *buffer, size_t size);

// Back to the first byte. False when this camera cannot: then a read after it continues, or reports MEGA_ERROR_NO_FRAME.
bool mega_rewind(struct mega *camera);

// After the last byte: does the picture end as a JPEG must? 1 yes, 0 it is cut; -1 before that, and for raw formats.
int mega_is_whole(const struct mega *camera);

// Does this camera support the setting? Unknown cameras: does any model?
bool mega_supports(const struct mega *camera, enum mega_control control, int32_t value);

const char *mega_model_name(const struct mega *camera);
void mega_dimensions(const struct mega *camera, int32_t resolution, uint16_t *width, uint16_t *height);

#endif
