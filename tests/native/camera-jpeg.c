// Is a picture whole? The scanner on bytes in pieces of every size, and what the driver says of the camera's frame.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "camera-rig.h"

#include "../../native/arducam/mega-jpeg.h"

enum { ROOM = 4000 };

struct picture {
  uint8_t bytes[ROOM];
  size_t length;
};

static void put(struct picture *picture, const void *bytes, size_t length) {
  memcpy(picture->bytes + picture->length, bytes, length);
  picture->length += length;
}

static void fill(struct picture *picture, uint8_t byte, size_t count) {
  memset(picture->bytes + picture->length, byte, count);
  picture->length += count;
}

#define PUT(picture, ...) put((picture), (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

// Tables and a thumbnail that look like markers, fill bytes before a marker, two scans with a table between them, as progressive
// pictures have. Everything but the end marker.
static struct picture cut_picture(void) {
  struct picture picture = {.length = 0};
  PUT(&picture, 0xFF, 0xD8);
  PUT(&picture, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);
  PUT(&picture, 0xFF, 0xE1, 0, 14, 0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 7, 8, 0xFF, 0xD9, 0, 0);
  PUT(&picture, 0xFF, 0xFF, 0xFE, 0, 3, 7);
  PUT(&picture, 0xFF, 0xFF, 0xFF, 0xC4, 0, 7, 0, 0xFF, 0xC0, 0xFF, 0xD9);
  PUT(&picture, 0xFF, 0xC2, 0, 11, 8, 1, 0xE0, 2, 0x80, 1, 1, 0x11, 0);
  PUT(&picture, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0);
  PUT(&picture, 1, 2, 0xFF, 0, 3, 0xFF, 0xD0, 0, 0, 4, 0xFF, 0xFF, 0, 0xFF, 0xD7, 9);
  PUT(&picture, 0xFF, 0xC4, 0, 6, 1, 0xFF, 0xD9, 0);
  PUT(&picture, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0);
  for (unsigned i = 0; i < 300; i++) PUT(&picture, (uint8_t)(i % 255));
  return picture;
}

static struct picture whole_picture(void) {
  struct picture picture = cut_picture();
  PUT(&picture, 0xFF, 0xD9);
  return picture;
}

static bool is_whole(const struct picture *picture, size_t piece) {
  struct mega_jpeg jpeg;
  mega_jpeg_begin(&jpeg);
  for (size_t at = 0; at < picture->length; at += piece)
    mega_jpeg_scan(&jpeg, picture->bytes + at, picture->length - at < piece ? picture->length - at : piece);
  CHECK_EQUAL(jpeg.position, picture->length);
  return mega_jpeg_is_whole(&jpeg);
}

static void expect(const struct picture *picture, bool whole, const char *what) {
  for (size_t piece = 1; piece <= picture->length; piece += piece < 40 ? 1 : 37)
    CHECK(is_whole(picture, piece) == whole, "%s, in pieces of %zu", what, piece);
}

static void test_ends(void) {
  tap_case("a picture with its end marker is whole, in pieces of every size");
  struct picture picture = whole_picture();
  expect(&picture, true, "as it is");

  tap_case("a picture that is cut anywhere is not, whatever padding follows");
  const struct picture all = whole_picture();
  for (size_t length = 0; length < all.length; length++)
    for (unsigned padding = 0; padding < 3; padding++) {
      picture = all;
      picture.length = length;
      if (padding) fill(&picture, padding == 1 ? 0x00 : 0xFF, 40);
      CHECK(!is_whole(&picture, 1) && !is_whole(&picture, 7) && !is_whole(&picture, ROOM), "%zu bytes", length);
    }

  tap_case("padding of zeros or FF of any length, and remains of a block, are behind the picture");
  for (unsigned count = 1; count <= 2000; count += count < 10 ? 1 : 331)
    for (unsigned byte = 0; byte <= 0xFF; byte += 0xFF) {
      picture = whole_picture();
      fill(&picture, (uint8_t)byte, count);
      expect(&picture, true, "padding");
    }
  for (unsigned count = 1; count <= MEGA_JPEG_REMAINS; count += count < 10 ? 1 : count == 210 ? 302 : 100) {
    picture = whole_picture();
    fill(&picture, 0, 3);
    fill(&picture, 0x5A, count);
    fill(&picture, 0xFF, 3);
    expect(&picture, true, "remains");
  }

  tap_case("an end marker in the midst of the picture is none: more follows than a block");
  picture = whole_picture();
  fill(&picture, 0x5A, MEGA_JPEG_REMAINS + 1);
  expect(&picture, false, "a block and a byte");

  tap_case("cut, and behind it another picture, whole: not whole");
  picture = cut_picture();
  struct picture other = whole_picture();
  put(&picture, other.bytes, other.length);
  expect(&picture, false, "two in one");
}

static void test_long_segments(void) {
  tap_case("what looks like markers in a long segment is none, up to its last byte");
  static const uint16_t lengths[] = {255, 256, 257, 511, 512, 770, 1027};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct picture picture = {.length = 0};
    PUT(&picture, 0xFF, 0xD8, 0xFF, 0xE2, (uint8_t)(lengths[i] >> 8), (uint8_t)lengths[i]);
    // The length counts its own two bytes. An end and a scan, over and over.
    for (uint16_t at = 2; at < lengths[i]; at++) PUT(&picture, (const uint8_t[]){0xFF, 0xD9, 0xFF, 0xDA}[at % 4]);
    PUT(&picture, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3);
    expect(&picture, false, "without its end");
    PUT(&picture, 0xFF, 0xD9);
    expect(&picture, true, "with its end");
  }
}

static void test_what_is_no_jpeg(void) {
  static const struct {
    uint8_t bytes[16];
    size_t length;
  } wrong[] = {
      {{0x08, 0x01, 0x08, 0x01}, 4},
      {{0xFF, 0xD9, 0xFF, 0xD8}, 4},
      {{0xFF, 0xD8, 0xFF, 0xD9}, 4},
      {{0xFF, 0xD8, 0x12, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 9},
      {{0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 12},
      {{0xFF, 0xD8, 0xFF, 0xD0, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 10},
      {{0xFF, 0xD8, 0xFF, 0xD0, 0, 2, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 12},
      {{0xFF, 0xD8, 0xFF, 0xD9, 0, 2, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 12},
      {{0xFF, 0xD8, 0xFF, 0xBF, 0, 2, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9}, 12},
      {{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD8, 0xFF, 0xD9}, 11},
      {{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0x02, 0xFF, 0xD9}, 11},
      {{0xFE, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9}, 9},
  };
  tap_case("what is no JPEG is not whole, though an end marker follows");
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct picture picture = {.length = 0};
    put(&picture, wrong[i].bytes, wrong[i].length);
    expect(&picture, false, "no JPEG");
  }
  tap_case("TEM between segments and an empty segment before the data are allowed");
  struct picture picture = {.length = 0};
  PUT(&picture, 0xFF, 0xD8, 0xFF, 0x01, 0xFF, 0xFE, 0, 2, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9);
  expect(&picture, true, "TEM");

  tap_case("segments of the first and the last markers around the restarts and the ends");
  picture.length = 0;
  PUT(&picture, 0xFF, 0xD8, 0xFF, 0xC0, 0, 2, 0xFF, 0xCF, 0, 2, 0xFF, 0xDB, 0, 2, 0xFF, 0xFE, 0, 2, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9);
  expect(&picture, true, "all have a length");
}

static uint8_t *give(void *context, unsigned width, unsigned height, unsigned quality, unsigned index, uint32_t *length) {
  const struct picture *picture = context;
  (void)width, (void)height, (void)quality, (void)index;
  uint8_t *bytes = malloc(picture->length);
  memcpy(bytes, picture->bytes, picture->length);
  *length = (uint32_t)picture->length;
  return bytes;
}

enum rewind { FIXED, GOES_BACK, GOES_BACK_WITHOUT_DUMMY };

static struct rig *open_with(struct picture *picture, const char *faults, enum rewind rewind, size_t burst) {
  struct rig_options options = rig_defaults(0x82);
  char message[200] = "";
  CHECK(virtual_mega_parse_faults(faults, &options.sensor.faults, message, sizeof message), "%s", message);
  options.sensor.picture = give;
  options.sensor.context = picture;
  options.sensor.rewind = rewind != FIXED;
  options.sensor.rewind_no_dummy = rewind == GOES_BACK_WITHOUT_DUMMY;
  options.camera.discard = 0;
  options.camera.settle = 0;
  options.burst_limit = burst;
  return rig_open(&options);
}

static void expect_frame(const char *faults, int whole) {
  struct picture picture = whole_picture();
  tap_case("a frame with %s: %s", *faults ? faults : "nothing wrong", whole ? "whole" : "cut");
  struct rig *rig = open_with(&picture, faults, GOES_BACK, 64);
  uint8_t bytes[ROOM];
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(mega_is_whole(&rig->camera), -1);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  for (int time = 0; time < 2; time++) {
    uint32_t length = rig->camera.frame.length;
    for (uint32_t at = 0; at < length; at++) {
      CHECK_EQUAL(mega_is_whole(&rig->camera), -1);
      CHECK_EQUAL(mega_read(&rig->camera, bytes, 1), 1);
    }
    CHECK_EQUAL(mega_is_whole(&rig->camera), whole);
    CHECK_EQUAL(mega_read(&rig->camera, bytes, 1), 0);
    CHECK_EQUAL(mega_is_whole(&rig->camera), whole);
    CHECK(mega_rewind(&rig->camera), "rewound");
  }
  mega_stop(&rig->camera);
  CHECK_EQUAL(mega_is_whole(&rig->camera), -1);
  rig_close(rig);
}

static void test_truncated_once(void) {
  tap_case("one capture that is cut: the next one is whole");
  struct picture picture = whole_picture();
  struct rig *rig = open_with(&picture, "truncated=1", FIXED, 512);
  uint8_t *bytes;
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  for (int whole = 0; whole < 2; whole++) {
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    CHECK_EQUAL(rig_read(rig, 100, &bytes), (int32_t)picture.length / (whole ? 1 : 2));
    CHECK_EQUAL(mega_is_whole(&rig->camera), whole);
    free(bytes);
  }
  mega_configure(&rig->camera, MEGA_FORMAT, MEGA_RGB565);
  mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_96X96);
  CHECK_RESULT(rig_capture(rig), MEGA_READY);
  CHECK_EQUAL(rig_read(rig, 1000, &bytes), 96 * 96 * 2);
  CHECK_EQUAL(mega_is_whole(&rig->camera), -1);
  free(bytes);
  rig_close(rig);
}

// The picture comes without the FF before its first marker, the first time and after a rewind, also as the frame that the
// camera's read pointer is tried on.
static void test_lead(void) {
  static const size_t bursts[] = {10, 11, 16, 20, 64, 2048};
  for (unsigned lead = 1; lead <= MEGA_LEAD; lead++)
    for (enum rewind rewind = FIXED; rewind <= GOES_BACK_WITHOUT_DUMMY; rewind++) {
      static const char *const names[] = {"is fixed", "goes back", "goes back without a dummy byte"};
      tap_case("%u spurious FF before the first marker, the read pointer %s: left out", lead, names[rewind]);
      for (unsigned b = 0; b < sizeof bursts / sizeof *bursts; b++) {
        struct picture picture = whole_picture();
        char faults[40];
        snprintf(faults, sizeof faults, "lead=%u", lead);
        struct rig *rig = open_with(&picture, faults, rewind, bursts[b]);
        uint8_t *bytes, some[100];
        CHECK_RESULT(rig_start(rig), MEGA_READY);
        // New, again from its end, new, again from its midst.
        for (int time = 0; time < 4; time++) {
          if (time != 1) CHECK_RESULT(rig_capture(rig), MEGA_READY);
          if (time == 3) CHECK(mega_read(&rig->camera, some, sizeof some) > 0, "nothing to read");
          if (time % 2 && !mega_rewind(&rig->camera)) continue;
          CHECK_EQUAL(rig->camera.frame.length, picture.length);
          CHECK_EQUAL(rig_read(rig, 50, &bytes), (int32_t)picture.length);
          CHECK(!memcmp(bytes, picture.bytes, picture.length), "other bytes, bursts of %zu", bursts[b]);
          CHECK_EQUAL(mega_is_whole(&rig->camera), 1);
          free(bytes);
        }
        CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
        rig_close(rig);
      }
    }

  tap_case("more of them than the driver leaves out, or none but FF: BadFrame or DarkFrame");
  for (unsigned lead = MEGA_LEAD + 1; lead < 20; lead++) {
    struct picture picture = whole_picture();
    char faults[40];
    snprintf(faults, sizeof faults, "lead=%u", lead);
    struct rig *rig = open_with(&picture, faults, FIXED, 2048);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), lead < MEGA_HEAD - 1 ? MEGA_ERROR_BAD_FRAME : MEGA_ERROR_DARK_FRAME);
    rig_close(rig);
  }
}

static void test_wrong_heads(void) {
  tap_case("one value over and over is a dark frame, anything else that is no JPEG a bad one");
  for (int kind = 0; kind < 4; kind++) {
    struct picture picture = {.length = 0};
    // The first, second or third byte is another one than those that follow.
    PUT(&picture, kind == 1 ? 9 : 1, kind == 2 ? 9 : 2, kind == 3 ? 9 : 1);
    for (int i = 0; i < 300; i++) PUT(&picture, 2, 1);
    struct rig *rig = open_with(&picture, "", FIXED, 2048);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), kind ? MEGA_ERROR_BAD_FRAME : MEGA_ERROR_DARK_FRAME);
    rig_close(rig);
  }

  tap_case("four bytes are the fewest that can be one value over and over");
  for (size_t length = 3; length <= 5; length++) {
    struct picture few = {.bytes = {1, 2, 1, 2, 1}, .length = length};
    struct rig *rig = open_with(&few, "", FIXED, 2048);
    rig->port.burst_alignment = 1;
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    CHECK_RESULT(rig_capture(rig), length < 4 ? MEGA_ERROR_BAD_FRAME : MEGA_ERROR_DARK_FRAME);
    rig_close(rig);
  }

  tap_case("a raw picture of the value that a dark camera sends is a dark frame");
  struct picture picture = whole_picture();
  struct rig *rig = open_with(&picture, "dark=all", FIXED, 2048);
  mega_configure(&rig->camera, MEGA_FORMAT, MEGA_RGB565);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_RESULT(rig_capture(rig), MEGA_ERROR_DARK_FRAME);
  rig_close(rig);
}

int main(void) {
  test_ends();
  test_long_segments();
  test_what_is_no_jpeg();
  expect_frame("", 1);
  expect_frame("padding=1,padding-byte=0x5A", 1);
  expect_frame("padding=200,padding-byte=0xFF", 1);
  expect_frame("padding=300", 1);
  expect_frame("padding=513,padding-byte=0x5A", 0);
  expect_frame("lead=2", 1);
  expect_frame("lead=1,padding=7", 1);
  expect_frame("no-end-marker", 0);
  expect_frame("no-end-marker,padding=20", 0);
  expect_frame("truncated=all", 0);
  expect_frame("truncated=all,padding=100", 0);
  test_truncated_once();
  test_lead();
  test_wrong_heads();
  return tap_done();
}
