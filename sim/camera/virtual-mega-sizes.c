// The codes for picture sizes, as the application note (ids below 0x85) and SDK V3 (from 0x85 on) list them. Written apart
// from the driver's table, so that a slip in one of them shows.
#include "virtual-mega-internal.h"

struct code {
  uint8_t code;
  uint8_t index;  // of the size, counted from the smallest
  struct vm_size size;
};

static const struct code old_codes[] = {
    {0x01, 3, {320, 240}},   {0x02, 5, {640, 480}},   {0x04, 8, {1280, 720}}, {0x06, 10, {1600, 1200}},
    {0x07, 11, {1920, 1080}}, {0x08, 12, {2048, 1536}}, {0x09, 13, {2592, 1944}}, {0x0A, 0, {96, 96}},
    {0x0B, 1, {128, 128}},   {0x0C, 4, {320, 320}},
};

static const struct code new_codes[] = {
    {0x00, 0, {96, 96}},      {0x01, 1, {128, 128}},    {0x02, 2, {160, 120}},   {0x03, 3, {320, 240}},
    {0x04, 4, {320, 320}},    {0x05, 5, {640, 480}},    {0x06, 6, {800, 600}},   {0x07, 7, {1024, 768}},
    {0x08, 8, {1280, 720}},   {0x09, 9, {1280, 1024}},  {0x0A, 10, {1600, 1200}}, {0x0B, 11, {1920, 1080}},
    {0x0C, 12, {2048, 1536}}, {0x0D, 13, {2592, 1944}},
};

enum { FHD = 11, QXGA = 12, FULL = 13 };

static bool sensor_has(uint8_t id, uint8_t index) {
  if (index == FULL) return id == 0x81 || id == 0x83 || id == 0x85;
  if (index == QXGA) return id != 0x81 && id != 0x83 && id != 0x87;
  return index != FHD || id != 0x87;
}

bool vm_find_size(uint8_t id, uint8_t code, struct vm_size *size, unsigned *index) {
  bool old = id < 0x85;
  const struct code *codes = old ? old_codes : new_codes;
  unsigned count = old ? sizeof old_codes / sizeof *old_codes : sizeof new_codes / sizeof *new_codes;
  for (unsigned i = 0; i < count; i++) {
    if (codes[i].code != (code & 0x7F) || !sensor_has(id, codes[i].index)) continue;
    *size = codes[i].size;
    *index = codes[i].index;
    if (id == 0x83 && codes[i].index == FULL) size->height = 1936;
    return true;
  }
  return false;
}
