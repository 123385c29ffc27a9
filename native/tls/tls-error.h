// Every way in which a session can fail has a name; the names are part of the interface (TLSError.code).
#ifndef TLS_ERROR_H
#define TLS_ERROR_H

#include <stdbool.h>
#include <stdint.h>

// First what is wrong with the server's certificate, then with the conversation, then on this side.
// clang-format off
#define TLS_ERRORS(error)                                           \
  error(TLS_ERROR_NONE, "")                                         \
  error(TLS_ERROR_UNKNOWN_CA, "UnknownCA")                          \
  error(TLS_ERROR_BAD_CHAIN, "BadChain")                            \
  error(TLS_ERROR_NAME_MISMATCH, "NameMismatch")                    \
  error(TLS_ERROR_EXPIRED, "Expired")                               \
  error(TLS_ERROR_NOT_YET_VALID, "NotYetValid")                     \
  error(TLS_ERROR_WEAK_KEY, "WeakKey")                              \
  error(TLS_ERROR_BAD_CERTIFICATE, "BadCertificate")                \
  error(TLS_ERROR_PEER_ALERT, "PeerAlert")                          \
  error(TLS_ERROR_PROTOCOL_VERSION, "ProtocolVersion")              \
  error(TLS_ERROR_NO_APPLICATION_PROTOCOL, "NoApplicationProtocol") \
  error(TLS_ERROR_HANDSHAKE_FAILURE, "HandshakeFailure")            \
  error(TLS_ERROR_BAD_RECORD, "BadRecord")                          \
  error(TLS_ERROR_CONNECTION_CLOSED, "ConnectionClosed")            \
  error(TLS_ERROR_NO_TIME, "NoTime")                                \
  error(TLS_ERROR_BAD_TIME, "BadTime")                              \
  error(TLS_ERROR_BAD_ROOTS, "BadRoots")                            \
  error(TLS_ERROR_BAD_CLIENT_CERTIFICATE, "BadClientCertificate")   \
  error(TLS_ERROR_BAD_OPTIONS, "BadOptions")                        \
  error(TLS_ERROR_OUT_OF_MEMORY, "OutOfMemory")                     \
  error(TLS_ERROR_INTERNAL, "InternalError")
// clang-format on

#define TLS_ERROR_CODE(code, name) code,
typedef enum { TLS_ERRORS(TLS_ERROR_CODE) TLS_ERROR_COUNT } tls_error;
#undef TLS_ERROR_CODE

const char *tls_error_name(tls_error error);

// What a result of mbedTLS means, but for a refused certificate: see tls_error_of_flags.
tls_error tls_error_of_result(int result, bool connected);

// The gravest of the MBEDTLS_X509_BADCERT_* flags: who it is comes before when, when before for whom.
tls_error tls_error_of_flags(uint32_t flags);

// What an alert of the peer means (RFC 8446 section 6, RFC 7301).
tls_error tls_error_of_alert(int alert);

// The alert that tells the peer why it is refused, or -1 if nothing is to be said.
int tls_error_alert(tls_error error);

#endif
