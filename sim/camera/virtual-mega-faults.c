// Names for the fault switches: "never-done", "padding=16", "length-zero=all" and so on.
#include <stdlib.h>
#include <string.h>

#include "virtual-mega-internal.h"

const struct virtual_mega_faults virtual_mega_no_faults = {.miso = -1, .reset_at = -1, .flip_at = -1};

enum kind { FLAG, BYTE, SIGNED, COUNT, POSITION, BUSY_WRITE };

static const struct {
  const char *name;
  enum kind kind;
  size_t offset;
} switches[] = {
    {"never-idle", FLAG, offsetof(struct virtual_mega_faults, never_idle)},
    {"never-done", FLAG, offsetof(struct virtual_mega_faults, never_done)},
    {"miso", SIGNED, offsetof(struct virtual_mega_faults, miso)},
    {"after", COUNT, offsetof(struct virtual_mega_faults, after)},
    {"length-zero", COUNT, offsetof(struct virtual_mega_faults, zero_length)},
    {"length-absurd", COUNT, offsetof(struct virtual_mega_faults, absurd_length)},
    {"dark", COUNT, offsetof(struct virtual_mega_faults, dark)},
    {"truncated", COUNT, offsetof(struct virtual_mega_faults, truncated)},
    {"padding", COUNT, offsetof(struct virtual_mega_faults, padding)},
    {"padding-byte", BYTE, offsetof(struct virtual_mega_faults, padding_byte)},
    {"lead", COUNT, offsetof(struct virtual_mega_faults, lead)},
    {"no-end-marker", FLAG, offsetof(struct virtual_mega_faults, no_end_marker)},
    {"redundant-allowed", FLAG, offsetof(struct virtual_mega_faults, redundant_allowed)},
    {"dark-when-early", COUNT, offsetof(struct virtual_mega_faults, early)},
    {"frames-left", BYTE, offsetof(struct virtual_mega_faults, frames_left)},
    {"pattern-left", FLAG, offsetof(struct virtual_mega_faults, pattern_left)},
    {"reset-at", POSITION, offsetof(struct virtual_mega_faults, reset_at)},
    {"flip-at", POSITION, offsetof(struct virtual_mega_faults, flip_at)},
    {"busy-write", BUSY_WRITE, offsetof(struct virtual_mega_faults, busy_write)},
};

static bool parse_number(const char *text, int64_t limit, int64_t *number) {
  char *end;
  if (!*text) return false;
  long long value = strtoll(text, &end, 0);
  *number = value;
  return !*end && value >= 0 && value <= limit;
}

static bool parse_busy_write(const char *value, enum virtual_mega_busy_write *effect) {
  if (!strcmp(value, "lost")) *effect = BUSY_WRITE_LOST;
  else if (!strcmp(value, "absurd")) *effect = BUSY_WRITE_ABSURD_LENGTH;
  else return false;
  return true;
}

static bool set_switch(enum kind kind, void *field, const char *value) {
  int64_t number = 0;
  switch (kind) {
    case FLAG:
      if (*value && !parse_number(value, 1, &number)) return false;
      *(bool *)field = *value ? number : true;
      return true;
    case BYTE:
      if (!parse_number(value, 255, &number)) return false;
      *(uint8_t *)field = (uint8_t)number;
      return true;
    case SIGNED:
      if (!parse_number(value, 255, &number)) return false;
      *(int *)field = (int)number;
      return true;
    case COUNT:
      if (!strcmp(value, "all")) number = UINT32_MAX;
      else if (!parse_number(value, UINT32_MAX - 1, &number)) return false;
      *(uint32_t *)field = (uint32_t)number;
      return true;
    case POSITION:
      if (!parse_number(value, INT64_MAX, &number)) return false;
      *(int64_t *)field = number;
      return true;
    case BUSY_WRITE: return parse_busy_write(value, field);
  }
  return false;
}

static bool parse_one(char *item, struct virtual_mega_faults *faults) {
  char *value = strchr(item, '=');
  if (value) *value++ = 0;
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
    if (!strcmp(switches[i].name, item))
      return set_switch(switches[i].kind, (char *)faults + switches[i].offset, value ? value : "");
  return false;
}

bool virtual_mega_parse_faults(const char *text, struct virtual_mega_faults *faults, char *message, unsigned size) {
  char item[80];
  *faults = virtual_mega_no_faults;
  while (text && *text) {
    size_t length = strcspn(text, ",");
    snprintf(item, sizeof item, "%.*s", (int)length, text);
    if (length && (length >= sizeof item || !parse_one(item, faults))) {
      snprintf(message, size, "no such fault of the virtual camera, or a wrong value: %.*s", (int)length, text);
      return false;
    }
    text += length;
    if (*text) text++;
  }
  return true;
}
