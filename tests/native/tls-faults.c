// What fails inside the engine leaves nothing half done: every allocation and every answer of the roots' source fails once, in a
// session from its opening to its end. The failure has a name, the key and the certificates of the handshake are given
// back at once, whatever is asked of the engine afterwards is harmless, and the next session works.
// sources: native/tls/tls-*.c
// flags: -Wno-unused-function
// libs: -l:libmbedtls.a -l:libmbedx509.a -l:libmbedcrypto.a -Wl,--wrap=calloc,--wrap=tls_memory_enter,--wrap=tls_memory_leave
#include "tls-peer.h"

#include "../../native/tls/tls-credentials.h"

// A handshake makes thousands of allocations, most of them numbers of an elliptic curve: of those in the middle one in a while.
enum { NEVER = 1u << 30, FIRST = 100, LAST = 40, SAMPLES = 150 };

static struct certificate *root, *leaf, *client;
static unsigned depth;       // inside of the engine
static uint32_t fail_after;  // its allocation that fails, 0 none
static bool fail_on;         // and all that follow it
static uint32_t roots_after;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
tls_memory *__wrap_tls_memory_enter(tls_memory *account);
void __wrap_tls_memory_leave(tls_memory *previous);

void *__wrap_calloc(size_t count, size_t size) {
  if (depth && fail_after && --fail_after == 0) {
    fail_after = fail_on;
    return NULL;
  }
  return __real_calloc(count, size);
}

// The engine says so itself: it would count its memory from here to there.
tls_memory *__wrap_tls_memory_enter(tls_memory *account) {
  depth++;
  return account;
}

void __wrap_tls_memory_leave(tls_memory *previous) {
  (void)previous;
  depth--;
}

static const uint8_t *fickle_root(void *context, unsigned index, size_t *length) {
  if (roots_after && --roots_after == 0) return NULL;
  return session_root(context, index, length);
}

static struct session *open_session(const char *host) {
  struct session_options options = {
      .host = host,
      .roots = {root->pem},
      .chain = leaf->pem,
      .key = leaf->key,
      .client_chain = client->pem,
      .client_key = client->key,
      .client_roots = root->pem,
      .protocols = {"mqtt"},
      .server_protocols = {"mqtt"},
  };
  struct session *session = calloc(1, sizeof *session);
  session->options = options;
  session->cut = SIZE_MAX;
  peer_open(&session->peer, &session->options);
  tls_options engine = {
      .host = host,
      .time_ms = TEST_TIME,
      .root = fickle_root,
      .root_context = session,
      .certificate = (const uint8_t *)client->pem,
      .certificate_length = strlen(client->pem) + 1,
      .key = client->key,
      .protocols = {"mqtt"},
  };
  session->engine = tls_engine_open(&engine);
  return session;
}

// Handshake, data both ways, the goodbye.
static void talk(struct session *session) {
  uint8_t text[3000] = "to you";
  session_run(session);
  if (!status(session)->connected) return;
  if (tls_engine_write(session->engine, text, sizeof text, false) < sizeof text) move_up(session);
  tls_engine_write(session->engine, "more", 4, true);
  mbedtls_ssl_write(&session->peer.ssl, (const uint8_t *)"good day", 8);
  session_run(session);
  tls_engine_read(session->engine, text, sizeof text);
  tls_engine_close_notify(session->engine);
  while (move_up(session));
}

// What the owner of a session may still do.
static void check_harmless(struct session *session) {
  uint8_t bytes[4096];
  tls_error error = status(session)->error;
  CHECK_EQUAL(tls_engine_wanted(session->engine), 0);
  CHECK_EQUAL(tls_engine_feed(session->engine, "\x16\x03\x03\0\1", 5), 0);
  CHECK_EQUAL(tls_engine_readable(session->engine), 0);
  CHECK_EQUAL(tls_engine_read(session->engine, bytes, sizeof bytes), 0);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 4096), 0);
  CHECK_EQUAL(tls_engine_write(session->engine, bytes, 10, false), 0);
  tls_engine_close_notify(session->engine);
  for (int i = 0; i < 10 && tls_engine_take(session->engine, bytes, sizeof bytes); i++) CHECK(i < 9, "no end of it");
  CHECK(status(session)->error == error, "another error");
}

static void check_next(void) {
  struct session *session = open_session("camera.example");
  talk(session);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(status(session)->connected, "no session");
  session_close(session);
}

// Of a memory that fails once the library makes a bad signature, or a bad value of some other kind, and there is memory again when
// that is noticed.
static bool is_named(tls_error error) {
  return fail_on ? error == TLS_ERROR_OUT_OF_MEMORY : *tls_error_name(error);
}

// Did it fail?
static bool fail_at(uint32_t n) {
  fail_after = n;
  struct session *session = open_session("camera.example");
  CHECK(session->engine || n == 1, "no engine, with allocation %u", n);
  if (session->engine) talk(session);
  bool failed = fail_after == 0 || (session->engine && status(session)->error != TLS_ERROR_NONE);
  fail_after = 0;
  if (session->engine) {
    bool ended = status(session)->error != TLS_ERROR_NONE;
    CHECK(failed || !ended, "%s without a reason", tls_error_name(status(session)->error));
    CHECK(!ended || is_named(status(session)->error), "allocation %u: %s", n,
          tls_error_name(status(session)->error));
    CHECK(ended || status(session)->connected, "allocation %u: neither failed nor connected", n);
    CHECK_EQUAL(client->key->references, 1);
    if (ended) check_harmless(session);
  }
  session_close(session);
  CHECK_EQUAL(client->key->references, 1);
  return failed;
}

static uint32_t count_allocations(void) {
  fail_after = NEVER;
  struct session *session = open_session("camera.example");
  talk(session);
  uint32_t count = NEVER - fail_after;
  fail_after = 0;
  session_close(session);
  return count;
}

static void test_allocations(bool on) {
  tap_case("an allocation fails%s: OutOfMemory, nothing is held, and the next session works",
           on ? ", and all that follow" : "");
  uint32_t count = count_allocations(), stride = 1 + count / SAMPLES;
  unsigned failures = 0;
  CHECK(count > FIRST + LAST, "only %u allocations", count);
  fail_on = on;
  for (uint32_t n = 1; n <= count; n += n < FIRST || n + stride > count - LAST ? 1 : stride) failures += fail_at(n);
  fail_on = false;
  CHECK(failures >= FIRST + LAST, "only %u failures", failures);
  printf("# %u of %u allocations failed\n", failures, count);
  check_next();
}

static void test_roots(void) {
  tap_case("the source of the roots has none when it is asked for the nth time");
  for (uint32_t n = 1; n < 8; n++) {
    roots_after = n;
    struct session *session = open_session("camera.example");
    session_run(session);
    roots_after = 0;
    if (n == 1) CHECK_ERROR(session, TLS_ERROR_BAD_ROOTS);
    if (status(session)->error != TLS_ERROR_NONE) check_harmless(session);
    CHECK_EQUAL(client->key->references, 1);
    session_close(session);
    check_next();
  }
}

static void test_keys(void) {
  // Behind the second allocation the library has other names for it.
  tap_case("a key for which there is no memory is none");
  uint8_t der[TLS_KEY_DER_SIZE];
  size_t length = tls_key_export(client->key, der, sizeof der);
  const uint8_t *data = der + sizeof der - length;
  fail_on = true;
  for (uint32_t n = 1; n <= 3; n++) {
    tls_verdict verdict = TLS_VERDICT_GOOD;
    depth++;
    fail_after = n;
    tls_key *read = tls_key_read(data, length, &verdict);
    fail_after = n;
    tls_key *generated = tls_key_generate();
    fail_after = 0;
    depth--;
    CHECK(read == NULL && (verdict == TLS_VERDICT_OUT_OF_MEMORY || (n > 2 && verdict != TLS_VERDICT_GOOD)),
          "allocation %u: %s", n, tls_credentials_verdict_name(verdict));
    CHECK(generated == NULL, "allocation %u: a key", n);
  }
  fail_on = false;
  tls_verdict verdict;
  tls_key *read = tls_key_read(data, length, &verdict);
  CHECK(read != NULL && verdict == TLS_VERDICT_GOOD, "with memory: %s", tls_credentials_verdict_name(verdict));
  tls_key_release(read);
}

static void test_refusal(void) {
  tap_case("a server that is refused: key and certificates are given back with the error, not with the engine");
  struct session *session = open_session("other.example");
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NAME_MISMATCH);
  CHECK_EQUAL(client->key->references, 1);
  check_harmless(session);
  session_close(session);
}

int main(void) {
  if (!tls_crypto_start()) return 1;
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  leaf = issue(&(struct wish){.name = "camera.example", .dns = "camera.example"}, root);
  client = issue(&(struct wish){.name = "client"}, root);
  test_allocations(false);
  test_allocations(true);
  test_roots();
  test_keys();
  test_refusal();
  discard(client);
  discard(leaf);
  discard(root);
  return tap_done();
}
