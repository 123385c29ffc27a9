// PEM as people and their tools hand it in, made into PEM that mbedTLS reads. Mended is what leaves no doubt
// what was meant: line ends of any kind and none at all, escaped ones (`\n`), indented lines, a byte order mark
// and other text around the blocks (RFC 7468, 2 and 5.2). Everything else is refused under its name.
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include "tls-verdict.h"

#include <stddef.h>

typedef enum { TLS_PEM_CERTIFICATES, TLS_PEM_KEY } tls_pem_kind;

// Writes the blocks of this kind, lines of 64 characters, with a terminating zero into `mended`, which may be
// NULL, and gives the length (without the zero) in any case. `size` bytes have to do: ask with NULL first. In fewer,
// but at least one, is an empty text.
tls_verdict tls_pem_mend(const char *text, size_t length, tls_pem_kind kind, char *mended, size_t size,
                         size_t *mended_length);

#endif
