// A private key and what is done with it. It lives in native memory, is counted by reference (its owner in
// JavaScript may go while a handshake still needs it), and is wiped when the last reference goes.
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include "tls-compat.h"
#include "tls-verdict.h"

#include <stdbool.h>

// SEC 1 DER of a P-384 key or PKCS #1 DER of a 4096-bit RSA key fit.
#define TLS_KEY_DER_SIZE 2400
#define TLS_KEY_PEM_SIZE 3400
#define TLS_KEY_CSR_SIZE 2048
// SubjectPublicKeyInfo of a 4096-bit RSA key.
#define TLS_KEY_PUBLIC_SIZE 600
#define TLS_KEY_SIGNATURE_SIZE MBEDTLS_PK_SIGNATURE_MAX_SIZE
// Less is refused by AWS IoT, and by the profile that servers are judged with.
#define TLS_KEY_RSA_BITS 2048
// ub-common-name of RFC 5280.
#define TLS_KEY_NAME_LENGTH 64

typedef struct tls_key {
  unsigned references;
  mbedtls_pk_context pk;
} tls_key;

// Starts the library's random number generator and key store; may be called again.
bool tls_crypto_start(void);

// A new P-256 key, or NULL.
tls_key *tls_key_generate(void);

// Reads PEM (with its terminating zero counted) or DER: PKCS #8, SEC 1 or PKCS #1; P-256, P-384, P-521, or RSA
// of 2048 bits at least. NULL if it is none, and why.
tls_key *tls_key_read(const uint8_t *data, size_t length, tls_verdict *verdict);

// The same for whom the reason does not matter.
tls_key *tls_key_import(const uint8_t *data, size_t length);

// Good, or TLS_VERDICT_UNREADABLE, _CURVE or _SHORT_KEY, of a public key: SubjectPublicKeyInfo, and its bits.
tls_verdict tls_key_judge_public(const uint8_t *info, size_t length, size_t bits);

tls_key *tls_key_retain(tls_key *key);
void tls_key_release(tls_key *key);

// Writes DER for the device's own storage; gives its length at the *end* of the buffer, or 0.
size_t tls_key_export(const tls_key *key, uint8_t *buffer, size_t size);

// The same as PEM with a terminating zero.
bool tls_key_export_pem(const tls_key *key, char *buffer, size_t size);

// Is a common name one that needs no quoting in a distinguished name?
bool tls_key_is_name(const char *name);

// Writes a PKCS #10 request as PEM with a terminating zero, signed with SHA-256.
bool tls_key_write_csr(tls_key *key, const char *common_name, char *buffer, size_t size);

// Writes the public half as SubjectPublicKeyInfo (DER); gives its length at the *end* of the buffer, or 0.
size_t tls_key_export_public(const tls_key *key, uint8_t *buffer, size_t size);

// Signs data with SHA-256: ECDSA as DER (X9.62), or RSA with PKCS #1 v1.5. @returns the length, or 0.
size_t tls_key_sign(tls_key *key, const uint8_t *data, size_t length, uint8_t *signature, size_t size);

// Does a certificate (PEM with its terminating zero counted, or DER) belong to this key?
bool tls_key_matches(tls_key *key, const uint8_t *certificate, size_t length);

#endif
