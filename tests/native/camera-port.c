// The chip's SPI port over a peripheral that fails: at its nth call, or with a burst that is not over in time. Whatever was opened
// is given back, no buffer is freed or used while the DMA may write into it, and the bus works again when it can.
// sources: native/arducam/port-esp32.c
// flags: -DESP_PLATFORM -Itests/native/esp-idf
#include <stdlib.h>

#include "../../native/arducam/mega-port.h"
#include "driver/spi_master.h"
#include "esp_heap_caps.h"
#include "tap.h"

enum { CALLS = 12 };

struct spi_device {
  spi_transaction_t *queued;
};

static struct spi_device the_device;
static int buses, devices, blocks;
static unsigned fail_at;  // this call fails, 0 none
static bool stuck;        // bursts do not end

static bool fails(void) {
  return fail_at && --fail_at == 0;
}

esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *bus, int dma) {
  (void)host, (void)bus, (void)dma;
  if (fails()) return ESP_ERR_TIMEOUT;
  buses++;
  return ESP_OK;
}

esp_err_t spi_bus_free(spi_host_device_t host) {
  (void)host;
  CHECK(!devices, "a bus is freed under its device");
  buses--;
  return ESP_OK;
}

esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *config,
                             spi_device_handle_t *device) {
  (void)host, (void)config;
  if (fails()) return ESP_ERR_TIMEOUT;
  devices++;
  *device = &the_device;
  return ESP_OK;
}

esp_err_t spi_bus_remove_device(spi_device_handle_t device) {
  CHECK(!device->queued, "a device is removed while it transfers");
  devices--;
  return ESP_OK;
}

esp_err_t spi_bus_get_max_transaction_len(spi_host_device_t host, size_t *length) {
  (void)host;
  *length = 4092;
  return fails() ? ESP_ERR_TIMEOUT : ESP_OK;
}

esp_err_t spi_device_polling_transmit(spi_device_handle_t device, spi_transaction_t *transaction) {
  CHECK(!device->queued, "a register access while a burst is on its way");
  if (fails()) return ESP_ERR_TIMEOUT;
  memset(transaction->rx_data, 0x5A, sizeof transaction->rx_data);
  return ESP_OK;
}

esp_err_t spi_device_queue_trans(spi_device_handle_t device, spi_transaction_t *transaction, TickType_t patience) {
  (void)patience;
  CHECK(!device->queued, "two bursts at a time");
  if (fails()) return ESP_ERR_TIMEOUT;
  device->queued = transaction;
  return ESP_OK;
}

esp_err_t spi_device_get_trans_result(spi_device_handle_t device, spi_transaction_t **done, TickType_t patience) {
  (void)patience;
  CHECK(device->queued, "nothing is queued");
  if (stuck || fails()) return ESP_ERR_TIMEOUT;
  *done = device->queued;
  memset((*done)->rx_buffer, 0xA5, (*done)->length / 8);  // the sanitizer sees a buffer that is gone
  device->queued = NULL;
  return ESP_OK;
}

void *heap_caps_calloc(size_t count, size_t size, unsigned caps) {
  (void)caps;
  if (fails()) return NULL;
  blocks++;
  return calloc(count, size);
}

void *heap_caps_aligned_alloc(size_t alignment, size_t size, unsigned caps) {
  (void)alignment, (void)caps;
  if (fails()) return NULL;
  blocks++;
  return malloc(size);
}

void heap_caps_free(void *block) {
  if (block) blocks--;
  free(block);
}

static struct mega_port *open_port(void) {
  const struct mega_port_settings settings = {.host = -1, .clock = 1, .out = 2, .in = 3, .select = 4, .hz = -1, .burst_limit = 100};
  const char *error = "";
  struct mega_port *port = mega_port_open(&settings, &error);
  CHECK(port ? !error : *error, "an error without a text, or the other way round");
  return port;
}

// The port itself is freed by free().
static void check_empty(void) {
  CHECK_EQUAL(devices, 0);
  CHECK_EQUAL(buses, 0);
  CHECK(blocks <= 1, "%d blocks", blocks);
  blocks = 0;
}

static int read_register(struct mega_port *port) {
  const uint8_t tx[3] = {0x44};
  uint8_t rx[3] = {0};
  int result = port->exchange(port, tx, rx, sizeof tx);
  if (!result) CHECK_EQUAL(rx[2], 0x5A);
  return result;
}

static bool read_burst(struct mega_port *port, unsigned slot) {
  if (port->begin_burst(port, slot, 64)) return false;
  const uint8_t *bytes = port->finish_burst(port, slot);
  if (bytes) CHECK_EQUAL(bytes[63], 0xA5);
  return bytes;
}

static void check_works(struct mega_port *port) {
  CHECK_EQUAL(read_register(port), 0);
  CHECK(read_burst(port, 0) && read_burst(port, 1), "no burst");
}

static void test_calls(void) {
  for (unsigned n = 1; n <= CALLS; n++) {
    tap_case("call %u of the peripheral fails: everything is given back, and the next use works", n);
    fail_at = n;
    struct mega_port *port = open_port();
    if (port) {
      read_register(port);
      read_burst(port, 0);
      read_burst(port, 1);
      fail_at = 0;
      check_works(port);
      port->close(port);
    }
    fail_at = 0;
    check_empty();
  }
}

static void test_late(void) {
  tap_case("a burst that is not over in time keeps the bus until it is, and its buffer");
  struct mega_port *port = open_port();
  stuck = true;
  CHECK(!read_burst(port, 0), "a burst that is stuck");
  for (int time = 0; time < 3; time++) {
    CHECK(read_register(port) != 0, "a register access");
    CHECK(port->begin_burst(port, 1, 64) != 0, "another burst");
    CHECK(!port->finish_burst(port, 0), "its bytes");
  }
  stuck = false;
  check_works(port);
  port->close(port);
  check_empty();

  tap_case("closed with a burst on its way: it is awaited");
  port = open_port();
  CHECK_EQUAL(port->begin_burst(port, 0, 64), 0);
  CHECK(read_register(port) != 0, "a register access while a burst is on its way");
  port->close(port);
  check_empty();
}

int main(void) {
  test_calls();
  test_late();
  return tap_done();
}
