// The markers of ITU-T T.81 annex B. Segments are skipped by their length, so that the end marker of a thumbnail in them, or a
// table that looks like one, is none; in coded data the next FF is all that matters, and memchr finds it.
#include "mega-jpeg.h"

#include <string.h>

enum state {
  FIRST,    // FF D8
  SECOND,
  MARKER,   // FF of a marker between two segments
  CODE,     // behind it; FF may fill the gap
  LENGTH_HIGH,
  LENGTH_LOW,
  SEGMENT,
  DATA,     // coded data of a scan
  DATA_FF,  // FF in it
  BEHIND,   // the end marker has passed
  BAD,
};

enum {
  TEMPORARY = 0x01,  // TEM
  FIRST_FRAME = 0xC0,
  FIRST_RESTART = 0xD0,
  LAST_RESTART = 0xD7,
  START_OF_IMAGE = 0xD8,
  END_OF_IMAGE = 0xD9,
  START_OF_SCAN = 0xDA,
};

void mega_jpeg_begin(struct mega_jpeg *jpeg) {
  memset(jpeg, 0, sizeof *jpeg);
}

static bool has_segment(uint8_t marker) {
  return marker >= FIRST_FRAME && !(marker >= FIRST_RESTART && marker <= END_OF_IMAGE);
}

// A start of image where none can be: what follows the cut belongs to another picture.
static enum state after_code(struct mega_jpeg *jpeg, uint8_t code) {
  if (code == 0xFF || code == TEMPORARY) return code == 0xFF ? CODE : MARKER;
  jpeg->marker = code;
  return has_segment(code) ? LENGTH_HIGH : BAD;
}

static enum state after_data_code(struct mega_jpeg *jpeg, uint8_t code) {
  if (code == 0x00 || (code >= FIRST_RESTART && code <= LAST_RESTART)) return DATA;
  if (code == 0xFF) return DATA_FF;
  if (code != END_OF_IMAGE) return after_code(jpeg, code);
  jpeg->end = jpeg->position;
  return BEHIND;
}

static enum state after_segment(const struct mega_jpeg *jpeg) {
  return jpeg->marker == START_OF_SCAN ? DATA : MARKER;
}

static enum state after_length(struct mega_jpeg *jpeg, uint8_t low) {
  uint16_t length = (uint16_t)(jpeg->left << 8 | low);
  if (length < 2) return BAD;
  jpeg->left = (uint16_t)(length - 2);
  return jpeg->left ? SEGMENT : after_segment(jpeg);
}

// One byte that decides; `position` counts it already.
static enum state next(struct mega_jpeg *jpeg, uint8_t byte) {
  switch ((enum state)jpeg->state) {
    case FIRST: return byte == 0xFF ? SECOND : BAD;
    case SECOND: return byte == START_OF_IMAGE ? MARKER : BAD;
    case MARKER: return byte == 0xFF ? CODE : BAD;
    case CODE: return after_code(jpeg, byte);
    case LENGTH_HIGH: jpeg->left = byte; return LENGTH_LOW;
    case LENGTH_LOW: return after_length(jpeg, byte);
    case DATA_FF: return after_data_code(jpeg, byte);
    case BEHIND: jpeg->remains += byte != 0x00 && byte != 0xFF; return BEHIND;
    default: return BAD;
  }
}

// How many of the bytes need no look at each of them; the state is that behind them.
static size_t skip(struct mega_jpeg *jpeg, const uint8_t *bytes, size_t length) {
  if (jpeg->state == BAD) return length;
  if (jpeg->state == SEGMENT) {
    size_t count = jpeg->left < length ? jpeg->left : length;
    jpeg->left = (uint16_t)(jpeg->left - count);
    if (!jpeg->left) jpeg->state = after_segment(jpeg);
    return count;
  }
  if (jpeg->state != DATA) return 0;
  const uint8_t *found = memchr(bytes, 0xFF, length);
  if (!found) return length;
  jpeg->state = DATA_FF;
  return (size_t)(found - bytes) + 1;
}

void mega_jpeg_scan(struct mega_jpeg *jpeg, const uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    size_t skipped = skip(jpeg, bytes + at, length - at);
    if (!skipped) {
      jpeg->position++;
      jpeg->state = (uint8_t)next(jpeg, bytes[at++]);
      continue;
    }
    jpeg->position += (uint32_t)skipped;
    at += skipped;
  }
}

bool mega_jpeg_is_whole(const struct mega_jpeg *jpeg) {
  return jpeg->state == BEHIND && jpeg->remains <= MEGA_JPEG_REMAINS;
}
