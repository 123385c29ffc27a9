// The SPI bus as the driver of the Arducam Mega sees it. One implementation is compiled per platform: port-esp32.c on the
// chip, sim/camera/port-sim.c (a virtual sensor) on a desktop.
#ifndef MEGA_PORT_H
#define MEGA_PORT_H

#include <stddef.h>
#include <stdint.h>

// The longest register access, in bytes.
#define MEGA_EXCHANGE_LIMIT 4

struct mega_port {
  // The longest burst in bytes on the wire, its command byte included. At least 10.
  size_t burst_limit;
  // Bursts longer than this are cut to a multiple of it: 4 for a DMA that writes whole words, else 1.
  size_t burst_alignment;

  // One chip-select period of up to MEGA_EXCHANGE_LIMIT bytes, full duplex. 0, or an error of the platform.
  int (*exchange)(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length);

  // Starts a burst read: one chip-select period of `length` bytes, MEGA_REG_BURST and zeros out, what comes in is kept in
  // buffer `slot` (0 or 1). May return while the bytes still move. 0, or an error of the platform.
  int (*begin_burst)(struct mega_port *port, unsigned slot, size_t length);

  // Waits for the burst that was started last (bounded by its duration) and returns its bytes: the one under the command
  // first. They stay valid until the next begin_burst of that slot. NULL when the transfer failed.
  const uint8_t *(*finish_burst)(struct mega_port *port, unsigned slot);

  // Milliseconds of the caller's clock; moves a simulated sensor's time. May be NULL.
  void (*tick)(struct mega_port *port, uint32_t now);

  void (*close)(struct mega_port *port);
};

// Pins and speed. A negative number stands for the platform's default; a desktop ignores all but burst_limit.
struct mega_port_settings {
  int host;         // SPI peripheral
  int clock;        // GPIO numbers
  int out;          // MOSI
  int in;           // MISO
  int select;       // CS
  int hz;           // default 8,000,000, the documented clock
  int burst_limit;  // bytes per DMA transfer, two such buffers are allocated; default 2048
};

// Returns NULL and sets *error to a constant text when the bus cannot be had.
struct mega_port *mega_port_open(const struct mega_port_settings *settings, const char **error);

#endif
