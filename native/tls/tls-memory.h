// What a session costs: the bytes that mbedTLS and the engine hold for it, now and at most.
//
// Counting needs a way into the allocator, so it is a matter of the build: with TLS_COUNT_ALLOCATIONS
// defined, either the library takes hooks (MBEDTLS_PLATFORM_MEMORY), or the program is linked with the static
// libraries and --wrap=calloc,--wrap=free. Without it nothing is counted and nothing is spent.
#ifndef TLS_MEMORY_H
#define TLS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tls_memory {
  // Signed: a block may be freed on behalf of another session than the one that took it.
  ptrdiff_t current;
  ptrdiff_t peak;
} tls_memory;

bool tls_memory_is_counted(void);

// From here on allocations are on this account; gives the account before, to be handed to tls_memory_leave.
tls_memory *tls_memory_enter(tls_memory *account);
void tls_memory_leave(tls_memory *previous);

#endif
