// The camera driver against a sensor that answers anything, in any order of what it is asked for. First half of the input: what
// is asked. Second half: which of the sensor's bytes are wrong.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
#include "input.h"

#include "../../../native/arducam/mega.h"
#include "../../../sim/camera/virtual-mega.h"

enum { BURST = 256, POLLS = 20000, PICTURE = 700 };

struct rig {
  struct mega_port port;  // first: the driver's pointer is ours
  struct virtual_mega *sensor;
  struct damage damage;
  struct mega camera;
  size_t in_flight;
  uint32_t now, ticked;
  uint8_t *buffers[2];    // of exactly their size, so that the sanitizer sees what reads past them
};

static int exchange(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length) {
  struct rig *rig = (struct rig *)port;
  REQUIRE(!rig->in_flight && length <= MEGA_EXCHANGE_LIMIT);
  virtual_mega_select(rig->sensor);
  for (size_t i = 0; i < length; i++) rx[i] = damage_byte(&rig->damage, virtual_mega_transfer(rig->sensor, tx[i]));
  virtual_mega_deselect(rig->sensor);
  return 0;
}

static int begin_burst(struct mega_port *port, unsigned slot, size_t length) {
  struct rig *rig = (struct rig *)port;
  REQUIRE(!rig->in_flight && slot < 2 && length >= 2 && length <= port->burst_limit);
  rig->in_flight = length;
  virtual_mega_select(rig->sensor);
  rig->buffers[slot][0] = virtual_mega_transfer(rig->sensor, 0x3C);
  return 0;
}

static const uint8_t *finish_burst(struct mega_port *port, unsigned slot) {
  struct rig *rig = (struct rig *)port;
  REQUIRE(rig->in_flight);
  for (size_t i = 1; i < rig->in_flight; i++)
    rig->buffers[slot][i] = damage_byte(&rig->damage, virtual_mega_transfer(rig->sensor, 0));
  virtual_mega_deselect(rig->sensor);
  rig->in_flight = 0;
  return rig->buffers[slot];
}

static void tick(struct mega_port *port, uint32_t now) {
  struct rig *rig = (struct rig *)port;
  virtual_mega_advance(rig->sensor, (uint64_t)(now - rig->ticked) * 1000);
  rig->ticked = now;
}

static uint8_t *picture(void *context, unsigned width, unsigned height, unsigned quality, unsigned index, uint32_t *length) {
  static const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xDA, 0, 4, 1, 2};
  (void)context, (void)width, (void)height, (void)quality, (void)index;
  uint8_t *bytes = malloc(PICTURE);
  for (int i = 0; i < PICTURE; i++) bytes[i] = (uint8_t)(i % 251);
  memcpy(bytes, head, sizeof head);
  memcpy(bytes + PICTURE - 2, "\xFF\xD9", 2);
  *length = PICTURE;
  return bytes;
}

// Ends by itself, and in time, whatever the sensor says.
static int run(struct rig *rig) {
  for (int polls = 0; polls < POLLS; polls++) {
    int result = mega_poll(&rig->camera, rig->now);
    if (result != MEGA_BUSY) return result;
    uint32_t interval = mega_poll_interval(&rig->camera);
    REQUIRE(interval > 0 && interval <= 10000);
    rig->now += interval < 20 ? 20 : interval;
  }
  REQUIRE(!"the driver waits for ever");
  return MEGA_BUSY;
}

static void read_some(struct rig *rig, size_t size) {
  uint8_t *bytes = malloc(size ? size : 1);
  uint32_t before = rig->camera.frame.position;
  int32_t count = mega_read(&rig->camera, bytes, size);
  REQUIRE(count <= (int32_t)size);
  if (count > 0) REQUIRE(rig->camera.frame.position == before + (uint32_t)count);
  REQUIRE(rig->camera.frame.position <= rig->camera.frame.length);
  REQUIRE(rig->camera.frame.length <= rig->camera.options.jpeg_limit || count < 0);
  int whole = mega_is_whole(&rig->camera);
  REQUIRE(whole >= -1 && whole <= 1);
  free(bytes);
}

static void act(struct rig *rig, struct input *input) {
  uint8_t what = input_byte(input), value = input_byte(input);
  switch (what % 8) {
    case 0: mega_start(&rig->camera); run(rig); break;
    case 1: if (!mega_capture(&rig->camera)) run(rig); break;
    case 2: read_some(rig, value * 8u); break;
    case 3: mega_rewind(&rig->camera); break;
    case 4: mega_configure(&rig->camera, what / 8 % MEGA_CONTROL_COUNT, (int8_t)value); break;
    case 5: mega_poll(&rig->camera, rig->now += value); break;
    case 6: mega_stop(&rig->camera); REQUIRE(!rig->in_flight); break;
    case 7: for (int i = 0; i < 8; i++) read_some(rig, 255); break;
  }
  if (rig->camera.frame.error) REQUIRE(!rig->in_flight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size / 2, 0};
  struct rig *rig = calloc(1, sizeof *rig);
  uint8_t kind = input_byte(&input);
  struct virtual_mega_options sensor = {
      .id = 0x81 + kind % 7, .rewind = kind & 8, .rewind_no_dummy = kind & 16, .picture = picture,
      .faults = virtual_mega_no_faults};
  struct mega_options options = mega_default_options;
  options.discard = kind >> 5 & 1;
  rig->sensor = virtual_mega_create(&sensor);
  rig->port = (struct mega_port){.burst_limit = kind & 0x40 ? 10 : BURST, .burst_alignment = kind & 0x80 ? 4 : 1,
                                 .exchange = exchange, .begin_burst = begin_burst, .finish_burst = finish_burst,
                                 .tick = tick};
  for (int i = 0; i < 2; i++) rig->buffers[i] = malloc(rig->port.burst_limit);
  damage_begin(&rig->damage, data + size / 2, size - size / 2);
  mega_init(&rig->camera, &rig->port, &options);
  mega_start(&rig->camera);
  run(rig);
  while (input_more(&input)) act(rig, &input);
  mega_stop(&rig->camera);
  REQUIRE(!rig->in_flight);
  virtual_mega_destroy(rig->sensor);
  for (int i = 0; i < 2; i++) free(rig->buffers[i]);
  free(rig);
  return 0;
}
