// The SPI port fails at its Nth call, for every N and in every way: an error with a name, and whatever the driver is asked to do
// next works. No burst stays on its way, chip select is high, and the sensor has seen no breach of the protocol.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "camera-rig.h"

enum { PICTURE = 5000, MANY = 1000 };

static struct rig *open_rig(bool rewind) {
  struct rig_options options = rig_defaults(0x86);
  options.picture_length = PICTURE;
  options.sensor.rewind = rewind;
  options.camera.discard = 1;
  options.camera.settle = 1;
  options.burst_limit = 512;
  return rig_open(&options);
}

static int read_some(struct rig *rig, size_t wanted) {
  uint8_t bytes[PICTURE];
  for (size_t count = 0; count < wanted;) {
    int32_t result = mega_read(&rig->camera, bytes, wanted - count);
    if (result <= 0) return result;
    count += (size_t)result;
  }
  return 0;
}

static int read_all(struct rig *rig) {
  uint8_t *bytes;
  int32_t length = rig_read(rig, 700, &bytes);
  if (length > 0) CHECK(rig_is_picture(rig, bytes, length, 640, 480, 1, rig->last_index), "other bytes");
  free(bytes);
  return length < 0 ? length : 0;
}

static int rewind_it(struct rig *rig) {
  return mega_rewind(&rig->camera) ? 0 : rig->camera.frame.error;
}

static int write_settings(struct rig *rig) {
  mega_configure(&rig->camera, MEGA_BRIGHTNESS, mega_setting(&rig->camera, MEGA_BRIGHTNESS) == 2 ? -2 : 2);
  return rig_run(rig);
}

// Everything that uses the bus. The first error ends it.
static int do_all(struct rig *rig) {
  int result = rig_start(rig);
  if (!result) result = rig_capture(rig);
  if (!result) result = read_some(rig, 1500);
  if (!result) result = rewind_it(rig);
  if (!result) result = read_all(rig);
  if (!result) result = write_settings(rig);
  if (!result) result = rig_capture(rig);
  if (!result) result = read_some(rig, 700);
  if (!result) result = rig_capture(rig);  // drops a frame of which a chunk is on its way
  if (!result) result = read_all(rig);
  return result;
}

// What may come next. Each has to end well with a bus that works again.
static int next_capture(struct rig *rig) {
  return rig->camera.frame.valid && !rig->camera.frame.error ? 0 : rig_capture(rig);
}

static int next_start(struct rig *rig) {
  int result = rig_start(rig);
  return result ? result : rig_capture(rig);
}

static int next_stop(struct rig *rig) {
  mega_stop(&rig->camera);
  CHECK(!rig->in_flight && !virtual_mega_is_selected(rig->sensor), "stopped, and chip select is low");
  return next_start(rig);
}

static int next_rewind(struct rig *rig) {
  bool could = rig->camera.frame.valid && rig->camera.frame.error == MEGA_ERROR_BUS;
  bool done = mega_rewind(&rig->camera);
  CHECK(!could || done, "a frame that is still in the camera, and its read pointer goes back");
  return done ? 0 : rig_capture(rig);
}

// Settings wait for a frame that is being read, and for no other.
static int next_settings(struct rig *rig) {
  int result = write_settings(rig);
  CHECK_RESULT(result, rig->camera.failure && rig->camera.stage != 0 ? result : MEGA_READY);
  return rig_capture(rig);
}

static const struct {
  const char *name;
  int (*run)(struct rig *rig);
} next[] = {
    {"a capture", next_capture}, {"a start", next_start},       {"a stop", next_stop},
    {"a rewind", next_rewind},   {"a setting", next_settings},
};

static bool is_idle(const struct rig *rig) {
  return !rig->in_flight && !virtual_mega_is_selected(rig->sensor);
}

// Two of the bursts are dropped anyway: that they fail is no error.
enum { DROPPED_BURSTS = 2 };

static bool break_at(uint32_t n, bool late, unsigned then, unsigned *unnoticed) {
  struct rig *rig = open_rig(true);
  rig->break_after = n;
  rig->break_late = late;
  int result = do_all(rig);
  bool broken = rig->break_after == 0;
  *unnoticed += broken && result == 0;
  CHECK_RESULT(result, broken && result ? MEGA_ERROR_BUS : 0);
  CHECK(!broken || is_idle(rig), "call %u: after the error a burst is on its way", n);
  rig->break_after = 0;
  CHECK_RESULT(next[then].run(rig), MEGA_READY);
  CHECK_RESULT(read_all(rig), 0);
  CHECK(is_idle(rig), "call %u: after the last byte a burst is on its way", n);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
  rig_close(rig);
  return broken;
}

static void test_bus_errors(void) {
  for (unsigned then = 0; then < sizeof next / sizeof *next; then++)
    for (int late = 0; late < 2; late++) {
      tap_case("the port fails at each of its calls%s: BusError, and %s works", late ? ", but the camera has heard it" : "",
               next[then].name);
      uint32_t n = 1;
      unsigned unnoticed = 0;
      while (n < MANY && break_at(n, late, then, &unnoticed)) n++;
      CHECK(n > 90 && n < MANY, "%u calls", n);
      CHECK_EQUAL(unnoticed, DROPPED_BURSTS);
    }
}

// A camera that could rewind and does not any more: the bytes behind the pointer are not the picture's first.
static void test_failed_rewind(void) {
  for (unsigned then = 0; then < sizeof next / sizeof *next; then++) {
    tap_case("a rewind that brings other bytes: NoFrame, no burst is left behind, and %s works", next[then].name);
    for (size_t read = 1; read < PICTURE; read += 311) {
      struct rig *rig = open_rig(true);
      CHECK_RESULT(rig_start(rig), MEGA_READY);
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
      CHECK_RESULT(read_some(rig, read), 0);
      virtual_mega_faults(rig->sensor)->flip_at = 5;
      CHECK(!mega_rewind(&rig->camera), "rewound");
      CHECK_RESULT(rig->camera.frame.error, MEGA_ERROR_NO_FRAME);
      CHECK_RESULT(mega_read(&rig->camera, &read, 1), MEGA_ERROR_NO_FRAME);
      CHECK(is_idle(rig), "a burst is on its way");
      virtual_mega_faults(rig->sensor)->flip_at = -1;
      CHECK_RESULT(next[then].run(rig), MEGA_READY);
      CHECK_RESULT(read_all(rig), 0);
      CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
      rig_close(rig);
    }
  }
}

// A camera that loses its power while a frame is read: the error comes with the last chunk.
static void test_reset(void) {
  for (unsigned then = 0; then < sizeof next / sizeof *next; then++) {
    tap_case("CameraReset: no burst is left behind, and %s works", next[then].name);
    struct rig *rig = open_rig(true);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    virtual_mega_faults(rig->sensor)->reset_at = 3000;
    CHECK_RESULT(read_all(rig), MEGA_ERROR_CAMERA_RESET);
    CHECK(is_idle(rig), "a burst is on its way");
    CHECK_RESULT(next[then].run(rig), MEGA_READY);
    CHECK_RESULT(read_all(rig), 0);
    rig_close(rig);
  }
}

int main(void) {
  test_bus_errors();
  test_failed_rewind();
  test_reset();
  return tap_done();
}
