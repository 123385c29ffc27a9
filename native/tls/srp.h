// The device's half of SRP-6a (RFC 5054, RFC 2945): 3072-bit group, SHA-512, as Espressif's protocomm "security 2" speaks it. Who watches
// or takes part learns nothing by which a password could be tried elsewhere: one guess a conversation, with the device.
//
// Where the RFCs leave room, what Espressif's clients do counts: numbers are hashed without leading zeros (the device's public key never
// has one), in the proofs the client's public key as it came.
#ifndef SRP_H
#define SRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRP_NUMBER_SIZE 384
#define SRP_HASH_SIZE 64
#define SRP_SECRET_SIZE 32
#define SRP_SALT_LIMIT 32

typedef struct srp srp;

// What the device keeps instead of the password: g^x with x = H(salt, H(username ":" password)).
bool srp_verifier(const uint8_t *salt, size_t salt_length, const char *username, const char *password,
                  uint8_t verifier[SRP_NUMBER_SIZE]);

// NULL without memory, or when the salt is too long.
srp *srp_open(const uint8_t *salt, size_t salt_length, const uint8_t verifier[SRP_NUMBER_SIZE]);
// Wipes everything.
void srp_close(srp *srp);

// Takes the client's public key A and makes the device's, B. False for a key that is no key: empty, too long or 0 modulo N, with which
// the secret would be known without the password. `secret` is the device's private key, or NULL for a random one.
bool srp_challenge(srp *srp, const uint8_t *client_key, size_t length, const uint8_t secret[SRP_SECRET_SIZE],
                   uint8_t device_key[SRP_NUMBER_SIZE]);

// Checks the client's proof, once for each challenge; then gives the device's own and the session's key. A proof may lack leading zeros.
bool srp_verify(srp *srp, const char *username, const uint8_t *proof, size_t length,
                uint8_t device_proof[SRP_HASH_SIZE], uint8_t key[SRP_HASH_SIZE]);

#endif
