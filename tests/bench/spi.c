// SPI bytes for each byte of a picture: this driver, and single reads (register 0x3D) as in the maker's first example.
// sources: native/arducam/mega*.c sim/camera/virtual-mega*.c
// flags: -Wno-unused-function
#include <inttypes.h>

#include "../native/camera-rig.h"

enum { CALLER_BUFFER = 4096 };

static uint64_t burst_bytes;

// Counts on the way to the sensor: the driver fetches the first chunk by itself as soon as the capture is done.
static int count_burst(struct mega_port *port, unsigned slot, size_t length) {
  burst_bytes += length;
  return rig_begin_burst(port, slot, length);
}

static uint64_t read_with_driver(struct rig *rig) {
  static uint8_t buffer[CALLER_BUFFER];
  rig->port.begin_burst = count_burst;
  burst_bytes = 0;
  if (rig_capture(rig)) exit(1);
  for (;;) {
    int32_t count = mega_read(&rig->camera, buffer, sizeof buffer);
    if (count < 0) exit(1);
    if (!count) return burst_bytes;
  }
}

// The driver never mixes single reads with bursts, so this goes to the sensor itself.
static uint64_t read_byte_by_byte(struct rig *rig) {
  static const uint8_t trigger[2][2] = {{0x84, 0x01}, {0x84, 0x02}};
  uint8_t ignored[3];
  for (unsigned i = 0; i < 2; i++)
    if (rig_exchange(&rig->port, trigger[i], ignored, sizeof *trigger)) exit(1);
  virtual_mega_advance(rig->sensor, 1000 * 1000);
  uint64_t before = virtual_mega_statistics(rig->sensor).bytes;
  for (uint32_t i = 0; i < rig->picture_length; i++) {
    static const uint8_t command[3] = {0x3D};
    if (rig_exchange(&rig->port, command, ignored, sizeof command)) exit(1);
  }
  return virtual_mega_statistics(rig->sensor).bytes - before;
}

int main(void) {
  static const uint32_t lengths[] = {30000, 3000000};
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct rig_options options = rig_defaults(0x81);
    options.picture_length = lengths[i];
    struct rig *rig = rig_open(&options);
    if (rig_start(rig)) exit(1);
    uint64_t driver = read_with_driver(rig);
    uint64_t single = read_byte_by_byte(rig);
    printf("{\"length\":%" PRIu32 ",\"driver\":%" PRIu64 ",\"single\":%" PRIu64 "}\n", lengths[i], driver, single);
    rig_close(rig);
  }
}
