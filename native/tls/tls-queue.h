// Ciphertext on its way out. It grows as a handshake's flights need it, and holds one record afterwards.
#ifndef TLS_QUEUE_H
#define TLS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// More than the longest flight of a client: a certificate chain and the rest.
#define TLS_QUEUE_LIMIT 16384

typedef struct tls_queue {
  uint8_t *data;
  size_t capacity, start, length;
} tls_queue;

// All or nothing: false if there is no memory.
bool tls_queue_append(tls_queue *queue, const void *data, size_t length);
size_t tls_queue_take(tls_queue *queue, void *buffer, size_t size);
// Gives the memory back; what was in it is gone.
void tls_queue_release(tls_queue *queue);

#endif
