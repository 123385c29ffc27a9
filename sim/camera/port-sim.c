// The driver's SPI port on a desktop: a virtual sensor at the other end of the wires. What it is and what ails it comes from
// the environment (README.md).
#include <stdio.h>
#include <stdlib.h>

#include "../../native/arducam/mega-port.h"
#include "virtual-mega.h"

struct sim_port {
  struct mega_port port;  // first: the driver's pointer is ours
  struct virtual_mega *camera;
  uint32_t last_tick;
  bool ticked;
  size_t in_flight;       // bytes of the burst that is on its way, 0 without one
  uint8_t *buffers[2];
  char frames[1024];
};

static int exchange(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length) {
  struct virtual_mega *camera = ((struct sim_port *)port)->camera;
  if (((struct sim_port *)port)->in_flight) return -1;
  virtual_mega_select(camera);
  for (size_t i = 0; i < length; i++) rx[i] = virtual_mega_transfer(camera, tx[i]);
  virtual_mega_deselect(camera);
  return 0;
}

// As on the chip: the bytes move while the driver does something else, and the bus is taken until it has fetched them.
static int begin_burst(struct mega_port *port, unsigned slot, size_t length) {
  struct sim_port *sim = (struct sim_port *)port;
  if (sim->in_flight || length > port->burst_limit) return -1;
  sim->in_flight = length;
  virtual_mega_select(sim->camera);
  sim->buffers[slot][0] = virtual_mega_transfer(sim->camera, 0x3C);
  return 0;
}

static const uint8_t *finish_burst(struct mega_port *port, unsigned slot) {
  struct sim_port *sim = (struct sim_port *)port;
  if (!sim->in_flight) return NULL;
  for (size_t i = 1; i < sim->in_flight; i++) sim->buffers[slot][i] = virtual_mega_transfer(sim->camera, 0);
  virtual_mega_deselect(sim->camera);
  sim->in_flight = 0;
  return sim->buffers[slot];
}

// Differences, because the bytes on the bus move the sensor's clock as well.
static void tick(struct mega_port *port, uint32_t now) {
  struct sim_port *sim = (struct sim_port *)port;
  if (sim->ticked) virtual_mega_advance(sim->camera, (uint64_t)(now - sim->last_tick) * 1000);
  sim->ticked = true;
  sim->last_tick = now;
}

static void close_port(struct mega_port *port) {
  struct sim_port *sim = (struct sim_port *)port;
  virtual_mega_destroy(sim->camera);
  free(sim->buffers[0]);
  free(sim->buffers[1]);
  free(sim);
}

static bool open_camera(struct sim_port *sim, const char **error) {
  static char message[160];
  const char *sensor = getenv("CAMERA_SENSOR"), *frames = getenv("CAMERA_FRAMES"), *rewind = getenv("CAMERA_REWIND");
  struct virtual_mega_options options = {
      .id = sensor ? (uint8_t)strtoul(sensor, NULL, 0) : 0x81,
      .rewind = rewind && *rewind == '1',
      .picture = virtual_mega_file_picture,
      .context = sim->frames,
      .trace = getenv("CAMERA_TRACE"),
  };
  snprintf(sim->frames, sizeof sim->frames, "%s", frames ? frames : ".");
  *error = message;
  if (!virtual_mega_parse_faults(getenv("CAMERA_FAULTS"), &options.faults, message, sizeof message)) return false;
  if (options.trace && !*options.trace) options.trace = NULL;
  snprintf(message, sizeof message, "the virtual camera cannot be made: is CAMERA_TRACE a file that can be written?");
  sim->camera = virtual_mega_create(&options);
  return sim->camera;
}

struct mega_port *mega_port_open(const struct mega_port_settings *settings, const char **error) {
  struct sim_port *sim = calloc(1, sizeof *sim);
  *error = "out of memory";
  if (!sim) return NULL;
  sim->port = (struct mega_port){
      .burst_limit = settings->burst_limit >= 64 && settings->burst_limit <= 4092 ? (size_t)settings->burst_limit : 2048,
      .burst_alignment = 4,  // as on the chip, so that the bytes on the wire are the same
      .exchange = exchange,
      .begin_burst = begin_burst,
      .finish_burst = finish_burst,
      .tick = tick,
      .close = close_port,
  };
  for (int i = 0; i < 2; i++) sim->buffers[i] = malloc(sim->port.burst_limit);
  if (!sim->buffers[0] || !sim->buffers[1] || !open_camera(sim, error)) {
    close_port(&sim->port);
    return NULL;
  }
  return &sim->port;
}
