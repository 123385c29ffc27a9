// See driver/spi_master.h.
#ifndef FREERTOS_H
#define FREERTOS_H

#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))

#endif
