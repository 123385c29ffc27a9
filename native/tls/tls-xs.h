// What the two bindings to XS have in common.
#ifndef TLS_XS_H
#define TLS_XS_H

#include "tls-key.h"

#include "xsmc.h"

// PEM text (its terminating zero counted, as mbedTLS wants it) or DER. The pointer is good until XS allocates
// the next time; text that is in flash stays where it is.
static inline const uint8_t *tls_xs_data(xsMachine *the, xsSlot *slot, size_t *length) {
  if (xsmcTypeOf(*slot) == xsStringType) {
    const char *text = xsmcToString(*slot);
    *length = 1;
    while (text[*length - 1] != '\0') *length += 1;
    return (const uint8_t *)text;
  }
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferReadable(*slot, &data, &size);
  *length = size;
  return data;
}

// The key of a KeyPair, or an exception. In crypto.c.
tls_key *tls_xs_key(xsMachine *the, xsSlot *slot);

#endif
