// What the classes of crypto.js share: host data that is allocated, looked up and closed, and the bytes of an argument.
#ifndef CRYPTO_XS_H
#define CRYPTO_XS_H

#include "tls-key.h"

#include "xsmc.h"

static inline void start(xsMachine *the) {
  if (!tls_crypto_start()) xsUnknownError("no crypto");
}

static inline void *get(xsMachine *the, void (*destructor)(void *)) {
  void *data = xsmcGetHostDataValidate(xsThis, (void *)destructor);
  if (data == NULL) xsUnknownError("closed");
  return data;
}

static inline void close_host(xsMachine *the, void (*destructor)(void *)) {
  void *data = xsmcGetHostDataValidate(xsThis, (void *)destructor);
  xsmcSetHostData(xsThis, NULL);
  destructor(data);
}

static inline void *allocate(xsMachine *the, size_t size) {
  void *data = mbedtls_calloc(1, size);
  if (data == NULL) xsUnknownError("no memory");
  xsmcSetHostData(xsThis, data);
  return data;
}

// Good until XS allocates the next time.
static inline uint8_t *bytes(xsMachine *the, xsSlot *slot, size_t *length) {
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferReadable(*slot, &data, &size);
  *length = size;
  return data;
}

#endif
