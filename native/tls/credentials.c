// Credentials for XS: native/tls/credentials.js, the same for XS 13 and XS 17.
#include "tls-credentials.h"
#include "tls-xs.h"

#include "mc.xs.h"

#include <string.h>

static void check(xsMachine *the, tls_verdict verdict) {
  if (verdict != TLS_VERDICT_GOOD) xsUnknownError("%s", (char *)tls_credentials_verdict_name(verdict));
}

// The argument, mended: in native memory, so that the machine never holds it twice.
static char *mend(xsMachine *the, tls_pem_kind kind) {
  size_t length;
  check(the, tls_pem_mend(xsmcToString(xsArg(0)), strlen(xsmcToString(xsArg(0))), kind, NULL, 0, &length));
  char *mended = mbedtls_calloc(1, length + 1);
  if (mended == NULL) check(the, TLS_VERDICT_OUT_OF_MEMORY);
  const char *text = xsmcToString(xsArg(0));
  tls_pem_mend(text, strlen(text), kind, mended, length + 1, &length);
  return mended;
}

static void discard(char *mended) {
  mbedtls_platform_zeroize(mended, strlen(mended));
  mbedtls_free(mended);
}

// The mended text if it was good, and the argument itself where there was nothing to mend.
static void give(xsMachine *the, char *mended, tls_verdict verdict) {
  if (verdict == TLS_VERDICT_GOOD && strcmp(mended, xsmcToString(xsArg(0))) == 0)
    xsResult = xsArg(0);
  else if (verdict == TLS_VERDICT_GOOD)
    xsmcSetString(xsResult, mended);
  discard(mended);
  check(the, verdict);
}

static int64_t time_of(xsMachine *the, int index) {
  return (int64_t)xsmcToNumber(xsArg(index));
}

static void start(xsMachine *the) {
  if (!tls_crypto_start()) xsUnknownError("no crypto");
}

void xs_read_key(xsMachine *the) {
  start(the);
  char *mended = mend(the, TLS_PEM_KEY);
  give(the, mended, tls_credentials_judge_key(mended));
}

void xs_read_certificates(xsMachine *the) {
  start(the);
  int64_t time_ms = time_of(the, 2);
  char *mended = mend(the, TLS_PEM_CERTIFICATES);
  give(the, mended, tls_credentials_judge_chain(mended, xsmcToString(xsArg(1)), time_ms));
}

void xs_read_roots(xsMachine *the) {
  start(the);
  int64_t time_ms = time_of(the, 1);
  char *mended = mend(the, TLS_PEM_CERTIFICATES);
  give(the, mended, tls_credentials_judge_roots(mended, time_ms));
}
