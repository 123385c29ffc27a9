#include "tls-roots.h"

#include <string.h>

static tls_error parse(mbedtls_x509_crt *chain, const uint8_t *data, size_t length) {
  int result = mbedtls_x509_crt_parse(chain, data, length);
  if (result == 0) return TLS_ERROR_NONE;
  return tls_compat_is_out_of_memory(result) ? TLS_ERROR_OUT_OF_MEMORY : TLS_ERROR_BAD_ROOTS;
}

#if defined(MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK)

static bool names(const mbedtls_x509_crt *root, const mbedtls_x509_crt *child) {
  for (; root != NULL; root = root->next)
    if (root->subject_raw.len == child->issuer_raw.len &&
        memcmp(root->subject_raw.p, child->issuer_raw.p, child->issuer_raw.len) == 0)
      return true;
  return false;
}

static void release(mbedtls_x509_crt *chain) {
  if (chain == NULL) return;
  mbedtls_x509_crt_free(chain);
  mbedtls_free(chain);
}

// The library frees what it is given.
static int find(void *context, const mbedtls_x509_crt *child, mbedtls_x509_crt **candidates) {
  tls_roots *roots = context;
  const uint8_t *data;
  size_t length;
  *candidates = NULL;
  for (unsigned index = 0; (data = roots->source(roots->context, index, &length)) != NULL; index++) {
    mbedtls_x509_crt *root = mbedtls_calloc(1, sizeof *root);
    if (root == NULL) return MBEDTLS_ERR_X509_ALLOC_FAILED;
    mbedtls_x509_crt_init(root);
    tls_error error = parse(root, data, length);
    if (error == TLS_ERROR_NONE && names(root, child)) {
      mbedtls_x509_crt *last = root;
      while (last->next != NULL) last = last->next;
      last->next = *candidates;
      *candidates = root;
      continue;
    }
    release(root);
    if (error == TLS_ERROR_NONE) continue;
    release(*candidates);
    *candidates = NULL;
    roots->bad = error == TLS_ERROR_BAD_ROOTS;
    return error == TLS_ERROR_BAD_ROOTS ? MBEDTLS_ERR_X509_BAD_INPUT_DATA : MBEDTLS_ERR_X509_ALLOC_FAILED;
  }
  return 0;
}

tls_error tls_roots_open(tls_roots *roots, mbedtls_ssl_config *conf, tls_root_source source, void *context) {
  size_t length;
  roots->source = source;
  roots->context = context;
  mbedtls_x509_crt_init(&roots->chain);
  mbedtls_ssl_conf_ca_cb(conf, find, roots);
  return source != NULL && source(context, 0, &length) != NULL ? TLS_ERROR_NONE : TLS_ERROR_BAD_ROOTS;
}

#else

tls_error tls_roots_open(tls_roots *roots, mbedtls_ssl_config *conf, tls_root_source source, void *context) {
  const uint8_t *data;
  size_t length;
  unsigned index = 0;
  mbedtls_x509_crt_init(&roots->chain);
  mbedtls_ssl_conf_ca_chain(conf, &roots->chain, NULL);
  for (; source != NULL && (data = source(context, index, &length)) != NULL; index++) {
    tls_error error = parse(&roots->chain, data, length);
    if (error != TLS_ERROR_NONE) return error;
  }
  return index > 0 ? TLS_ERROR_NONE : TLS_ERROR_BAD_ROOTS;
}

#endif

void tls_roots_close(tls_roots *roots) {
  mbedtls_x509_crt_free(&roots->chain);
}
