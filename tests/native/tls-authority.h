// Certificates for the C tests, good and bad, made by mbedTLS itself.
#ifndef TLS_AUTHORITY_H
#define TLS_AUTHORITY_H

#include <mbedtls/asn1write.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/tls/tls-compat.h"
#include "../../native/tls/tls-key.h"

#define PEM_SIZE 4096
// The tests live on 2026-06-01; certificates are good for that year unless a test says otherwise.
#define TEST_TIME 1780272000000
#define YEAR_START "20260101000000"
#define YEAR_END "20261231235959"

struct certificate {
  tls_key *key;
  char name[80];
  char pem[PEM_SIZE];
};

struct wish {
  const char *name;
  const char *dns, *ip;  // subjectAltName; NULL for none
  bool authority;
  const char *from, *to;
  mbedtls_md_type_t digest;  // of the signature; SHA-256 unless it is said
};

// subjectAltName's DER: a sequence of [2] dNSName and [7] iPAddress, each shorter than 128 bytes.
static size_t alternative_names(const struct wish *wish, uint8_t *der) {
  uint8_t address[16];
  size_t dns = wish->dns ? strlen(wish->dns) : 0, ip = 0, length = 2;
  if (wish->ip)
    ip = 4, sscanf(wish->ip, "%hhu.%hhu.%hhu.%hhu", address, address + 1, address + 2, address + 3);
  if (dns) {
    der[length++] = 0x82;
    der[length++] = (uint8_t)dns;
    memcpy(der + length, wish->dns, dns);
    length += dns;
  }
  if (ip) {
    der[length++] = 0x87;
    der[length++] = (uint8_t)ip;
    memcpy(der + length, address, ip);
    length += ip;
  }
  der[0] = 0x30;
  der[1] = (uint8_t)(length - 2);
  return length > 2 ? length : 0;
}

static void set_serial(mbedtls_x509write_cert *writer) {
  static uint8_t serial = 0x10;
  serial++;
#if TLS_LIBRARY_MAJOR == 2
  mbedtls_mpi number;
  mbedtls_mpi_init(&number);
  mbedtls_mpi_lset(&number, serial);
  mbedtls_x509write_crt_set_serial(writer, &number);
  mbedtls_mpi_free(&number);
#else
  mbedtls_x509write_crt_set_serial_raw(writer, &serial, 1);
#endif
}

// A certificate for a key, signed by `issuer`, or by itself without one.
static struct certificate *certify(tls_key *key, const struct wish *wish, const struct certificate *issuer) {
  static const char san_oid[] = {0x55, 0x1d, 0x11};
  struct certificate *made = calloc(1, sizeof *made);
  uint8_t der[160];
  size_t length = alternative_names(wish, der);
  made->key = key;
  snprintf(made->name, sizeof made->name, "CN=%s", wish->name);
  mbedtls_x509write_cert writer;
  mbedtls_x509write_crt_init(&writer);
  set_serial(&writer);
  mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&writer, wish->digest ? wish->digest : MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_name(&writer, made->name);
  mbedtls_x509write_crt_set_issuer_name(&writer, issuer ? issuer->name : made->name);
  mbedtls_x509write_crt_set_subject_key(&writer, &key->pk);
  mbedtls_x509write_crt_set_issuer_key(&writer, issuer ? &issuer->key->pk : &key->pk);
  mbedtls_x509write_crt_set_validity(&writer, wish->from ? wish->from : YEAR_START,
                                     wish->to ? wish->to : YEAR_END);
  mbedtls_x509write_crt_set_basic_constraints(&writer, wish->authority, -1);
  if (length) mbedtls_x509write_crt_set_extension(&writer, san_oid, sizeof san_oid, 0, der, length);
  int result = mbedtls_x509write_crt_pem(&writer, (uint8_t *)made->pem, PEM_SIZE TLS_COMPAT_RNG);
  if (result) fprintf(stderr, "certificate for %s: -0x%x\n", wish->name, -result), abort();
  mbedtls_x509write_crt_free(&writer);
  return made;
}

// Also of sizes that tls_key_import would refuse.
__attribute__((unused)) static tls_key *generate_rsa(size_t bits) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  static uint8_t der[TLS_KEY_DER_SIZE];
  size_t length = 0;
  psa_key_id_t id = 0;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_KEY_PAIR);
  psa_set_key_bits(&attributes, bits);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
  tls_key *key = mbedtls_calloc(1, sizeof *key);
  key->references = 1;
  mbedtls_pk_init(&key->pk);
  if (psa_generate_key(&attributes, &id) || psa_export_key(id, der, sizeof der, &length) ||
      tls_compat_parse_key(&key->pk, der, length))
    fprintf(stderr, "no RSA key\n"), abort();
  psa_destroy_key(id);
  return key;
}

// The same for a new P-256 key.
static struct certificate *issue(const struct wish *wish, const struct certificate *issuer) {
  return certify(tls_key_generate(), wish, issuer);
}

static void discard(struct certificate *certificate) {
  if (!certificate) return;
  tls_key_release(certificate->key);
  free(certificate);
}

#endif
