#include "srp.h"

#include "tls-compat.h"

#include <string.h>

// The 3072-bit group of RFC 5054 appendix A (the prime of RFC 3526).
static const uint8_t group_prime[SRP_NUMBER_SIZE] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x0f, 0xda, 0xa2, 0x21, 0x68, 0xc2, 0x34,
    0xc4, 0xc6, 0x62, 0x8b, 0x80, 0xdc, 0x1c, 0xd1, 0x29, 0x02, 0x4e, 0x08, 0x8a, 0x67, 0xcc, 0x74,
    0x02, 0x0b, 0xbe, 0xa6, 0x3b, 0x13, 0x9b, 0x22, 0x51, 0x4a, 0x08, 0x79, 0x8e, 0x34, 0x04, 0xdd,
    0xef, 0x95, 0x19, 0xb3, 0xcd, 0x3a, 0x43, 0x1b, 0x30, 0x2b, 0x0a, 0x6d, 0xf2, 0x5f, 0x14, 0x37,
    0x4f, 0xe1, 0x35, 0x6d, 0x6d, 0x51, 0xc2, 0x45, 0xe4, 0x85, 0xb5, 0x76, 0x62, 0x5e, 0x7e, 0xc6,
    0xf4, 0x4c, 0x42, 0xe9, 0xa6, 0x37, 0xed, 0x6b, 0x0b, 0xff, 0x5c, 0xb6, 0xf4, 0x06, 0xb7, 0xed,
    0xee, 0x38, 0x6b, 0xfb, 0x5a, 0x89, 0x9f, 0xa5, 0xae, 0x9f, 0x24, 0x11, 0x7c, 0x4b, 0x1f, 0xe6,
    0x49, 0x28, 0x66, 0x51, 0xec, 0xe4, 0x5b, 0x3d, 0xc2, 0x00, 0x7c, 0xb8, 0xa1, 0x63, 0xbf, 0x05,
    0x98, 0xda, 0x48, 0x36, 0x1c, 0x55, 0xd3, 0x9a, 0x69, 0x16, 0x3f, 0xa8, 0xfd, 0x24, 0xcf, 0x5f,
    0x83, 0x65, 0x5d, 0x23, 0xdc, 0xa3, 0xad, 0x96, 0x1c, 0x62, 0xf3, 0x56, 0x20, 0x85, 0x52, 0xbb,
    0x9e, 0xd5, 0x29, 0x07, 0x70, 0x96, 0x96, 0x6d, 0x67, 0x0c, 0x35, 0x4e, 0x4a, 0xbc, 0x98, 0x04,
    0xf1, 0x74, 0x6c, 0x08, 0xca, 0x18, 0x21, 0x7c, 0x32, 0x90, 0x5e, 0x46, 0x2e, 0x36, 0xce, 0x3b,
    0xe3, 0x9e, 0x77, 0x2c, 0x18, 0x0e, 0x86, 0x03, 0x9b, 0x27, 0x83, 0xa2, 0xec, 0x07, 0xa2, 0x8f,
    0xb5, 0xc5, 0x5d, 0xf0, 0x6f, 0x4c, 0x52, 0xc9, 0xde, 0x2b, 0xcb, 0xf6, 0x95, 0x58, 0x17, 0x18,
    0x39, 0x95, 0x49, 0x7c, 0xea, 0x95, 0x6a, 0xe5, 0x15, 0xd2, 0x26, 0x18, 0x98, 0xfa, 0x05, 0x10,
    0x15, 0x72, 0x8e, 0x5a, 0x8a, 0xaa, 0xc4, 0x2d, 0xad, 0x33, 0x17, 0x0d, 0x04, 0x50, 0x7a, 0x33,
    0xa8, 0x55, 0x21, 0xab, 0xdf, 0x1c, 0xba, 0x64, 0xec, 0xfb, 0x85, 0x04, 0x58, 0xdb, 0xef, 0x0a,
    0x8a, 0xea, 0x71, 0x57, 0x5d, 0x06, 0x0c, 0x7d, 0xb3, 0x97, 0x0f, 0x85, 0xa6, 0xe1, 0xe4, 0xc7,
    0xab, 0xf5, 0xae, 0x8c, 0xdb, 0x09, 0x33, 0xd7, 0x1e, 0x8c, 0x94, 0xe0, 0x4a, 0x25, 0x61, 0x9d,
    0xce, 0xe3, 0xd2, 0x26, 0x1a, 0xd2, 0xee, 0x6b, 0xf1, 0x2f, 0xfa, 0x06, 0xd9, 0x8a, 0x08, 0x64,
    0xd8, 0x76, 0x02, 0x73, 0x3e, 0xc8, 0x6a, 0x64, 0x52, 0x1f, 0x2b, 0x18, 0x17, 0x7b, 0x20, 0x0c,
    0xbb, 0xe1, 0x17, 0x57, 0x7a, 0x61, 0x5d, 0x6c, 0x77, 0x09, 0x88, 0xc0, 0xba, 0xd9, 0x46, 0xe2,
    0x08, 0xe2, 0x4f, 0xa0, 0x74, 0xe5, 0xab, 0x31, 0x43, 0xdb, 0x5b, 0xfc, 0xe0, 0xfd, 0x10, 0x8e,
    0x4b, 0x82, 0xd1, 0x20, 0xa9, 0x3a, 0xd2, 0xca, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t group_generator[SRP_NUMBER_SIZE] = {[SRP_NUMBER_SIZE - 1] = 5};

struct srp {
  uint8_t salt[SRP_SALT_LIMIT];
  size_t salt_length;
  uint8_t verifier[SRP_NUMBER_SIZE];
  uint8_t secret[SRP_SECRET_SIZE];
  uint8_t client_key[SRP_NUMBER_SIZE];
  size_t client_key_length;
  uint8_t device_key[SRP_NUMBER_SIZE];
  bool challenged;
};

// Hashes: up to six pieces, each at most once.

typedef struct piece {
  const void *data;
  size_t length;
} piece;

static bool hash(uint8_t digest[SRP_HASH_SIZE], const piece *pieces, size_t count) {
  psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
  bool done = psa_hash_setup(&operation, PSA_ALG_SHA_512) == PSA_SUCCESS;
  for (size_t i = 0; done && i < count; i++)
    done = psa_hash_update(&operation, pieces[i].data, pieces[i].length) == PSA_SUCCESS;
  size_t length;
  done = done && psa_hash_finish(&operation, digest, SRP_HASH_SIZE, &length) == PSA_SUCCESS;
  psa_hash_abort(&operation);
  return done;
}

#define HASH(digest, ...)                                                                                  \
  hash(digest, (const piece[]){__VA_ARGS__}, sizeof((const piece[]){__VA_ARGS__}) / sizeof(piece))

// Numbers. All of a calculation lie in one structure, so that each way out wipes them.

typedef struct numbers {
  mbedtls_mpi prime, montgomery, base, exponent, result, other;
} numbers;

static bool numbers_open(numbers *n) {
  mbedtls_mpi_init(&n->prime);
  mbedtls_mpi_init(&n->montgomery);
  mbedtls_mpi_init(&n->base);
  mbedtls_mpi_init(&n->exponent);
  mbedtls_mpi_init(&n->result);
  mbedtls_mpi_init(&n->other);
  return mbedtls_mpi_read_binary(&n->prime, group_prime, sizeof group_prime) == 0;
}

static void numbers_close(numbers *n) {
  mbedtls_mpi_free(&n->prime);
  mbedtls_mpi_free(&n->montgomery);
  mbedtls_mpi_free(&n->base);
  mbedtls_mpi_free(&n->exponent);
  mbedtls_mpi_free(&n->result);
  mbedtls_mpi_free(&n->other);
}

// result = base ^ exponent
static bool power(numbers *n, const uint8_t *exponent, size_t length) {
  return mbedtls_mpi_read_binary(&n->exponent, exponent, length) == 0 &&
         mbedtls_mpi_exp_mod(&n->result, &n->base, &n->exponent, &n->prime, &n->montgomery) == 0;
}

// result = factor * result
static bool multiply(numbers *n, const uint8_t *factor, size_t length) {
  return mbedtls_mpi_read_binary(&n->other, factor, length) == 0 &&
         mbedtls_mpi_mul_mpi(&n->base, &n->other, &n->result) == 0 &&
         mbedtls_mpi_mod_mpi(&n->result, &n->base, &n->prime) == 0;
}

bool srp_verifier(const uint8_t *salt, size_t salt_length, const char *username, const char *password,
                  uint8_t verifier[SRP_NUMBER_SIZE]) {
  uint8_t digest[SRP_HASH_SIZE];
  numbers n;
  bool done = HASH(digest, {username, strlen(username)}, {":", 1}, {password, strlen(password)}) &&
              HASH(digest, {salt, salt_length}, {digest, sizeof digest});
  done = numbers_open(&n) && done && mbedtls_mpi_read_binary(&n.base, group_generator, SRP_NUMBER_SIZE) == 0 &&
         power(&n, digest, sizeof digest) && mbedtls_mpi_write_binary(&n.result, verifier, SRP_NUMBER_SIZE) == 0;
  numbers_close(&n);
  mbedtls_platform_zeroize(digest, sizeof digest);
  return done;
}

srp *srp_open(const uint8_t *salt, size_t salt_length, const uint8_t verifier[SRP_NUMBER_SIZE]) {
  if (salt_length > SRP_SALT_LIMIT) return NULL;
  srp *srp = mbedtls_calloc(1, sizeof *srp);
  if (srp == NULL) return NULL;
  memcpy(srp->salt, salt, salt_length);
  srp->salt_length = salt_length;
  memcpy(srp->verifier, verifier, SRP_NUMBER_SIZE);
  return srp;
}

void srp_close(srp *srp) {
  if (srp == NULL) return;
  mbedtls_platform_zeroize(srp, sizeof *srp);
  mbedtls_free(srp);
}

// RFC 5054 section 2.5.4
static bool is_key(numbers *n, const uint8_t *key, size_t length) {
  return mbedtls_mpi_read_binary(&n->other, key, length) == 0 &&
         mbedtls_mpi_mod_mpi(&n->result, &n->other, &n->prime) == 0 && mbedtls_mpi_cmp_int(&n->result, 0) != 0;
}

// B = k * v + g ^ b with k = H(N, PAD(g))
static bool make_device_key(srp *srp, numbers *n) {
  uint8_t multiplier[SRP_HASH_SIZE];
  return HASH(multiplier, {group_prime, SRP_NUMBER_SIZE}, {group_generator, SRP_NUMBER_SIZE}) &&
         mbedtls_mpi_read_binary(&n->base, group_generator, SRP_NUMBER_SIZE) == 0 &&
         power(n, srp->secret, SRP_SECRET_SIZE) && mbedtls_mpi_copy(&n->exponent, &n->result) == 0 &&
         mbedtls_mpi_read_binary(&n->result, multiplier, sizeof multiplier) == 0 &&
         multiply(n, srp->verifier, SRP_NUMBER_SIZE) &&
         mbedtls_mpi_add_mpi(&n->base, &n->exponent, &n->result) == 0 &&
         mbedtls_mpi_mod_mpi(&n->result, &n->base, &n->prime) == 0 &&
         mbedtls_mpi_write_binary(&n->result, srp->device_key, SRP_NUMBER_SIZE) == 0;
}

// A random key that needs no leading zero, which some clients leave out; one in 256 does.
static bool make_random_key(srp *srp, numbers *n) {
  do {
    if (tls_compat_random(NULL, srp->secret, SRP_SECRET_SIZE) != 0 || !make_device_key(srp, n)) return false;
  } while (srp->device_key[0] == 0);
  return true;
}

bool srp_challenge(srp *srp, const uint8_t *client_key, size_t length, const uint8_t secret[SRP_SECRET_SIZE],
                   uint8_t device_key[SRP_NUMBER_SIZE]) {
  numbers n;
  srp->challenged = false;
  if (length > SRP_NUMBER_SIZE) return false;
  bool done = numbers_open(&n) && is_key(&n, client_key, length);
  if (done && secret != NULL) memcpy(srp->secret, secret, SRP_SECRET_SIZE);
  done = done && (secret != NULL ? make_device_key(srp, &n) : make_random_key(srp, &n));
  numbers_close(&n);
  if (!done) return false;
  memcpy(srp->client_key, client_key, length);
  srp->client_key_length = length;
  memcpy(device_key, srp->device_key, SRP_NUMBER_SIZE);
  srp->challenged = true;
  return true;
}

// u = H(PAD(A), PAD(B)), S = (A * v ^ u) ^ b, K = H(S)
static bool make_key(const srp *srp, numbers *n, uint8_t key[SRP_HASH_SIZE]) {
  static const uint8_t zero[SRP_NUMBER_SIZE];
  const size_t length = srp->client_key_length;
  uint8_t scrambler[SRP_HASH_SIZE], shared[SRP_NUMBER_SIZE];
  bool done = HASH(scrambler, {zero, SRP_NUMBER_SIZE - length}, {srp->client_key, length},
                   {srp->device_key, SRP_NUMBER_SIZE}) &&
              memcmp(scrambler, zero, sizeof scrambler) != 0 &&
              mbedtls_mpi_read_binary(&n->base, srp->verifier, SRP_NUMBER_SIZE) == 0 &&
              power(n, scrambler, sizeof scrambler) && multiply(n, srp->client_key, length) &&
              mbedtls_mpi_copy(&n->base, &n->result) == 0 && power(n, srp->secret, SRP_SECRET_SIZE);
  const size_t size = mbedtls_mpi_size(&n->result);
  done = done && mbedtls_mpi_write_binary(&n->result, shared, size) == 0 && HASH(key, {shared, size});
  mbedtls_platform_zeroize(shared, sizeof shared);
  return done;
}

// M = H(H(N) ^ H(PAD(g)), H(I), salt, A, B, K)
static bool make_proof(const srp *srp, const char *username, const uint8_t key[SRP_HASH_SIZE],
                       uint8_t proof[SRP_HASH_SIZE]) {
  uint8_t group[SRP_HASH_SIZE], other[SRP_HASH_SIZE];
  if (!HASH(group, {group_prime, SRP_NUMBER_SIZE}) || !HASH(other, {group_generator, SRP_NUMBER_SIZE}))
    return false;
  for (size_t i = 0; i < sizeof group; i++) group[i] ^= other[i];
  return HASH(other, {username, strlen(username)}) &&
         HASH(proof, {group, sizeof group}, {other, sizeof other}, {srp->salt, srp->salt_length},
              {srp->client_key, srp->client_key_length}, {srp->device_key, SRP_NUMBER_SIZE}, {key, SRP_HASH_SIZE});
}

// In a time that tells nothing of where they differ.
static bool is_same(const uint8_t expected[SRP_HASH_SIZE], const uint8_t *given, size_t length) {
  volatile uint8_t difference = 0;
  if (length == 0 || length > SRP_HASH_SIZE) return false;
  const size_t missing = SRP_HASH_SIZE - length;
  for (size_t i = 0; i < missing; i++) difference |= expected[i];
  for (size_t i = 0; i < length; i++) difference |= expected[missing + i] ^ given[i];
  return difference == 0;
}

bool srp_verify(srp *srp, const char *username, const uint8_t *proof, size_t length,
                uint8_t device_proof[SRP_HASH_SIZE], uint8_t key[SRP_HASH_SIZE]) {
  uint8_t expected[SRP_HASH_SIZE];
  if (!srp->challenged) return false;
  srp->challenged = false;
  numbers n;
  bool done = numbers_open(&n) && make_key(srp, &n, key);
  numbers_close(&n);
  done = done && make_proof(srp, username, key, expected) && is_same(expected, proof, length) &&
         HASH(device_proof, {srp->client_key, srp->client_key_length}, {expected, sizeof expected},
              {key, SRP_HASH_SIZE});
  mbedtls_platform_zeroize(srp->secret, sizeof srp->secret);
  mbedtls_platform_zeroize(expected, sizeof expected);
  if (!done) mbedtls_platform_zeroize(key, SRP_HASH_SIZE);
  return done;
}
