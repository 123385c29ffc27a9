// Cryptography for XS: native/tls/crypto.js, the same for XS 13 and XS 17. All but the key pair is PSA, which
// every version has.
#include "crypto-xs.h"
#include "tls-xs.h"

#include "mc.xs.h"

#include <string.h>

#define KEY_SIZE 32
#define BLOCK_SIZE 16
#define RANDOM_LIMIT 65536

void xs_digest_destructor(void *data);
void xs_key_pair_destructor(void *data);
void xs_x25519_destructor(void *data);
void xs_aes_ctr_destructor(void *data);

// Digest

void xs_digest_destructor(void *data) {
  if (data == NULL) return;
  psa_hash_abort(data);
  mbedtls_free(data);
}

void xs_digest(xsMachine *the) {
  const char *name = xsmcToString(xsArg(0));
  psa_algorithm_t algorithm = strcmp(name, "MD5") == 0       ? PSA_ALG_MD5
                              : strcmp(name, "SHA-256") == 0 ? PSA_ALG_SHA_256
                              : strcmp(name, "SHA-512") == 0 ? PSA_ALG_SHA_512
                                                             : 0;
  if (algorithm == 0) xsRangeError("algorithm");
  start(the);
  psa_hash_operation_t *operation = allocate(the, sizeof *operation);
  if (psa_hash_setup(operation, algorithm) != PSA_SUCCESS) xsUnknownError("no digest");
}

void xs_digest_write(xsMachine *the) {
  psa_hash_operation_t *operation = get(the, xs_digest_destructor);
  size_t length;
  const uint8_t *data = bytes(the, &xsArg(0), &length);
  if (psa_hash_update(operation, data, length) != PSA_SUCCESS) xsUnknownError("digest failed");
}

void xs_digest_close(xsMachine *the) {
  psa_hash_operation_t *operation = get(the, xs_digest_destructor);
  uint8_t digest[PSA_HASH_LENGTH(PSA_ALG_SHA_512)];
  size_t length;
  psa_status_t status = psa_hash_finish(operation, digest, sizeof digest, &length);
  close_host(the, xs_digest_destructor);
  if (status != PSA_SUCCESS) xsUnknownError("digest failed");
  xsmcSetArrayBuffer(xsResult, digest, (xsIntegerValue)length);
}

// KeyPair

void xs_key_pair_destructor(void *data) {
  tls_key_release(data);
}

tls_key *tls_xs_key(xsMachine *the, xsSlot *slot) {
  tls_key *key = xsmcGetHostDataValidate(*slot, (void *)xs_key_pair_destructor);
  if (key == NULL) xsUnknownError("closed");
  return key;
}

void xs_key_pair(xsMachine *the) {
  tls_key *key;
  start(the);
  if (xsmcArgc == 0 || xsmcTypeOf(xsArg(0)) == xsUndefinedType) {
    key = tls_key_generate();
    if (key == NULL) xsUnknownError("no key");
  } else {
    size_t length;
    const uint8_t *data = tls_xs_data(the, &xsArg(0), &length);
    key = tls_key_import(data, length);
    if (key == NULL) xsUnknownError("BadKey");
  }
  xsmcSetHostData(xsThis, key);
}

void xs_key_pair_close(xsMachine *the) {
  close_host(the, xs_key_pair_destructor);
}

void xs_key_pair_create_request(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  char name[TLS_KEY_NAME_LENGTH + 2];
  char pem[TLS_KEY_CSR_SIZE];
  strncpy(name, xsmcToString(xsArg(0)), sizeof name);
  name[sizeof name - 1] = '\0';
  if (!tls_key_is_name(name)) xsRangeError("common name");
  if (!tls_key_write_csr(key, name, pem, sizeof pem)) xsUnknownError("no request");
  xsmcSetString(xsResult, pem);
}

void xs_key_pair_matches(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  size_t length;
  const uint8_t *data = tls_xs_data(the, &xsArg(0), &length);
  xsmcSetBoolean(xsResult, tls_key_matches(key, data, length));
}

void xs_key_pair_export(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  uint8_t der[TLS_KEY_DER_SIZE];
  size_t length = tls_key_export(key, der, sizeof der);
  if (length == 0) xsUnknownError("no key");
  xsmcSetArrayBuffer(xsResult, der + sizeof der - length, (xsIntegerValue)length);
  mbedtls_platform_zeroize(der, sizeof der);
}

void xs_key_pair_export_pem(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  char pem[TLS_KEY_PEM_SIZE];
  if (!tls_key_export_pem(key, pem, sizeof pem)) xsUnknownError("no key");
  xsmcSetString(xsResult, pem);
  mbedtls_platform_zeroize(pem, sizeof pem);
}

void xs_key_pair_get_public_key(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  uint8_t der[TLS_KEY_PUBLIC_SIZE];
  size_t length = tls_key_export_public(key, der, sizeof der);
  if (length == 0) xsUnknownError("no key");
  xsmcSetArrayBuffer(xsResult, der + sizeof der - length, (xsIntegerValue)length);
}

void xs_key_pair_sign(xsMachine *the) {
  tls_key *key = get(the, xs_key_pair_destructor);
  uint8_t signature[TLS_KEY_SIGNATURE_SIZE];
  size_t length;
  const uint8_t *data = bytes(the, &xsArg(0), &length);
  length = tls_key_sign(key, data, length, signature, sizeof signature);
  if (length == 0) xsUnknownError("no signature");
  xsmcSetArrayBuffer(xsResult, signature, (xsIntegerValue)length);
}

// X25519

void xs_x25519_destructor(void *data) {
  if (data == NULL) return;
  psa_key_id_t *id = data;
  psa_destroy_key(*id);
  mbedtls_free(id);
}

void xs_x25519(xsMachine *the) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY));
  psa_set_key_bits(&attributes, 255);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
  psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
  start(the);
  psa_key_id_t *id = allocate(the, sizeof *id);
  psa_status_t status;
  if (xsmcArgc == 0 || xsmcTypeOf(xsArg(0)) == xsUndefinedType) {
    status = psa_generate_key(&attributes, id);
  } else {
    size_t length;
    const uint8_t *data = bytes(the, &xsArg(0), &length);
    status = psa_import_key(&attributes, data, length, id);
  }
  if (status != PSA_SUCCESS) xsUnknownError("BadKey");
}

void xs_x25519_close(xsMachine *the) {
  close_host(the, xs_x25519_destructor);
}

void xs_x25519_get_public_key(xsMachine *the) {
  psa_key_id_t *id = get(the, xs_x25519_destructor);
  uint8_t key[KEY_SIZE];
  size_t length;
  if (psa_export_public_key(*id, key, sizeof key, &length) != PSA_SUCCESS) xsUnknownError("no key");
  xsmcSetArrayBuffer(xsResult, key, (xsIntegerValue)length);
}

void xs_x25519_derive_secret(xsMachine *the) {
  static const uint8_t zero[KEY_SIZE];
  psa_key_id_t *id = get(the, xs_x25519_destructor);
  uint8_t secret[KEY_SIZE];
  size_t length;
  const uint8_t *peer = bytes(the, &xsArg(0), &length);
  psa_status_t status =
      psa_raw_key_agreement(PSA_ALG_ECDH, *id, peer, length, secret, sizeof secret, &length);
  if (status != PSA_SUCCESS || length != sizeof secret || memcmp(secret, zero, sizeof secret) == 0)
    xsUnknownError("BadPeerKey");
  xsmcSetArrayBuffer(xsResult, secret, sizeof secret);
  mbedtls_platform_zeroize(secret, sizeof secret);
}

// AESCTR

typedef struct stream {
  psa_key_id_t key;
  psa_cipher_operation_t operation;
} stream;

void xs_aes_ctr_destructor(void *data) {
  if (data == NULL) return;
  stream *stream = data;
  psa_cipher_abort(&stream->operation);
  psa_destroy_key(stream->key);
  mbedtls_platform_zeroize(stream, sizeof *stream);
  mbedtls_free(stream);
}

void xs_aes_ctr(xsMachine *the) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT);
  psa_set_key_algorithm(&attributes, PSA_ALG_CTR);
  start(the);
  stream *stream = allocate(the, sizeof *stream);
  size_t length;
  const uint8_t *data = bytes(the, &xsArg(0), &length);
  if (psa_import_key(&attributes, data, length, &stream->key) != PSA_SUCCESS) xsRangeError("key");
  data = bytes(the, &xsArg(1), &length);
  if (length != BLOCK_SIZE) xsRangeError("counter");
  if (psa_cipher_encrypt_setup(&stream->operation, stream->key, PSA_ALG_CTR) != PSA_SUCCESS ||
      psa_cipher_set_iv(&stream->operation, data, length) != PSA_SUCCESS)
    xsUnknownError("no cipher");
}

void xs_aes_ctr_close(xsMachine *the) {
  close_host(the, xs_aes_ctr_destructor);
}

// By way of the stack: PSA does not promise that output may overlay input.
void xs_aes_ctr_transform(xsMachine *the) {
  stream *stream = get(the, xs_aes_ctr_destructor);
  uint8_t chunk[8 * BLOCK_SIZE];
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &data, &size);
  for (size_t done = 0; done < size;) {
    size_t part = size - done < sizeof chunk ? size - done : sizeof chunk, length;
    uint8_t *place = (uint8_t *)data + done;
    if (psa_cipher_update(&stream->operation, place, part, chunk, sizeof chunk, &length) != PSA_SUCCESS ||
        length != part)
      xsUnknownError("cipher failed");
    memcpy(place, chunk, part);
    done += part;
  }
  mbedtls_platform_zeroize(chunk, sizeof chunk);
}

// Functions

void xs_random_bytes(xsMachine *the) {
  xsIntegerValue count = xsmcToInteger(xsArg(0));
  if (count < 0 || count > RANDOM_LIMIT) xsRangeError("count");
  start(the);
  xsmcSetArrayBuffer(xsResult, NULL, count);
  if (count > 0 && psa_generate_random(xsmcToArrayBuffer(xsResult), (size_t)count) != PSA_SUCCESS)
    xsUnknownError("no random");
}

void xs_timing_safe_equal(xsMachine *the) {
  size_t length, other;
  const volatile uint8_t *a = bytes(the, &xsArg(0), &length);
  const volatile uint8_t *b = bytes(the, &xsArg(1), &other);
  uint8_t difference = 0;
  if (length != other) {
    xsmcSetFalse(xsResult);
    return;
  }
  for (size_t i = 0; i < length; i++) difference |= a[i] ^ b[i];
  xsmcSetBoolean(xsResult, difference == 0);
}
