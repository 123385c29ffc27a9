// The TLS engine: handshakes in pieces of any size and cut at any byte, records, gathered writes, capacity,
// back-pressure, ends.
// sources: native/tls/tls-*.c
// flags: -DTLS_COUNT_ALLOCATIONS
// libs: -Wl,--wrap=calloc,--wrap=free -l:libmbedtls.a -l:libmbedx509.a -l:libmbedcrypto.a
#include "tls-peer.h"

static struct certificate *root, *leaf;

static struct session_options defaults(void) {
  return (struct session_options){
      .host = "camera.example", .roots = {root->pem}, .chain = leaf->pem, .key = leaf->key};
}

static struct session *connected(const struct session_options *options) {
  struct session *session = session_open(options);
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(status(session)->connected && session->peer.connected, "no session");
  return session;
}

static void test_pieces(void) {
  static const size_t pieces[] = {0, 1, 2, 3, 7, 100, 1000};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    tap_case("a handshake and data in pieces of %zu bytes", pieces[i]);
    struct session_options options = defaults();
    options.piece = pieces[i];
    struct session *session = connected(&options);
    char text[32] = "";
    mbedtls_ssl_write(&session->peer.ssl, (const uint8_t *)"good day", 8);
    session_run(session);
    CHECK_EQUAL(tls_engine_readable(session->engine), 8);
    CHECK_EQUAL(tls_engine_read(session->engine, text, sizeof text), 8);
    CHECK(!strcmp(text, "good day"), "%s", text);
    CHECK_EQUAL(tls_engine_write(session->engine, "to you", 6, false), 6);
    while (move_up(session));
    CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, (uint8_t *)text, sizeof text), 6);
    CHECK(!memcmp(text, "to you", 6), "%s", text);
    session_close(session);
  }
}

static size_t handshake_length(void) {
  struct session_options options = defaults();
  struct session *session = connected(&options);
  size_t length = session->peer.down.total;
  session_close(session);
  return length;
}

static void test_cut(void) {
  tap_case("cut at any byte of the handshake: no session, no error of the engine's own, nothing left behind");
  size_t length = handshake_length();
  for (size_t cut = 0; cut + 8 < length; cut++) {
    struct session_options options = defaults();
    struct session *session = session_open(&options);
    session->cut = cut;
    session_run(session);
    // Signatures differ in length: this handshake may have been shorter.
    bool whole = session->peer.down.total == cut || session->peer.down.length == 0;
    CHECK(!status(session)->connected || whole, "connected after %zu", cut);
    CHECK(!status(session)->peer_closed, "closed after %zu", cut);
    CHECK_ERROR(session, TLS_ERROR_NONE);
    session_close(session);
  }
}

static void test_flips(void) {
  tap_case("a changed byte anywhere in the handshake ends it with a name");
  size_t length = handshake_length();
  // Lengths of signatures vary, and what follows the server's Finished is none of the handshake's.
  for (size_t flip = 1; flip + 16 < length; flip++) {
    struct session_options options = defaults();
    struct session *session = session_open(&options);
    session->flip = flip;
    session_run(session);
    bool harmless = status(session)->error == TLS_ERROR_NONE;
    // A flip can make a length larger than what will ever come: then the engine waits, as it must.
    if (harmless && !session->flipped_version)
      CHECK(!status(session)->connected || !session->peer.connected, "byte %zu was taken", flip);
    if (!harmless) CHECK(*tls_error_name(status(session)->error), "byte %zu: no name", flip);
    session_close(session);
  }
}

static void test_large_records(void) {
  tap_case("records of 16 KB, read in small steps; no ciphertext is wanted while plaintext waits");
  static uint8_t sent[16384], got[16384];
  struct session_options options = defaults();
  struct session *session = connected(&options);
  for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i * 7 + i / 251);
  for (int round = 0; round < 3; round++) {
    // In TLS 1.3 a byte of the record is its type.
    int length = mbedtls_ssl_write(&session->peer.ssl, sent, sizeof sent);
    CHECK(length >= 16383, "%d bytes", length);
    session_run(session);
    CHECK_EQUAL(tls_engine_readable(session->engine), length);
    CHECK_EQUAL(tls_engine_wanted(session->engine), 0);
    CHECK_EQUAL(tls_engine_feed(session->engine, "later", 5), 0);
    size_t count = 0, part;
    while ((part = tls_engine_read(session->engine, got + count, 100)) > 0) count += part;
    CHECK_EQUAL(count, length);
    CHECK(!memcmp(sent, got, count), "other bytes");
    CHECK_EQUAL(tls_engine_wanted(session->engine), 5);
  }
  session_close(session);
}

// The socket keeps what is behind the record that is under way.
static void test_wanted(void) {
  tap_case("what is wanted is the rest of a record's header, then the rest of the record");
  struct session_options options = defaults();
  options.piece = 1;
  struct session *session = connected(&options);
  const struct wire *down = &session->peer.down;
  uint8_t text[100] = "good day";
  for (int round = 0; round < 2; round++) mbedtls_ssl_write(&session->peer.ssl, text, sizeof text);
  for (int round = 0; round < 2; round++) {
    const uint8_t *header = down->data + down->start;
    size_t length = 5 + ((size_t)header[3] << 8 | header[4]);
    for (size_t at = 0; at < length; at++) {
      CHECK_EQUAL(tls_engine_wanted(session->engine), at < 5 ? 5 - at : length - at);
      CHECK(move_down(session), "byte %zu of %zu", at, length);
    }
    CHECK_EQUAL(tls_engine_wanted(session->engine), 0);
    CHECK_EQUAL(tls_engine_read(session->engine, text, sizeof text), sizeof text);
  }
  CHECK_EQUAL(tls_engine_wanted(session->engine), 5);
  session_close(session);
}

static size_t take_all(struct session *session) {
  size_t before = session->peer.up.total;
  while (move_up(session));
  return session->peer.up.total - before;
}

static size_t receive_all(struct session *session, uint8_t *buffer, size_t size) {
  size_t count = 0;
  int result;
  while ((result = mbedtls_ssl_read(&session->peer.ssl, buffer + count, size - count)) > 0)
    count += (size_t)result;
  return count;
}

static void test_gather(void) {
  tap_case("small writes that belong together become one record");
  struct session_options options = defaults();
  struct session *session = connected(&options);
  uint8_t buffer[64];
  take_all(session);
  for (int i = 0; i < 9; i++) CHECK_EQUAL(tls_engine_write(session->engine, "x", 1, true), 1);
  CHECK_EQUAL(take_all(session), 0);
  CHECK_EQUAL(tls_engine_write(session->engine, "y", 1, false), 1);
  size_t length = take_all(session);
  CHECK(length >= 32 && length <= 10 + 29, "%zu bytes", length);
  CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, buffer, sizeof buffer), 10);
  CHECK(!memcmp(buffer, "xxxxxxxxxy", 10), "other bytes");
  session_close(session);
}

// Writes all of `data`, in parts of random size, taking ciphertext whenever the engine asks for it.
static size_t write_in_parts(struct session *session, const uint8_t *data, size_t length, unsigned *random) {
  size_t taken = 0;
  for (size_t done = 0; done < length;) {
    size_t part = 1 + (*random = *random * 1103515245 + 12345) / 65536 % 700;
    if (part > length - done) part = length - done;
    size_t accepted = tls_engine_write(session->engine, data + done, part, done + part < length);
    done += accepted;
    if (accepted < part) taken += take_all(session);
    if (accepted < part && tls_engine_capacity(session->engine, 100000) == 0) break;
  }
  return taken + take_all(session);
}

static void test_capacity(void) {
  tap_case("what capacity promises for a room fits into it, however it is written");
  static uint8_t sent[40000], got[40000];
  struct session_options options = defaults();
  struct session *session = connected(&options);
  unsigned random = 1;
  take_all(session);
  for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i * 13 + i / 97);
  for (size_t room = 0; room <= 30000; room += room < 3000 ? 37 : 1111) {
    for (int way = 0; way < 2; way++) {
      size_t capacity = tls_engine_capacity(session->engine, room), taken = 0;
      if (way) {
        taken = write_in_parts(session, sent, capacity, &random);
      } else {
        for (size_t done = 0; done < capacity; taken += take_all(session))
          done += tls_engine_write(session->engine, sent + done, capacity - done, false);
      }
      CHECK(taken <= room, "%zu bytes for a room of %zu", taken, room);
      CHECK(room < 600 || capacity > room * 7 / 10, "only %zu of %zu", capacity, room);
      CHECK_EQUAL(receive_all(session, got, sizeof got), capacity);
      CHECK(!memcmp(sent, got, capacity), "other bytes at a room of %zu", room);
    }
  }
  session_close(session);
}

static void test_queue_full(void) {
  tap_case("when nobody takes ciphertext, writes stop and nothing is lost");
  static uint8_t sent[20000], got[20000];
  struct session_options options = defaults();
  struct session *session = connected(&options);
  take_all(session);
  for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i ^ i >> 8);
  size_t done = 0;
  for (int i = 0; i < 100; i++) done += tls_engine_write(session->engine, sent + done, 300, i % 3 != 0);
  CHECK(done > 1000 && done <= TLS_RECORD_SIZE + TLS_GATHER_SIZE, "%zu accepted", done);
  while (done < sizeof sent) {
    take_all(session);
    size_t part = sizeof sent - done < 777 ? sizeof sent - done : 777;
    done += tls_engine_write(session->engine, sent + done, part, false);
  }
  take_all(session);
  CHECK_EQUAL(receive_all(session, got, sizeof got), sizeof sent);
  CHECK(!memcmp(sent, got, sizeof sent), "other bytes");
  session_close(session);
}

static void test_memory(void) {
  tap_case("what a session holds is counted: its own alone, and the most that it ever was");
  struct session_options options = defaults();
  struct session *one = connected(&options);
  const tls_memory *memory = tls_engine_memory(one->engine);
  ptrdiff_t idle = memory->current;
  CHECK(idle > 4096, "%td bytes", idle);
  CHECK(memory->peak > idle + 4096, "%td bytes in the handshake", memory->peak);
  struct session *other = connected(&options);
  CHECK_EQUAL(memory->current, idle);
  CHECK(tls_engine_memory(other->engine)->current > idle / 2, "the other's are not counted");
  session_close(other);
  CHECK_EQUAL(memory->current, idle);
  take_all(one);
  ptrdiff_t before = memory->current, peak = memory->peak;
  uint8_t data[1000] = {0};
  tls_engine_write(one->engine, data, sizeof data, false);
  CHECK(memory->current >= before + 1000, "%td bytes with 1,000 on their way", memory->current);
  CHECK_EQUAL(memory->peak, peak);
  take_all(one);
  CHECK(memory->current <= before + TLS_RECORD_SIZE, "%td bytes when they have gone", memory->current);
  session_close(one);
}

static void test_due(void) {
  tap_case("a last part that finds no room goes out by itself when there is some, and the session goes on");
  static uint8_t sent[8000], got[8000];
  struct session_options options = defaults();
  struct session *session = connected(&options);
  take_all(session);
  for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i ^ i >> 8);
  size_t done = 0, part;
  while ((part = tls_engine_write(session->engine, sent + done, 300, false)) > 0) done += part;
  // There is room for less than 300 bytes, and 401 are gathered.
  CHECK_EQUAL(tls_engine_write(session->engine, sent + done, 400, true), 400);
  CHECK_EQUAL(tls_engine_write(session->engine, sent + done + 400, 1, false), 1);
  done += 401;
  for (int round = 0; round < 2; round++) {
    take_all(session);
    size_t received = 0;
    int result;
    while ((result = mbedtls_ssl_read(&session->peer.ssl, got + received, sizeof got - received)) > 0)
      received += (size_t)result;
    CHECK_EQUAL(result, MBEDTLS_ERR_SSL_WANT_READ);
    CHECK_EQUAL(received, done);
    CHECK(!memcmp(sent, got, done), "other bytes");
    CHECK_ERROR(session, TLS_ERROR_NONE);
    done = 5;
    CHECK_EQUAL(tls_engine_write(session->engine, sent, done, false), done);
  }
  session_close(session);
}

static void test_ends(void) {
  struct session_options options = defaults();
  char text[8] = "";
  tap_case("close_notify of the peer after data: the data first, then the end");
  struct session *session = connected(&options);
  mbedtls_ssl_write(&session->peer.ssl, (const uint8_t *)"last", 4);
  mbedtls_ssl_close_notify(&session->peer.ssl);
  session_run(session);
  CHECK(!status(session)->peer_closed, "before the data was read");
  CHECK_EQUAL(tls_engine_read(session->engine, text, sizeof text), 4);
  while (move_down(session));
  CHECK(status(session)->peer_closed, "not seen");
  CHECK_EQUAL(tls_engine_wanted(session->engine), 0);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 5000), 0);
  session_close(session);

  tap_case("close_notify to the peer, what was gathered before it");
  session = connected(&options);
  tls_engine_write(session->engine, "bye", 3, true);
  tls_engine_close_notify(session->engine);
  take_all(session);
  CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, (uint8_t *)text, sizeof text), 3);
  CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, (uint8_t *)text, sizeof text),
              MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  session_close(session);

  tap_case("close_notify while nobody takes ciphertext: it follows what was accepted, and nothing is accepted behind it");
  for (size_t piece = 1; piece <= 4096; piece *= 4) {
    static uint8_t sent[8000], got[8000];
    options.piece = piece;
    session = connected(&options);
    take_all(session);
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i ^ i >> 8);
    size_t done = 0;
    for (int i = 0; i < 20; i++) done += tls_engine_write(session->engine, sent + done, 300, true);
    CHECK(done > TLS_RECORD_SIZE - 600, "%zu accepted", done);
    tls_engine_close_notify(session->engine);
    tls_engine_close_notify(session->engine);
    CHECK_EQUAL(tls_engine_capacity(session->engine, 5000), 0);
    CHECK_EQUAL(tls_engine_write(session->engine, sent, 1, false), 0);
    while (take_all(session) > 0);
    CHECK_EQUAL(tls_engine_write(session->engine, sent, 1, false), 0);
    size_t received = 0;
    int result;
    while ((result = mbedtls_ssl_read(&session->peer.ssl, got + received, sizeof got - received)) > 0)
      received += (size_t)result;
    CHECK_EQUAL(result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    CHECK_EQUAL(received, done);
    CHECK(!memcmp(sent, got, received), "other bytes");
    CHECK_ERROR(session, TLS_ERROR_NONE);
    session_close(session);
  }
  options.piece = 0;

  tap_case("a goodbye before there is a session is none");
  session = session_open(&options);
  tls_engine_close_notify(session->engine);
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(status(session)->connected && session->peer.connected, "no session");
  CHECK_EQUAL(tls_engine_write(session->engine, "day", 3, false), 3);
  take_all(session);
  CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, (uint8_t *)text, sizeof text), 3);
  session_close(session);

  tap_case("a changed byte in a record: BadRecord, and the peer is told");
  session = connected(&options);
  mbedtls_ssl_write(&session->peer.ssl, (const uint8_t *)"truth", 5);
  session->flip = session->peer.down.total + session->peer.down.length;
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_BAD_RECORD);
  CHECK_EQUAL(tls_engine_read(session->engine, text, sizeof text), 0);
  CHECK_EQUAL(peer_alert(session), MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
  session_close(session);
}

int main(void) {
  if (!tls_crypto_start()) return 1;
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  leaf = issue(&(struct wish){.name = "camera.example", .dns = "camera.example"}, root);
  test_pieces();
  test_cut();
  test_flips();
  test_large_records();
  test_wanted();
  test_gather();
  test_capacity();
  test_queue_full();
  test_memory();
  test_due();
  test_ends();
  discard(leaf);
  discard(root);
  return tap_done();
}
