// A server that says anything: bytes of the fuzzer's own, or those of a real server with some of them changed, in pieces of any
// size. The engine never takes what is not the server's, never asks for more than it may, and fails once, with a name.
// sources: native/tls/tls-*.c
// libs: -lmbedtls -lmbedx509 -lmbedcrypto
// flags: -Wno-unused-function -Wno-unused-variable
#include "input.h"

#include "../../native/tls-peer.h"

static struct certificate *root, *leaf;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  REQUIRE(tls_crypto_start());
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  leaf = issue(&(struct wish){.name = "camera.example", .dns = "camera.example"}, root);
  return 0;
}

static struct session *open_session(void) {
  struct session_options options = {
      .host = "camera.example", .roots = {root->pem}, .chain = leaf->pem, .key = leaf->key};
  return session_open(&options);
}

static void check(struct session *session) {
  const tls_status *state = status(session);
  REQUIRE(tls_engine_wanted(session->engine) <= 16384 + 2048 + 5);
  if (state->error == TLS_ERROR_NONE) return;
  REQUIRE(*tls_error_name(state->error));
  REQUIRE(tls_engine_wanted(session->engine) == 0 && tls_engine_readable(session->engine) == 0);
  REQUIRE(tls_engine_capacity(session->engine, 4096) == 0);
}

static void drain(struct session *session) {
  uint8_t bytes[999];
  while (tls_engine_take(session->engine, bytes, sizeof bytes));
  while (tls_engine_read(session->engine, bytes, sizeof bytes));
}

static void feed_raw(struct input *input) {
  struct session *session = open_session();
  while (input_more(input)) {
    size_t most = 1 + input_byte(input), rest = input->size - input->at, length = most < rest ? most : rest;
    size_t used = tls_engine_feed(session->engine, input->data + input->at, length);
    REQUIRE(used <= length);
    input->at += length;
    check(session);
    drain(session);
  }
  REQUIRE(!status(session)->connected);
  session_close(session);
}

// The peer's bytes on their way, each one through the plan.
static void spoil(struct peer *peer, size_t from, struct damage *damage) {
  struct wire *down = &peer->down;
  for (size_t i = from; i < down->start + down->length; i++) down->data[i] = damage_byte(damage, down->data[i]);
}

static void damage_session(struct input *input) {
  struct damage damage;
  struct session *session = open_session();
  session->options.piece = input_byte(input);
  damage_begin(&damage, input->data + input->at, input->size - input->at);
  for (int turn = 0; turn < 400; turn++) {
    bool moved = move_up(session);
    size_t before = session->peer.down.length;
    if (!session->peer.result || session->peer.result == MBEDTLS_ERR_SSL_WANT_READ) peer_step(&session->peer);
    if (session->peer.connected && turn % 8 == 7) mbedtls_ssl_write(&session->peer.ssl, (const uint8_t *)"good day", 8);
    if (session->peer.down.length > before) spoil(&session->peer, session->peer.down.start + before, &damage);
    moved |= session->peer.down.length > before;
    moved |= move_down(session);
    check(session);
    if (status(session)->connected) tls_engine_write(session->engine, "to you", 6, turn % 3);
    drain(session);
    if (!moved) break;
  }
  tls_engine_close_notify(session->engine);
  drain(session);
  session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size, 0};
  tap.failed_checks = 0;
  if (input_byte(&input) & 1) damage_session(&input);
  else feed_raw(&input);
  REQUIRE(!tap.failed_checks);
  return 0;
}
