#include "tls-memory.h"

#ifdef TLS_COUNT_ALLOCATIONS

#include "tls-compat.h"

#include <stdlib.h>

#ifdef ESP_PLATFORM
#include "esp_heap_caps.h"
#define block_size(block) heap_caps_get_allocated_size(block)
#else
#include <malloc.h>
#define block_size(block) malloc_usable_size(block)
#endif

static tls_memory *account;

static void taken(void *block) {
  if (account == NULL || block == NULL) return;
  account->current += (ptrdiff_t)block_size(block);
  if (account->current > account->peak) account->peak = account->current;
}

static void given_back(void *block) {
  if (account != NULL && block != NULL) account->current -= (ptrdiff_t)block_size(block);
}

#if defined(MBEDTLS_PLATFORM_MEMORY) && !defined(MBEDTLS_PLATFORM_CALLOC_MACRO)

static void *counted_calloc(size_t count, size_t size) {
  void *block = calloc(count, size);
  taken(block);
  return block;
}

static void counted_free(void *block) {
  given_back(block);
  free(block);
}

bool tls_memory_is_counted(void) {
  return mbedtls_platform_set_calloc_free(counted_calloc, counted_free) == 0;
}

#else

void *__real_calloc(size_t count, size_t size);
void __real_free(void *block);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *block);

void *__wrap_calloc(size_t count, size_t size) {
  void *block = __real_calloc(count, size);
  taken(block);
  return block;
}

void __wrap_free(void *block) {
  given_back(block);
  __real_free(block);
}

bool tls_memory_is_counted(void) {
  return true;
}

#endif

tls_memory *tls_memory_enter(tls_memory *next) {
  tls_memory *previous = account;
  account = next;
  return previous;
}

void tls_memory_leave(tls_memory *previous) {
  account = previous;
}

#else

bool tls_memory_is_counted(void) {
  return false;
}

tls_memory *tls_memory_enter(tls_memory *account) {
  return account;
}

void tls_memory_leave(tls_memory *previous) {
  (void)previous;
}

#endif
