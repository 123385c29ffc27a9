// The driver's SPI port on an ESP32: ESP-IDF's spi_master, with two DMA buffers, so that the next burst runs while the last one is
// being sent to the network. Empty on other platforms.
#if defined(ESP_PLATFORM)

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "driver/spi_master.h"
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"

#include "mega-port.h"
#include "mega-registers.h"

// Pins that reach the peripheral without the GPIO matrix. On the ESP32 these are VSPI's: HSPI's MISO is GPIO 12, which
// must be low at start.
#if CONFIG_IDF_TARGET_ESP32
enum { DEFAULT_HOST = SPI3_HOST, DEFAULT_CLOCK = 18, DEFAULT_OUT = 23, DEFAULT_IN = 19, DEFAULT_SELECT = 5 };
#elif CONFIG_IDF_TARGET_ESP32S3
enum { DEFAULT_HOST = SPI2_HOST, DEFAULT_CLOCK = 12, DEFAULT_OUT = 11, DEFAULT_IN = 13, DEFAULT_SELECT = 10 };
#else
enum { DEFAULT_HOST = SPI2_HOST, DEFAULT_CLOCK = -1, DEFAULT_OUT = -1, DEFAULT_IN = -1, DEFAULT_SELECT = -1 };
#endif

#define DEFAULT_HZ 8000000
#define DEFAULT_BURST 2048
#define SHORTEST_BURST 64
#define LONGEST_BURST SPI_MAX_DMA_LEN  // of one DMA descriptor: 4092 bytes
#define WORD 4
#define PATIENCE pdMS_TO_TICKS(1000)   // a burst takes 2 to 5 ms; if this does not suffice the bus is lost

struct esp32_port {
  struct mega_port port;  // first: the driver's pointer is ours
  spi_host_device_t host;
  spi_device_handle_t device;
  bool owns_bus;
  bool in_flight;  // also after a time-out: then the DMA may still write
  bool late;       // such a burst: nobody waits for it any more
  uint8_t *buffers[2];
  spi_transaction_t transactions[2];
};

// A late burst gives the bus back when it is over, and then only.
static bool is_free(struct esp32_port *esp32) {
  spi_transaction_t *done;
  if (esp32->late && spi_device_get_trans_result(esp32->device, &done, 0) == ESP_OK)
    esp32->in_flight = esp32->late = false;
  return !esp32->in_flight;
}

static int exchange(struct mega_port *port, const uint8_t *tx, uint8_t *rx, size_t length) {
  struct esp32_port *esp32 = (struct esp32_port *)port;
  if (!is_free(esp32) || length > MEGA_EXCHANGE_LIMIT) return ESP_ERR_INVALID_STATE;
  spi_transaction_t transaction = {
      .flags = SPI_TRANS_USE_TXDATA | SPI_TRANS_USE_RXDATA,
      .length = length * 8,
  };
  memcpy(transaction.tx_data, tx, length);
  esp_err_t result = spi_device_polling_transmit(esp32->device, &transaction);
  if (result == ESP_OK) memcpy(rx, transaction.rx_data, length);
  return result;
}

// The command and zeros go out of the buffer that the answer comes into: DMA reads each byte before it writes it.
static int begin_burst(struct mega_port *port, unsigned slot, size_t length) {
  struct esp32_port *esp32 = (struct esp32_port *)port;
  if (!is_free(esp32) || length > port->burst_limit) return ESP_ERR_INVALID_STATE;
  uint8_t *buffer = esp32->buffers[slot];
  spi_transaction_t *transaction = &esp32->transactions[slot];
  memset(buffer, 0, length);
  buffer[0] = MEGA_REG_BURST;
  *transaction = (spi_transaction_t){.length = length * 8, .tx_buffer = buffer, .rx_buffer = buffer};
  esp_err_t result = spi_device_queue_trans(esp32->device, transaction, PATIENCE);
  esp32->in_flight = result == ESP_OK;
  return result;
}

static bool is_damaged(const spi_transaction_t *transaction) {
#ifdef SPI_TRANS_DMA_RX_FAIL
  return transaction->flags & (SPI_TRANS_DMA_RX_FAIL | SPI_TRANS_DMA_TX_FAIL);
#else
  (void)transaction;
  return false;
#endif
}

static const uint8_t *finish_burst(struct mega_port *port, unsigned slot) {
  struct esp32_port *esp32 = (struct esp32_port *)port;
  spi_transaction_t *done = NULL;
  if (!esp32->in_flight || esp32->late) return NULL;
  esp32->late = spi_device_get_trans_result(esp32->device, &done, PATIENCE) != ESP_OK;
  if (esp32->late) return NULL;
  esp32->in_flight = false;
  if (done != &esp32->transactions[slot] || is_damaged(done)) return NULL;
  return esp32->buffers[slot];
}

static void close_port(struct mega_port *port) {
  struct esp32_port *esp32 = (struct esp32_port *)port;
  spi_transaction_t *done;
  if (esp32->in_flight && spi_device_get_trans_result(esp32->device, &done, PATIENCE) != ESP_OK)
    return;  // the DMA may still write into the buffers: rather lose them than free them
  if (esp32->device) spi_bus_remove_device(esp32->device);
  if (esp32->owns_bus) spi_bus_free(esp32->host);
  heap_caps_free(esp32->buffers[0]);
  heap_caps_free(esp32->buffers[1]);
  free(esp32);
}

static int setting(int value, int otherwise) {
  return value < 0 ? otherwise : value;
}

// A bus that another driver has set up (a display's) is shared: then its own limit for a transfer holds.
static const char *open_bus(struct esp32_port *esp32, const struct mega_port_settings *settings) {
  spi_bus_config_t bus = {
      .mosi_io_num = setting(settings->out, DEFAULT_OUT),
      .miso_io_num = setting(settings->in, DEFAULT_IN),
      .sclk_io_num = setting(settings->clock, DEFAULT_CLOCK),
      .quadwp_io_num = -1,
      .quadhd_io_num = -1,
      .max_transfer_sz = (int)esp32->port.burst_limit,
  };
  spi_device_interface_config_t device = {
      .mode = 0,
      .clock_speed_hz = setting(settings->hz, DEFAULT_HZ),
      .spics_io_num = setting(settings->select, DEFAULT_SELECT),
      .queue_size = 1,
  };
  size_t limit = 0;
  if (bus.mosi_io_num < 0 || bus.miso_io_num < 0 || bus.sclk_io_num < 0 || device.spics_io_num < 0)
    return "the pins of the camera are not configured";
  esp32->host = (spi_host_device_t)setting(settings->host, DEFAULT_HOST);
  esp_err_t result = spi_bus_initialize(esp32->host, &bus, SPI_DMA_CH_AUTO);
  if (result != ESP_OK && result != ESP_ERR_INVALID_STATE) return "the SPI bus cannot be set up";
  esp32->owns_bus = result == ESP_OK;
  if (spi_bus_add_device(esp32->host, &device, &esp32->device) != ESP_OK) return "no place for the camera on the SPI bus";
  if (spi_bus_get_max_transaction_len(esp32->host, &limit) != ESP_OK || limit < SHORTEST_BURST)
    return "the SPI bus has no DMA";
  if (limit < esp32->port.burst_limit) esp32->port.burst_limit = limit - limit % WORD;
  return NULL;
}

static size_t burst_limit(int wanted) {
  if (wanted < SHORTEST_BURST) return DEFAULT_BURST;
  return wanted > LONGEST_BURST ? LONGEST_BURST : (size_t)(wanted - wanted % WORD);
}

static const char *open_port(struct esp32_port *esp32, const struct mega_port_settings *settings) {
  esp32->port = (struct mega_port){
      .burst_limit = burst_limit(settings->burst_limit),
      .burst_alignment = WORD,
      .exchange = exchange,
      .begin_burst = begin_burst,
      .finish_burst = finish_burst,
      .close = close_port,
  };
  const char *error = open_bus(esp32, settings);
  if (error) return error;
  for (int i = 0; i < 2; i++) {
    esp32->buffers[i] = heap_caps_aligned_alloc(WORD, esp32->port.burst_limit, MALLOC_CAP_DMA | MALLOC_CAP_INTERNAL);
    if (!esp32->buffers[i]) return "no memory for the camera's DMA buffers";
  }
  return NULL;
}

struct mega_port *mega_port_open(const struct mega_port_settings *settings, const char **error) {
  struct esp32_port *esp32 = heap_caps_calloc(1, sizeof *esp32, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  *error = esp32 ? open_port(esp32, settings) : "out of memory";
  if (!*error) return &esp32->port;
  if (esp32) close_port(&esp32->port);
  return NULL;
}

#endif
