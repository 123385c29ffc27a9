// What a camera was told to connect with, judged before it is used: by the parsers that TLS uses, by the limits
// of TLS and of AWS IoT, and by the time, where that is known.
#ifndef TLS_CREDENTIALS_H
#define TLS_CREDENTIALS_H

#include "tls-pem.h"

#include <stdint.h>

// All texts are PEM as tls_pem_mend writes it, with a terminating zero. A `time_ms` of 0 is unknown.

tls_verdict tls_credentials_judge_key(const char *key);

// A client's chain: the certificate for the key first, each one issued by the next, none of them expired, all
// of them signed with SHA-256, SHA-384 or SHA-512.
tls_verdict tls_credentials_judge_chain(const char *chain, const char *key, int64_t time_ms);

// Authorities: all of them can be parsed, and one at least can vouch for a server.
tls_verdict tls_credentials_judge_roots(const char *roots, int64_t time_ms);

const char *tls_credentials_verdict_name(tls_verdict verdict);

#endif
