// What Espressif's "security 2" is made of, for XS: SRPServer, srpVerifier and AESGCM of native/tls/crypto.js.
#include "crypto-xs.h"
#include "srp.h"

#include "mc.xs.h"

#include <string.h>

#define SESSION_KEY_SIZE 32
#define NONCE_SIZE 12
#define COUNTER_OFFSET 8
#define TAG_SIZE 16
// An attribute value.
#define MESSAGE_LIMIT 512

void xs_srp_server_destructor(void *data);
void xs_aes_gcm_destructor(void *data);

// SRPServer

typedef struct server {
  srp *srp;
  uint8_t key[SRP_HASH_SIZE];
  bool proven;
} server;

void xs_srp_server_destructor(void *data) {
  if (data == NULL) return;
  server *server = data;
  srp_close(server->srp);
  mbedtls_platform_zeroize(server, sizeof *server);
  mbedtls_free(server);
}

void xs_srp_server(xsMachine *the) {
  start(the);
  server *server = allocate(the, sizeof *server);
  size_t salt_length, length;
  const uint8_t *verifier = bytes(the, &xsArg(1), &length);
  const uint8_t *salt = bytes(the, &xsArg(0), &salt_length);
  if (length != SRP_NUMBER_SIZE) xsRangeError("verifier");
  if (salt_length > SRP_SALT_LIMIT) xsRangeError("salt");
  server->srp = srp_open(salt, salt_length, verifier);
  if (server->srp == NULL) xsUnknownError("no memory");
}

void xs_srp_server_close(xsMachine *the) {
  close_host(the, xs_srp_server_destructor);
}

void xs_srp_server_challenge(xsMachine *the) {
  server *server = get(the, xs_srp_server_destructor);
  uint8_t device_key[SRP_NUMBER_SIZE];
  const uint8_t *secret = NULL;
  size_t length, secret_length;
  const uint8_t *client_key = bytes(the, &xsArg(0), &length);
  if (xsmcArgc > 1 && xsmcTypeOf(xsArg(1)) != xsUndefinedType) {
    secret = bytes(the, &xsArg(1), &secret_length);
    if (secret_length != SRP_SECRET_SIZE) xsRangeError("secret");
  }
  server->proven = false;
  if (srp_challenge(server->srp, client_key, length, secret, device_key))
    xsmcSetArrayBuffer(xsResult, device_key, sizeof device_key);
}

void xs_srp_server_verify(xsMachine *the) {
  server *server = get(the, xs_srp_server_destructor);
  char username[64];
  uint8_t proof[SRP_HASH_SIZE];
  xsmcToStringBuffer(xsArg(0), username, sizeof username);
  size_t length;
  const uint8_t *given = bytes(the, &xsArg(1), &length);
  server->proven = srp_verify(server->srp, username, given, length, proof, server->key);
  if (server->proven) xsmcSetArrayBuffer(xsResult, proof, sizeof proof);
}

void xs_srp_server_get_key(xsMachine *the) {
  server *server = get(the, xs_srp_server_destructor);
  if (!server->proven) xsUnknownError("not proven");
  xsmcSetArrayBuffer(xsResult, server->key, SESSION_KEY_SIZE);
}

void xs_srp_verifier(xsMachine *the) {
  char username[64], password[128];
  uint8_t verifier[SRP_NUMBER_SIZE];
  start(the);
  xsmcToStringBuffer(xsArg(1), username, sizeof username);
  xsmcToStringBuffer(xsArg(2), password, sizeof password);
  size_t length;
  const uint8_t *salt = bytes(the, &xsArg(0), &length);
  bool done = srp_verifier(salt, length, username, password, verifier);
  mbedtls_platform_zeroize(password, sizeof password);
  if (!done) xsUnknownError("no memory");
  xsmcSetArrayBuffer(xsResult, verifier, sizeof verifier);
}

// AESGCM

typedef struct gcm {
  psa_key_id_t key;
  uint8_t nonce[NONCE_SIZE];
  bool spent;
} gcm;

void xs_aes_gcm_destructor(void *data) {
  if (data == NULL) return;
  gcm *gcm = data;
  psa_destroy_key(gcm->key);
  mbedtls_platform_zeroize(gcm, sizeof *gcm);
  mbedtls_free(gcm);
}

void xs_aes_gcm(xsMachine *the) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
  psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
  start(the);
  gcm *gcm = allocate(the, sizeof *gcm);
  size_t length;
  const uint8_t *data = bytes(the, &xsArg(1), &length);
  if (length != NONCE_SIZE) xsRangeError("nonce");
  memcpy(gcm->nonce, data, length);
  data = bytes(the, &xsArg(0), &length);
  if (psa_import_key(&attributes, data, length, &gcm->key) != PSA_SUCCESS) xsRangeError("key");
}

void xs_aes_gcm_close(xsMachine *the) {
  close_host(the, xs_aes_gcm_destructor);
}

// The last four bytes count messages, big-endian. When they are used up the key is.
static void count(gcm *gcm) {
  for (int i = NONCE_SIZE - 1; i >= COUNTER_OFFSET; i--)
    if (++gcm->nonce[i] != 0) return;
  gcm->spent = true;
}

// In place, by way of the stack: PSA does not promise that output may overlay input.
typedef struct place {
  uint8_t *data;
  size_t length;
  size_t header;
} place;

// The arguments: header, message and tag in one piece, and how many bytes are header.
static place place_of(xsMachine *the) {
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &data, &size);
  xsIntegerValue header = xsmcArgc > 1 ? xsmcToInteger(xsArg(1)) : 0;
  if (header < 0 || size > MESSAGE_LIMIT || (xsUnsignedValue)header + TAG_SIZE > size) return (place){NULL, 0, 0};
  return (place){data, size, (size_t)header};
}

void xs_aes_gcm_seal(xsMachine *the) {
  gcm *gcm = get(the, xs_aes_gcm_destructor);
  uint8_t sealed[MESSAGE_LIMIT];
  place place = place_of(the);
  if (gcm->spent) xsUnknownError("the key is used up");
  if (place.data == NULL) xsRangeError("message");
  size_t length = place.length - place.header, done;
  if (psa_aead_encrypt(gcm->key, PSA_ALG_GCM, gcm->nonce, NONCE_SIZE, place.data, place.header,
                       place.data + place.header, length - TAG_SIZE, sealed, sizeof sealed, &done) != PSA_SUCCESS ||
      done != length)
    xsUnknownError("cipher failed");
  memcpy(place.data + place.header, sealed, length);
  count(gcm);
}

void xs_aes_gcm_open(xsMachine *the) {
  gcm *gcm = get(the, xs_aes_gcm_destructor);
  uint8_t opened[MESSAGE_LIMIT];
  place place = place_of(the);
  xsmcSetFalse(xsResult);
  if (gcm->spent || place.data == NULL) return;
  size_t length = place.length - place.header, done;
  if (psa_aead_decrypt(gcm->key, PSA_ALG_GCM, gcm->nonce, NONCE_SIZE, place.data, place.header,
                       place.data + place.header, length, opened, sizeof opened, &done) != PSA_SUCCESS ||
      done != length - TAG_SIZE)
    return;
  memcpy(place.data + place.header, opened, done);
  mbedtls_platform_zeroize(opened, sizeof opened);
  count(gcm);
  xsmcSetTrue(xsResult);
}
