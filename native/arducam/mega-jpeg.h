// Does a JPEG end as it must? Its bytes are looked at as they pass by, in pieces of any size.
#ifndef MEGA_JPEG_H
#define MEGA_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Behind the end marker a camera may leave padding, zeros or FF, of any length, and remains of a block. If there is more than
// a block of them, the "end marker" was a damaged byte in the midst of the picture.
enum { MEGA_JPEG_REMAINS = 512 };

struct mega_jpeg {
  uint8_t state;
  uint8_t marker;
  uint16_t left;      // bytes of the segment under way
  uint32_t position;  // bytes seen
  uint32_t end;       // bytes up to and including the end marker, 0 before it
  uint32_t remains;   // bytes behind it that are no padding
};

void mega_jpeg_begin(struct mega_jpeg *jpeg);
void mega_jpeg_scan(struct mega_jpeg *jpeg, const uint8_t *bytes, size_t length);

// Of all bytes that were seen so far.
bool mega_jpeg_is_whole(const struct mega_jpeg *jpeg);

#endif
