// Both ends of a session in one process: the engine, and mbedTLS as the server, with a wire between them that
// the test controls.
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "../../native/tls/tls-engine.h"
#include "tap.h"
#include "tls-authority.h"

#define WIRE_SIZE 65536
#define STEPS 20000
#define ALERT_RECORD 7

// The server speaks TLS 1.2 at most; otherwise the newest version that the library has.
__attribute__((unused)) static bool only_tls12;

struct wire {
  uint8_t data[WIRE_SIZE];
  size_t start, length, total;
};

struct peer {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config conf;
  mbedtls_x509_crt chain, client_roots;
  struct wire up, down;  // to the server, to the engine
  bool connected;
  int result;  // of the server's last call
};

struct session_options {
  const char *host;
  const char *roots[4];
  const char *chain;  // PEM
  tls_key *key;
  int64_t time;
  bool dates_later;
  const char *client_chain, *client_roots;
  tls_key *client_key;
  const char *protocols[3], *server_protocols[3];
  size_t piece;  // ciphertext moves in pieces of at most so many bytes; 0: any
};

struct session {
  struct session_options options;
  tls_engine *engine;
  struct peer peer;
  uint8_t said[ALERT_RECORD];  // the last that the engine sent
  size_t cut;                  // no more than so many bytes reach the engine
  size_t flip;                 // this byte to the engine is changed (1: the first)
  bool
      flipped_version;  // it was in the version of a record's header, which nothing protects and nobody reads
};

static int peer_send(void *context, const unsigned char *data, size_t length) {
  struct wire *wire = &((struct peer *)context)->down;
  if (wire->length + length > WIRE_SIZE) return MBEDTLS_ERR_SSL_WANT_WRITE;
  memmove(wire->data, wire->data + wire->start, wire->length);
  wire->start = 0;
  memcpy(wire->data + wire->length, data, length);
  wire->length += length;
  return (int)length;
}

static int peer_receive(void *context, unsigned char *data, size_t length) {
  struct wire *wire = &((struct peer *)context)->up;
  if (!wire->length) return MBEDTLS_ERR_SSL_WANT_READ;
  if (length > wire->length) length = wire->length;
  memcpy(data, wire->data + wire->start, length);
  wire->start += length;
  wire->length -= length;
  if (!wire->length) wire->start = 0;
  return (int)length;
}

static void peer_open(struct peer *peer, const struct session_options *options) {
  mbedtls_ssl_init(&peer->ssl);
  mbedtls_ssl_config_init(&peer->conf);
  mbedtls_x509_crt_init(&peer->chain);
  mbedtls_x509_crt_init(&peer->client_roots);
  mbedtls_ssl_config_defaults(&peer->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                              MBEDTLS_SSL_PRESET_DEFAULT);
#if TLS_LIBRARY_MAJOR < 4
  mbedtls_ssl_conf_rng(&peer->conf, tls_compat_random, NULL);
#endif
#if TLS_LIBRARY_MAJOR > 2
  if (only_tls12) mbedtls_ssl_conf_max_tls_version(&peer->conf, MBEDTLS_SSL_VERSION_TLS1_2);
#endif
  mbedtls_x509_crt_parse(&peer->chain, (const uint8_t *)options->chain, strlen(options->chain) + 1);
  mbedtls_ssl_conf_own_cert(&peer->conf, &peer->chain, &options->key->pk);
  if (options->server_protocols[0])
    mbedtls_ssl_conf_alpn_protocols(&peer->conf, (const char **)options->server_protocols);
  if (options->client_roots) {
    mbedtls_x509_crt_parse(&peer->client_roots, (const uint8_t *)options->client_roots,
                           strlen(options->client_roots) + 1);
    mbedtls_ssl_conf_ca_chain(&peer->conf, &peer->client_roots, NULL);
    mbedtls_ssl_conf_authmode(&peer->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  }
  mbedtls_ssl_setup(&peer->ssl, &peer->conf);
  mbedtls_ssl_set_bio(&peer->ssl, peer, peer_send, peer_receive, NULL);
}

static void peer_close(struct peer *peer) {
  mbedtls_ssl_free(&peer->ssl);
  mbedtls_ssl_config_free(&peer->conf);
  mbedtls_x509_crt_free(&peer->chain);
  mbedtls_x509_crt_free(&peer->client_roots);
}

static const uint8_t *session_root(void *context, unsigned index, size_t *length) {
  struct session *session = context;
  const char *pem = index < 4 ? session->options.roots[index] : NULL;
  if (pem) *length = strlen(pem) + 1;
  return (const uint8_t *)pem;
}

static struct session *session_open(const struct session_options *options) {
  struct session *session = calloc(1, sizeof *session);
  session->options = *options;
  session->cut = SIZE_MAX;
  peer_open(&session->peer, &session->options);
  tls_options engine = {
      .host = options->host,
      .time_ms = options->time ? options->time : TEST_TIME,
      .dates_later = options->dates_later,
      .root = session_root,
      .root_context = session,
      .certificate = (const uint8_t *)options->client_chain,
      .certificate_length = options->client_chain ? strlen(options->client_chain) + 1 : 0,
      .key = options->client_key,
      .protocols = {options->protocols[0], options->protocols[1]},
  };
  session->engine = tls_engine_open(&engine);
  return session;
}

static void session_close(struct session *session) {
  tls_engine_close(session->engine);
  peer_close(&session->peer);
  free(session);
}

static bool move_up(struct session *session) {
  struct wire *up = &session->peer.up;
  size_t piece = session->options.piece && session->options.piece < 1400 ? session->options.piece : 1400;
  if (up->start + up->length + piece > WIRE_SIZE) return false;
  size_t taken = tls_engine_take(session->engine, up->data + up->start + up->length, piece);
  up->length += taken;
  up->total += taken;
  if (taken >= ALERT_RECORD)
    memcpy(session->said, up->data + up->start + up->length - ALERT_RECORD, ALERT_RECORD);
  return taken > 0;
}

static bool move_down(struct session *session) {
  struct wire *down = &session->peer.down;
  size_t length = tls_engine_wanted(session->engine);
  if (length > down->length) length = down->length;
  if (length > session->cut - down->total) length = session->cut - down->total;
  if (session->options.piece && length > session->options.piece) length = session->options.piece;
  if (!length) return false;
  uint8_t *data = down->data + down->start;
  if (session->flip > down->total && session->flip <= down->total + length) {
    size_t at = session->flip - down->total - 1;
    data[at] ^= 0x01;
    session->flipped_version = length == 5 && (at == 1 || at == 2);
  }
  size_t used = tls_engine_feed(session->engine, data, length);
  CHECK_EQUAL(used, length);
  down->start += length;
  down->length -= length;
  down->total += length;
  return true;
}

static void peer_step(struct peer *peer) {
  uint8_t nothing;
  if (peer->connected)
    peer->result = mbedtls_ssl_read(&peer->ssl, &nothing, 0);
  else if (!(peer->result = mbedtls_ssl_handshake(&peer->ssl)))
    peer->connected = true;
}

static const tls_status *status(struct session *session) {
  return tls_engine_status(session->engine);
}

// Lets both sides talk until neither has anything to say.
static void session_run(struct session *session) {
  for (int i = 0; i < STEPS; i++) {
    size_t before = session->peer.down.length + session->peer.down.total;
    bool moved = move_up(session);
    int result = session->peer.result;
    if (!result || result == MBEDTLS_ERR_SSL_WANT_READ) peer_step(&session->peer);
    moved |= session->peer.down.length + session->peer.down.total > before;
    moved |= move_down(session);
    if (!moved) return;
  }
  CHECK(false, "no end");
}

// The alert that the server received, or -1. mbedTLS's client says in the clear why it refuses a TLS 1.3
// server, which RFC 8446 does not forbid and OpenSSL understands, but mbedTLS's server does not: then it is
// read off the wire.
__attribute__((unused)) static int peer_alert(struct session *session) {
  if (session->peer.result == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
    return tls_compat_received_alert(&session->peer.ssl);
  return memcmp(session->said, "\x15\x03\x03\0\x02\x02", 6) ? -1 : session->said[6];
}

#define CHECK_ERROR(session, expected)                                    \
  CHECK(status(session)->error == (expected), "%s (-0x%x) instead of %s", \
        tls_error_name(status(session)->error), -status(session)->detail, tls_error_name(expected))

#endif
