// The driver against a healthy virtual sensor: every id, size and quality, settings, reading in pieces, rewinding.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "camera-rig.h"

static void expect_picture(struct rig *rig, size_t piece, unsigned quality, unsigned index) {
  uint8_t *bytes;
  uint16_t width, height;
  mega_dimensions(&rig->camera, mega_setting(&rig->camera, MEGA_RESOLUTION), &width, &height);
  int32_t length = rig_read(rig, piece, &bytes);
  CHECK_EQUAL(length, (int32_t)rig->picture_length);
  if (length == (int32_t)rig->picture_length)
    CHECK(rig_is_picture(rig, bytes, length, width, height, quality, index), "other bytes");
  free(bytes);
}

static void test_ids(void) {
  for (unsigned id = 0x81; id <= 0x87; id++) {
    struct rig_options options = rig_defaults((uint8_t)id);
    tap_case("0x%02X: identified, every size and quality, byte for byte", id);
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK(rig->camera.identified, "not identified");
    CHECK_EQUAL(rig->camera.identification.id, id);
    CHECK_EQUAL(rig->camera.identification.year, 23);
    CHECK_EQUAL(rig->camera.identification.month, 3);
    CHECK_EQUAL(rig->camera.identification.day, 18);
    CHECK_EQUAL(rig->camera.identification.fpga, 0x20);
    unsigned sizes = 0;
    for (int resolution = 0; resolution < MEGA_RESOLUTION_COUNT; resolution++) {
      if (!mega_supports(&rig->camera, MEGA_RESOLUTION, resolution)) {
        CHECK_RESULT(mega_configure(&rig->camera, MEGA_RESOLUTION, resolution), MEGA_ERROR_UNSUPPORTED);
        continue;
      }
      sizes++;
      for (int quality = 0; quality < 3; quality++) {
        CHECK_RESULT(mega_configure(&rig->camera, MEGA_RESOLUTION, resolution), 0);
        CHECK_RESULT(mega_configure(&rig->camera, MEGA_QUALITY, quality), 0);
        CHECK_RESULT(rig_capture(rig), MEGA_READY);
        expect_picture(rig, 1500, (unsigned)quality, 0);
      }
    }
    CHECK_EQUAL(sizes, id == 0x85 ? 14 : id == 0x86 ? 13 : id == 0x87 ? 11 : 9);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig_close(rig);
  }
}

static void test_raw(void) {
  for (unsigned id = 0x82; id <= 0x85; id += 3) {
    struct rig_options options = rig_defaults((uint8_t)id);
    tap_case("0x%02X: raw formats have their exact length, and a JPEG after them is whole", id);
    struct rig *rig = rig_open(&options);
    uint8_t *bytes;
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_QVGA);
    for (int format = MEGA_RGB565; format <= MEGA_YUV; format++) {
      mega_configure(&rig->camera, MEGA_FORMAT, format);
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
      CHECK_EQUAL(rig_read(rig, 4000, &bytes), 320 * 240 * 2);
      free(bytes);
    }
    mega_configure(&rig->camera, MEGA_FORMAT, MEGA_JPEG);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    expect_picture(rig, 4000, 1, 0);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig_close(rig);
  }
}

static void test_pieces(void) {
  struct rig_options options = rig_defaults(0x81);
  options.picture_length = 5003;
  tap_case("reads of 1 to 64 bytes and around the chunk's size lose nothing");
  struct rig *rig = rig_open(&options);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  unsigned index = 0;
  for (size_t piece = 1; piece <= 64; piece++, index++) {
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    expect_picture(rig, piece, 1, index);
  }
  for (size_t piece = 2040; piece <= 2050; piece++, index++) {
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    expect_picture(rig, piece, 1, index);
  }
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  expect_picture(rig, 100000, 1, index);
  rig_close(rig);
}

static void test_lengths(void) {
  static const size_t alignments[] = {1, 4};
  for (unsigned a = 0; a < 2; a++) {
    struct rig_options options = rig_defaults(0x85);
    options.burst_limit = 64;
    options.burst_alignment = alignments[a];
    options.camera.discard = 1;
    tap_case("pictures of 4 to 300 bytes in bursts of 64, cut to multiples of %zu", alignments[a]);
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    for (uint32_t length = 4; length <= 300; length++) {
      rig->picture_length = length;
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
      CHECK_EQUAL(rig->camera.frame.length, length);
      uint8_t *bytes;
      CHECK_EQUAL(rig_read(rig, 50, &bytes), (int32_t)length);
      CHECK(bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[length - 2] == 0xFF && bytes[length - 1] == 0xD9,
            "first or last bytes of %u", length);
      CHECK(rig_is_picture(rig, bytes, (int32_t)length, 640, 480, 1, rig->last_index), "bytes of %u", length);
      free(bytes);
    }
    CHECK_EQUAL(mega_read(&rig->camera, &options, 1), 0);
    rig_close(rig);
  }
}

static void test_rewind(bool rewind, bool no_dummy) {
  struct rig_options options = rig_defaults(0x82);
  options.sensor.rewind = rewind;
  options.sensor.rewind_no_dummy = no_dummy;
  tap_case("read pointer: %s, found out on a discarded capture",
           !rewind ? "cannot go back" : no_dummy ? "goes back, no dummy byte after it" : "goes back, dummy byte after it");
  struct rig *rig = rig_open(&options);
  uint8_t *bytes, some[3000];
  CHECK_EQUAL(rig->camera.rewindable, -1);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(rig->camera.rewindable, rewind);
  CHECK(!mega_rewind(&rig->camera), "no frame, no rewind");
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK(mega_rewind(&rig->camera), "nothing was read yet");
  for (size_t read = 1; read <= 20000; read += read < 40 ? 1 : 997) {
    for (size_t left = read; left;) left -= (size_t)mega_read(&rig->camera, some, left < sizeof some ? left : sizeof some);
    CHECK_EQUAL(mega_rewind(&rig->camera), rewind);
    if (!rewind) break;
    CHECK_EQUAL(rig->camera.frame.position, 0);
  }
  if (rewind) {
    expect_picture(rig, 1000, 1, 0);
    CHECK(mega_rewind(&rig->camera), "after the last byte");
    expect_picture(rig, 1000, 1, 0);
  } else {
    CHECK_EQUAL(rig_read(rig, 1000, &bytes), 19999);
    free(bytes);
  }
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  expect_picture(rig, 1000, 1, 1);
  rig_close(rig);
}

// Without a discarded capture the first wanted one serves: no byte of it may be lost, whatever its length.
static void test_probe_on_wanted(void) {
  for (int kind = 0; kind < 3; kind++) {
    tap_case("read pointer: the try costs no byte of a wanted picture (%s)",
             kind == 0 ? "cannot go back" : kind == 1 ? "dummy byte" : "no dummy byte");
    for (uint32_t length = 18; length <= 400; length += 1) {
      struct rig_options options = rig_defaults(0x84);
      options.sensor.rewind = kind > 0;
      options.sensor.rewind_no_dummy = kind == 2;
      options.camera.discard = 0;
      options.camera.settle = 0;
      options.burst_limit = 100;
      options.picture_length = length;
      struct rig *rig = rig_open(&options);
      CHECK_RESULT(rig_start(rig), MEGA_READY);
      CHECK_EQUAL(rig->camera.rewindable, -1);
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
      CHECK_EQUAL(rig->camera.rewindable, kind > 0);
      expect_picture(rig, 33, 1, 0);
      CHECK_RESULT(rig_start(rig), MEGA_READY);
      CHECK_EQUAL(rig->camera.rewindable, kind > 0);
      rig_close(rig);
    }
  }
}

static void test_overhead(void) {
  struct rig_options options = rig_defaults(0x81);
  options.picture_length = 3000000;
  tap_case("at most 1.001 bytes on the bus for a byte of a 3 MB picture");
  struct rig *rig = rig_open(&options);
  uint8_t *bytes;
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(mega_capture(&rig->camera), 0);
  uint64_t before = rig->camera.bus_bytes;
  CHECK_RESULT(rig_run(rig), MEGA_READY);
  CHECK_EQUAL(rig_read(rig, 4096, &bytes), 3000000);
  free(bytes);
  CHECK(rig->camera.bus_bytes - before <= 3003000, "%llu bytes", (unsigned long long)(rig->camera.bus_bytes - before));
  CHECK_EQUAL(rig->camera.bus_bytes, virtual_mega_statistics(rig->sensor).bytes);
  CHECK_EQUAL(rig->camera.bus_transactions, virtual_mega_statistics(rig->sensor).transactions);
  rig_close(rig);
}

static void test_longest(void) {
  tap_case("a JPEG may have 4 MiB, and not a byte more");
  for (uint32_t excess = 0; excess < 2; excess++) {
    struct rig_options options = rig_defaults(0x81);
    options.picture_length = 4 * 1024 * 1024 + excess;
    options.camera.discard = 0;
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), excess ? MEGA_ERROR_ABSURD_LENGTH : MEGA_READY);
    rig_close(rig);
  }
}

static unsigned polls_of(struct rig *rig) {
  unsigned polls = 1;
  for (; mega_poll(&rig->camera, rig->now) == MEGA_BUSY; polls++) rig->now += mega_poll_interval(&rig->camera);
  return polls;
}

static void test_polls(void) {
  tap_case("a pause is one poll however long it is, a capture one every 4 ms, nothing to do one every ms");
  unsigned polls[2];
  for (int slow = 0; slow < 2; slow++) {
    struct rig_options options = rig_defaults(0x81);
    options.camera.settle = slow ? 5000 : 500;
    struct rig *rig = rig_open(&options);
    mega_start(&rig->camera);
    polls[slow] = polls_of(rig);
    CHECK_EQUAL(mega_poll_interval(&rig->camera), 1);
    CHECK_RESULT(mega_capture(&rig->camera), 0);
    uint32_t begun = rig->now;
    unsigned most = polls_of(rig);
    CHECK(most <= (rig->now - begun) / 4 + 4, "%u polls in %u ms", most, rig->now - begun);
    rig_close(rig);
  }
  CHECK(polls[1] <= polls[0] + 2, "%u polls, and %u", polls[0], polls[1]);
}

static void test_no_camera(void) {
  static const struct {
    uint8_t id;
    int result;
  } answers[] = {{0x00, MEGA_ERROR_NO_CAMERA}, {0xFF, MEGA_ERROR_NO_CAMERA}, {0x80, MEGA_ERROR_UNKNOWN_SENSOR},
                 {0x88, MEGA_ERROR_UNKNOWN_SENSOR}, {0xFE, MEGA_ERROR_UNKNOWN_SENSOR}};
  tap_case("an id that a dead bus could have read is no camera, any other an unknown sensor; results have names");
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    struct rig_options options = rig_defaults(answers[i].id);
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), answers[i].result);
    rig_close(rig);
  }
  CHECK(!strcmp(mega_result_name(MEGA_BUSY), "Ready"), "%s", mega_result_name(MEGA_BUSY));
  for (int result = MEGA_READY; result >= MEGA_ERROR_LOW_POWER; result--)
    CHECK(strcmp(mega_result_name(result), "Unknown"), "%d has no name", result);
  CHECK(!strcmp(mega_result_name(MEGA_ERROR_LOW_POWER - 1), "Unknown"), "%s",
        mega_result_name(MEGA_ERROR_LOW_POWER - 1));
}

static void test_order(void) {
  struct rig_options options = rig_defaults(0x81);
  tap_case("discarded frames do not use up pictures; unread frames are dropped by the next capture");
  struct rig *rig = rig_open(&options);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures, 2);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig->last_index, 0);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  expect_picture(rig, 500, 1, 1);
  CHECK_EQUAL(mega_read(&rig->camera, &options, 1), 0);
  mega_stop(&rig->camera);
  CHECK_RESULT(mega_read(&rig->camera, &options, 1), MEGA_ERROR_NO_FRAME);
  CHECK_RESULT(mega_capture(&rig->camera), MEGA_ERROR_NOT_STARTED);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  rig_close(rig);

  tap_case("a capture that is asked for during the start follows it, with the settings of that time");
  rig = rig_open(&options);
  mega_start(&rig->camera);
  for (int i = 0; i < 40; i++) {
    mega_poll(&rig->camera, rig->now);
    rig->now += mega_poll_interval(&rig->camera);
  }
  CHECK_RESULT(mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_HD), 0);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  expect_picture(rig, 500, 1, 0);
  rig_close(rig);
}

int main(void) {
  test_ids();
  test_raw();
  test_pieces();
  test_lengths();
  test_rewind(true, false);
  test_rewind(true, true);
  test_rewind(false, false);
  test_probe_on_wanted();
  test_overhead();
  test_order();
  test_longest();
  test_polls();
  test_no_camera();
  return tap_done();
}
