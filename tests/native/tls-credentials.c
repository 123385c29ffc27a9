// What is handed in as certificate, key and roots: what is mended, what is refused under which name, and that the
// engine takes what was called good.
// sources: native/tls/tls-*.c
// libs: -lmbedtls -lmbedx509 -lmbedcrypto
#include "tls-peer.h"

#include "../../native/tls/tls-credentials.h"

#define HOST "camera.example"
#define DAY 86400000

static struct certificate *root, *intermediate, *leaf, *below;
static char key_pem[TLS_KEY_PEM_SIZE];

#define CHECK_VERDICT(actual, expected)                                                       \
  do {                                                                                        \
    tls_verdict verdict_is = (actual);                                                        \
    CHECK(verdict_is == (expected), "%s instead of %s", tls_credentials_verdict_name(verdict_is), \
          tls_credentials_verdict_name(expected));                                            \
  } while (0)

static tls_verdict mend(const char *text, tls_pem_kind kind, char *mended) {
  size_t length = 0, again = 0;
  tls_verdict verdict = tls_pem_mend(text, strlen(text), kind, NULL, 0, &length);
  if (verdict != TLS_VERDICT_GOOD) return verdict;
  // Exactly so much, so that a byte more would be seen.
  char *exact = malloc(length + 1);
  CHECK_VERDICT(tls_pem_mend(text, strlen(text), kind, exact, length + 1, &again), TLS_VERDICT_GOOD);
  CHECK_EQUAL(again, length);
  CHECK_EQUAL(strlen(exact), length);
  if (mended) strcpy(mended, exact);
  free(exact);
  // No part of a text that does not fit.
  char *small = malloc(length);
  CHECK_VERDICT(tls_pem_mend(text, strlen(text), kind, small, length, &again), TLS_VERDICT_GOOD);
  CHECK_EQUAL(again, length);
  CHECK_EQUAL(*small, 0);
  free(small);
  return verdict;
}

// Replaces each `from` in a copy of the text.
static char *replaced(const char *text, const char *from, const char *to) {
  static char buffers[4][4 * PEM_SIZE];
  static int next;
  char *out = buffers[next++ % 4], *at = out;
  while (*text) {
    if (strncmp(text, from, strlen(from)) == 0) {
      at = stpcpy(at, to);
      text += strlen(from);
    } else
      *at++ = *text++;
  }
  *at = '\0';
  return out;
}

static char *joined(const char *a, const char *b, const char *c) {
  static char buffers[4][3 * PEM_SIZE];
  static int next;
  char *out = buffers[next++ % 4];
  snprintf(out, sizeof *buffers, "%s%s%s", a, b, c);
  return out;
}

static void mends(const char *name, const char *text, tls_pem_kind kind, const char *expected) {
  char mended[3 * PEM_SIZE] = "";
  tap_case("mended: %s", name);
  CHECK_VERDICT(mend(text, kind, mended), TLS_VERDICT_GOOD);
  CHECK(strcmp(mended, expected) == 0, "%s", mended);
}

static void test_mending(void) {
  const char *pem = leaf->pem;
  mends("nothing", pem, TLS_PEM_CERTIFICATES, pem);
  mends("CRLF", replaced(pem, "\n", "\r\n"), TLS_PEM_CERTIFICATES, pem);
  mends("CR", replaced(pem, "\n", "\r"), TLS_PEM_CERTIFICATES, pem);
  mends("escaped line ends", replaced(pem, "\n", "\\n"), TLS_PEM_CERTIFICATES, pem);
  mends("escaped CRLF", replaced(pem, "\n", "\\r\\n"), TLS_PEM_CERTIFICATES, pem);
  mends("line ends that were escaped twice", replaced(pem, "\n", "\\\\n"), TLS_PEM_CERTIFICATES, pem);
  mends("escaped tabs", replaced(pem, "\n", "\\n\\t"), TLS_PEM_CERTIFICATES, pem);
  mends("indented by spaces", joined("    ", replaced(pem, "\n", "\n    "), ""), TLS_PEM_CERTIFICATES, pem);
  mends("indented by tabs", joined("\t", replaced(pem, "\n", "\n\t"), ""), TLS_PEM_CERTIFICATES, pem);
  mends("spaces for line ends", replaced(pem, "\n", " "), TLS_PEM_CERTIFICATES, pem);
  mends("no line ends", replaced(pem, "\n", ""), TLS_PEM_CERTIFICATES, pem);
  mends("empty lines, form feeds", replaced(pem, "\n", "\n\n\f\v"), TLS_PEM_CERTIFICATES, pem);
  mends("a byte order mark", joined("\xef\xbb\xbf", pem, ""), TLS_PEM_CERTIFICATES, pem);
  mends("no line end at the end", joined("", "", replaced(pem, "ATE-----\n", "ATE-----")), TLS_PEM_CERTIFICATES, pem);
  mends("quoted", joined("\"", pem, "\""), TLS_PEM_CERTIFICATES, pem);
  mends("text around it", joined("Bag Attributes\n  friendlyName: -----x\n", pem, "-----\nend -----BEGIN of"),
        TLS_PEM_CERTIFICATES, pem);
  mends("an older name", replaced(pem, "CERTIFICATE", "X509 CERTIFICATE"), TLS_PEM_CERTIFICATES, pem);
  mends("two, with text between", joined(below->pem, "text\n", intermediate->pem), TLS_PEM_CERTIFICATES,
        joined(below->pem, "", intermediate->pem));
  mends("two without a line end", joined(replaced(below->pem, "\n", ""), "", intermediate->pem),
        TLS_PEM_CERTIFICATES, joined(below->pem, "", intermediate->pem));
  mends("a key", key_pem, TLS_PEM_KEY, key_pem);
  mends("a key with its parameters",
        joined("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", key_pem, ""),
        TLS_PEM_KEY, key_pem);
}

static void test_every_length(void) {
  tap_case("mended: lines of 64 characters, whatever the length");
  char text[512], mended[512], body[300];
  for (size_t length = 4; length <= 264; length += 4) {
    memset(body, 'A', length);
    body[length] = '\0';
    snprintf(text, sizeof text, "-----BEGIN CERTIFICATE-----%s-----END CERTIFICATE-----", body);
    CHECK_VERDICT(mend(text, TLS_PEM_CERTIFICATES, mended), TLS_VERDICT_GOOD);
    size_t lines = (length + 63) / 64;
    CHECK_EQUAL(strlen(mended), 28 + 26 + length + lines);
    for (size_t line = 1; line <= lines; line++) {
      size_t end = 28 + line * 65 - 1 < 28 + length + lines - 1 ? 28 + line * 65 - 1 : 28 + length + lines - 1;
      CHECK(mended[end] == '\n', "%zu, line %zu", length, line);
    }
  }
}

static void refuses(const char *name, const char *text, tls_pem_kind kind, tls_verdict verdict) {
  tap_case("no PEM: %s: %s", name, tls_credentials_verdict_name(verdict));
  CHECK_VERDICT(mend(text, kind, NULL), verdict);
}

static const char *labelled(const char *label) {
  static char text[400];
  snprintf(text, sizeof text, "-----BEGIN %s-----\nMIIB\n-----END %s-----\n", label, label);
  return text;
}

static void test_refusals(void) {
  const tls_pem_kind certificates = TLS_PEM_CERTIFICATES, key = TLS_PEM_KEY;
  refuses("nothing", "", certificates, TLS_VERDICT_NO_PEM);
  refuses("a path", "/certs/AmazonRootCA1.pem", certificates, TLS_VERDICT_NO_PEM);
  refuses("a short word", "MIIBKDCBzgIUPvntiF", certificates, TLS_VERDICT_NO_PEM);
  char digits[66] = "";
  memset(digits, 'M', 63);
  refuses("63 characters", digits, certificates, TLS_VERDICT_NO_PEM);
  digits[63] = '=';
  refuses("64 characters of base64", digits, certificates, TLS_VERDICT_NO_ARMOUR);
  refuses("base64 in lines", joined(digits, "\r\n", digits), key, TLS_VERDICT_NO_ARMOUR);
  refuses("base64 and something", joined(digits, "\n.", digits), certificates, TLS_VERDICT_NO_PEM);
  refuses("four dashes", "----BEGIN CERTIFICATE----\nMIIB\n----END CERTIFICATE----\n", certificates, TLS_VERDICT_NO_PEM);
  refuses("no end", "-----BEGIN CERTIFICATE-----\nMIIB\n", certificates, TLS_VERDICT_NO_END);
  refuses("an end of something else", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END PRIVATE KEY-----\n", certificates,
          TLS_VERDICT_NO_END);
  refuses("an end without dashes", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE\n", certificates,
          TLS_VERDICT_NO_END);
  refuses("another begin", "-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN CERTIFICATE-----\n", certificates,
          TLS_VERDICT_NO_END);
  static const char *const bodies[] = {"", "MII", "MIIBA", "MII=A", "MI===", "====", "MI.B", "MI_B", "\\", "MI\\qB", "MIIB\xc2\xa0"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    refuses(bodies[i], joined("-----BEGIN CERTIFICATE-----\n", bodies[i], "\n-----END CERTIFICATE-----\n"), certificates,
            TLS_VERDICT_BAD_BASE64);
  refuses("a request", labelled("CERTIFICATE REQUEST"), certificates, TLS_VERDICT_IS_REQUEST);
  refuses("an older request", labelled("NEW CERTIFICATE REQUEST"), certificates, TLS_VERDICT_IS_REQUEST);
  refuses("a request as key", labelled("CERTIFICATE REQUEST"), key, TLS_VERDICT_IS_REQUEST);
  refuses("a public key", labelled("PUBLIC KEY"), certificates, TLS_VERDICT_IS_PUBLIC_KEY);
  refuses("a public key as key", labelled("RSA PUBLIC KEY"), key, TLS_VERDICT_IS_PUBLIC_KEY);
  refuses("a key as certificate", key_pem, certificates, TLS_VERDICT_IS_PRIVATE_KEY);
  refuses("an encrypted key as certificate", labelled("ENCRYPTED PRIVATE KEY"), certificates, TLS_VERDICT_IS_PRIVATE_KEY);
  refuses("a certificate as key", leaf->pem, key, TLS_VERDICT_IS_CERTIFICATE);
  refuses("an encrypted key", labelled("ENCRYPTED PRIVATE KEY"), key, TLS_VERDICT_ENCRYPTED);
  refuses("an older encrypted key",
          // In two parts, so that nobody takes it for a key.
          "-----BEGIN EC " "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END EC PRIVATE KEY-----\n",
          key, TLS_VERDICT_ENCRYPTED);
  refuses("a key of OpenSSH", labelled("OPENSSH PRIVATE KEY"), key, TLS_VERDICT_IS_OTHER);
  refuses("a list of revoked ones", labelled("X509 CRL"), certificates, TLS_VERDICT_IS_OTHER);
  refuses("parameters alone", labelled("EC PARAMETERS"), key, TLS_VERDICT_NO_PEM);
  refuses("parameters as certificate", labelled("EC PARAMETERS"), certificates, TLS_VERDICT_IS_OTHER);
  refuses("two keys", joined(key_pem, "", key_pem), key, TLS_VERDICT_SEVERAL_KEYS);
  refuses("certificate and key", joined(leaf->pem, "", key_pem), certificates, TLS_VERDICT_IS_PRIVATE_KEY);
  refuses("the second one was cut", joined(leaf->pem, "", "-----BEGIN CERTIFICATE-----\nMIIB"), certificates, TLS_VERDICT_NO_END);
  refuses("a label that is too long", labelled("CERTIFICATE OF A CERTAIN LENGTH THAT NOBODY KNOWS"), certificates, TLS_VERDICT_NO_PEM);
}

static void test_every_cut(void) {
  tap_case("a certificate that was cut anywhere is refused, or the same");
  char text[PEM_SIZE], mended[PEM_SIZE];
  size_t end = strlen(leaf->pem) - 1;
  for (size_t length = 0; length <= end; length++) {
    memcpy(text, leaf->pem, length);
    text[length] = '\0';
    tls_verdict verdict = mend(text, TLS_PEM_CERTIFICATES, mended);
    if (length < end) CHECK(verdict == TLS_VERDICT_NO_PEM || verdict == TLS_VERDICT_NO_END, "%zu: %d", length, verdict);
  }
  CHECK(strcmp(mended, leaf->pem) == 0, "the whole");
}

static const char *pem_of(const tls_key *key) {
  static char pem[TLS_KEY_PEM_SIZE];
  CHECK(tls_key_export_pem(key, pem, sizeof pem), "no PEM");
  return pem;
}

static tls_key *generate_on(psa_ecc_family_t family, size_t bits) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(family));
  psa_set_key_bits(&attributes, bits);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY);
  psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
  tls_key *key = mbedtls_calloc(1, sizeof *key);
  key->references = 1;
  mbedtls_pk_init(&key->pk);
#if TLS_LIBRARY_MAJOR >= 4
  psa_key_id_t id;
  if (psa_generate_key(&attributes, &id) || mbedtls_pk_copy_from_psa(id, &key->pk)) abort();
  psa_destroy_key(id);
#else
  mbedtls_ecp_group_id group = family == PSA_ECC_FAMILY_SECP_K1         ? MBEDTLS_ECP_DP_SECP256K1
                               : family == PSA_ECC_FAMILY_BRAINPOOL_P_R1 ? MBEDTLS_ECP_DP_BP256R1
                               : bits == 256                             ? MBEDTLS_ECP_DP_SECP256R1
                               : bits == 384                             ? MBEDTLS_ECP_DP_SECP384R1
                                                                         : MBEDTLS_ECP_DP_SECP521R1;
  if (mbedtls_pk_setup(&key->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
      mbedtls_ecp_gen_key(group, mbedtls_pk_ec(key->pk), tls_compat_random, NULL))
    abort();
#endif
  return key;
}

// Does a server take a client with this certificate and key, and the client a server with this root?
static bool connects(const struct certificate *client, const char *client_chain, const char *server_roots) {
  struct session_options options = {.host = HOST,
                                    .roots = {server_roots},
                                    .chain = leaf->pem,
                                    .key = leaf->key,
                                    .client_chain = client_chain,
                                    .client_roots = root->pem,
                                    .client_key = client->key};
  struct session *session = session_open(&options);
  session_run(session);
  bool is_connected = status(session)->connected && session->peer.connected;
  session_close(session);
  return is_connected;
}

static void test_keys(void) {
  static const struct {
    const char *name;
    psa_ecc_family_t family;
    size_t bits;
    tls_verdict verdict;
  } keys[] = {
      {"P-256", PSA_ECC_FAMILY_SECP_R1, 256, TLS_VERDICT_GOOD},
      {"P-384", PSA_ECC_FAMILY_SECP_R1, 384, TLS_VERDICT_GOOD},
      {"P-521", PSA_ECC_FAMILY_SECP_R1, 521, TLS_VERDICT_GOOD},
      {"secp256k1", PSA_ECC_FAMILY_SECP_K1, 256, TLS_VERDICT_CURVE},
      {"brainpoolP256r1", PSA_ECC_FAMILY_BRAINPOOL_P_R1, 256, TLS_VERDICT_CURVE},
      {"RSA of 2048 bits", 0, 2048, TLS_VERDICT_GOOD},
      {"RSA of 2040 bits", 0, 2040, TLS_VERDICT_SHORT_KEY},
      {"RSA of 1024 bits", 0, 1024, TLS_VERDICT_SHORT_KEY},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    tap_case("key: %s: %s", keys[i].name, tls_credentials_verdict_name(keys[i].verdict));
    tls_key *key = keys[i].family ? generate_on(keys[i].family, keys[i].bits) : generate_rsa(keys[i].bits);
    struct certificate *made = certify(key, &(struct wish){.name = "client"}, root);
    char pem[TLS_KEY_PEM_SIZE];
    strcpy(pem, pem_of(key));
    CHECK_VERDICT(tls_credentials_judge_key(pem), keys[i].verdict);
    CHECK_VERDICT(tls_credentials_judge_chain(made->pem, pem, 0), keys[i].verdict);
    tls_key *imported = tls_key_import((uint8_t *)pem, strlen(pem) + 1);
    CHECK((imported != NULL) == (keys[i].verdict == TLS_VERDICT_GOOD), "import");
    tls_key_release(imported);
    if (keys[i].verdict == TLS_VERDICT_GOOD) CHECK(connects(made, made->pem, root->pem), "called good, but no session");
    discard(made);
  }
  tap_case("key: what is none: Unreadable");
  CHECK_VERDICT(tls_credentials_judge_key(labelled("PRIVATE KEY")), TLS_VERDICT_UNREADABLE);
  CHECK_VERDICT(tls_credentials_judge_key(""), TLS_VERDICT_UNREADABLE);
  CHECK_VERDICT(tls_key_judge_public((const uint8_t *)"\x30\x03\x02\x01\x01", 5, 2048), TLS_VERDICT_UNREADABLE);
  CHECK_VERDICT(tls_key_judge_public((const uint8_t *)"\x02\x01\x01", 3, 2048), TLS_VERDICT_UNREADABLE);
}

static void chain(const char *name, const char *text, const char *key, int64_t time, tls_verdict verdict) {
  tap_case("chain: %s: %s", name, tls_credentials_verdict_name(verdict));
  CHECK_VERDICT(tls_credentials_judge_chain(text, key, time), verdict);
}

static void test_chains(void) {
  char below_key[TLS_KEY_PEM_SIZE];
  strcpy(below_key, pem_of(below->key));
  const char *whole = joined(below->pem, intermediate->pem, root->pem);
  chain("one certificate", leaf->pem, key_pem, TEST_TIME, TLS_VERDICT_GOOD);
  chain("with its issuer", joined(below->pem, intermediate->pem, ""), below_key, TEST_TIME, TLS_VERDICT_GOOD);
  chain("with root", whole, below_key, TEST_TIME, TLS_VERDICT_GOOD);
  CHECK(connects(below, joined(below->pem, intermediate->pem, ""), root->pem), "called good, but no session");
  chain("for another key", leaf->pem, below_key, TEST_TIME, TLS_VERDICT_OTHER_KEY);
  chain("none of it for this key", whole, key_pem, TEST_TIME, TLS_VERDICT_OTHER_KEY);
  chain("the wrong way round", joined(intermediate->pem, below->pem, ""), below_key, TEST_TIME, TLS_VERDICT_NOT_FIRST);
  chain("root before issuer", joined(below->pem, root->pem, intermediate->pem), below_key, TEST_TIME,
        TLS_VERDICT_BROKEN_CHAIN);
  chain("a stranger behind", joined(leaf->pem, intermediate->pem, ""), key_pem, TEST_TIME, TLS_VERDICT_BROKEN_CHAIN);
  chain("a stranger behind the issuer", joined(below->pem, intermediate->pem, leaf->pem), below_key, TEST_TIME,
        TLS_VERDICT_BROKEN_CHAIN);
  struct certificate *imposter = issue(&(struct wish){.name = "Intermediate", .authority = true}, root);
  chain("an issuer that only has the name", joined(below->pem, imposter->pem, ""), below_key, TEST_TIME,
        TLS_VERDICT_BROKEN_CHAIN);
  discard(imposter);
  chain("one that is none", joined(leaf->pem, labelled("CERTIFICATE"), ""), key_pem, TEST_TIME, TLS_VERDICT_UNREADABLE);
  chain("none at all", labelled("CERTIFICATE"), key_pem, TEST_TIME, TLS_VERDICT_UNREADABLE);
  chain("a key that is none", leaf->pem, labelled("PRIVATE KEY"), TEST_TIME, TLS_VERDICT_UNREADABLE);
}

// YEAR_START and YEAR_END, in milliseconds since 1970.
#define FIRST_TIME 1767225600000
#define LAST_TIME 1798761599000

static void test_dates(void) {
  chain("in its last second", leaf->pem, key_pem, LAST_TIME, TLS_VERDICT_GOOD);
  chain("a second later", leaf->pem, key_pem, LAST_TIME + 1000, TLS_VERDICT_EXPIRED);
  chain("a year later", leaf->pem, key_pem, TEST_TIME + 365LL * DAY, TLS_VERDICT_EXPIRED);
  chain("in its first second", leaf->pem, key_pem, FIRST_TIME, TLS_VERDICT_GOOD);
  chain("a clock that is a day late", leaf->pem, key_pem, FIRST_TIME - DAY, TLS_VERDICT_GOOD);
  chain("a clock that is a second later", leaf->pem, key_pem, FIRST_TIME - DAY - 1000, TLS_VERDICT_NOT_YET_VALID);
  chain("a clock that is not set", leaf->pem, key_pem, 0, TLS_VERDICT_GOOD);
  struct certificate *old = issue(&(struct wish){.name = "Old", .authority = true, .to = "20260501000000"}, root);
  struct certificate *child = issue(&(struct wish){.name = "child"}, old);
  chain("its issuer has expired", joined(child->pem, old->pem, ""), pem_of(child->key), TEST_TIME, TLS_VERDICT_EXPIRED);
  discard(child);
  discard(old);
}

static void test_signatures(void) {
  static const struct {
    const char *name;
    mbedtls_md_type_t digest;
    tls_verdict verdict;
  } digests[] = {{"SHA-1", MBEDTLS_MD_SHA1, TLS_VERDICT_WEAK_SIGNATURE},
                 {"SHA-224", MBEDTLS_MD_SHA224, TLS_VERDICT_WEAK_SIGNATURE},
                 {"SHA-256", MBEDTLS_MD_SHA256, TLS_VERDICT_GOOD},
                 {"SHA-384", MBEDTLS_MD_SHA384, TLS_VERDICT_GOOD},
                 {"SHA-512", MBEDTLS_MD_SHA512, TLS_VERDICT_GOOD}};
  for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
    struct certificate *made =
        certify(tls_key_generate(), &(struct wish){.name = "client", .digest = digests[i].digest}, root);
    chain(digests[i].name, made->pem, pem_of(made->key), TEST_TIME, digests[i].verdict);
    discard(made);
  }
}

static void roots(const char *name, const char *text, int64_t time, tls_verdict verdict) {
  tap_case("roots: %s: %s", name, tls_credentials_verdict_name(verdict));
  CHECK_VERDICT(tls_credentials_judge_roots(text, time), verdict);
}

static void test_roots(void) {
  roots("one", root->pem, TEST_TIME, TLS_VERDICT_GOOD);
  CHECK(connects(leaf, leaf->pem, root->pem), "called good, but no session");
  roots("an authority below another", intermediate->pem, TEST_TIME, TLS_VERDICT_GOOD);
  roots("a leaf", leaf->pem, TEST_TIME, TLS_VERDICT_NO_AUTHORITY);
  roots("a leaf and its root", joined(leaf->pem, root->pem, ""), TEST_TIME, TLS_VERDICT_GOOD);
  roots("a chain that lacks its root", joined(leaf->pem, below->pem, ""), TEST_TIME, TLS_VERDICT_NO_AUTHORITY);
  roots("none", labelled("CERTIFICATE"), TEST_TIME, TLS_VERDICT_UNREADABLE);
  roots("one of two is none", joined(root->pem, labelled("CERTIFICATE"), ""), TEST_TIME, TLS_VERDICT_UNREADABLE);
  roots("in its last second", root->pem, LAST_TIME, TLS_VERDICT_GOOD);
  roots("a second later", root->pem, LAST_TIME + 1000, TLS_VERDICT_EXPIRED);
  roots("a clock that is more than a day late", root->pem, FIRST_TIME - DAY - 1000, TLS_VERDICT_NOT_YET_VALID);
  roots("a clock that is not set", root->pem, 0, TLS_VERDICT_GOOD);
  struct certificate *old = issue(&(struct wish){.name = "Old", .authority = true, .to = "20260501000000"}, NULL);
  roots("one has expired", joined(old->pem, root->pem, ""), TEST_TIME, TLS_VERDICT_GOOD);
  roots("the last has expired", joined(root->pem, old->pem, ""), TEST_TIME, TLS_VERDICT_GOOD);
  roots("all have expired", joined(old->pem, old->pem, ""), TEST_TIME, TLS_VERDICT_EXPIRED);
  discard(old);
  struct certificate *self = issue(&(struct wish){.name = HOST, .dns = HOST}, NULL);
  roots("a server that vouches for itself", self->pem, TEST_TIME, TLS_VERDICT_GOOD);
  struct session_options options = {.host = HOST, .roots = {self->pem}, .chain = self->pem, .key = self->key};
  struct session *session = session_open(&options);
  session_run(session);
  CHECK(status(session)->connected, "called good, but no session");
  session_close(session);
  discard(self);
  struct certificate *weak =
      certify(generate_rsa(1024), &(struct wish){.name = "Weak", .authority = true}, NULL);
  roots("a key of 1024 bits", weak->pem, TEST_TIME, TLS_VERDICT_SHORT_KEY);
  discard(weak);
  struct certificate *odd = certify(generate_on(PSA_ECC_FAMILY_SECP_K1, 256),
                                    &(struct wish){.name = "Odd", .authority = true}, NULL);
  roots("a curve of Bitcoin's", odd->pem, TEST_TIME, TLS_VERDICT_CURVE);
  discard(odd);
}

static void test_names(void) {
  tap_case("every verdict has a name of its own");
  for (int i = 0; i < TLS_VERDICT_COUNT; i++)
    for (int j = 0; j < i; j++)
      CHECK(strcmp(tls_credentials_verdict_name(i), tls_credentials_verdict_name(j)) != 0, "%d and %d", i, j);
  CHECK(strcmp(tls_credentials_verdict_name(TLS_VERDICT_COUNT), "") == 0, "there are no more");
}

int main(void) {
  if (!tls_crypto_start()) return 1;
  root = issue(&(struct wish){.name = "Root", .authority = true}, NULL);
  intermediate = issue(&(struct wish){.name = "Intermediate", .authority = true}, root);
  leaf = issue(&(struct wish){.name = HOST, .dns = HOST}, root);
  below = issue(&(struct wish){.name = HOST, .dns = HOST}, intermediate);
  strcpy(key_pem, pem_of(leaf->key));
  test_mending();
  test_every_length();
  test_refusals();
  test_every_cut();
  test_keys();
  test_chains();
  test_dates();
  test_signatures();
  test_roots();
  test_names();
  discard(below);
  discard(leaf);
  discard(intermediate);
  discard(root);
  return tap_done();
}
