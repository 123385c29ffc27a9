// Everything that can go wrong with the sensor, one switch after another: the driver recovers, or ends with the right name.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "camera-rig.h"

static struct rig *open_with(uint8_t id, const char *faults) {
  struct rig_options options = rig_defaults(id);
  char message[200] = "";
  CHECK(virtual_mega_parse_faults(faults, &options.sensor.faults, message, sizeof message), "%s", message);
  return rig_open(&options);
}

static void expect_start(const char *faults, int expected, uint32_t limit) {
  tap_case("start with %s: %s", faults, mega_result_name(expected));
  struct rig *rig = open_with(0x81, faults);
  uint32_t begun = rig->now;
  CHECK_RESULT(rig_start(rig), expected);
  CHECK(rig->now - begun <= limit, "%u ms", rig->now - begun);
  CHECK_RESULT(mega_poll(&rig->camera, rig->now), expected);
  rig_close(rig);
}

// The captures of the start pass unharmed; the fault strikes the ones after it.
static void expect_capture(const char *name, int expected, unsigned captures, uint32_t limit) {
  char faults[100];
  snprintf(faults, sizeof faults, "after=2,%s", name);
  tap_case("capture with %s: %s after %u captures", name, mega_result_name(expected), captures);
  struct rig *rig = open_with(0x82, faults);
  uint8_t *bytes;
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  uint32_t before = virtual_mega_statistics(rig->sensor).captures, begun = rig->now;
  CHECK_RESULT(rig_capture(rig), expected);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures - before, captures);
  CHECK(rig->now - begun <= limit, "%u ms", rig->now - begun);
  if (expected == MEGA_READY) {
    int32_t length = rig_read(rig, 777, &bytes);
    CHECK_EQUAL(length, 20000);
    CHECK(rig_is_picture(rig, bytes, length, 640, 480, 1, rig->last_index), "other bytes");
    free(bytes);
  } else {
    CHECK_RESULT(mega_read(&rig->camera, &before, 1), MEGA_ERROR_NO_FRAME);
    *virtual_mega_faults(rig->sensor) = virtual_mega_no_faults;
    CHECK_RESULT(rig_capture(rig), MEGA_READY);  // healed: the next capture sets it up again
  }
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
  rig_close(rig);
}

static void test_unknown(void) {
  static const uint8_t ids[] = {0x01, 0x56, 0x80, 0x88, 0xFE};
  for (unsigned i = 0; i < sizeof ids; i++) {
    struct rig_options options = rig_defaults(ids[i]);
    tap_case("id 0x%02X is unknown", ids[i]);
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), MEGA_ERROR_UNKNOWN_SENSOR);
    rig_close(rig);
  }
}

static void test_never_done(void) {
  tap_case("never done: CaptureTimeout after one reset, and nothing is read");
  struct rig *rig = open_with(0x85, "");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  virtual_mega_faults(rig->sensor)->never_done = true;
  uint32_t begun = rig->now;
  CHECK_RESULT(rig_capture(rig), MEGA_ERROR_CAPTURE_TIMEOUT);
  CHECK(rig->now - begun < 12000, "%u ms", rig->now - begun);
  rig_close(rig);

  tap_case("a camera that is pulled out during a capture: NoCamera");
  rig = open_with(0x85, "");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  for (int stuck = 0; stuck <= 0xFF; stuck += 0xFF) {
    virtual_mega_faults(rig->sensor)->miso = -1;
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    CHECK_RESULT(mega_capture(&rig->camera), 0);
    CHECK_RESULT(mega_poll(&rig->camera, rig->now), MEGA_BUSY);
    virtual_mega_faults(rig->sensor)->miso = stuck;
    // All ones looks like "done" as well, but its length is absurd and the reset that follows finds nobody.
    CHECK_RESULT(rig_run(rig), MEGA_ERROR_NO_CAMERA);
  }
  rig_close(rig);
}

// Polls every millisecond until the driver is done; how long that takes, and how much of it was spent waiting for a capture.
static uint32_t run_by_milliseconds(struct rig *rig, int expected, uint32_t *capturing) {
  uint32_t begun = rig->now;
  int result;
  *capturing = 0;
  while ((result = mega_poll(&rig->camera, rig->now)) == MEGA_BUSY && rig->now - begun < 60000) {
    if (mega_poll_interval(&rig->camera) == 4) ++*capturing;
    rig->now++;
  }
  CHECK_RESULT(result, expected);
  return rig->now - begun;
}

static void test_limits(void) {
  static const struct {
    const char *name;
    enum mega_control control;
    uint32_t limit;
  } settings[] = {{"brightness", MEGA_BRIGHTNESS, 3000}, {"the firmware of the auto focus", MEGA_FOCUS, 10000}};
  uint32_t capturing;
  tap_case("a reset that never ends is given up after 3 s");
  struct rig *rig = open_with(0x81, "never-idle");
  mega_start(&rig->camera);
  CHECK_EQUAL(run_by_milliseconds(rig, MEGA_ERROR_IDLE_TIMEOUT, &capturing), 3000);
  rig_close(rig);
  for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
    tap_case("a setting that never ends (%s) is given up after %u ms", settings[i].name, settings[i].limit);
    rig = open_with(0x81, "");
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    virtual_mega_faults(rig->sensor)->never_idle = true;
    CHECK_RESULT(mega_configure(&rig->camera, settings[i].control, 1), 0);
    CHECK_EQUAL(run_by_milliseconds(rig, MEGA_ERROR_IDLE_TIMEOUT, &capturing), settings[i].limit);
    rig_close(rig);
  }
  tap_case("a capture that never ends is given up after 5 s, and so is the one after the reset");
  rig = open_with(0x81, "");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  virtual_mega_faults(rig->sensor)->never_done = true;
  rig->camera.options.settle = 0;  // near its end a pause asks for the same interval as a capture
  CHECK_RESULT(mega_capture(&rig->camera), 0);
  run_by_milliseconds(rig, MEGA_ERROR_CAPTURE_TIMEOUT, &capturing);
  CHECK_EQUAL(capturing, 2 * 5000);
  rig_close(rig);
}

static void test_another_start(void) {
  tap_case("a new start forgets the picture that was asked for, and who the camera was");
  struct rig *rig = open_with(0x81, "");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(mega_capture(&rig->camera), 0);
  uint32_t captures = virtual_mega_statistics(rig->sensor).captures;
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures - captures, 2);  // those that are thrown away
  CHECK_RESULT(mega_read(&rig->camera, &captures, 1), MEGA_ERROR_NO_FRAME);
  CHECK(rig->camera.identified, "not identified");
  virtual_mega_faults(rig->sensor)->miso = 0xFF;
  CHECK_RESULT(rig_start(rig), MEGA_ERROR_NO_CAMERA);
  CHECK(!rig->camera.identified, "identified, though nothing answers");
  rig_close(rig);
}

// Raw frames may come with a few bytes too many; those are not read.
static void test_raw_length(void) {
  static const struct {
    const char *faults;
    int expected;
  } lengths[] = {{"padding=1", MEGA_READY},
                 {"padding=1024", MEGA_READY},
                 {"padding=1025", MEGA_ERROR_ABSURD_LENGTH},
                 {"truncated=all", MEGA_ERROR_ABSURD_LENGTH}};
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    tap_case("a raw frame with %s: %s", lengths[i].faults, mega_result_name(lengths[i].expected));
    struct rig *rig = open_with(0x85, lengths[i].faults);
    uint8_t *bytes;
    mega_configure(&rig->camera, MEGA_FORMAT, MEGA_RGB565);
    mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_96X96);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), lengths[i].expected);
    if (lengths[i].expected == MEGA_READY) {
      CHECK_EQUAL(rig_read(rig, 1000, &bytes), 96 * 96 * 2);
      free(bytes);
    }
    rig_close(rig);
  }
}

// The sensor's answer that its lens has found its place never comes.
static int exchange_unfocused(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length) {
  int result = rig_exchange(port, tx, rx, length);
  if (tx[0] == 0x48) rx[2] = 0;
  return result;
}

static void test_nothing_to_focus(void) {
  tap_case("a lens that finds nothing in 3 s: no error, the picture is taken as it is");
  struct rig *rig = open_with(0x81, "");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  for (int found = 1; found >= 0; found--) {
    rig->port.exchange = found ? rig_exchange : exchange_unfocused;
    mega_configure(&rig->camera, MEGA_FOCUS, 1);
    uint32_t begun = rig->now;
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK_EQUAL(rig->camera.focused, found);
    if (!found) CHECK(rig->now - begun >= 3000 && rig->now - begun < 3200, "%u ms", rig->now - begun);
  }
  uint8_t *bytes;
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig_read(rig, 1000, &bytes), 20000);
  free(bytes);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
  rig_close(rig);
}

static void test_padding(void) {
  tap_case("zeros after the end marker are delivered: the length is the one that was told before");
  struct rig *rig = open_with(0x81, "padding=300");
  uint8_t *bytes;
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig->camera.frame.length, 20300);
  CHECK_EQUAL(rig_read(rig, 1000, &bytes), 20300);
  CHECK(bytes[19998] == 0xFF && bytes[19999] == 0xD9 && bytes[20000] == 0 && bytes[20299] == 0, "the end");
  free(bytes);
  rig_close(rig);

  tap_case("no end marker, a flipped bit: delivered as the camera gave them");
  rig = open_with(0x81, "no-end-marker,flip-at=5000");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig_read(rig, 1000, &bytes), 19998);
  CHECK(!rig_is_picture(rig, bytes, 19998, 640, 480, 1, 0), "the fault has not struck");
  free(bytes);
  rig_close(rig);
}

static void test_left_behind(void) {
  static const char *const faults[] = {"frames-left=3", "pattern-left", "frames-left=255,pattern-left"};
  for (unsigned i = 0; i < 3; i++) {
    tap_case("an earlier owner left %s: one whole picture", faults[i]);
    struct rig *rig = open_with(0x82, faults[i]);
    uint8_t *bytes;
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    int32_t length = rig_read(rig, 1000, &bytes);
    CHECK_EQUAL(length, 20000);
    CHECK(rig_is_picture(rig, bytes, length, 640, 480, 1, 0), "other bytes");
    free(bytes);
    rig_close(rig);
  }
}

// A dip of the supply at any byte: either it is noticed and the last chunk is withheld, or all bytes are the picture's.
static void test_reset_while_reading(void) {
  static const size_t alignments[] = {1, 4};
  for (unsigned a = 0; a < 2; a++) {
    tap_case("the camera loses its power at each byte of a picture (bursts cut to %zu): CameraReset, never whole",
             alignments[a]);
    for (int64_t at = 0; at < 700; at++) {
      struct rig_options options = rig_defaults(0x84);
      options.burst_limit = 100;
      options.burst_alignment = alignments[a];
      options.camera.discard = 0;
      options.camera.settle = 0;
      options.camera.probe_rewind = false;
      options.picture_length = 700;
      options.sensor.faults.reset_at = at;
      struct rig *rig = rig_open(&options);
      uint8_t *bytes;
      CHECK_RESULT(rig_start(rig), MEGA_READY);
      int result = rig_capture(rig);
      if (result == MEGA_READY && rig->camera.frame.valid) {
        uint32_t position = rig->camera.frame.position;
        result = rig_read(rig, 64, &bytes);
        free(bytes);
        // In the first two bytes the driver notices at once, sets the camera up anew and takes another.
        if (at >= 2) CHECK_RESULT(result, MEGA_ERROR_CAMERA_RESET);
        else CHECK_EQUAL(result, 700);
        CHECK(at < 2 || rig->camera.frame.position - position < 700, "all of it at %lld", (long long)at);
        CHECK(!mega_rewind(&rig->camera) || at < 2, "rewound");
      } else {
        CHECK_RESULT(result, MEGA_ERROR_CAMERA_RESET);
      }
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
      int32_t length = rig_read(rig, 64, &bytes);
      CHECK_EQUAL(length, 700);
      CHECK(rig_is_picture(rig, bytes, length, 640, 480, 1, rig->last_index), "the next one, at %lld", (long long)at);
      free(bytes);
      rig_close(rig);
    }
  }

  tap_case("a dip between two captures: set up anew with the same settings, the picture is right");
  struct rig_options options = rig_defaults(0x85);
  struct rig *rig = rig_open(&options);
  uint8_t *bytes;
  mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_QVGA);
  mega_configure(&rig->camera, MEGA_BRIGHTNESS, -2);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  virtual_mega_power_cycle(rig->sensor);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  int32_t length = rig_read(rig, 1000, &bytes);
  CHECK(rig_is_picture(rig, bytes, length, 320, 240, 1, 0), "another size");
  CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x22), 4);
  free(bytes);
  rig_close(rig);
}

static void test_early(void) {
  tap_case("a dark room: triggered too early the frame is constant; the settling time prevents it");
  struct rig *rig = open_with(0x82, "dark-when-early=400");
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  rig_close(rig);

  tap_case("without the settling time the driver notices, waits without a trigger and gets its picture");
  struct rig_options options = rig_defaults(0x82);
  options.sensor.faults.early = 400;
  options.camera.discard = 0;
  options.camera.settle = 0;
  rig = rig_open(&options);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  rig->camera.options.settle = 500;
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures, 2);
  rig_close(rig);
}

// The bytes that a naive driver sends: the sensor answers with the fault, so the driver's care is needed.
static void test_sensor_model(void) {
  tap_case("the virtual sensor: writing 0x21 twice with one value spoils the next frame, for ids from 0x85 on only without 0x20 before");
  for (unsigned id = 0x84; id <= 0x85; id++) {
    for (int format_before = 0; format_before < 2; format_before++) {
      struct rig_options options = rig_defaults((uint8_t)id);
      options.sensor.instant = true;
      struct rig *rig = rig_open(&options);
      uint8_t bytes[6] = {0};
      const uint8_t sequence[][2] = {{0xA0, 1}, {0xA1, 1}, {format_before ? 0xA0 : 0xAA, 1}, {0xA1, 1}, {0x84, 1}, {0x84, 2}};
      for (unsigned i = 0; i < 6; i++) rig->port.exchange(&rig->port, sequence[i], bytes, 2);
      rig->port.exchange(&rig->port, (const uint8_t[]){0x44, 0, 0}, bytes, 3);
      CHECK_EQUAL(bytes[2] & 4, 4);
      rig->port.begin_burst(&rig->port, 0, 8);
      memcpy(bytes, rig->port.finish_burst(&rig->port, 0), 6);
      bool dark = bytes[2] == 0x08 && bytes[3] == 0x01 && bytes[4] == 0x08 && bytes[5] == 0x01;
      CHECK(dark == !(id == 0x85 && format_before), "0x%X, format before: %d", id, format_before);
      rig_close(rig);
    }
  }

  tap_case("the virtual sensor: a setting that comes while it is busy is lost, or makes the next length absurd");
  for (int kind = 0; kind < 2; kind++) {
    struct rig *rig = open_with(0x84, kind ? "busy-write=absurd" : "busy-write=lost");
    uint8_t bytes[3];
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig->port.exchange(&rig->port, (const uint8_t[]){0xA2, 3}, bytes, 2);
    rig->port.exchange(&rig->port, (const uint8_t[]){0xA3, 3}, bytes, 2);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 1);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x23), kind ? 3 : 0);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);  // the driver recovers from the absurd length
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures, kind ? 4 : 3);
    rig_close(rig);
  }

  tap_case("the virtual sensor: names of faults");
  struct virtual_mega_faults faults;
  char message[200];
  CHECK(virtual_mega_parse_faults(NULL, &faults, message, sizeof message), "no text");
  CHECK(virtual_mega_parse_faults("miso=0xFF,length-zero=all,reset-at=12", &faults, message, sizeof message), "good");
  CHECK_EQUAL(faults.miso, 255);
  CHECK_EQUAL(faults.zero_length, UINT32_MAX);
  CHECK_EQUAL(faults.reset_at, 12);
  CHECK_EQUAL(faults.flip_at, -1);
  static const char *const wrong[] = {"mis=1", "miso", "miso=256", "padding=x", "busy-write=maybe", "never-done=2"};
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
    CHECK(!virtual_mega_parse_faults(wrong[i], &faults, message, sizeof message), "%s", wrong[i]);
}

static uint8_t *no_picture(void *context, unsigned width, unsigned height, unsigned quality, unsigned index,
                           uint32_t *length) {
  (void)context, (void)width, (void)height, (void)quality, (void)index, (void)length;
  return NULL;
}

static void test_missing_picture(void) {
  struct rig_options options = rig_defaults(0x81);
  tap_case("the simulator has no picture of that size: CaptureTimeout");
  options.sensor.picture = no_picture;
  options.camera.discard = 0;
  struct rig *rig = rig_open(&options);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_ERROR_CAPTURE_TIMEOUT);
  rig_close(rig);
}

int main(void) {
  expect_start("miso=0x00", MEGA_ERROR_NO_CAMERA, 3100);
  expect_start("miso=0xFF", MEGA_ERROR_NO_CAMERA, 3100);
  expect_start("miso=0xA5", MEGA_ERROR_IDLE_TIMEOUT, 3100);
  expect_start("miso=0x02", MEGA_ERROR_UNKNOWN_SENSOR, 3100);
  expect_start("never-idle", MEGA_ERROR_IDLE_TIMEOUT, 3100);
  expect_start("never-done", MEGA_ERROR_CAPTURE_TIMEOUT, 6000);
  expect_start("length-zero=2", MEGA_READY, 1000);
  expect_start("length-absurd=2", MEGA_READY, 1000);
  expect_start("dark=2", MEGA_READY, 1000);
  expect_capture("length-zero=1", MEGA_READY, 2, 200);
  expect_capture("length-zero=2", MEGA_READY, 5, 2000);
  expect_capture("length-zero=all", MEGA_ERROR_ABSURD_LENGTH, 5, 2000);
  expect_capture("length-absurd=1", MEGA_READY, 2, 200);
  expect_capture("length-absurd=all", MEGA_ERROR_ABSURD_LENGTH, 5, 2000);
  expect_capture("dark=1", MEGA_READY, 2, 700);
  expect_capture("dark=2", MEGA_READY, 5, 2500);
  expect_capture("dark=all", MEGA_ERROR_DARK_FRAME, 5, 2500);
  test_unknown();
  test_never_done();
  test_limits();
  test_another_start();
  test_raw_length();
  test_nothing_to_focus();
  test_padding();
  test_left_behind();
  test_reset_while_reading();
  test_early();
  test_sensor_model();
  test_missing_picture();
  return tap_done();
}
