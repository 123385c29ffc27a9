// Every chip-select period as a line of text: index, bytes to the camera, `|`, bytes from it, `;`, what it means.
#include <stdlib.h>

#include "virtual-mega-internal.h"

bool vm_open_trace(struct vm_trace *trace, const char *path) {
  trace->file = fopen(path, "w");
  if (!trace->file) return false;
  setvbuf(trace->file, NULL, _IOLBF, 1 << 16);  // a killed process leaves whole lines
  return true;
}

void vm_trace_byte(struct vm_trace *trace, uint8_t out, uint8_t in) {
  if (!trace->file) return;
  if (trace->length == trace->room) {
    size_t room = trace->room ? trace->room * 2 : 256;
    uint8_t *longer_out = realloc(trace->out, room);
    if (longer_out) trace->out = longer_out;
    uint8_t *longer_in = realloc(trace->in, room);
    if (longer_in) trace->in = longer_in;
    if (!longer_out || !longer_in) return;
    trace->room = room;
  }
  trace->out[trace->length] = out;
  trace->in[trace->length++] = in;
  trace->bytes++;
}

static const char *register_name(uint8_t address) {
  static const char *const names[128] = {
      [0x00] = "test",          [0x01] = "frame count",  [0x02] = "power",         [0x04] = "fifo ctrl",
      [0x06] = "timing",        [0x07] = "reset ctrl",   [0x0A] = "i2c dev addr",  [0x0B] = "i2c reg hi",
      [0x0C] = "i2c reg lo",    [0x0D] = "i2c value",    [0x0E] = "i2c value hi",  [0x20] = "format",
      [0x21] = "resolution",    [0x22] = "brightness",   [0x23] = "contrast",      [0x24] = "saturation",
      [0x25] = "ev",            [0x26] = "wb mode",      [0x27] = "effect",        [0x28] = "sharpness/power mode",
      [0x29] = "autofocus",     [0x2A] = "jpeg quality", [0x2B] = "rotation",      [0x2C] = "freeze ae",
      [0x2D] = "freeze awb",    [0x30] = "auto ctrl",    [0x31] = "gain hi",       [0x32] = "gain lo",
      [0x33] = "exp 19:16",     [0x34] = "exp 15:8",     [0x35] = "exp 7:0",       [0x40] = "sensor id",
      [0x41] = "year",          [0x42] = "month",        [0x43] = "day",           [0x44] = "state",
      [0x45] = "len lo",        [0x46] = "len mid",      [0x47] = "len hi",        [0x48] = "i2c read data",
      [0x49] = "fpga ver",
  };
  return names[address & 0x7F] ? names[address & 0x7F] : "?";
}

static void print_meaning(const struct vm_trace *trace) {
  uint8_t command = trace->out[0];
  if (command == 0x3C) {
    fprintf(trace->file, "  ; BURST %zu clocked\n", trace->length);
  } else if (command == 0x3D) {
    fprintf(trace->file, "  ; SINGLE -> %02X\n", trace->length > 2 ? trace->in[2] : 0);
  } else if (command & 0x80 && trace->length > 1) {
    fprintf(trace->file, "  ; W %02X (%s) = %02X\n", command & 0x7F, register_name(command), trace->out[1]);
  } else if (!(command & 0x80) && trace->length > 2) {
    fprintf(trace->file, "  ; R %02X (%s) -> %02X\n", command, register_name(command), trace->in[2]);
  } else {
    fprintf(trace->file, "  ; cut off\n");
  }
}

void vm_end_trace_line(struct vm_trace *trace) {
  if (!trace->file || !trace->length) return;
  fprintf(trace->file, "%04u", ++trace->index);
  for (size_t i = 0; i < trace->length; i++) fprintf(trace->file, " %02X", trace->out[i]);
  fputs(" |", trace->file);
  for (size_t i = 0; i < trace->length; i++) fprintf(trace->file, " %02X", trace->in[i]);
  print_meaning(trace);
  trace->length = 0;
}

void vm_close_trace(struct vm_trace *trace) {
  if (trace->file) {
    fprintf(trace->file, "\n# total CS frames=%u, total SPI bytes clocked=%llu\n", trace->index,
            (unsigned long long)trace->bytes);
    fclose(trace->file);
  }
  free(trace->out);
  free(trace->in);
  *trace = (struct vm_trace){0};
}
