// As much of ESP-IDF's SPI master as native/arducam/port-esp32.c uses, for a desktop: camera-port.c plays the peripheral.
#ifndef SPI_MASTER_H
#define SPI_MASTER_H

#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
typedef uint32_t TickType_t;
typedef enum { SPI1_HOST, SPI2_HOST, SPI3_HOST } spi_host_device_t;
typedef struct spi_device *spi_device_handle_t;
enum { ESP_OK = 0, ESP_ERR_INVALID_STATE = 0x103, ESP_ERR_TIMEOUT = 0x107 };
enum { SPI_DMA_CH_AUTO = 3, SPI_MAX_DMA_LEN = 4092, SPI_TRANS_USE_RXDATA = 4, SPI_TRANS_USE_TXDATA = 8 };

typedef struct {
  int mosi_io_num, miso_io_num, sclk_io_num, quadwp_io_num, quadhd_io_num, max_transfer_sz;
} spi_bus_config_t;

typedef struct {
  uint8_t mode;
  int clock_speed_hz, spics_io_num, queue_size;
} spi_device_interface_config_t;

typedef struct {
  uint32_t flags;
  size_t length;  // bits
  union {
    const void *tx_buffer;
    uint8_t tx_data[4];
  };
  union {
    void *rx_buffer;
    uint8_t rx_data[4];
  };
} spi_transaction_t;

esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *bus, int dma);
esp_err_t spi_bus_free(spi_host_device_t host);
esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *config,
                             spi_device_handle_t *device);
esp_err_t spi_bus_remove_device(spi_device_handle_t device);
esp_err_t spi_bus_get_max_transaction_len(spi_host_device_t host, size_t *length);
esp_err_t spi_device_polling_transmit(spi_device_handle_t device, spi_transaction_t *transaction);
esp_err_t spi_device_queue_trans(spi_device_handle_t device, spi_transaction_t *transaction, TickType_t patience);
esp_err_t spi_device_get_trans_result(spi_device_handle_t device, spi_transaction_t **done, TickType_t patience);

#endif
