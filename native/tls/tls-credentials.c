#include "tls-credentials.h"

#include "tls-key.h"
#include "tls-verify.h"

#include <string.h>

// A clock may be that far behind the one of whoever made the certificate. Milliseconds.
#define PATIENCE 86400000

static tls_verdict parse(mbedtls_x509_crt *chain, const char *text) {
  mbedtls_x509_crt_init(chain);
  int result = mbedtls_x509_crt_parse(chain, (const uint8_t *)text, strlen(text) + 1);
  if (result == 0) return TLS_VERDICT_GOOD;
  return tls_compat_is_out_of_memory(result) ? TLS_VERDICT_OUT_OF_MEMORY : TLS_VERDICT_UNREADABLE;
}

static tls_key *read_key(const char *text, tls_verdict *verdict) {
  return tls_key_read((const uint8_t *)text, strlen(text) + 1, verdict);
}

tls_verdict tls_credentials_judge_key(const char *text) {
  tls_verdict verdict;
  tls_key_release(read_key(text, &verdict));
  return verdict;
}

static tls_verdict judge_dates(const mbedtls_x509_crt *certificate, int64_t time_ms) {
  if (time_ms == 0) return TLS_VERDICT_GOOD;
  if (tls_verify_dates(certificate, time_ms) == MBEDTLS_X509_BADCERT_EXPIRED) return TLS_VERDICT_EXPIRED;
  bool is_early = tls_verify_dates(certificate, time_ms + PATIENCE) == MBEDTLS_X509_BADCERT_FUTURE;
  return is_early ? TLS_VERDICT_NOT_YET_VALID : TLS_VERDICT_GOOD;
}

static bool is_signed_well(const mbedtls_x509_crt *certificate) {
  mbedtls_md_type_t digest = certificate->MBEDTLS_PRIVATE(sig_md);
  return digest == MBEDTLS_MD_SHA256 || digest == MBEDTLS_MD_SHA384 || digest == MBEDTLS_MD_SHA512;
}

// Each of the two as if it were alone: otherwise the library would take others for the issuer.
static bool is_issuer(mbedtls_x509_crt *issuer, mbedtls_x509_crt *certificate) {
  mbedtls_x509_crt *next = issuer->next;
  uint32_t flags = 0;
  certificate->next = issuer->next = NULL;
  mbedtls_x509_crt_verify(certificate, issuer, NULL, NULL, &flags, NULL, NULL);
  certificate->next = issuer;
  issuer->next = next;
  return (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0;
}

static tls_verdict judge_links(mbedtls_x509_crt *certificate, int64_t time_ms) {
  for (; certificate != NULL; certificate = certificate->next) {
    tls_verdict verdict = judge_dates(certificate, time_ms);
    if (verdict != TLS_VERDICT_GOOD) return verdict;
    if (!is_signed_well(certificate)) return TLS_VERDICT_WEAK_SIGNATURE;
    if (certificate->next != NULL && !is_issuer(certificate->next, certificate))
      return TLS_VERDICT_BROKEN_CHAIN;
  }
  return TLS_VERDICT_GOOD;
}

static bool is_for(mbedtls_x509_crt *certificate, tls_key *key) {
  return tls_compat_check_pair(&certificate->pk, &key->pk) == 0;
}

static tls_verdict judge_chain(mbedtls_x509_crt *chain, tls_key *key, int64_t time_ms) {
  if (is_for(chain, key)) return judge_links(chain, time_ms);
  for (mbedtls_x509_crt *other = chain->next; other != NULL; other = other->next)
    if (is_for(other, key)) return TLS_VERDICT_NOT_FIRST;
  return TLS_VERDICT_OTHER_KEY;
}

tls_verdict tls_credentials_judge_chain(const char *text, const char *key_text, int64_t time_ms) {
  mbedtls_x509_crt chain;
  tls_verdict verdict = parse(&chain, text), of_key;
  tls_key *key = read_key(key_text, &of_key);
  if (verdict == TLS_VERDICT_GOOD) verdict = key == NULL ? of_key : judge_chain(&chain, key, time_ms);
  tls_key_release(key);
  mbedtls_x509_crt_free(&chain);
  return verdict;
}

static bool is_issued_by_itself(const mbedtls_x509_crt *certificate) {
  const mbedtls_x509_buf *subject = &certificate->subject_raw, *issuer = &certificate->issuer_raw;
  return subject->len == issuer->len && memcmp(subject->p, issuer->p, issuer->len) == 0;
}

// Who is no authority vouches at most for itself.
static tls_verdict judge_root(mbedtls_x509_crt *root, int64_t time_ms) {
  if (!tls_compat_is_authority(root) && !is_issued_by_itself(root)) return TLS_VERDICT_NO_AUTHORITY;
  tls_verdict verdict =
      tls_key_judge_public(root->pk_raw.p, root->pk_raw.len, mbedtls_pk_get_bitlen(&root->pk));
  return verdict == TLS_VERDICT_GOOD ? judge_dates(root, time_ms) : verdict;
}

// One that is of use will do; otherwise the reason is the first one's.
static tls_verdict judge_roots(mbedtls_x509_crt *roots, int64_t time_ms) {
  for (mbedtls_x509_crt *root = roots; root != NULL; root = root->next)
    if (judge_root(root, time_ms) == TLS_VERDICT_GOOD) return TLS_VERDICT_GOOD;
  return judge_root(roots, time_ms);
}

tls_verdict tls_credentials_judge_roots(const char *text, int64_t time_ms) {
  mbedtls_x509_crt roots;
  tls_verdict verdict = parse(&roots, text);
  if (verdict == TLS_VERDICT_GOOD) verdict = judge_roots(&roots, time_ms);
  mbedtls_x509_crt_free(&roots);
  return verdict;
}

const char *tls_credentials_verdict_name(tls_verdict verdict) {
#define TLS_VERDICT_NAME(code, name) name,
  static const char *const names[] = {TLS_VERDICTS(TLS_VERDICT_NAME)};
#undef TLS_VERDICT_NAME
  return verdict < TLS_VERDICT_COUNT ? names[verdict] : "";
}
