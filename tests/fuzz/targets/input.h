// The fuzzer's bytes as a stream of decisions; behind the last one everything is 0.
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
  const uint8_t *data;
  size_t size, at;
};

static inline bool input_more(const struct input *input) {
  return input->at < input->size;
}

static inline uint8_t input_byte(struct input *input) {
  return input_more(input) ? input->data[input->at++] : 0;
}

// Bytes of a peer that are not what it has sent: so many pass, then one becomes another.
struct damage {
  struct input plan;
  uint32_t pass;
  uint8_t value;
  bool armed;
};

static inline void damage_next(struct damage *damage) {
  damage->armed = damage->plan.at + 2 < damage->plan.size;
  damage->pass = input_byte(&damage->plan);
  damage->pass |= (uint32_t)input_byte(&damage->plan) << 8;
  damage->value = input_byte(&damage->plan);
}

static inline void damage_begin(struct damage *damage, const uint8_t *data, size_t size) {
  damage->plan = (struct input){data, size, 0};
  damage_next(damage);
}

static inline uint8_t damage_byte(struct damage *damage, uint8_t byte) {
  if (!damage->armed || damage->pass--) return byte;
  byte = damage->value;
  damage_next(damage);
  return byte;
}

#define REQUIRE(condition)                                                       \
  do {                                                                           \
    if (condition) break;                                                        \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);      \
    abort();                                                                     \
  } while (0)

#endif
