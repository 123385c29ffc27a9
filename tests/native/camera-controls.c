// Every setting: what reaches the sensor's registers, which model refuses it, and that nothing is written twice.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "camera-rig.h"

struct expectation {
  const char *name;
  enum mega_control control;
  int32_t value;
  uint8_t address, written;
};

static const struct expectation plain[] = {
    {"quality high", MEGA_QUALITY, 0, 0x2A, 0},          {"quality low", MEGA_QUALITY, 2, 0x2A, 2},
    {"brightness +1", MEGA_BRIGHTNESS, 1, 0x22, 1},      {"brightness -1", MEGA_BRIGHTNESS, -1, 0x22, 2},
    {"brightness +4", MEGA_BRIGHTNESS, 4, 0x22, 7},      {"brightness -4", MEGA_BRIGHTNESS, -4, 0x22, 8},
    {"contrast +3", MEGA_CONTRAST, 3, 0x23, 5},          {"contrast -3", MEGA_CONTRAST, -3, 0x23, 6},
    {"saturation +2", MEGA_SATURATION, 2, 0x24, 3},      {"saturation -2", MEGA_SATURATION, -2, 0x24, 4},
    {"EV -2", MEGA_EXPOSURE_COMPENSATION, -2, 0x25, 4},  {"EV +3", MEGA_EXPOSURE_COMPENSATION, 3, 0x25, 5},
    {"white balance home", MEGA_WHITE_BALANCE, 4, 0x26, 4}, {"effect sepia", MEGA_EFFECT, 4, 0x27, 4},
    {"rotation 180", MEGA_ROTATION, 180, 0x2B, 1},       {"rotation 0", MEGA_ROTATION, 0, 0x2B, 0},
    {"AE off", MEGA_AUTO_EXPOSURE, 0, 0x30, 0x01},       {"AE on", MEGA_AUTO_EXPOSURE, 1, 0x30, 0x81},
    {"AGC on", MEGA_AUTO_GAIN, 1, 0x30, 0x80},           {"AWB on", MEGA_AUTO_WHITE_BALANCE, 1, 0x30, 0x82},
    {"AWB off", MEGA_AUTO_WHITE_BALANCE, 0, 0x30, 0x02}, {"gain 5", MEGA_GAIN, 5, 0x32, 5},
    {"exposure low", MEGA_EXPOSURE, 0x1234, 0x35, 0x34}, {"exposure high", MEGA_EXPOSURE, 0x1334, 0x34, 0x13},
};

static struct rig *started(uint8_t id) {
  struct rig_options options = rig_defaults(id);
  struct rig *rig = rig_open(&options);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  return rig;
}

static void test_plain(void) {
  for (unsigned id = 0x81; id <= 0x87; id++) {
    tap_case("0x%02X: settings reach their registers, once", id);
    struct rig *rig = started((uint8_t)id);
    for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++) {
      if (plain[i].control == MEGA_GAIN && id == 0x82) continue;
      CHECK_RESULT(mega_configure(&rig->camera, plain[i].control, plain[i].value), 0);
      CHECK_RESULT(rig_run(rig), MEGA_READY);
      uint8_t value = virtual_mega_register(rig->sensor, plain[i].address);
      CHECK(value == plain[i].written, "%s: %02X instead of %02X", plain[i].name, value, plain[i].written);
      uint64_t transactions = rig->camera.bus_transactions;
      CHECK_RESULT(mega_configure(&rig->camera, plain[i].control, plain[i].value), 0);
      CHECK_RESULT(rig_run(rig), MEGA_READY);
      CHECK_EQUAL(rig->camera.bus_transactions, transactions);
    }
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    rig_close(rig);
  }
}

struct capability {
  const char *name;
  enum mega_control control;
  int32_t value;
  unsigned ids;  // bit 0 for 0x81 and so on
};

static void test_capabilities(void) {
  static const struct capability capabilities[] = {
      {"sharpness", MEGA_SHARPNESS, 3, 0x0A},         {"effect yellowish", MEGA_EFFECT, 9, 0x6A},
      {"effect 7", MEGA_EFFECT, 7, 0},                {"effect 10", MEGA_EFFECT, 10, 0},
      {"freeze exposure", MEGA_FREEZE_EXPOSURE, 1, 0x70}, {"freeze white balance", MEGA_FREEZE_WHITE_BALANCE, 1, 0x70},
      {"lens", MEGA_LENS, 5, 0x01},                   {"focus", MEGA_FOCUS, 1, 0x01},
      {"exposure 10001", MEGA_EXPOSURE, 10001, 0x0F}, {"exposure 30001", MEGA_EXPOSURE, 30001, 0x0C},
      {"exposure 0", MEGA_EXPOSURE, 0, 0},            {"gain 0", MEGA_GAIN, 0, 0x70},
      {"gain 32", MEGA_GAIN, 32, 0x7D},               {"gain 241", MEGA_GAIN, 241, 0x0D},
      {"gain 1024", MEGA_GAIN, 1024, 0x0C},           {"QQVGA", MEGA_RESOLUTION, MEGA_QQVGA, 0x70},
      {"SVGA", MEGA_RESOLUTION, MEGA_SVGA, 0x70},     {"FHD", MEGA_RESOLUTION, MEGA_FHD, 0x3F},
      {"QXGA", MEGA_RESOLUTION, MEGA_QXGA, 0x3A},     {"5MP", MEGA_RESOLUTION, MEGA_5MP, 0x15},
      {"brightness 5", MEGA_BRIGHTNESS, 5, 0},        {"contrast 4", MEGA_CONTRAST, 4, 0},
      {"quality 3", MEGA_QUALITY, 3, 0},              {"rotation 90", MEGA_ROTATION, 90, 0},
      {"resolution 14", MEGA_RESOLUTION, 14, 0},      {"resolution -1", MEGA_RESOLUTION, -1, 0},
      {"no such control", MEGA_CONTROL_COUNT, 0, 0},  {"low power", MEGA_LOW_POWER, 0, 0x7F},
  };
  for (unsigned i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
    tap_case("%s: refused by the models that have it not", capabilities[i].name);
    for (unsigned id = 0x81; id <= 0x87; id++) {
      struct rig *rig = started((uint8_t)id);
      bool has = capabilities[i].ids >> (id - 0x81) & 1;
      int result = mega_configure(&rig->camera, capabilities[i].control, capabilities[i].value);
      CHECK(result == (has ? 0 : MEGA_ERROR_UNSUPPORTED), "0x%02X: %s", id, mega_result_name(result));
      CHECK_RESULT(rig_run(rig), MEGA_READY);
      CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
      rig_close(rig);
    }
  }

  tap_case("a setting that this model has not, asked for before the start: Unsupported, then the start works without it");
  struct rig_options options = rig_defaults(0x87);
  struct rig *rig = rig_open(&options);
  CHECK_RESULT(mega_configure(&rig->camera, MEGA_RESOLUTION, MEGA_5MP), 0);
  CHECK_RESULT(rig_start(rig), MEGA_ERROR_UNSUPPORTED);
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(mega_setting(&rig->camera, MEGA_RESOLUTION), MEGA_VGA);
  rig_close(rig);
}

// What may be asked for before a model is known.
static void test_bounds(void) {
  static const struct {
    const char *name;
    enum mega_control control;
    int32_t least, most;
  } bounds[] = {
      {"low power", MEGA_LOW_POWER, 0, 1},
      {"format", MEGA_FORMAT, MEGA_JPEG, MEGA_YUV},
      {"resolution", MEGA_RESOLUTION, 0, MEGA_RESOLUTION_COUNT - 1},
      {"quality", MEGA_QUALITY, 0, 2},
      {"brightness", MEGA_BRIGHTNESS, -4, 4},
      {"contrast", MEGA_CONTRAST, -3, 3},
      {"saturation", MEGA_SATURATION, -3, 3},
      {"exposure compensation", MEGA_EXPOSURE_COMPENSATION, -3, 3},
      {"white balance", MEGA_WHITE_BALANCE, 0, 4},
      {"sharpness", MEGA_SHARPNESS, 0, 8},
      {"freeze exposure", MEGA_FREEZE_EXPOSURE, 0, 1},
      {"freeze white balance", MEGA_FREEZE_WHITE_BALANCE, 0, 1},
      {"auto exposure", MEGA_AUTO_EXPOSURE, 0, 1},
      {"exposure", MEGA_EXPOSURE, 1, 65535},
      {"auto gain", MEGA_AUTO_GAIN, 0, 1},
      {"gain", MEGA_GAIN, 0, 65535},
      {"auto white balance", MEGA_AUTO_WHITE_BALANCE, 0, 1},
      {"lens", MEGA_LENS, 0, 1023},
      {"focus", MEGA_FOCUS, 1, 4},
  };
  tap_case("settings have their bounds before a model is known, and sizes their pixels");
  struct rig_options options = rig_defaults(0x81);
  struct rig *rig = rig_open(&options);
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    const int32_t values[] = {bounds[i].least - 1, bounds[i].least, bounds[i].most, bounds[i].most + 1};
    for (int at = 0; at < 4; at++)
      CHECK(mega_supports(&rig->camera, bounds[i].control, values[at]) == (at == 1 || at == 2), "%s %d",
            bounds[i].name, values[at]);
  }
  for (int32_t effect = -1; effect <= 10; effect++)
    CHECK_EQUAL(mega_supports(&rig->camera, MEGA_EFFECT, effect), effect >= 0 && effect != 7 && effect != 8 && effect < 10);
  uint16_t width, height;
  for (int32_t resolution = -1; resolution <= MEGA_RESOLUTION_COUNT; resolution++) {
    mega_dimensions(&rig->camera, resolution, &width, &height);
    bool is_size = resolution >= 0 && resolution < MEGA_RESOLUTION_COUNT;
    CHECK((width > 0 && height > 0) == is_size, "%d: %u x %u", resolution, width, height);
  }
  rig_close(rig);
}

// 1 to 31 times: bits 7:4 of an OV3640's gain code double it once each, bits 3:0 add sixteenths.
static void test_gain_code(void) {
  tap_case("0x82: the gain's code stands for the gain that was asked for");
  struct rig *rig = started(0x82);
  for (int32_t gain = 1; gain <= 31; gain++) {
    mega_configure(&rig->camera, MEGA_GAIN, gain);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    uint8_t code = virtual_mega_register(rig->sensor, 0x32);
    double stands_for = 1 + (code & 15) / 16.0;
    for (int bit = 4; bit < 8; bit++)
      if (code >> bit & 1) stands_for *= 2;
    CHECK(stands_for == gain, "%d: %02X is %g", gain, code, stands_for);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x31), 0);
  }
  rig_close(rig);
}

static void test_low_power(void) {
  for (unsigned id = 0x81; id <= 0x87; id++) {
    tap_case("0x%02X: low power; no pictures meanwhile, settings wait, a settled picture after it", id);
    struct rig *rig = started((uint8_t)id);
    mega_configure(&rig->camera, MEGA_LOW_POWER, 1);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    if (id <= 0x82) CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x02), 0x07);
    else if (id <= 0x84) {
      CHECK_EQUAL(virtual_mega_sensor_register(rig->sensor, 0x0028), 0xD000);
      CHECK_EQUAL(virtual_mega_sensor_register(rig->sensor, 0x002A), 0x107E);
      CHECK_EQUAL(virtual_mega_sensor_register(rig->sensor, 0x0F12), 1);
    }
    else CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x28), 1);
    CHECK_RESULT(mega_capture(&rig->camera), MEGA_ERROR_LOW_POWER);
    mega_configure(&rig->camera, MEGA_BRIGHTNESS, 2);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x22), 0);
    mega_configure(&rig->camera, MEGA_LOW_POWER, 0);
    uint32_t begun = rig->now, before = virtual_mega_statistics(rig->sensor).captures;
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    CHECK(rig->now - begun >= 800, "%u ms", rig->now - begun);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures - before, 3);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x22), 3);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig_close(rig);
  }
}

static void test_sleep_before_trigger(void) {
  for (unsigned id = 0x81; id <= 0x87; id++) {
    tap_case("0x%02X: sent to sleep between the order and the trigger: no picture, and the next one when it is awake", id);
    struct rig *rig = started((uint8_t)id);
    uint32_t captures = virtual_mega_statistics(rig->sensor).captures;
    CHECK_RESULT(mega_capture(&rig->camera), 0);
    mega_configure(&rig->camera, MEGA_LOW_POWER, 1);
    CHECK_RESULT(rig_run(rig), MEGA_ERROR_LOW_POWER);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).captures, captures);
    mega_configure(&rig->camera, MEGA_LOW_POWER, 0);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig_close(rig);
  }
}

static void test_awake(void) {
  tap_case("a camera that is awake is not woken");
  struct rig *rig = started(0x81);
  uint64_t transactions = rig->camera.bus_transactions;
  CHECK_RESULT(mega_configure(&rig->camera, MEGA_LOW_POWER, 0), 0);
  CHECK_RESULT(rig_run(rig), MEGA_READY);
  CHECK_EQUAL(rig->camera.bus_transactions, transactions);
  CHECK_EQUAL(mega_setting(&rig->camera, MEGA_CONTROL_COUNT), INT32_MIN);
  rig_close(rig);
}

static void test_unread(void) {
  tap_case("a setting waits while a frame is unread, and is written when it was read, or can be read no more");
  struct rig *rig = started(0x81);
  uint8_t *bytes;
  for (int32_t value = 1; value <= 2; value++) {
    uint8_t before = virtual_mega_register(rig->sensor, 0x22);
    CHECK_RESULT(rig_capture(rig), MEGA_READY);
    CHECK_RESULT(mega_configure(&rig->camera, MEGA_BRIGHTNESS, value), 0);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x22), before);
    if (value == 2) rig->break_after = 1;
    CHECK_EQUAL(rig_read(rig, 1000, &bytes), value == 1 ? 20000 : MEGA_ERROR_BUS);
    free(bytes);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x22), 2 * value - 1);
  }
  rig_close(rig);
}

static void test_focus(void) {
  tap_case("0x81: auto focus loads its firmware once, waits for the lens, again after a reset; lens by hand");
  struct rig *rig = started(0x81);
  for (int again = 0; again < 3; again++) {
    uint32_t begun = rig->now;
    uint64_t transactions = rig->camera.bus_transactions;
    mega_configure(&rig->camera, MEGA_FOCUS, 1);
    CHECK_RESULT(rig_run(rig), MEGA_READY);
    CHECK(rig->camera.bus_transactions > transactions, "not again");
    CHECK(rig->camera.focused, "not focused");
    CHECK((rig->now - begun > 900) == (again == 0), "%u ms", rig->now - begun);
  }
  CHECK_RESULT(rig_start(rig), MEGA_READY);
  CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x29), 1);
  mega_configure(&rig->camera, MEGA_LENS, 0x155);
  CHECK_RESULT(rig_run(rig), MEGA_READY);
  CHECK_EQUAL(virtual_mega_sensor_register(rig->sensor, 0x3603), 0x15);
  CHECK_EQUAL(virtual_mega_sensor_register(rig->sensor, 0x3602), 0x50);
  CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
  rig_close(rig);
}

// Everything at once is the longest sequence there is: it fits the queue, and nothing of it is lost.
static void test_everything(void) {
  for (unsigned id = 0x81; id <= 0x87; id++) {
    tap_case("0x%02X: every setting at once, before the start and after a recovery by reset", id);
    struct rig_options options = rig_defaults((uint8_t)id);
    struct rig *rig = rig_open(&options);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    for (int control = 0; control < MEGA_CONTROL_COUNT; control++)
      mega_configure(&rig->camera, (enum mega_control)control, control == MEGA_LOW_POWER ? 0 : control == MEGA_ROTATION ? 180 : 1);
    CHECK_RESULT(rig_start(rig), MEGA_READY);
    for (int again = 0; again < 2; again++) {
      uint8_t expected[] = {1, 1, 1, 1, 1, 1, 1};
      for (unsigned i = 0; i < sizeof expected; i++)
        CHECK_EQUAL(virtual_mega_register(rig->sensor, (uint8_t)(i == 0 ? 0x20 : 0x21 + i)), expected[i]);
      CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x2B), 1);
      CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x30), 0x82);
      CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x32), id == 0x82 ? 0 : 1);
      if (id == 0x81) CHECK_EQUAL(virtual_mega_register(rig->sensor, 0x29), 1);
      virtual_mega_power_cycle(rig->sensor);
      CHECK_RESULT(rig_capture(rig), MEGA_READY);
    }
    CHECK_EQUAL(virtual_mega_statistics(rig->sensor).violations, 0);
    rig_close(rig);
  }
}

int main(void) {
  test_plain();
  test_capabilities();
  test_bounds();
  test_gain_code();
  test_low_power();
  test_sleep_before_trigger();
  test_awake();
  test_unread();
  test_focus();
  test_everything();
  return tap_done();
}
