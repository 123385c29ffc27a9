// The server tells the time itself: its certificates' dates are judged by that, all else as ever.
// sources: native/tls/tls-*.c
// libs: -lmbedtls -lmbedx509 -lmbedcrypto
#include "tls-peer.h"

#include "../../native/tls/tls-verify.h"

#define HOST "camera.example"
#define SECOND 1000
// The firmware was built on 2026-03-01.
#define BUILT 1772323200000
// 2026-04-01 and 2026-05-01, and their seconds in certificates.
#define APRIL 1775001600000
#define MAY 1777593600000
#define APRIL_TEXT "20260401000000"
#define MAY_TEXT "20260501000000"

static struct certificate *root, *other_root, *leaf;

static struct session_options defaults(void) {
  return (struct session_options){.host = HOST,
                                  .roots = {root->pem},
                                  .chain = leaf->pem,
                                  .key = leaf->key,
                                  .time = BUILT,
                                  .dates_later = true};
}

static struct session *run(const struct session_options *options) {
  struct session *session = session_open(options);
  session_run(session);
  return session;
}

static void judge(const char *name, const struct session_options *options, int64_t time, tls_error error,
                  int alert) {
  tap_case("%s: %s", name, error == TLS_ERROR_NONE ? "stands" : tls_error_name(error));
  struct session *session = run(options);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(status(session)->connected, "no session");
  CHECK_EQUAL(tls_engine_judge_dates(session->engine, time), error == TLS_ERROR_NONE);
  session_run(session);
  CHECK_ERROR(session, error);
  CHECK_EQUAL(peer_alert(session), alert);
  // A verdict is not taken back.
  CHECK_EQUAL(tls_engine_judge_dates(session->engine, APRIL), error == TLS_ERROR_NONE);
  CHECK_ERROR(session, error);
  session_close(session);
}

static void test_times(const char *what, const struct session_options *options) {
  char name[100];
#define NAMED(text) (snprintf(name, sizeof name, "%s, told " text, what), name)
  judge(NAMED("its first second"), options, APRIL, TLS_ERROR_NONE, -1);
  judge(NAMED("its last second"), options, MAY + 999, TLS_ERROR_NONE, -1);
  judge(NAMED("the second before"), options, APRIL - 1, TLS_ERROR_NOT_YET_VALID, MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
  judge(NAMED("the second after"), options, MAY + SECOND, TLS_ERROR_EXPIRED, MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
  judge(NAMED("a time ten years later"), options, MAY + 315360000000, TLS_ERROR_EXPIRED,
        MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
  judge(NAMED("the second before the firmware was built"), options, BUILT - 1, TLS_ERROR_BAD_TIME,
        MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
  judge(NAMED("no time"), options, 0, TLS_ERROR_BAD_TIME, MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
#undef NAMED
}

// Each certificate of the path in turn is the one that is valid for April only.
static void test_paths(void) {
  const struct wish month = {.name = HOST, .dns = HOST, .from = APRIL_TEXT, .to = MAY_TEXT};
  const struct wish year = {.name = HOST, .dns = HOST};
  const struct wish authority = {.name = "Month", .authority = true, .from = APRIL_TEXT, .to = MAY_TEXT};
  static char chain[2 * PEM_SIZE];
  struct session_options options = defaults();
  struct certificate *made = issue(&month, root);
  options.chain = made->pem;
  options.key = made->key;
  test_times("a server's certificate", &options);
  discard(made);

  struct certificate *intermediate = issue(&authority, root);
  made = issue(&year, intermediate);
  snprintf(chain, sizeof chain, "%s%s", made->pem, intermediate->pem);
  options.chain = chain;
  options.key = made->key;
  test_times("an intermediate", &options);
  discard(made);
  discard(intermediate);

  struct certificate *short_root = issue(&authority, NULL);
  made = issue(&year, short_root);
  options.roots[0] = short_root->pem;
  options.chain = made->pem;
  options.key = made->key;
  test_times("a root", &options);
  discard(made);
  discard(short_root);
}

static void refuse(const char *name, const struct session_options *options, tls_error error) {
  tap_case("in the handshake: %s: %s", name, tls_error_name(error));
  struct session *session = run(options);
  CHECK_ERROR(session, error);
  CHECK(!status(session)->connected, "connected");
  CHECK(!tls_engine_judge_dates(session->engine, APRIL), "judged");
  session_close(session);
}

static void refuse_leaf(const char *name, const struct wish *wish, const struct certificate *issuer,
                        tls_error error) {
  struct certificate *made = issue(wish, issuer);
  struct session_options options = defaults();
  options.chain = made->pem;
  options.key = made->key;
  refuse(name, &options, error);
  discard(made);
}

static void test_refusals(void) {
  refuse_leaf("an unknown authority", &(struct wish){.name = HOST, .dns = HOST}, other_root,
              TLS_ERROR_UNKNOWN_CA);
  refuse_leaf("signed by itself", &(struct wish){.name = HOST, .dns = HOST}, NULL, TLS_ERROR_UNKNOWN_CA);
  refuse_leaf("another name", &(struct wish){.name = HOST, .dns = "other.example"}, root,
              TLS_ERROR_NAME_MISMATCH);
  refuse_leaf("over before the firmware was built",
              &(struct wish){.name = HOST, .dns = HOST, .to = "20260228235959"}, root, TLS_ERROR_EXPIRED);
  struct session_options options = defaults();
  options.client_chain = leaf->pem;
  options.client_key = leaf->key;
  refuse("with a client's certificate", &options, TLS_ERROR_BAD_OPTIONS);
  options = defaults();
  options.time = 1;
  refuse("without an earliest time", &options, TLS_ERROR_NO_TIME);
}

static size_t write_all(struct session *session, size_t length) {
  static uint8_t data[4 * TLS_UNDATED_OUT];
  size_t sum = 0;
  for (size_t accepted = 1; accepted && sum < length; sum += accepted) {
    accepted = tls_engine_write(session->engine, data, length - sum, false);
    while (move_up(session));
  }
  return sum;
}

static void test_verdict(void) {
  struct session_options options = defaults();
  tap_case("there is no verdict before there is a session");
  struct session *session = session_open(&options);
  CHECK(!tls_engine_judge_dates(session->engine, APRIL), "judged");
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 65536), TLS_UNDATED_OUT);
  session_close(session);

  tap_case("the time comes with the answer to a question: the server is told of its verdict all the same");
  session = run(&options);
  uint8_t question[100];
  CHECK_EQUAL(write_all(session, sizeof question), sizeof question);
  CHECK_EQUAL(mbedtls_ssl_read(&session->peer.ssl, question, sizeof question), sizeof question);
  CHECK(!tls_engine_judge_dates(session->engine, BUILT - 1), "stands");
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_BAD_TIME);
  CHECK_EQUAL(peer_alert(session), MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
  session_close(session);
}

static void test_bounds(void) {
  struct session_options options = defaults();
  tap_case("a question of 512 bytes may go out before the dates are judged, and as much as one likes afterwards");
  struct session *session = run(&options);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 65536), TLS_UNDATED_OUT);
  CHECK_EQUAL(write_all(session, 100), 100);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 65536), TLS_UNDATED_OUT - 100);
  CHECK_EQUAL(write_all(session, 1000), TLS_UNDATED_OUT - 100);
  CHECK_EQUAL(tls_engine_capacity(session->engine, 65536), 0);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(tls_engine_judge_dates(session->engine, APRIL), "not judged");
  CHECK_EQUAL(write_all(session, 2000), 2000);
  session_close(session);

  tap_case("4,096 bytes of an answer are read before the dates are judged, and not one more: NoTime");
  session = run(&options);
  static uint8_t answer[TLS_UNDATED_IN + 1], buffer[TLS_UNDATED_IN + 1];
  mbedtls_ssl_write(&session->peer.ssl, answer, TLS_UNDATED_IN);
  session_run(session);
  CHECK_EQUAL(tls_engine_read(session->engine, buffer, TLS_UNDATED_IN), TLS_UNDATED_IN);
  mbedtls_ssl_write(&session->peer.ssl, answer, 1);
  session_run(session);
  CHECK_EQUAL(tls_engine_read(session->engine, buffer, 1), 0);
  CHECK_ERROR(session, TLS_ERROR_NO_TIME);
  session_close(session);

  tap_case("when the dates were judged the answer goes on");
  session = run(&options);
  mbedtls_ssl_write(&session->peer.ssl, answer, TLS_UNDATED_IN);
  session_run(session);
  CHECK_EQUAL(tls_engine_read(session->engine, buffer, TLS_UNDATED_IN), TLS_UNDATED_IN);
  CHECK(tls_engine_judge_dates(session->engine, APRIL), "not judged");
  mbedtls_ssl_write(&session->peer.ssl, answer, TLS_UNDATED_IN);
  session_run(session);
  CHECK_EQUAL(tls_engine_read(session->engine, buffer, TLS_UNDATED_IN), TLS_UNDATED_IN);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  session_close(session);

  tap_case("with a clock the dates were judged in the handshake, and no other time is looked at");
  options.dates_later = false;
  options.time = 0;
  session = run(&options);
  CHECK(tls_engine_judge_dates(session->engine, 0), "judged again");
  CHECK_EQUAL(write_all(session, 2000), 2000);
  session_close(session);
}

static int days_of(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap);
}

// The calendar by counting: a certificate that is valid for one second of each day, another one every day.
static void test_calendar(void) {
  tap_case("every day from 2025 to 2405 has its name, and every second of a day");
  int64_t midnight = 1735689600;
  unsigned of_day = 0;
  for (int year = 2025; year < 2406; year++)
    for (int month = 1; month <= 12; month++)
      for (int day = 1; day <= days_of(year, month); day++, midnight += 86400, of_day = (of_day + 1009) % 86400) {
        const mbedtls_x509_time second = {year, month, day, (int)of_day / 3600, (int)of_day / 60 % 60, (int)of_day % 60};
        const mbedtls_x509_crt certificate = {.valid_from = second, .valid_to = second};
        const int64_t time = (midnight + of_day) * SECOND;
        bool good = tls_verify_dates(&certificate, time) == 0 && tls_verify_dates(&certificate, time + 999) == 0 &&
                    tls_verify_dates(&certificate, time - 1) == MBEDTLS_X509_BADCERT_FUTURE &&
                    tls_verify_dates(&certificate, time + SECOND) == MBEDTLS_X509_BADCERT_EXPIRED;
        if (!CHECK(good, "%d-%02d-%02d", year, month, day)) return;
      }
}

static void test_sessions(void) {
  test_paths();
  test_refusals();
  test_verdict();
  test_bounds();
}

int main(void) {
  if (!tls_crypto_start()) return 1;
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  other_root = issue(&(struct wish){.name = "Other Root", .authority = true}, NULL);
  leaf = issue(&(struct wish){.name = HOST, .dns = HOST}, root);
  test_calendar();
  test_sessions();
  if (TLS_LIBRARY_MAJOR > 2) {
    only_tls12 = true;
    test_sessions();
  }
  discard(leaf);
  discard(other_root);
  discard(root);
  return tap_done();
}
