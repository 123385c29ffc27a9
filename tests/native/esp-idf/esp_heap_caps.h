// See driver/spi_master.h.
#ifndef ESP_HEAP_CAPS_H
#define ESP_HEAP_CAPS_H

#include <stddef.h>

enum { MALLOC_CAP_8BIT = 4, MALLOC_CAP_DMA = 8, MALLOC_CAP_INTERNAL = 2048 };

void *heap_caps_calloc(size_t count, size_t size, unsigned caps);
void *heap_caps_aligned_alloc(size_t alignment, size_t size, unsigned caps);
void heap_caps_free(void *block);

#endif
