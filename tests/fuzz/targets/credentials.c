// What a camera is told to connect with: keys, chains, roots, as text that is mended first and as bytes. Whatever is accepted can
// be used: written again, read again, put into a request, taken by a session.
// sources: native/tls/tls-*.c
// libs: -lmbedtls -lmbedx509 -lmbedcrypto
#include "input.h"

#include "../../../native/tls/tls-credentials.h"
#include "../../../native/tls/tls-engine.h"

enum { TIME_KNOWN = 1, PEM = 4096 };
#define TIME 1780272000000

static tls_key *own_key;
static char own_pem[TLS_KEY_PEM_SIZE];

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  REQUIRE(tls_crypto_start());
  own_key = tls_key_generate();
  REQUIRE(own_key && tls_key_export_pem(own_key, own_pem, sizeof own_pem));
  return 0;
}

static void use_key(tls_key *key) {
  uint8_t der[TLS_KEY_DER_SIZE];
  char pem[TLS_KEY_PEM_SIZE], request[TLS_KEY_CSR_SIZE];
  size_t length = tls_key_export(key, der, sizeof der);
  REQUIRE(length <= sizeof der);
  if (length) {
    tls_key *again = tls_key_import(der + sizeof der - length, length);
    REQUIRE(again);
    tls_key_release(again);
  }
  if (tls_key_export_pem(key, pem, sizeof pem)) REQUIRE(tls_credentials_judge_key(pem) != TLS_VERDICT_NO_PEM);
  tls_key_write_csr(key, "camera", request, sizeof request);
}

static const uint8_t *one_root(void *context, unsigned index, size_t *length) {
  const char *text = context;
  *length = strlen(text) + 1;
  return index ? NULL : (const uint8_t *)text;
}

// What the judges take, a session takes; what they refuse, it may.
static void use_session(const char *chain, const char *roots, bool good) {
  tls_options options = {.host = "camera.example", .time_ms = TIME, .root = one_root, .root_context = (void *)roots};
  if (chain) {
    options.certificate = (const uint8_t *)chain;
    options.certificate_length = strlen(chain) + 1;
    options.key = own_key;
  }
  tls_engine *engine = tls_engine_open(&options);
  REQUIRE(engine);
  tls_error error = tls_engine_status(engine)->error;
  if (good) REQUIRE(error == TLS_ERROR_NONE);
  tls_engine_close(engine);
  REQUIRE(own_key->references == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2 || size > PEM) return 0;
  uint8_t kind = data[0];
  char *text = malloc(size);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  int64_t time = kind & TIME_KNOWN ? TIME : 0;
  const uint8_t *bytes = kind & 2 ? data + 1 : (const uint8_t *)text;
  size_t length = kind & 2 ? size - 1 : size;
  tls_key *key = tls_key_import(bytes, length);
  if (key) use_key(key);
  tls_key_release(key);
  tls_key_matches(own_key, bytes, length);
  tls_credentials_judge_key(text);
  tls_credentials_judge_chain(text, own_pem, time);
  tls_credentials_judge_chain(text, text, time);
  bool good = tls_credentials_judge_roots(text, time) == TLS_VERDICT_GOOD;
  use_session(NULL, text, good);
  use_session(text, text, false);
  free(text);
  return 0;
}
