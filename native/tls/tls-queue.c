#include "tls-queue.h"

#include "tls-compat.h"

#include <string.h>

#define STEP 256

static bool grow(tls_queue *queue, size_t length) {
  size_t capacity = (length + STEP - 1) / STEP * STEP;
  if (capacity > TLS_QUEUE_LIMIT) return false;
  uint8_t *data = mbedtls_calloc(1, capacity);
  if (data == NULL) return false;
  if (queue->length > 0) memcpy(data, queue->data + queue->start, queue->length);
  mbedtls_free(queue->data);
  queue->data = data;
  queue->capacity = capacity;
  queue->start = 0;
  return true;
}

bool tls_queue_append(tls_queue *queue, const void *data, size_t length) {
  if (length == 0) return true;
  if (queue->length + length > queue->capacity) {
    if (!grow(queue, queue->length + length)) return false;
  } else if (queue->start + queue->length + length > queue->capacity) {
    memmove(queue->data, queue->data + queue->start, queue->length);
    queue->start = 0;
  }
  memcpy(queue->data + queue->start + queue->length, data, length);
  queue->length += length;
  return true;
}

size_t tls_queue_take(tls_queue *queue, void *buffer, size_t size) {
  size_t length = queue->length < size ? queue->length : size;
  if (length == 0) return 0;
  memcpy(buffer, queue->data + queue->start, length);
  queue->length -= length;
  queue->start = queue->length > 0 ? queue->start + length : 0;
  return length;
}

void tls_queue_release(tls_queue *queue) {
  mbedtls_free(queue->data);
  memset(queue, 0, sizeof *queue);
}
