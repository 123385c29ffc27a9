// Whom the TLS engine refuses, under which name, and what it tells the peer; and whom it accepts.
// sources: native/tls/tls-*.c
// libs: -lmbedtls -lmbedx509 -lmbedcrypto
#include "tls-peer.h"

#include "../../native/tls/tls-verify.h"

#define HOST "camera.example"

static const char *version = "";
static struct certificate *root, *intermediate, *other_root, *leaf;

static struct session_options defaults(void) {
  return (struct session_options){.host = HOST, .roots = {root->pem}, .chain = leaf->pem, .key = leaf->key};
}

static void accept(const char *name, const struct session_options *options) {
  tap_case("%saccepted: %s", version, name);
  struct session *session = session_open(options);
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NONE);
  CHECK(status(session)->connected && session->peer.connected, "no session");
  session_close(session);
}

static void refuse(const char *name, const struct session_options *options, tls_error error, int alert) {
  tap_case("%srefused: %s: %s", version, name, tls_error_name(error));
  struct session *session = session_open(options);
  session_run(session);
  CHECK_ERROR(session, error);
  CHECK(!status(session)->connected, "connected");
  CHECK_EQUAL(peer_alert(session), alert);
  session_close(session);
}

// A leaf that is wanted for HOST, and who is asked to accept it.
static void refuse_leaf(const char *name, struct wish wish, const struct certificate *issuer, tls_error error,
                        int alert) {
  struct certificate *made = issue(&wish, issuer);
  struct session_options options = defaults();
  options.chain = made->pem;
  options.key = made->key;
  refuse(name, &options, error, alert);
  discard(made);
}

static void test_leaves(void) {
  const struct wish good = {.name = HOST, .dns = HOST};
  struct wish wish = good;
  refuse_leaf("an unknown authority", good, other_root, TLS_ERROR_UNKNOWN_CA,
              MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  refuse_leaf("signed by itself", good, NULL, TLS_ERROR_UNKNOWN_CA, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  wish.dns = "other.example";
  refuse_leaf("another name", wish, root, TLS_ERROR_NAME_MISMATCH, MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
  wish.dns = "*.camera.example";
  refuse_leaf("a wildcard for names below", wish, root, TLS_ERROR_NAME_MISMATCH,
              MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
  wish.dns = NULL;
  refuse_leaf("the name only as common name", wish, root, TLS_ERROR_NAME_MISMATCH,
              MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
  wish = good;
  wish.to = "20260531235959";
  refuse_leaf("expired a second ago", wish, root, TLS_ERROR_EXPIRED, MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
  wish = good;
  // The same day of other years: who forgets the year takes them for good.
  wish.from = "20240101000000";
  wish.to = "20251231235959";
  refuse_leaf("expired a year ago", wish, root, TLS_ERROR_EXPIRED, MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
  wish.from = "20270101000000";
  wish.to = "20271231235959";
  refuse_leaf("valid in a year", wish, root, TLS_ERROR_NOT_YET_VALID, MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
  wish = good;
  wish.digest = MBEDTLS_MD_SHA1;
  refuse_leaf("signed with SHA-1", wish, root, TLS_ERROR_WEAK_KEY, MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
  wish = good;
  wish.from = "20260601000001";
  refuse_leaf("valid in a second", wish, root, TLS_ERROR_NOT_YET_VALID, MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN);
}

// What the server sends when it appends one certificate to another.
static char *chain_of(const struct certificate *first, const struct certificate *second) {
  static char chain[2 * PEM_SIZE];
  snprintf(chain, sizeof chain, "%s%s", first->pem, second->pem);
  return chain;
}

static void test_chains(void) {
  struct session_options options = defaults();
  struct certificate *below = issue(&(struct wish){.name = HOST, .dns = HOST}, intermediate);
  accept("a leaf of the root", &options);
  options.chain = chain_of(below, intermediate);
  options.key = below->key;
  accept("a leaf of an intermediate", &options);
  options.chain = below->pem;
  refuse("the intermediate is missing", &options, TLS_ERROR_UNKNOWN_CA, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  options.roots[1] = intermediate->pem;
  accept("the intermediate is known", &options);
  discard(below);

  options = defaults();
  struct certificate *self = issue(&(struct wish){.name = HOST, .dns = HOST}, NULL);
  options.chain = chain_of(self, root);
  options.key = self->key;
  refuse("signed by itself, with the real root appended", &options, TLS_ERROR_UNKNOWN_CA,
         MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  discard(self);

  struct certificate *forged = issue(&(struct wish){.name = HOST, .dns = HOST}, leaf);
  options.chain = chain_of(forged, leaf);
  options.key = forged->key;
  refuse("signed by a leaf", &options, TLS_ERROR_BAD_CHAIN, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  options.roots[1] = leaf->pem;
  refuse("signed by a leaf that is itself trusted", &options, TLS_ERROR_BAD_CHAIN,
         MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  discard(forged);

  struct certificate *imposter = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  struct certificate *child = issue(&(struct wish){.name = HOST, .dns = HOST}, imposter);
  options = defaults();
  options.chain = chain_of(child, imposter);
  options.key = child->key;
  refuse("an authority that only has the root's name", &options, TLS_ERROR_UNKNOWN_CA,
         MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
  discard(child);
  discard(imposter);

  // What is appended has nothing to do with the issuer: it is not blamed, whatever its name is like.
  static const char *const names[] = {"Other Roo", "Other Rook", "Other Root and more"};
  child = issue(&(struct wish){.name = HOST, .dns = HOST}, other_root);
  options.key = child->key;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct certificate *bystander = issue(&(struct wish){.name = names[i]}, root);
    options.chain = chain_of(child, bystander);
    refuse("an unknown authority, and somebody else's certificate appended", &options, TLS_ERROR_UNKNOWN_CA,
           MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
    discard(bystander);
  }
  discard(child);

  struct certificate *old =
      issue(&(struct wish){.name = "Old", .authority = true, .to = "20260501000000"}, root);
  child = issue(&(struct wish){.name = HOST, .dns = HOST}, old);
  options.chain = chain_of(child, old);
  options.key = child->key;
  refuse("the intermediate has expired", &options, TLS_ERROR_EXPIRED, MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
  discard(child);
  discard(old);

  options = defaults();
  options.roots[0] = other_root->pem;
  options.roots[1] = intermediate->pem;
  options.roots[2] = root->pem;
  accept("the right root among several", &options);
}

static void test_names(void) {
  const struct wish wishes[] = {{.name = "a", .dns = "*.example"},
                                {.name = "b", .dns = "CAMERA.Example"},
                                {.name = "c", .dns = HOST, .ip = "192.0.2.7"}};
  struct session_options options = defaults();
  for (size_t i = 0; i < 3; i++) {
    struct certificate *made = issue(&wishes[i], root);
    options.chain = made->pem;
    options.key = made->key;
    options.host = HOST;
    accept(wishes[i].dns, &options);
    options.host = "192.0.2.7";
    if (wishes[i].ip) accept("an address", &options);
    options.host = "192.0.2.8";
    refuse("another address", &options, TLS_ERROR_NAME_MISMATCH, MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
    discard(made);
  }
}

static void test_addresses(void) {
  tap_case("addresses are told from names");
  uint8_t address[16];
  static const char *const none[] = {
      "",    "1.2.3",   "1.2.3.4.5", "1.2.3.256",         "1.2.3.4x",          "a.b.c.d",   ":",
      "1:2", "1::2::3", "::12345",   "1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8", "fe80::1%0", "example:443"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    CHECK(tls_verify_parse_address(none[i], address) == 0, "%s", none[i]);
  CHECK_EQUAL(tls_verify_parse_address("127.0.0.1", address), 4);
  CHECK(!memcmp(address, "\x7f\0\0\1", 4), "127.0.0.1");
  CHECK_EQUAL(tls_verify_parse_address("2001:db8::ff:1", address), 16);
  CHECK(!memcmp(address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\xff\0\1", 16), "2001:db8::ff:1");
  CHECK_EQUAL(tls_verify_parse_address("::", address), 16);
  CHECK_EQUAL(tls_verify_parse_address("1:2:3:4:5:6:7:8", address), 16);
  CHECK(!memcmp(address, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\x08", 16), "eight groups");
}

static void open_fails(const char *name, const struct session_options *options, tls_error error) {
  tap_case("nothing is sent: %s: %s", name, tls_error_name(error));
  struct session *session = session_open(options);
  CHECK_ERROR(session, error);
  CHECK(!move_up(session), "something was");
  CHECK_EQUAL(tls_engine_wanted(session->engine), 0);
  session_close(session);
}

static void test_options(void) {
  struct session_options options = defaults();
  options.time = 1;
  open_fails("the clock is not set", &options, TLS_ERROR_NO_TIME);
  options = defaults();
  options.roots[0] = NULL;
  open_fails("no roots", &options, TLS_ERROR_BAD_ROOTS);
#if !defined(MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK)
  options.roots[0] = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
  open_fails("a root that is none", &options, TLS_ERROR_BAD_ROOTS);
#endif
  options = defaults();
  options.host = "";
  open_fails("no name", &options, TLS_ERROR_BAD_OPTIONS);
  options.host = HOST;
  options.client_key = leaf->key;
  open_fails("a key without a certificate", &options, TLS_ERROR_BAD_CLIENT_CERTIFICATE);
  options.client_chain = "no certificate";
  open_fails("a certificate that is none", &options, TLS_ERROR_BAD_CLIENT_CERTIFICATE);
  options = defaults();
  options.protocols[0] = "a name of a protocol that is far too long";
  open_fails("a protocol's name that is too long", &options, TLS_ERROR_BAD_OPTIONS);
}

static void test_protocols(void) {
  struct session_options options = defaults();
  options.server_protocols[0] = "http/1.1";
  accept("no protocol, of a server that has one", &options);
  options.server_protocols[0] = NULL;
  options.protocols[0] = "x-amzn-mqtt-ca";
  refuse("the server knows no ALPN", &options, TLS_ERROR_NO_APPLICATION_PROTOCOL,
         MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
  options.server_protocols[0] = "http/1.1";
  tap_case("%srefused by the server: another protocol", version);
  struct session *session = session_open(&options);
  session_run(session);
  CHECK_ERROR(session, TLS_ERROR_NO_APPLICATION_PROTOCOL);
  CHECK_EQUAL(status(session)->alert, MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
  session_close(session);
  options.server_protocols[1] = "x-amzn-mqtt-ca";
  accept("the protocol that both know", &options);
}

static void test_client(struct certificate *client, const char *name) {
  struct session_options options = defaults();
  options.client_roots = root->pem;
  options.client_chain = client->pem;
  options.client_key = client->key;
  accept(name, &options);
  struct session *session;
  // In TLS 1.3 mbedTLS's server says it with a key that no client uses any more.
  if (TLS_LIBRARY_MAJOR == 2 || only_tls12) {
    options.client_roots = other_root->pem;
    tap_case("%sa client's certificate that the server does not know: PeerAlert (%s)", version, name);
    session = session_open(&options);
    session_run(session);
    CHECK_ERROR(session, TLS_ERROR_PEER_ALERT);
    CHECK_EQUAL(status(session)->alert, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
    session_close(session);
  }

  tap_case("%sthe key's owner may leave during the handshake (%s)", version, name);
  options.client_roots = root->pem;
  uint8_t der[TLS_KEY_DER_SIZE];
  size_t length = tls_key_export(client->key, der, sizeof der);
  options.client_key = tls_key_import(der + sizeof der - length, length);
  CHECK(options.client_key &&
            tls_key_matches(options.client_key, (uint8_t *)client->pem, strlen(client->pem) + 1),
        "another key");
  session = session_open(&options);
  tls_key_release(options.client_key);
  session_run(session);
  CHECK(status(session)->connected && session->peer.connected, "no session");
  session_close(session);
}

static void test_keys(void) {
  tap_case("keys: the right certificate, names, requests");
  char pem[TLS_KEY_CSR_SIZE];
  tls_key *key = tls_key_generate();
  CHECK(tls_key_matches(leaf->key, (uint8_t *)leaf->pem, strlen(leaf->pem) + 1), "its own");
  CHECK(!tls_key_matches(key, (uint8_t *)leaf->pem, strlen(leaf->pem) + 1), "another's");
  CHECK(!tls_key_matches(key, (uint8_t *)"x", 2), "none");
  CHECK(tls_key_write_csr(key, "camera-1:a_b.c", pem, sizeof pem) && strstr(pem, "BEGIN CERTIFICATE REQUEST"),
        "no request");
  CHECK(!tls_key_write_csr(key, "a,O=b", pem, sizeof pem) && !tls_key_write_csr(key, "", pem, sizeof pem),
        "a name to quote");
  CHECK(!tls_key_import((uint8_t *)leaf->pem, strlen(leaf->pem) + 1), "a certificate is no key");
  tls_key_release(key);
}

// The key of RFC 6979, A.2.5, as SEC 1, and its public half as SubjectPublicKeyInfo.
static const uint8_t known_key[] = {
    0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20, 0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b, 0x5c,
    0x21, 0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8, 0x9b, 0x12, 0x7b, 0x8a, 0x62,
    0x2b, 0x12, 0x0f, 0x67, 0x21, 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
};
static const uint8_t known_public_key[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb,
    0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2,
    0x9f, 0xb6, 0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2,
    0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99,
};

// A known answer as the digest: SHA-256 of "sample" (RFC 6979).
static const uint8_t sample_digest[32] = {
    0xaf, 0x2b, 0xdb, 0xe1, 0xaa, 0x9b, 0x6e, 0xc1, 0xe2, 0xad, 0xe1, 0xd6, 0x94, 0xf4, 0x1f, 0xc7,
    0x1a, 0x83, 0x1d, 0x02, 0x68, 0xe9, 0x89, 0x15, 0x62, 0x11, 0x3d, 0x8a, 0x62, 0xad, 0xd1, 0xbf,
};

static bool is_signature(tls_key *key, const uint8_t *digest, const uint8_t *signature, size_t length) {
  return mbedtls_pk_verify(&key->pk, MBEDTLS_MD_SHA256, digest, sizeof sample_digest, signature, length) == 0;
}

static void test_signatures(void) {
  tap_case("keys: signatures, and the public half");
  uint8_t buffer[TLS_KEY_PUBLIC_SIZE], signature[TLS_KEY_SIGNATURE_SIZE];
  tls_key *keys[] = {tls_key_import(known_key, sizeof known_key), tls_key_generate(), generate_rsa(2048)};
  size_t length = tls_key_export_public(keys[0], buffer, sizeof buffer);
  CHECK_EQUAL(length, sizeof known_public_key);
  CHECK(memcmp(buffer + sizeof buffer - length, known_public_key, length) == 0, "another public key");
  CHECK_EQUAL(tls_key_export_public(keys[0], buffer, sizeof known_public_key - 1), 0);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    length = tls_key_sign(keys[i], (const uint8_t *)"sample", 6, signature, sizeof signature);
    CHECK(length > 0 && is_signature(keys[i], sample_digest, signature, length), "key %zu: no signature", i);
    length = tls_key_sign(keys[i], (const uint8_t *)"sampld", 6, signature, sizeof signature);
    CHECK(length > 0 && !is_signature(keys[i], sample_digest, signature, length), "key %zu: of something else", i);
    CHECK_EQUAL(tls_key_sign(keys[i], (const uint8_t *)"sample", 6, signature, 8), 0);
    tls_key_release(keys[i]);
  }
}

// RSA and larger curves, on either side.
static void test_key_types(void) {
  struct certificate *rsa = certify(generate_rsa(2048), &(struct wish){.name = HOST, .dns = HOST}, root);
  struct certificate *rsa_client = certify(generate_rsa(2048), &(struct wish){.name = "client"}, root);
  struct certificate *weak = certify(generate_rsa(1024), &(struct wish){.name = HOST, .dns = HOST}, root);
  struct certificate *rsa_root =
      certify(generate_rsa(2048), &(struct wish){.name = "RSA", .authority = true}, NULL);
  struct certificate *child = issue(&(struct wish){.name = HOST, .dns = HOST}, rsa_root);
  struct session_options options = defaults();
  options.chain = rsa->pem;
  options.key = rsa->key;
  accept("a server with an RSA key", &options);
  options.chain = weak->pem;
  options.key = weak->key;
  refuse("a server with an RSA key of 1024 bits", &options, TLS_ERROR_WEAK_KEY,
         MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT);
  options.chain = child->pem;
  options.key = child->key;
  options.roots[0] = rsa_root->pem;
  accept("an RSA root", &options);
  test_client(rsa_client, "a client with an RSA key");
  discard(child);
  discard(rsa_root);
  discard(weak);
  discard(rsa_client);
  discard(rsa);
}

static void test_sessions(void) {
  test_leaves();
  test_chains();
  test_names();
  test_protocols();
  struct certificate *client = issue(&(struct wish){.name = "client"}, root);
  test_client(client, "a client with a P-256 key");
  discard(client);
  test_key_types();
}

int main(void) {
  if (!tls_crypto_start()) return 1;
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  other_root = issue(&(struct wish){.name = "Other Root", .authority = true}, NULL);
  intermediate = issue(&(struct wish){.name = "Intermediate", .authority = true}, root);
  leaf = issue(&(struct wish){.name = HOST, .dns = HOST}, root);
  test_options();
  test_addresses();
  test_keys();
  test_signatures();
  test_sessions();
  if (TLS_LIBRARY_MAJOR > 2) {
    only_tls12 = true;
    version = "TLS 1.2: ";
    test_sessions();
  }
  discard(leaf);
  discard(intermediate);
  discard(other_root);
  discard(root);
  return tap_done();
}
