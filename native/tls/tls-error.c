#include "tls-error.h"

#include "tls-compat.h"

const char *tls_error_name(tls_error error) {
#define TLS_ERROR_NAME(code, name) name,
  static const char *const names[] = {TLS_ERRORS(TLS_ERROR_NAME)};
#undef TLS_ERROR_NAME
  return error < TLS_ERROR_COUNT ? names[error] : "";
}

// Modules of mbedTLS report by range: X.509 and PEM, ASN.1, public keys and curves.
static bool is_certificate_error(int result) {
  int high = -result & 0xff80, low = -result & 0x7f;
  return (high >= 0x2080 && high <= 0x2980) || (high >= 0x1080 && high <= 0x1480) ||
         (high == 0 && low >= 0x60 && low <= 0x6c);
}

tls_error tls_error_of_result(int result, bool connected) {
  if (tls_compat_is_out_of_memory(result)) return TLS_ERROR_OUT_OF_MEMORY;
  switch (result) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return TLS_ERROR_PEER_ALERT;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return TLS_ERROR_CONNECTION_CLOSED;
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR: return TLS_ERROR_INTERNAL;
    case MBEDTLS_ERR_SSL_INVALID_MAC:
    case MBEDTLS_ERR_SSL_INVALID_RECORD: return TLS_ERROR_BAD_RECORD;
#if TLS_LIBRARY_MAJOR == 2
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION: return TLS_ERROR_PROTOCOL_VERSION;
    case MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE: return TLS_ERROR_BAD_CERTIFICATE;
#else
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION: return TLS_ERROR_PROTOCOL_VERSION;
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE: return TLS_ERROR_BAD_CERTIFICATE;
    case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL: return TLS_ERROR_NO_APPLICATION_PROTOCOL;
#endif
    default: break;
  }
  if (connected) return TLS_ERROR_BAD_RECORD;
  return is_certificate_error(result) ? TLS_ERROR_BAD_CERTIFICATE : TLS_ERROR_HANDSHAKE_FAILURE;
}

tls_error tls_error_of_flags(uint32_t flags) {
  if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) return TLS_ERROR_UNKNOWN_CA;
  if (flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY))
    return TLS_ERROR_WEAK_KEY;
  if (flags & MBEDTLS_X509_BADCERT_EXPIRED) return TLS_ERROR_EXPIRED;
  if (flags & MBEDTLS_X509_BADCERT_FUTURE) return TLS_ERROR_NOT_YET_VALID;
  if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) return TLS_ERROR_NAME_MISMATCH;
  return TLS_ERROR_BAD_CERTIFICATE;
}

tls_error tls_error_of_alert(int alert) {
  switch (alert) {
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION: return TLS_ERROR_PROTOCOL_VERSION;
    case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL: return TLS_ERROR_NO_APPLICATION_PROTOCOL;
    default: return TLS_ERROR_PEER_ALERT;
  }
}

int tls_error_alert(tls_error error) {
  switch (error) {
    case TLS_ERROR_UNKNOWN_CA:
    case TLS_ERROR_BAD_CHAIN: return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    case TLS_ERROR_NAME_MISMATCH:
    case TLS_ERROR_WEAK_KEY:
    case TLS_ERROR_BAD_CERTIFICATE: return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
    case TLS_ERROR_EXPIRED: return MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED;
    case TLS_ERROR_BAD_TIME:
    case TLS_ERROR_NOT_YET_VALID: return MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN;
    case TLS_ERROR_PROTOCOL_VERSION: return MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
    case TLS_ERROR_NO_APPLICATION_PROTOCOL: return MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL;
    case TLS_ERROR_HANDSHAKE_FAILURE: return MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
    case TLS_ERROR_BAD_RECORD: return MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC;
    case TLS_ERROR_OUT_OF_MEMORY:
    case TLS_ERROR_INTERNAL: return MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    default: return -1;
  }
}
