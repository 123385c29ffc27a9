#include "tls-key.h"

#include <string.h>

bool tls_crypto_start(void) {
  return psa_crypto_init() == PSA_SUCCESS;
}

static tls_key *allocate(void) {
  if (!tls_crypto_start()) return NULL;
  tls_key *key = mbedtls_calloc(1, sizeof *key);
  if (key == NULL) return NULL;
  key->references = 1;
  mbedtls_pk_init(&key->pk);
  return key;
}

tls_key *tls_key_generate(void) {
  tls_key *key = allocate();
  if (key == NULL || tls_compat_generate_p256(&key->pk) == 0) return key;
  tls_key_release(key);
  return NULL;
}

static bool is_oid(const mbedtls_asn1_buf *oid, const char *bytes, size_t length) {
  return oid->len == length && memcmp(oid->p, bytes, length) == 0;
}

#define IS_OID(oid, bytes) is_oid(oid, bytes, sizeof(bytes) - 1)

tls_verdict tls_key_judge_public(const uint8_t *info, size_t length, size_t bits) {
  unsigned char *at = (unsigned char *)info, *end = at + length;
  mbedtls_asn1_buf algorithm, curve;
  if (mbedtls_asn1_get_tag(&at, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0 ||
      mbedtls_asn1_get_alg(&at, end, &algorithm, &curve) != 0)
    return TLS_VERDICT_UNREADABLE;
  // rsaEncryption
  if (IS_OID(&algorithm, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"))
    return bits >= TLS_KEY_RSA_BITS ? TLS_VERDICT_GOOD : TLS_VERDICT_SHORT_KEY;
  // P-256, P-384, P-521: for AWS IoT and TLS there are no others.
  return IS_OID(&curve, "\x2a\x86\x48\xce\x3d\x03\x01\x07") || IS_OID(&curve, "\x2b\x81\x04\x00\x22") ||
                 IS_OID(&curve, "\x2b\x81\x04\x00\x23")
             ? TLS_VERDICT_GOOD
             : TLS_VERDICT_CURVE;
}

static tls_verdict judge(const tls_key *key) {
  uint8_t info[TLS_KEY_PUBLIC_SIZE];
  size_t length = tls_key_export_public(key, info, sizeof info);
  if (length == 0) return TLS_VERDICT_UNREADABLE;
  return tls_key_judge_public(info + sizeof info - length, length, mbedtls_pk_get_bitlen(&key->pk));
}

tls_key *tls_key_read(const uint8_t *data, size_t length, tls_verdict *verdict) {
  tls_key *key = allocate();
  *verdict = TLS_VERDICT_OUT_OF_MEMORY;
  if (key == NULL) return NULL;
  int result = tls_compat_parse_key(&key->pk, data, length);
  if (result == 0)
    *verdict = judge(key);
  else if (!tls_compat_is_out_of_memory(result))
    *verdict = TLS_VERDICT_UNREADABLE;
  if (*verdict == TLS_VERDICT_GOOD) return key;
  tls_key_release(key);
  return NULL;
}

tls_key *tls_key_import(const uint8_t *data, size_t length) {
  tls_verdict verdict;
  return tls_key_read(data, length, &verdict);
}

tls_key *tls_key_retain(tls_key *key) {
  if (key != NULL) key->references++;
  return key;
}

void tls_key_release(tls_key *key) {
  if (key == NULL || --key->references > 0) return;
  mbedtls_pk_free(&key->pk);
  mbedtls_platform_zeroize(key, sizeof *key);
  mbedtls_free(key);
}

size_t tls_key_export(const tls_key *key, uint8_t *buffer, size_t size) {
  int length = mbedtls_pk_write_key_der((mbedtls_pk_context *)&key->pk, buffer, size);
  return length > 0 ? (size_t)length : 0;
}

bool tls_key_export_pem(const tls_key *key, char *buffer, size_t size) {
  return mbedtls_pk_write_key_pem((mbedtls_pk_context *)&key->pk, (unsigned char *)buffer, size) == 0;
}

size_t tls_key_export_public(const tls_key *key, uint8_t *buffer, size_t size) {
  int length = mbedtls_pk_write_pubkey_der((mbedtls_pk_context *)&key->pk, buffer, size);
  return length > 0 ? (size_t)length : 0;
}

size_t tls_key_sign(tls_key *key, const uint8_t *data, size_t length, uint8_t *signature, size_t size) {
  uint8_t digest[PSA_HASH_LENGTH(PSA_ALG_SHA_256)];
  size_t digest_length, signature_length = 0;
  if (psa_hash_compute(PSA_ALG_SHA_256, data, length, digest, sizeof digest, &digest_length) != PSA_SUCCESS)
    return 0;
  if (tls_compat_sign(&key->pk, digest, signature, size, &signature_length) != 0) return 0;
  return signature_length;
}

bool tls_key_is_name(const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > TLS_KEY_NAME_LENGTH || name[0] == ' ' || name[length - 1] == ' ') return false;
  for (size_t i = 0; i < length; i++)
    if ((uint8_t)name[i] < ' ' || (uint8_t)name[i] > '~' || strchr(",=+<>#;\\\"", name[i]) != NULL)
      return false;
  return true;
}

bool tls_key_write_csr(tls_key *key, const char *common_name, char *buffer, size_t size) {
  if (!tls_key_is_name(common_name)) return false;
  char subject[3 + TLS_KEY_NAME_LENGTH + 1] = "CN=";
  strcat(subject, common_name);
  mbedtls_x509write_csr csr;
  mbedtls_x509write_csr_init(&csr);
  mbedtls_x509write_csr_set_key(&csr, &key->pk);
  mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
  bool written = mbedtls_x509write_csr_set_subject_name(&csr, subject) == 0 &&
                 mbedtls_x509write_csr_pem(&csr, (unsigned char *)buffer, size TLS_COMPAT_RNG) == 0;
  mbedtls_x509write_csr_free(&csr);
  return written;
}

bool tls_key_matches(tls_key *key, const uint8_t *certificate, size_t length) {
  mbedtls_x509_crt crt;
  mbedtls_x509_crt_init(&crt);
  bool matches =
      mbedtls_x509_crt_parse(&crt, certificate, length) == 0 && tls_compat_check_pair(&crt.pk, &key->pk) == 0;
  mbedtls_x509_crt_free(&crt);
  return matches;
}
