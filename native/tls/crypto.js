/** Cryptography over mbedTLS; see crypto.d.ts. */
class Digest @ "xs_digest_destructor" {
  constructor(algorithm) @ "xs_digest"
  write(data) @ "xs_digest_write"
  close() @ "xs_digest_close"
}

class KeyPair @ "xs_key_pair_destructor" {
  constructor(key) @ "xs_key_pair"
  close() @ "xs_key_pair_close"
  createRequest(commonName) @ "xs_key_pair_create_request"
  matches(certificate) @ "xs_key_pair_matches"
  export() @ "xs_key_pair_export"
  exportPEM() @ "xs_key_pair_export_pem"
  get publicKey() @ "xs_key_pair_get_public_key"
  sign(data) @ "xs_key_pair_sign"
}

class X25519 @ "xs_x25519_destructor" {
  constructor(privateKey) @ "xs_x25519"
  close() @ "xs_x25519_close"
  get publicKey() @ "xs_x25519_get_public_key"
  deriveSecret(peerPublicKey) @ "xs_x25519_derive_secret"
}

class AESCTR @ "xs_aes_ctr_destructor" {
  constructor(key, counter) @ "xs_aes_ctr"
  close() @ "xs_aes_ctr_close"
  transform(data) @ "xs_aes_ctr_transform"
}

class SRPServer @ "xs_srp_server_destructor" {
  constructor(salt, verifier) @ "xs_srp_server"
  close() @ "xs_srp_server_close"
  challenge(clientPublicKey, secret) @ "xs_srp_server_challenge"
  verify(username, proof) @ "xs_srp_server_verify"
  get key() @ "xs_srp_server_get_key"
}

class AESGCM @ "xs_aes_gcm_destructor" {
  constructor(key, nonce) @ "xs_aes_gcm"
  close() @ "xs_aes_gcm_close"
  seal(data, headerLength) @ "xs_aes_gcm_seal"
  open(data, headerLength) @ "xs_aes_gcm_open"
}

function srpVerifier(salt, username, password) @ "xs_srp_verifier";
function randomBytes(count) @ "xs_random_bytes";
function timingSafeEqual(a, b) @ "xs_timing_safe_equal";

export { AESCTR, AESGCM, Digest, KeyPair, randomBytes, SRPServer, srpVerifier, timingSafeEqual, X25519 };
