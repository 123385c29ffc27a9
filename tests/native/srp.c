// SRP-6a against numbers that Python computed (hashlib and pow, from RFC 5054), against Espressif's own test vector, and against every
// key and proof that must be refused. Prints what the arithmetic takes of the heap.
// sources: native/tls/srp.c native/tls/tls-memory.c
// libs: -Wl,--wrap=calloc,--wrap=free,--wrap=psa_generate_random -l:libmbedcrypto.a
// flags: -DTLS_COUNT_ALLOCATIONS
#include "tap.h"

#include "../../native/tls/srp.h"
#include "../../native/tls/tls-compat.h"
#include "../../native/tls/tls-memory.h"

#define SHORT_PROOF_HIGH 0
#define SHORT_PROOF_LOW 191
#define SHORT_PROOF \
  "007c2a8182f320326030d5fe94cf17031dbcd7c322fc00b5742461822de1251d" \
  "82a34a056b78a90750b65b5261e0616521020636ca924e1e086c599108b9bf21"
#define PRIME \
  "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd" \
  "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed" \
  "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f" \
  "83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b" \
  "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510" \
  "15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7" \
  "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c" \
  "bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff"

static const uint8_t salt[16] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
                                 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0};
// g ^ a for a = 41 42 .. 60, and N.
static uint8_t client_key[SRP_NUMBER_SIZE], prime[SRP_NUMBER_SIZE];

static void from_hex(uint8_t *bytes, const char *hex, size_t length) {
  for (size_t i = 0; i < length; i++) sscanf(hex + 2 * i, "%2hhx", bytes + i);
}

static bool is_hex(const uint8_t *bytes, const char *hex, size_t length) {
  uint8_t expected[SRP_NUMBER_SIZE];
  from_hex(expected, hex, length);
  return memcmp(bytes, expected, length) == 0;
}

// SHA-256, for the long numbers.
static bool has_digest(const uint8_t *bytes, size_t length, const char *hex) {
  uint8_t digest[32];
  size_t size;
  psa_hash_compute(PSA_ALG_SHA_256, bytes, length, digest, sizeof digest, &size);
  return is_hex(digest, hex, size);
}

static void make_secret(uint8_t secret[SRP_SECRET_SIZE], uint8_t first) {
  for (int i = 0; i < SRP_SECRET_SIZE; i++) secret[i] = (uint8_t)(first + i);
}

static void power_of_generator(uint8_t result[SRP_NUMBER_SIZE], const uint8_t secret[SRP_SECRET_SIZE]) {
  mbedtls_mpi n, g, e, r;
  mbedtls_mpi_init(&n), mbedtls_mpi_init(&g), mbedtls_mpi_init(&e), mbedtls_mpi_init(&r);
  mbedtls_mpi_read_binary(&n, prime, sizeof prime);
  mbedtls_mpi_lset(&g, 5);
  mbedtls_mpi_read_binary(&e, secret, SRP_SECRET_SIZE);
  mbedtls_mpi_exp_mod(&r, &g, &e, &n, NULL);
  mbedtls_mpi_write_binary(&r, result, SRP_NUMBER_SIZE);
  mbedtls_mpi_free(&n), mbedtls_mpi_free(&g), mbedtls_mpi_free(&e), mbedtls_mpi_free(&r);
}

typedef struct vector {
  const char *password, *verifier, *device_key, *key, *proof, *device_proof;
  uint8_t added;  // to the device's secret 01 02 .. 20
} vector;

// The third one has a shared secret of 383 bytes.
static const vector vectors[] = {
    {"abcd1234", "fe93b616fb4d32415e3f662862f878e572af5bac8454bf248c18148394513af5",
     "19c7a02968ff9c9a3c094a6cdd31533c4fe7a785c7f7a1f0c55b6c2801e461ba",
     "27f32298cc9e64a4c7af5cba31bfaa76b0467124614982cbaed004b2e34884b4"
     "0ec752f494b3258abed8c3a899e2c569ad646b957fd1baa6c07869dd6ceed3d5",
     "77034fb38f9245492d3b0cdbbaf7f358c22d9f28b58c05e802f7339462d6218a"
     "6d11387c8b68325a003f10601dda644ef57cb7a29281d01ba0cc473d52e6a885",
     "5be01b5c6b57770f133eda99d05f0d21d94a2ee1c6a4a14afe0062ccbf6c247f"
     "12ef5132b49d4832a6a26b62e291c1812574ddc2156c8b733335bd5fe1dc9c98",
     0},
    {"abcd-efgh-jkmn-pqrs", "492269bc67dd0273144ee1dcb6026123a686436ae61ac406d12c3704dabbcf5d",
     "0f60caccbebdb6415f2a5fdc6069298f15ab2ba59d8766146e8b8515f5d61b7b",
     "9d4d6174b75519a245f8c4cbb267070d3b4b2e48a2303b3e51a63c7b9c564989"
     "7a74586fd98bdc3b9d3023f8a18e586797ac150b8a1a83320c2610697d55f3f0",
     "e37a4a84a03aac1f56c54dd4ce67af2c6d0b988f0e9e71a1dbeec37a387984e2"
     "293c48cec48ef6e768fc470e8ba93f580614695e04617a5de2fcaef71b53675d",
     "8ef838b7b514e344cfc38412f38334bbe6b5db314c668c6e7e17aae51f27629d"
     "cc2bfcadda53e307ba28b7d4f0f3fa1a5222ad9b3fac35d11f6100971f4872ed",
     0},
    {"abcd1234", "fe93b616fb4d32415e3f662862f878e572af5bac8454bf248c18148394513af5", NULL,
     "ee684c3d86e4bbe6ce9ef956d660e48c1d669f04b0cc7525130742515b7d92c7"
     "aa3d89243e82e9a8f56def01be878d289b441ed63246d1db77c07370b1f3c98a",
     "21f0756487b1bcb9718c98b93fd26f8f0c23aa63a54d05281f1360e5a275bc83"
     "9777133d5d932644e0338a04b835b9f6badcd76587e79b9a189287afc173bf15",
     "f1c63caf666f6624faeb7b571873000bd4e6a69959c463533d4fd34817b49f21"
     "6a27ff2d9066228b4ea5547f6761e159ec5989e69f51ce010061ea227d93fee0",
     16},
};

static srp *open_vector(const vector *v, uint8_t device_key[SRP_NUMBER_SIZE]) {
  uint8_t verifier[SRP_NUMBER_SIZE], secret[SRP_SECRET_SIZE];
  CHECK(srp_verifier(salt, sizeof salt, "wifiprov", v->password, verifier), "no verifier");
  CHECK(has_digest(verifier, sizeof verifier, v->verifier), "another verifier");
  srp *srp = srp_open(salt, sizeof salt, verifier);
  make_secret(secret, 1);
  secret[31] += v->added;
  CHECK(srp_challenge(srp, client_key, sizeof client_key, secret, device_key), "the key is refused");
  return srp;
}

static void test_vectors(void) {
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    const vector *v = vectors + i;
    uint8_t device_key[SRP_NUMBER_SIZE], proof[SRP_HASH_SIZE], own[SRP_HASH_SIZE], key[SRP_HASH_SIZE];
    tap_case("verifier, keys and proofs as Python computes them, %zu", i + 1);
    srp *srp = open_vector(v, device_key);
    if (v->device_key != NULL) CHECK(has_digest(device_key, sizeof device_key, v->device_key), "another key");
    from_hex(proof, v->proof, sizeof proof);
    CHECK(srp_verify(srp, "wifiprov", proof, sizeof proof, own, key), "the proof is refused");
    CHECK(is_hex(key, v->key, sizeof key), "another session key");
    CHECK(is_hex(own, v->device_proof, sizeof own), "another proof of the device");
    CHECK(!srp_verify(srp, "wifiprov", proof, sizeof proof, own, key), "a proof is taken twice");
    srp_close(srp);
  }
}

static void test_espressif(void) {
  tap_case("the verifier of ESP-IDF's own test (protocomm test_srp.c)");
  static const char *hex = "036ee0c7bcb9eda84c9eac97d93decf4";
  uint8_t its_salt[16], verifier[SRP_NUMBER_SIZE];
  from_hex(its_salt, hex, sizeof its_salt);
  CHECK(srp_verifier(its_salt, sizeof its_salt, "wifiprov", "abcd1234", verifier), "no verifier");
  CHECK(is_hex(verifier, "7c7c85476508946dd636af37d7e8914378cffd616c59d2f83908127238de9e24", 32), "another one");
  CHECK(is_hex(verifier + 352, "b3be40c5c532293e71649ede8cf675a1e6f653c831a878de5040f762de36b2ba", 32), "its end");
}

static void test_refused_keys(void) {
  tap_case("keys that are 0 modulo N, or of another length, are refused; the challenge before is void then");
  uint8_t device_key[SRP_NUMBER_SIZE], proof[SRP_HASH_SIZE], own[SRP_HASH_SIZE], key[SRP_HASH_SIZE];
  uint8_t bad[SRP_NUMBER_SIZE + 1] = {0};
  srp *srp = open_vector(vectors, device_key);
  CHECK(!srp_challenge(srp, bad, 0, NULL, device_key), "nothing");
  CHECK(!srp_challenge(srp, bad, 1, NULL, device_key), "0");
  CHECK(!srp_challenge(srp, bad, SRP_NUMBER_SIZE, NULL, device_key), "a long 0");
  CHECK(!srp_challenge(srp, bad, SRP_NUMBER_SIZE + 1, NULL, device_key), "too long");
  memset(bad, 1, sizeof bad);
  CHECK(!srp_challenge(srp, bad, sizeof bad, NULL, device_key), "too long, and not 0");
  CHECK(!srp_challenge(srp, prime, sizeof prime, NULL, device_key), "N");
  // 2 N does not fit into 384 bytes.
  for (int i = SRP_NUMBER_SIZE - 1, carry = 0; i >= 0; i--) {
    int sum = 2 * prime[i] + carry;
    bad[i + 1] = (uint8_t)sum;
    carry = sum >> 8;
    bad[0] = (uint8_t)carry;
  }
  CHECK(!srp_challenge(srp, bad, sizeof bad, NULL, device_key), "2 N");
  from_hex(proof, vectors[0].proof, sizeof proof);
  CHECK(!srp_verify(srp, "wifiprov", proof, sizeof proof, own, key), "an old proof after a refused key");
  srp_close(srp);
}

static void test_unusual_keys(void) {
  tap_case("N + 1, N - 1 and 1 are keys, and lead nowhere without the password");
  uint8_t device_key[SRP_NUMBER_SIZE], own[SRP_HASH_SIZE], key[SRP_HASH_SIZE], unusual[SRP_NUMBER_SIZE];
  const uint8_t one = 1, guess[SRP_HASH_SIZE] = {0};
  srp *srp = open_vector(vectors, device_key);
  memcpy(unusual, prime, sizeof unusual);
  unusual[SRP_NUMBER_SIZE - 1] -= 1;
  CHECK(srp_challenge(srp, unusual, sizeof unusual, NULL, device_key), "N - 1");
  CHECK(!srp_verify(srp, "wifiprov", guess, sizeof guess, own, key), "a guess");
  CHECK(srp_challenge(srp, &one, 1, NULL, device_key), "1");
  CHECK(!srp_verify(srp, "wifiprov", guess, sizeof guess, own, key), "a guess");
  srp_close(srp);
}

static void test_refused_proofs(void) {
  tap_case("a proof with one bit changed, of another length, or for another name is refused, and leaves no key");
  static const uint8_t zero[SRP_HASH_SIZE];
  uint8_t device_key[SRP_NUMBER_SIZE], right[SRP_HASH_SIZE + 1] = {0}, own[SRP_HASH_SIZE], key[SRP_HASH_SIZE];
  from_hex(right, vectors[0].proof, SRP_HASH_SIZE);
  for (int bit = 0; bit < 8 * SRP_HASH_SIZE; bit += 37) {
    srp *srp = open_vector(vectors, device_key);
    right[bit / 8] ^= (uint8_t)(1 << bit % 8);
    memset(key, 7, sizeof key);
    CHECK(!srp_verify(srp, "wifiprov", right, SRP_HASH_SIZE, own, key), "bit %d", bit);
    CHECK(memcmp(key, zero, sizeof key) == 0, "the key is left");
    right[bit / 8] ^= (uint8_t)(1 << bit % 8);
    srp_close(srp);
  }
  for (size_t length = 0; length <= SRP_HASH_SIZE + 1; length++) {
    if (length == SRP_HASH_SIZE || (length > 1 && length < SRP_HASH_SIZE - 1)) continue;
    srp *srp = open_vector(vectors, device_key);
    CHECK(!srp_verify(srp, "wifiprov", right, length, own, key), "%zu bytes", length);
    srp_close(srp);
  }
  srp *srp = open_vector(vectors, device_key);
  CHECK(!srp_verify(srp, "wifiprof", right, SRP_HASH_SIZE, own, key), "another name");
  srp_close(srp);
}

// One proof in 256 begins with a zero, which Espressif's app for Android leaves out: device secrets are tried until there is one.
static void test_short_proof(void) {
  tap_case("a proof may lack its leading zeros");
  uint8_t verifier[SRP_NUMBER_SIZE], device_key[SRP_NUMBER_SIZE], own[SRP_HASH_SIZE], key[SRP_HASH_SIZE];
  uint8_t proof[SRP_HASH_SIZE], secret[SRP_SECRET_SIZE];
  CHECK(srp_verifier(salt, sizeof salt, "wifiprov", "abcd1234", verifier), "no verifier");
  srp *srp = srp_open(salt, sizeof salt, verifier);
  make_secret(secret, 1);
  secret[30] = SHORT_PROOF_HIGH;
  secret[31] = SHORT_PROOF_LOW;
  from_hex(proof, SHORT_PROOF, sizeof proof);
  CHECK_EQUAL(proof[0], 0);
  CHECK(srp_challenge(srp, client_key, sizeof client_key, secret, device_key), "the key is refused");
  CHECK(srp_verify(srp, "wifiprov", proof + 1, sizeof proof - 1, own, key), "refused without its zero");
  CHECK(srp_challenge(srp, client_key, sizeof client_key, secret, device_key), "the key is refused");
  CHECK(srp_verify(srp, "wifiprov", proof, sizeof proof, own, key), "refused with it");
  srp_close(srp);
}

// Secrets that the generator gives before random ones.
static const uint8_t (*given)[SRP_SECRET_SIZE];
static unsigned givens, generated;

psa_status_t __real_psa_generate_random(uint8_t *bytes, size_t length);
psa_status_t __wrap_psa_generate_random(uint8_t *bytes, size_t length);

psa_status_t __wrap_psa_generate_random(uint8_t *bytes, size_t length) {
  if (generated++ >= givens) return __real_psa_generate_random(bytes, length);
  memcpy(bytes, given[generated - 1], length);
  return PSA_SUCCESS;
}

// The first secret makes a key that begins with a zero, as one in 256 does (found with Python, from RFC 5054), the second one does not.
static void test_leading_zero(void) {
  tap_case("a random key that begins with a zero is not used, the next one is");
  uint8_t secrets[2][SRP_SECRET_SIZE], verifier[SRP_NUMBER_SIZE], device_key[SRP_NUMBER_SIZE], second[SRP_NUMBER_SIZE];
  CHECK(srp_verifier(salt, sizeof salt, "wifiprov", "abcd1234", verifier), "no verifier");
  srp *srp = srp_open(salt, sizeof salt, verifier);
  make_secret(secrets[0], 1);
  secrets[0][30] = 0;
  secrets[0][31] = 204;
  make_secret(secrets[1], 1);
  CHECK(srp_challenge(srp, client_key, sizeof client_key, secrets[0], device_key), "refused");
  CHECK_EQUAL(device_key[0], 0);
  CHECK(srp_challenge(srp, client_key, sizeof client_key, secrets[1], second), "refused");
  given = (const uint8_t(*)[SRP_SECRET_SIZE])secrets;
  givens = 2;
  generated = 0;
  CHECK(srp_challenge(srp, client_key, sizeof client_key, NULL, device_key), "refused");
  CHECK_EQUAL(generated, 2);
  CHECK(memcmp(device_key, second, sizeof second) == 0, "not the second one");
  givens = 0;
  srp_close(srp);
}

static void test_random_keys(void) {
  tap_case("random keys differ and have no leading zero");
  uint8_t verifier[SRP_NUMBER_SIZE], first[SRP_NUMBER_SIZE], second[SRP_NUMBER_SIZE];
  CHECK(srp_verifier(salt, sizeof salt, "wifiprov", "abcd1234", verifier), "no verifier");
  srp *srp = srp_open(salt, sizeof salt, verifier);
  CHECK(srp_challenge(srp, client_key, sizeof client_key, NULL, first), "refused");
  CHECK(srp_challenge(srp, client_key, sizeof client_key, NULL, second), "refused");
  CHECK(memcmp(first, second, sizeof first) != 0 && first[0] && second[0], "the same");
  srp_close(srp);
}

static void test_salt(void) {
  tap_case("a salt has a bound");
  uint8_t verifier[SRP_NUMBER_SIZE] = {1}, long_salt[SRP_SALT_LIMIT + 1] = {0};
  CHECK(srp_open(long_salt, sizeof long_salt, verifier) == NULL, "33 bytes");
  srp *srp = srp_open(long_salt, SRP_SALT_LIMIT, verifier);
  CHECK(srp != NULL, "32 bytes");
  srp_close(srp);
}

// On 32 bits the numbers are the same bytes in other limbs; what is beside them is smaller.
static void test_memory(void) {
  tap_case("the heap: at most 10 KB for a moment, nothing afterwards");
  tls_memory account = {0, 0};
  uint8_t verifier[SRP_NUMBER_SIZE], device_key[SRP_NUMBER_SIZE], own[SRP_HASH_SIZE], key[SRP_HASH_SIZE];
  CHECK(tls_memory_is_counted(), "not counted");
  tls_memory *before = tls_memory_enter(&account);
  srp_verifier(salt, sizeof salt, "wifiprov", "abcd1234", verifier);
  printf("# verifier: %td bytes at most\n", account.peak);
  srp *srp = srp_open(salt, sizeof salt, verifier);
  account.peak = account.current;
  CHECK(srp_challenge(srp, client_key, sizeof client_key, NULL, device_key), "refused");
  printf("# challenge: %td bytes at most, of which %td stay\n", account.peak, account.current);
  account.peak = account.current;
  srp_verify(srp, "wifiprov", key, sizeof key, own, key);
  printf("# proof: %td bytes at most\n", account.peak);
  CHECK(account.peak < 10 * 1024, "%td bytes", account.peak);
  srp_close(srp);
  tls_memory_leave(before);
  CHECK_EQUAL(account.current, 0);
}

int main(void) {
  uint8_t secret[SRP_SECRET_SIZE];
  psa_crypto_init();
  from_hex(prime, PRIME, sizeof prime);
  make_secret(secret, 0x41);
  power_of_generator(client_key, secret);
  test_vectors();
  test_espressif();
  test_refused_keys();
  test_unusual_keys();
  test_refused_proofs();
  test_short_proof();
  test_leading_zero();
  test_random_keys();
  test_salt();
  test_memory();
  return tap_done();
}
