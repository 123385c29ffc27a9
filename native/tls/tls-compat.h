// All differences between the mbedTLS versions that this code is built against: 2.28 (Debian 12), 3.6 and 4.x
// with TF-PSA-Crypto (ESP-IDF v6). No other file looks at the library's version, except by features that the
// library itself announces.
//
// In short: since 4.0 the library has one random number generator and takes none as an argument, and keys are
// made by PSA; since 3.0 groups and versions are set by their wire numbers, and structures have private
// members.
#ifndef TLS_COMPAT_H
#define TLS_COMPAT_H

// ESP-IDF gives these to its own library on the command line; the sizes of structures depend on them.
#ifdef ESP_PLATFORM
#include "sdkconfig.h"
#ifndef MBEDTLS_CONFIG_FILE
#define MBEDTLS_MAJOR_VERSION 4
#define MBEDTLS_CONFIG_FILE "mbedtls/esp_config.h"
#define TF_PSA_CRYPTO_USER_CONFIG_FILE "mbedtls/esp_config.h"
#endif
#endif

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
// Big numbers (srp.c) are private since 4.0.
#define MBEDTLS_DECLARE_PRIVATE_IDENTIFIERS

#include <stddef.h>
#include <stdint.h>

#if __has_include(<mbedtls/build_info.h>)
#include <mbedtls/build_info.h>
#else
#include <mbedtls/config.h>
#include <mbedtls/version.h>
#endif
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>

#define TLS_LIBRARY_MAJOR (MBEDTLS_VERSION_NUMBER >> 24)

#if TLS_LIBRARY_MAJOR < 4
#include <mbedtls/bignum.h>
#include <mbedtls/oid.h>
#else
#include <mbedtls/private/bignum.h>
#endif
#if TLS_LIBRARY_MAJOR == 2
// 2.28 has no private members.
#define MBEDTLS_PRIVATE(member) member
#endif

// The generator that PSA keeps; it fits the signature that 2.28 and 3.x ask for.
static inline int tls_compat_random(void *context, unsigned char *output, size_t length) {
  (void)context;
  return psa_generate_random(output, length) == PSA_SUCCESS ? 0 : -1;
}

#if TLS_LIBRARY_MAJOR >= 4
#define TLS_COMPAT_RNG
#else
#include <mbedtls/ecp.h>
#define TLS_COMPAT_RNG , tls_compat_random, NULL
#endif

static inline int tls_compat_parse_key(mbedtls_pk_context *pk, const unsigned char *data, size_t length) {
#if TLS_LIBRARY_MAJOR == 2
  return mbedtls_pk_parse_key(pk, data, length, NULL, 0);
#else
  return mbedtls_pk_parse_key(pk, data, length, NULL, 0 TLS_COMPAT_RNG);
#endif
}

static inline int tls_compat_check_pair(mbedtls_pk_context *public_key, mbedtls_pk_context *private_key) {
#if TLS_LIBRARY_MAJOR == 3
  return mbedtls_pk_check_pair(public_key, private_key, tls_compat_random, NULL);
#else
  return mbedtls_pk_check_pair(public_key, private_key);
#endif
}

// A new P-256 key.
static inline int tls_compat_generate_p256(mbedtls_pk_context *pk) {
#if TLS_LIBRARY_MAJOR >= 4
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
  psa_set_key_bits(&attributes, 256);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY);
  psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
  psa_key_id_t id;
  psa_status_t status = psa_generate_key(&attributes, &id);
  if (status != PSA_SUCCESS) return (int)status;
  int result = mbedtls_pk_copy_from_psa(id, pk);
  psa_destroy_key(id);
  return result;
#else
  int result = mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (result != 0) return result;
  return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*pk) TLS_COMPAT_RNG);
#endif
}

// Signs a SHA-256 digest: ECDSA as DER, or RSA with PKCS #1 v1.5.
static inline int tls_compat_sign(mbedtls_pk_context *pk, const unsigned char *digest, unsigned char *signature, size_t size,
                                  size_t *length) {
#if TLS_LIBRARY_MAJOR == 2
  if (size < MBEDTLS_PK_SIGNATURE_MAX_SIZE) return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
  return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, signature, length TLS_COMPAT_RNG);
#else
  return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, signature, size, length TLS_COMPAT_RNG);
#endif
}

// Versions, groups and hashes: TLS 1.2 at least; P-256, P-384 and X25519; no SHA-1.
static inline void tls_compat_configure(mbedtls_ssl_config *conf) {
#if TLS_LIBRARY_MAJOR == 2
  static const mbedtls_ecp_group_id groups[] = {
      MBEDTLS_ECP_DP_SECP256R1,
      MBEDTLS_ECP_DP_SECP384R1,
      MBEDTLS_ECP_DP_CURVE25519,
      MBEDTLS_ECP_DP_NONE,
  };
  static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
  mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(conf, groups);
  mbedtls_ssl_conf_sig_hashes(conf, hashes);
#else
  static const uint16_t groups[] = {
      MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
      MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
      MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
      MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
  };
  mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(conf, groups);
#endif
#if TLS_LIBRARY_MAJOR < 4
  mbedtls_ssl_conf_rng(conf, tls_compat_random, NULL);
#endif
}

// The suites that AWS IoT recommends for each version, and no others (facts: forward secret, authenticated
// encryption).
static inline const int *tls_compat_suites(void) {
  static const int suites[] = {
#if TLS_LIBRARY_MAJOR >= 3
      MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
      MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
      MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
      MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
      MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
      MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
      0,
  };
  return suites;
}

static inline int tls_compat_is_authority(const mbedtls_x509_crt *certificate) {
#if TLS_LIBRARY_MAJOR == 2
  return certificate->ca_istrue;
#else
  return mbedtls_x509_crt_get_ca_istrue(certificate) == 1;
#endif
}

static inline int tls_compat_has_alternative_names(const mbedtls_x509_crt *certificate) {
  return (certificate->MBEDTLS_PRIVATE(ext_types) & MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0;
}

// The alert that ended the session: the library reports only that there was one. -1 if it cannot be told.
static inline int tls_compat_received_alert(const mbedtls_ssl_context *ssl) {
  if (ssl->MBEDTLS_PRIVATE(in_buf) == NULL || ssl->MBEDTLS_PRIVATE(in_msglen) < 2) return -1;
  return ssl->MBEDTLS_PRIVATE(in_msg)[1];
}

// The peer's chain is of no use once it was verified; it would stay for the session's life (2 KB a
// certificate).
static inline void tls_compat_forget_peer(mbedtls_ssl_context *ssl) {
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
  mbedtls_ssl_session *session = ssl->MBEDTLS_PRIVATE(session);
  if (session == NULL || session->MBEDTLS_PRIVATE(peer_cert) == NULL) return;
  mbedtls_x509_crt_free(session->MBEDTLS_PRIVATE(peer_cert));
  mbedtls_free(session->MBEDTLS_PRIVATE(peer_cert));
  session->MBEDTLS_PRIVATE(peer_cert) = NULL;
#else
  (void)ssl;
#endif
}

// Does a failed call mean that memory ran out? Every module of 2.28 and 3.x has its own code for that.
static inline int tls_compat_is_out_of_memory(int result) {
  if (result == MBEDTLS_ERR_SSL_ALLOC_FAILED || result == (int)PSA_ERROR_INSUFFICIENT_MEMORY) return 1;
#if TLS_LIBRARY_MAJOR < 4
  int high = -(-result & 0xff80), low = -(-result & 0x7f);
  return high == MBEDTLS_ERR_X509_ALLOC_FAILED || high == MBEDTLS_ERR_PK_ALLOC_FAILED ||
         high == MBEDTLS_ERR_ECP_ALLOC_FAILED || high == MBEDTLS_ERR_PEM_ALLOC_FAILED ||
         high == MBEDTLS_ERR_MD_ALLOC_FAILED || low == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
         low == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
#else
  return 0;
#endif
}

#endif
