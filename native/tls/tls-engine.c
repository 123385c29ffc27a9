#include "tls-engine.h"

#include "tls-queue.h"
#include "tls-verify.h"

#include <string.h>

#define RECORD_HEADER 5
#define RECORD_TYPE_ALERT 21
#define RECORD_TYPE_DATA 23
// An alert of TLS 1.3 is hidden in a record of this length: header, level, description, type, tag.
#define HIDDEN_ALERT_SIZE (RECORD_HEADER + 2 + 1 + 16)
// Header, explicit nonce and tag of AES-GCM in TLS 1.2; in TLS 1.3 header, type, tag and mbedTLS's padding.
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define EXPANSION (RECORD_HEADER + 1 + 16 + MBEDTLS_SSL_CID_TLS1_3_PADDING_GRANULARITY - 1)
#else
#define EXPANSION (RECORD_HEADER + 8 + 16)
#endif
// A caller may split what fits into so many writes more than there are full records.
#define SPARE_RECORDS 3
// What the check of a signature takes for a moment.
#define VERIFY_SIZE 2048
// 2025-01-01
#define EARLIEST_TIME 1735689600000

// What is of no use after the handshake.
typedef struct handshake {
  tls_roots roots;
  mbedtls_x509_crt certificate;
  tls_key *key;
} handshake;

struct tls_engine {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config conf;
  handshake *handshake;
  tls_verify verify;
  tls_status status;
  tls_memory memory;
  tls_queue output;
  // The ciphertext offered by the call that is under way.
  const uint8_t *input;
  size_t input_length;
  size_t wanted;
  // The library asked for more than there was.
  bool starved;
  // Part of a record's header: ESP-IDF's dynamic buffers lose one that comes in pieces.
  uint8_t header[RECORD_HEADER];
  size_t header_length;
  // Plaintext that waits for more to come; `due` when it only waits for room.
  uint8_t gather[TLS_GATHER_SIZE];
  size_t gathered;
  bool due;
  // Nothing more is written. close_notify follows what was gathered, when there is room.
  bool closing;
  bool alerted;
  // The dates are judged later; plaintext that has gone out and come in until then.
  bool undated;
  size_t undated_out, undated_in;
  const char *protocols[TLS_PROTOCOLS + 1];
  char protocol_names[TLS_PROTOCOLS][TLS_PROTOCOL_SIZE];
};

// The library's I/O: neither of these waits.

static int send_ciphertext(void *context, const unsigned char *data, size_t length) {
  tls_engine *engine = context;
  if (!tls_queue_append(&engine->output, data, length)) return MBEDTLS_ERR_SSL_ALLOC_FAILED;
  if (length > 0 &&
      (data[0] == RECORD_TYPE_ALERT || (data[0] == RECORD_TYPE_DATA && length == HIDDEN_ALERT_SIZE)))
    engine->alerted = true;
  return (int)length;
}

static size_t take_input(tls_engine *engine, uint8_t *buffer, size_t length) {
  if (length > engine->input_length) length = engine->input_length;
  if (length == 0) return 0;
  memcpy(buffer, engine->input, length);
  engine->input += length;
  engine->input_length -= length;
  return length;
}

// At most a header's length: all at once or nothing.
static int receive_header(tls_engine *engine, unsigned char *buffer, size_t length) {
  engine->header_length +=
      take_input(engine, engine->header + engine->header_length, length - engine->header_length);
  engine->wanted = length - engine->header_length;
  if (engine->wanted > 0) {
    engine->starved = true;
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  memcpy(buffer, engine->header, length);
  engine->header_length = 0;
  engine->wanted = RECORD_HEADER;
  return (int)length;
}

static int receive_ciphertext(void *context, unsigned char *buffer, size_t length) {
  tls_engine *engine = context;
  if (length <= RECORD_HEADER) return receive_header(engine, buffer, length);
  size_t taken = take_input(engine, buffer, length);
  engine->wanted = taken == length ? RECORD_HEADER : length - taken;
  if (taken > 0) return (int)taken;
  engine->starved = true;
  return MBEDTLS_ERR_SSL_WANT_READ;
}

// What the handshake needed: roots, certificate, key. An engine that has failed holds none of it either.
static void end_handshake(tls_engine *engine) {
  handshake *handshake = engine->handshake;
  if (handshake == NULL) return;
  engine->handshake = NULL;
  mbedtls_ssl_conf_ca_chain(&engine->conf, NULL, NULL);
  tls_roots_close(&handshake->roots);
  mbedtls_x509_crt_free(&handshake->certificate);
  tls_key_release(handshake->key);
  mbedtls_free(handshake);
}

// Failure: the first one counts, and the peer is told unless the library has done so.

static void fail_with(tls_engine *engine, tls_error error, int detail) {
  if (engine->status.error != TLS_ERROR_NONE) return;
  engine->status.error = error;
  engine->status.detail = detail;
  int alert = tls_error_alert(error);
  if (alert >= 0 && !engine->alerted)
    mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, (unsigned char)alert);
  end_handshake(engine);
}

// What fails for want of memory has many names in the library: a signature that cannot be checked is a bad one, and its
// certificate's issuer unknown. Whoever fails in a handshake where there is no room for such a check has run out of it.
static bool has_room_to_verify(void) {
  void *room = mbedtls_calloc(1, VERIFY_SIZE);
  mbedtls_free(room);
  return room != NULL;
}

static void fail(tls_engine *engine, int result) {
  tls_error error = tls_error_of_result(result, engine->status.connected);
  if (engine->handshake != NULL && engine->handshake->roots.bad)
    error = TLS_ERROR_BAD_ROOTS;
  else if (result == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
    error = tls_verify_error(&engine->verify, mbedtls_ssl_get_verify_result(&engine->ssl));
  if (error == TLS_ERROR_PEER_ALERT) {
    engine->status.alert = tls_compat_received_alert(&engine->ssl);
    error = tls_error_of_alert(engine->status.alert);
    engine->alerted = true;
  }
  if (engine->handshake != NULL && !has_room_to_verify()) error = TLS_ERROR_OUT_OF_MEMORY;
  fail_with(engine, error, result);
}

// The handshake

static void connected(tls_engine *engine) {
  end_handshake(engine);
  tls_compat_forget_peer(&engine->ssl);
  if (engine->protocols[0] != NULL && mbedtls_ssl_get_alpn_protocol(&engine->ssl) == NULL)
    fail_with(engine, TLS_ERROR_NO_APPLICATION_PROTOCOL, 0);
  else
    engine->status.connected = true;
}

// A session ticket of TLS 1.3 is of no use to us: AWS IoT takes none back, and there is no place to keep it.
static bool is_ticket(int result) {
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  (void)result;
  return false;
#endif
}

// One step with what is there; false when nothing more can be done.
static bool step(tls_engine *engine) {
  uint8_t nothing;
  int result;
  engine->starved = false;
  if (!engine->status.connected) {
    result = mbedtls_ssl_handshake(&engine->ssl);
    if (result == 0) {
      connected(engine);
      return engine->status.connected;
    }
  } else {
    // Reading nothing opens the next record.
    result = mbedtls_ssl_read(&engine->ssl, &nothing, 0);
  }
  // The library also waits between the messages that it has.
  if (result >= 0 || result == MBEDTLS_ERR_SSL_WANT_READ || is_ticket(result)) return !engine->starved;
  if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY && engine->status.connected)
    engine->status.peer_closed = true;
  else
    fail(engine, result);
  return false;
}

static bool is_over(const tls_engine *engine) {
  return engine->status.error != TLS_ERROR_NONE || engine->status.peer_closed;
}

static void advance(tls_engine *engine) {
  while (!is_over(engine) && tls_engine_readable(engine) == 0 && step(engine));
}

// Opening

static tls_error set_protocols(tls_engine *engine, const tls_options *options) {
  for (unsigned i = 0; i < TLS_PROTOCOLS && options->protocols[i] != NULL; i++) {
    size_t length = strlen(options->protocols[i]);
    if (length == 0 || length >= TLS_PROTOCOL_SIZE) return TLS_ERROR_BAD_OPTIONS;
    memcpy(engine->protocol_names[i], options->protocols[i], length);
    engine->protocols[i] = engine->protocol_names[i];
  }
  if (engine->protocols[0] == NULL) return TLS_ERROR_NONE;
  int result = mbedtls_ssl_conf_alpn_protocols(&engine->conf, engine->protocols);
  return result == 0 ? TLS_ERROR_NONE : TLS_ERROR_BAD_OPTIONS;
}

static tls_error set_identity(tls_engine *engine, const tls_options *options) {
  if (options->certificate == NULL && options->key == NULL) return TLS_ERROR_NONE;
  if (options->dates_later) return TLS_ERROR_BAD_OPTIONS;
  if (options->certificate == NULL || options->key == NULL) return TLS_ERROR_BAD_CLIENT_CERTIFICATE;
  handshake *handshake = engine->handshake;
  int result =
      mbedtls_x509_crt_parse(&handshake->certificate, options->certificate, options->certificate_length);
  if (result != 0)
    return tls_compat_is_out_of_memory(result) ? TLS_ERROR_OUT_OF_MEMORY : TLS_ERROR_BAD_CLIENT_CERTIFICATE;
  handshake->key = tls_key_retain(options->key);
  result = mbedtls_ssl_conf_own_cert(&engine->conf, &handshake->certificate, &handshake->key->pk);
  return result == 0 ? TLS_ERROR_NONE : TLS_ERROR_OUT_OF_MEMORY;
}

static int configure(tls_engine *engine) {
  mbedtls_ssl_config *conf = &engine->conf;
  int result = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
  if (result != 0) return result;
  tls_compat_configure(conf);
  mbedtls_ssl_conf_ciphersuites(conf, tls_compat_suites());
  mbedtls_ssl_conf_cert_profile(conf, &mbedtls_x509_crt_profile_next);
  mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_verify(conf, tls_verify_certificate, &engine->verify);
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
  return 0;
}

static tls_error start(tls_engine *engine, const tls_options *options) {
  size_t length = options->host != NULL ? strlen(options->host) : 0;
  if (length == 0 || length >= TLS_HOST_SIZE) return TLS_ERROR_BAD_OPTIONS;
  if (options->time_ms < EARLIEST_TIME) return TLS_ERROR_NO_TIME;
  if (!tls_crypto_start()) return TLS_ERROR_INTERNAL;
  engine->handshake = mbedtls_calloc(1, sizeof *engine->handshake);
  if (engine->handshake == NULL) return TLS_ERROR_OUT_OF_MEMORY;
  mbedtls_x509_crt_init(&engine->handshake->certificate);
  tls_verify_init(&engine->verify, options->host, options->time_ms, options->dates_later);
  engine->undated = options->dates_later;

  tls_error error =
      tls_roots_open(&engine->handshake->roots, &engine->conf, options->root, options->root_context);
  if (error == TLS_ERROR_NONE && configure(engine) != 0) error = TLS_ERROR_OUT_OF_MEMORY;
  if (error == TLS_ERROR_NONE) error = set_identity(engine, options);
  if (error == TLS_ERROR_NONE) error = set_protocols(engine, options);
  if (error != TLS_ERROR_NONE) return error;

  // An address is no server name (RFC 6066); tls-verify.c compares it.
  const char *name = engine->verify.address_length > 0 ? NULL : options->host;
  if (mbedtls_ssl_setup(&engine->ssl, &engine->conf) != 0 ||
      mbedtls_ssl_set_hostname(&engine->ssl, name) != 0)
    return TLS_ERROR_OUT_OF_MEMORY;
  mbedtls_ssl_set_bio(&engine->ssl, engine, send_ciphertext, receive_ciphertext, NULL);
  advance(engine);
  return TLS_ERROR_NONE;
}

tls_engine *tls_engine_open(const tls_options *options) {
  tls_memory memory = {0, 0};
  tls_memory_is_counted();
  tls_memory *previous = tls_memory_enter(&memory);
  tls_engine *engine = mbedtls_calloc(1, sizeof *engine);
  if (engine != NULL) {
    mbedtls_ssl_init(&engine->ssl);
    mbedtls_ssl_config_init(&engine->conf);
    engine->status.alert = -1;
    tls_error error = start(engine, options);
    // Nothing was said yet, so there is nobody to tell.
    if (error != TLS_ERROR_NONE) {
      engine->status.error = error;
      end_handshake(engine);
    }
    engine->memory = memory;
  }
  tls_memory_leave(previous);
  return engine;
}

void tls_engine_close(tls_engine *engine) {
  if (engine == NULL) return;
  tls_memory memory = engine->memory;
  tls_memory *previous = tls_memory_enter(&memory);
  end_handshake(engine);
  mbedtls_ssl_free(&engine->ssl);
  mbedtls_ssl_config_free(&engine->conf);
  tls_queue_release(&engine->output);
  mbedtls_platform_zeroize(engine->gather, sizeof engine->gather);
  mbedtls_free(engine);
  tls_memory_leave(previous);
}

// Ciphertext

size_t tls_engine_wanted(const tls_engine *engine) {
  return is_over(engine) || tls_engine_readable(engine) > 0 ? 0 : engine->wanted;
}

size_t tls_engine_feed(tls_engine *engine, const void *data, size_t length) {
  tls_memory *previous = tls_memory_enter(&engine->memory);
  engine->input = data;
  engine->input_length = length;
  advance(engine);
  size_t used = length - engine->input_length;
  engine->input = NULL;
  engine->input_length = 0;
  tls_memory_leave(previous);
  return used;
}

// Plaintext into one record, which the caller has found room for.
static bool emit(tls_engine *engine, const uint8_t *data, size_t length) {
  while (length > 0) {
    int written = mbedtls_ssl_write(&engine->ssl, data, length);
    if (is_ticket(written)) continue;
    if (written < 0) {
      fail(engine, written);
      return false;
    }
    data += written;
    length -= (size_t)written;
  }
  return true;
}

static size_t room(const tls_engine *engine) {
  size_t used = engine->output.length + EXPANSION;
  return used < TLS_RECORD_SIZE ? TLS_RECORD_SIZE - used : 0;
}

static bool flush(tls_engine *engine) {
  if (room(engine) < engine->gathered) return false;
  size_t length = engine->gathered;
  engine->gathered = 0;
  return emit(engine, engine->gather, length);
}

static void say_goodbye(tls_engine *engine) {
  int result = mbedtls_ssl_close_notify(&engine->ssl);
  if (result < 0) fail(engine, result);
}

// What waited for room: the gathered plaintext, then the goodbye. True if there is something to take now.
static bool go_on(tls_engine *engine) {
  if (!engine->due || engine->status.error != TLS_ERROR_NONE || !flush(engine)) return false;
  engine->due = false;
  if (engine->closing) say_goodbye(engine);
  return true;
}

size_t tls_engine_take(tls_engine *engine, void *buffer, size_t size) {
  tls_memory *previous = tls_memory_enter(&engine->memory);
  size_t taken = tls_queue_take(&engine->output, buffer, size);
  if (go_on(engine)) {
    taken += tls_queue_take(&engine->output, (uint8_t *)buffer + taken, size - taken);
  }
  if (engine->output.length == 0 && engine->output.capacity > TLS_RECORD_SIZE)
    tls_queue_release(&engine->output);
  tls_memory_leave(previous);
  return taken;
}

// Plaintext

size_t tls_engine_readable(const tls_engine *engine) {
  if (!engine->status.connected || is_over(engine)) return 0;
  return mbedtls_ssl_get_bytes_avail(&engine->ssl);
}

// More than a head from a peer whose certificates may be out of date is not given to anybody.
static bool may_come_in(tls_engine *engine, size_t length) {
  if (!engine->undated) return true;
  engine->undated_in += length;
  if (engine->undated_in <= TLS_UNDATED_IN) return true;
  fail_with(engine, TLS_ERROR_NO_TIME, 0);
  return false;
}

size_t tls_engine_read(tls_engine *engine, void *buffer, size_t size) {
  size_t length = tls_engine_readable(engine);
  if (length > size) length = size;
  if (length == 0) return 0;
  tls_memory *previous = tls_memory_enter(&engine->memory);
  int result = may_come_in(engine, length) ? mbedtls_ssl_read(&engine->ssl, buffer, length) : 0;
  if (result < 0) fail(engine, result);
  tls_memory_leave(previous);
  return result > 0 ? (size_t)result : 0;
}

// How much of that may go out while the dates are not judged.
static size_t undated_part(const tls_engine *engine, size_t length) {
  size_t left = TLS_UNDATED_OUT - engine->undated_out;
  return length < left ? length : left;
}

static bool is_writable(const tls_engine *engine) {
  return engine->status.connected && !is_over(engine) && !engine->closing;
}

size_t tls_engine_capacity(const tls_engine *engine, size_t size) {
  if (!is_writable(engine)) return 0;
  size_t records = size / TLS_GATHER_SIZE + SPARE_RECORDS;
  size_t used = engine->output.length + engine->gathered + records * EXPANSION;
  size_t capacity = used < size ? size - used : 0;
  return engine->undated ? undated_part(engine, capacity) : capacity;
}

static size_t accept(tls_engine *engine, const uint8_t *data, size_t length, bool more) {
  size_t accepted = 0;
  while (accepted < length) {
    size_t rest = length - accepted;
    if (engine->gathered == 0 && (!more || rest >= TLS_GATHER_SIZE)) {
      size_t part = rest < room(engine) ? rest : room(engine);
      if (part == 0 || (part < rest && engine->output.length > 0) || !emit(engine, data + accepted, part))
        break;
      accepted += part;
      continue;
    }
    size_t part = TLS_GATHER_SIZE - engine->gathered;
    if (part > rest) part = rest;
    memcpy(engine->gather + engine->gathered, data + accepted, part);
    engine->gathered += part;
    accepted += part;
    if (engine->gathered == TLS_GATHER_SIZE && !flush(engine)) break;
  }
  return accepted;
}

size_t tls_engine_write(tls_engine *engine, const void *data, size_t length, bool more) {
  if (!is_writable(engine)) return 0;
  tls_memory *previous = tls_memory_enter(&engine->memory);
  size_t allowed = engine->undated ? undated_part(engine, length) : length;
  size_t accepted = accept(engine, data, allowed, more);
  if (engine->undated) engine->undated_out += accepted;
  engine->due = !more && accepted == length && !flush(engine);
  tls_memory_leave(previous);
  return accepted;
}

void tls_engine_close_notify(tls_engine *engine) {
  if (!engine->status.connected || engine->status.error != TLS_ERROR_NONE || engine->closing) return;
  tls_memory *previous = tls_memory_enter(&engine->memory);
  engine->closing = engine->due = true;
  go_on(engine);
  tls_memory_leave(previous);
}

bool tls_engine_judge_dates(tls_engine *engine, int64_t time_ms) {
  if (!engine->status.connected || engine->status.error != TLS_ERROR_NONE) return false;
  if (!engine->undated) return true;
  tls_error error = tls_verify_told_time(&engine->verify, time_ms);
  engine->undated = error != TLS_ERROR_NONE;
  if (!engine->undated) return true;
  tls_memory *previous = tls_memory_enter(&engine->memory);
  fail_with(engine, error, 0);
  tls_memory_leave(previous);
  return false;
}

// Status

const tls_status *tls_engine_status(const tls_engine *engine) {
  return &engine->status;
}

const tls_memory *tls_engine_memory(const tls_engine *engine) {
  return &engine->memory;
}

const char *tls_engine_version(const tls_engine *engine) {
  return engine->status.connected ? mbedtls_ssl_get_version(&engine->ssl) : NULL;
}

const char *tls_engine_protocol(const tls_engine *engine) {
  return engine->status.connected ? mbedtls_ssl_get_alpn_protocol(&engine->ssl) : NULL;
}
