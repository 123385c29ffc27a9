// The authorities that a session trusts, while it needs them. Where the library can ask for them (on the
// chip: CONFIG_MBEDTLS_X509_TRUSTED_CERT_CALLBACK), only those that the server's chain names are parsed;
// elsewhere all of them are, until the handshake is over. A parsed root costs about 2 KB.
#ifndef TLS_ROOTS_H
#define TLS_ROOTS_H

#include "tls-compat.h"
#include "tls-error.h"

#include <stdbool.h>

// The `index`th root: PEM (one or several; its terminating zero is counted) or DER; NULL after the last. Must
// stay until the next call.
typedef const uint8_t *(*tls_root_source)(void *context, unsigned index, size_t *length);

typedef struct tls_roots {
  tls_root_source source;
  void *context;
  mbedtls_x509_crt chain;
  // One of them could not be read when it was needed.
  bool bad;
} tls_roots;

// `roots` must stay where it is until tls_roots_close. Gives TLS_ERROR_NONE, TLS_ERROR_BAD_ROOTS or
// TLS_ERROR_OUT_OF_MEMORY.
tls_error tls_roots_open(tls_roots *roots, mbedtls_ssl_config *conf, tls_root_source source, void *context);
void tls_roots_close(tls_roots *roots);

#endif
