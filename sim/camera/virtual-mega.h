// A virtual Arducam Mega at byte level: select, exchange bytes, let time pass. No engine and no driver in it; any driver can
// be linked to it. Modelled after the application note of September 2023, the maker's SDK V3 and published measurements.
#ifndef VIRTUAL_MEGA_H
#define VIRTUAL_MEGA_H

#include <stdbool.h>
#include <stdint.h>

struct virtual_mega;

enum virtual_mega_busy_write { BUSY_WRITE_WORKS, BUSY_WRITE_LOST, BUSY_WRITE_ABSURD_LENGTH };

// Switches of what can go wrong. All zero is a healthy camera, as virtual_mega_no_faults; the names in brackets are those of
// virtual_mega_parse_faults. The numbers of captures count from the first one after `after`; `all` means every capture.
struct virtual_mega_faults {
  bool never_idle;              // [never-idle] state stays busy after the first slow write
  bool never_done;              // [never-done]
  int miso;                     // [miso=0x00|0xFF] stuck; -1 not
  uint32_t after;               // [after=N] captures that pass unharmed
  uint32_t zero_length;         // [length-zero=N|all] captures with length 0
  uint32_t absurd_length;       // [length-absurd=N|all] captures with length 8,390,520
  uint32_t dark;                // [dark=N|all] captures that are 08 01 all over
  uint32_t truncated;           // [truncated=N|all] captures that end in the middle
  uint32_t padding;             // [padding=N] bytes after FF D9, counted in the length
  uint8_t padding_byte;         // [padding-byte=N] their value, 0 unless said otherwise
  uint32_t lead;                // [lead=N] FF bytes before FF D8, counted in the length
  bool no_end_marker;           // [no-end-marker] FF D9 is missing
  bool redundant_allowed;       // [redundant-allowed] writing 0x21 with the value it holds does no harm
  uint32_t early;               // [dark-when-early=MS] a trigger sooner than that after reset or another early one: 08 01
  uint8_t frames_left;          // [frames-left=N] 0x01 as an earlier owner left it
  bool pattern_left;            // [pattern-left] 0x06 bit 7 as an earlier owner left it
  int64_t reset_at;             // [reset-at=N] the power dips before data byte N is clocked out; once. -1 never
  int64_t flip_at;              // [flip-at=N] bit 0 of data byte N is wrong in every frame. -1 never
  enum virtual_mega_busy_write busy_write;  // [busy-write=lost|absurd] what a slow write does while busy
};

extern const struct virtual_mega_faults virtual_mega_no_faults;

// Where pictures come from. Returns the bytes (malloc) of picture `index` for that size and quality, or NULL when there is
// none; `index` counts the frames of that size and quality that were read before.
typedef uint8_t *(*virtual_mega_picture)(void *context, unsigned width, unsigned height, unsigned quality,
                                         unsigned index, uint32_t *length);

struct virtual_mega_options {
  uint8_t id;               // 0x81 to 0x87; any other value is answered too, as an unknown sensor
  bool rewind;              // 0x04 bit 4 sets the read pointer back to the first byte (nobody knows whether real ones do)
  bool rewind_no_dummy;     // then the first burst after it has no dummy byte
  bool instant;             // idle and done at once, as in the recorded traces
  virtual_mega_picture picture;
  void *context;
  const char *trace;        // file for every chip-select period as text, or NULL
  struct virtual_mega_faults faults;
};

struct virtual_mega_statistics {
  uint64_t bytes;           // exchanged on the bus
  uint64_t data_bytes;      // of them bytes of frames
  uint64_t transactions;    // chip-select periods
  uint64_t bus_time;        // ns at 8 MHz
  uint32_t captures;
  uint32_t violations;      // of the protocol by the driver
  const char *last_violation;
};

// NULL when there is no memory or the trace file cannot be written.
struct virtual_mega *virtual_mega_create(const struct virtual_mega_options *options);
void virtual_mega_destroy(struct virtual_mega *camera);

void virtual_mega_select(struct virtual_mega *camera);
void virtual_mega_deselect(struct virtual_mega *camera);
// One byte in each direction at 8 MHz. Bytes before the first select are taken as if chip select had been low already.
uint8_t virtual_mega_transfer(struct virtual_mega *camera, uint8_t out);
// Is chip select low?
bool virtual_mega_is_selected(const struct virtual_mega *camera);
void virtual_mega_advance(struct virtual_mega *camera, uint64_t microseconds);

// A dip of the supply: everything but the pictures is as after power-on.
void virtual_mega_power_cycle(struct virtual_mega *camera);

// The value that was written last, whether the register can be read or not.
uint8_t virtual_mega_register(const struct virtual_mega *camera, uint8_t address);
// The value that a sensor register got over the bridge, or -1.
int virtual_mega_sensor_register(const struct virtual_mega *camera, uint16_t address);
struct virtual_mega_statistics virtual_mega_statistics(const struct virtual_mega *camera);
struct virtual_mega_faults *virtual_mega_faults(struct virtual_mega *camera);

// "name[=value],...". False at the first mistake, with a text in message.
bool virtual_mega_parse_faults(const char *text, struct virtual_mega_faults *faults, char *message, unsigned size);

// Pictures from <directory>/<width>x<height>-<high|default|low>/<n>.jpg, n from 0 without a gap, over and over. The context
// of the picture function is the directory's path. A missing picture is told on stderr.
uint8_t *virtual_mega_file_picture(void *directory, unsigned width, unsigned height, unsigned quality, unsigned index,
                                   uint32_t *length);

#endif
