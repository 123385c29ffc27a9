// A TLS client without I/O: ciphertext is fed in and taken out, plaintext is written and read. No call waits,
// and none keeps a pointer that it was given, but for the key.
//
//     feed ──> records ──> read          wanted: how many bytes of ciphertext it can use now
//     take <── records <── write         capacity: how much plaintext fits into so much ciphertext
//
// The server is always verified: against the given roots, at the given time, for the given name. There is no
// switch for that. Who wants to hear the time from the server itself may have the dates judged by what it told
// (`dates_later`): all else is verified in the handshake as ever, and until the dates are judged too no more than
// a question and a head can be exchanged, without a client's certificate.
#ifndef TLS_ENGINE_H
#define TLS_ENGINE_H

#include "tls-error.h"
#include "tls-key.h"
#include "tls-memory.h"
#include "tls-roots.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A record of application data, header and tag included: what a session holds for sending, and what one costs
// on the wire.
#ifndef TLS_RECORD_SIZE
#define TLS_RECORD_SIZE 2048
#endif
// Small writes that belong together are gathered into records of this many bytes.
#define TLS_GATHER_SIZE 512
// Plaintext that may go out, and come in, while the dates are not judged.
#define TLS_UNDATED_OUT 512
#define TLS_UNDATED_IN 4096
#define TLS_HOST_SIZE 256
#define TLS_PROTOCOLS 4
#define TLS_PROTOCOL_SIZE 32

typedef struct tls_engine tls_engine;

typedef struct tls_options {
  // DNS name, sent as SNI, or IP address; the server's certificate must be for it.
  const char *host;
  // Milliseconds since 1970. Before 2025 nobody can have set the clock: TLS_ERROR_NO_TIME.
  int64_t time_ms;
  // `time_ms` is only the earliest that it can be: tls_engine_judge_dates follows. Not with a client's certificate.
  bool dates_later;
  // May be called until the handshake is over.
  tls_root_source root;
  void *root_context;
  // The client's certificate chain, leaf first, PEM (terminating zero counted) or DER; and its key. NULL for
  // none.
  const uint8_t *certificate;
  size_t certificate_length;
  tls_key *key;
  // ALPN protocol names (RFC 7301), ended by NULL. If there are any, the server must choose one of them.
  const char *protocols[TLS_PROTOCOLS + 1];
} tls_options;

typedef struct tls_status {
  tls_error error;
  // With TLS_ERROR_PEER_ALERT and its kin: the alert received, otherwise -1.
  int alert;
  // mbedTLS's own number, 0 if the failure was found here.
  int detail;
  // The handshake is over: write and read may be used.
  bool connected;
  // The peer has ended its side properly (close_notify): nothing will follow. Without it, an end is a
  // truncation.
  bool peer_closed;
} tls_status;

// NULL only when there is no memory for the engine itself; every other failure is in the status.
tls_engine *tls_engine_open(const tls_options *options);
void tls_engine_close(tls_engine *engine);

const tls_status *tls_engine_status(const tls_engine *engine);
const tls_memory *tls_engine_memory(const tls_engine *engine);
// "TLSv1.2", "TLSv1.3", or NULL before there is one.
const char *tls_engine_version(const tls_engine *engine);
// The protocol chosen by ALPN, or NULL.
const char *tls_engine_protocol(const tls_engine *engine);

// Judges the certificates by the time that the server has told. False: the session has failed with the reason.
// Does nothing, and gives whether the session stands, when the dates were judged already.
bool tls_engine_judge_dates(tls_engine *engine, int64_t time_ms);

// How many bytes of ciphertext can be used now: 0 while plaintext waits to be read. So the rest can wait in
// the socket.
size_t tls_engine_wanted(const tls_engine *engine);
// Takes ciphertext; gives how much of it was used, which is all if no more than `wanted` was offered.
size_t tls_engine_feed(tls_engine *engine, const void *data, size_t length);
// Gives ciphertext to be sent, 0 when there is none. After a failure this is the alert.
size_t tls_engine_take(tls_engine *engine, void *buffer, size_t size);

// Plaintext that can be read now.
size_t tls_engine_readable(const tls_engine *engine);
size_t tls_engine_read(tls_engine *engine, void *buffer, size_t size);

// Plaintext that may be written, in a few writes, so that the ciphertext to be taken is at most `room` bytes.
size_t tls_engine_capacity(const tls_engine *engine, size_t room);
// Takes plaintext; gives how much was accepted: take ciphertext and offer the rest. With `more`, further
// writes belong to it.
size_t tls_engine_write(tls_engine *engine, const void *data, size_t length, bool more);
// Says that nothing more will be written, behind what was written before: take until there is nothing more.
void tls_engine_close_notify(tls_engine *engine);

#endif
