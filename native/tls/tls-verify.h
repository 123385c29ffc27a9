// What is asked of a server's certificate beyond mbedTLS's own path building (signatures, CA flags, key
// usage, strength): the time comes from our clock, not from the C library's, the name must be a
// subjectAltName (RFC 9525), and an IP address is compared as one.
#ifndef TLS_VERIFY_H
#define TLS_VERIFY_H

#include "tls-compat.h"
#include "tls-error.h"

#include <stdbool.h>

typedef struct tls_verify {
  // The time; with `dates_later` the earliest that it can be.
  int64_t time_ms;
  // The time is told by the peer itself: when all certificates of the path were valid is kept, and compared then.
  bool dates_later;
  mbedtls_x509_time from, to;
  // Length 0 if the peer is known by a DNS name.
  uint8_t address[16];
  size_t address_length;
  // All that was found.
  uint32_t flags;
  bool bad_chain;
} tls_verify;

void tls_verify_init(tls_verify *verify, const char *host, int64_t time_ms, bool dates_later);

// mbedtls_ssl_conf_verify's callback; `context` is a tls_verify.
int tls_verify_certificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

// MBEDTLS_X509_BADCERT_EXPIRED or _FUTURE if a certificate is not good at that time, else 0.
uint32_t tls_verify_dates(const mbedtls_x509_crt *certificate, int64_t time_ms);

// Judges the dates of the path that was verified by a time that was told since: TLS_ERROR_NONE,
// TLS_ERROR_EXPIRED, TLS_ERROR_NOT_YET_VALID, or TLS_ERROR_BAD_TIME if that is before the earliest.
tls_error tls_verify_told_time(const tls_verify *verify, int64_t time_ms);

// The name of what was wrong.
tls_error tls_verify_error(const tls_verify *verify, uint32_t library_flags);

// Reads an IPv4 or IPv6 literal; gives 4, 16 or 0 if it is none.
size_t tls_verify_parse_address(const char *text, uint8_t address[16]);

#endif
