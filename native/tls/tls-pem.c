#include "tls-pem.h"

#include <stdbool.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LINE 64
#define LABEL_LIMIT 32
// Base64 of less is no certificate and no key.
#define SMALLEST_BASE64 64

typedef struct {
  const char *at, *end;
} reader;

typedef struct {
  char *data;
  size_t size, length;
} writer;

static void put(writer *out, const char *text, size_t length) {
  if (out->data != NULL && out->length + length < out->size) memcpy(out->data + out->length, text, length);
  out->length += length;
}

static void put_text(writer *out, const char *text) {
  put(out, text, strlen(text));
}

static bool skip(reader *in, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(in->end - in->at) < length || memcmp(in->at, text, length) != 0) return false;
  in->at += length;
  return true;
}

// Spaces, line ends, and what they become when a text is escaped once too often, or several times: `\n`, `\\n`.
static bool skip_space(reader *in) {
  const char *at = in->at;
  while (at < in->end && *at == '\\') at++;
  if (at == in->end) return false;
  bool is_space = at > in->at ? strchr("nrt", *at) != NULL : strchr(" \n\r\t\v\f", *at) != NULL;
  if (is_space && *at != '\0') in->at = at + 1;
  return is_space && *at != '\0';
}

static bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// The label of the next block, between its dashes; false when there is no other block.
static bool find_block(reader *in, char label[LABEL_LIMIT + 1]) {
  for (; in->at < in->end; in->at++) {
    reader block = *in;
    if (!skip(&block, BEGIN)) continue;
    size_t length = 0;
    while (block.at < block.end && *block.at != '-' && length < LABEL_LIMIT) label[length++] = *block.at++;
    label[length] = '\0';
    if (!skip(&block, DASHES)) continue;
    *in = block;
    return true;
  }
  return false;
}

static bool ends_with(const char *label, const char *end) {
  size_t length = strlen(label), tail = strlen(end);
  return length >= tail && strcmp(label + length - tail, end) == 0;
}

static bool is_one_of(const char *label, const char *const *labels) {
  while (*labels != NULL && strcmp(label, *labels) != 0) labels++;
  return *labels != NULL;
}

static bool is_of_kind(const char *label, tls_pem_kind kind) {
  static const char *const certificates[] = {"CERTIFICATE", "X509 CERTIFICATE", NULL};
  static const char *const keys[] = {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", NULL};
  return is_one_of(label, kind == TLS_PEM_KEY ? keys : certificates);
}

// What it is instead.
static tls_verdict verdict_of(const char *label, tls_pem_kind kind) {
  if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0 && kind == TLS_PEM_KEY) return TLS_VERDICT_ENCRYPTED;
  if (ends_with(label, "CERTIFICATE REQUEST")) return TLS_VERDICT_IS_REQUEST;
  if (is_of_kind(label, TLS_PEM_CERTIFICATES)) return TLS_VERDICT_IS_CERTIFICATE;
  if (ends_with(label, "PUBLIC KEY")) return TLS_VERDICT_IS_PUBLIC_KEY;
  if (ends_with(label, "PRIVATE KEY") && kind != TLS_PEM_KEY) return TLS_VERDICT_IS_PRIVATE_KEY;
  return TLS_VERDICT_IS_OTHER;
}

// What openssl puts before a key of its own accord; the key says it again.
static bool is_needless(const char *label, tls_pem_kind kind) {
  return kind == TLS_PEM_KEY && strcmp(label, "EC PARAMETERS") == 0;
}

// From behind a block's first line to behind its last one.
static tls_verdict copy_body(reader *in, const char *label, writer *out) {
  size_t digits = 0, padding = 0;
  for (;;) {
    if (in->at == in->end) return TLS_VERDICT_NO_END;
    if (*in->at == '-') break;
    if (skip_space(in)) continue;
    if (padding == 0 && is_base64(*in->at))
      digits++;
    else if (*in->at == '=')
      padding++;
    else
      return TLS_VERDICT_BAD_BASE64;
    put(out, in->at++, 1);
    if ((digits + padding) % LINE == 0) put_text(out, "\n");
  }
  if ((digits + padding) % LINE != 0) put_text(out, "\n");
  if (!skip(in, END) || !skip(in, label) || !skip(in, DASHES)) return TLS_VERDICT_NO_END;
  return digits > 0 && padding <= 2 && (digits + padding) % 4 == 0 ? TLS_VERDICT_GOOD : TLS_VERDICT_BAD_BASE64;
}

static tls_verdict copy_block(reader *in, const char *label, tls_pem_kind kind, writer *out) {
  const char *plain = kind == TLS_PEM_KEY ? label : "CERTIFICATE";
  reader headers = *in;
  while (skip_space(&headers));
  if (skip(&headers, "Proc-Type:")) return TLS_VERDICT_ENCRYPTED;
  put_text(out, BEGIN);
  put_text(out, plain);
  put_text(out, DASHES "\n");
  tls_verdict verdict = copy_body(in, label, out);
  put_text(out, END);
  put_text(out, plain);
  put_text(out, DASHES "\n");
  return verdict;
}

// DER in base64, as consoles show it.
static bool lacks_armour(const char *text, size_t length) {
  reader in = {text, text + length};
  size_t digits = 0;
  while (in.at < in.end) {
    if (skip_space(&in)) continue;
    if (!is_base64(*in.at) && *in.at != '=') return false;
    digits++;
    in.at++;
  }
  return digits >= SMALLEST_BASE64;
}

tls_verdict tls_pem_mend(const char *text, size_t length, tls_pem_kind kind, char *mended, size_t size,
                         size_t *mended_length) {
  reader in = {text, text + length};
  writer out = {mended, size, 0};
  char label[LABEL_LIMIT + 1];
  size_t blocks = 0;
  while (find_block(&in, label)) {
    writer nowhere = {NULL, 0, 0};
    bool is_needed = !is_needless(label, kind);
    if (is_needed && !is_of_kind(label, kind)) return verdict_of(label, kind);
    if (is_needed && blocks++ > 0 && kind == TLS_PEM_KEY) return TLS_VERDICT_SEVERAL_KEYS;
    tls_verdict verdict = copy_block(&in, label, kind, is_needed ? &out : &nowhere);
    if (verdict != TLS_VERDICT_GOOD) return verdict;
  }
  if (blocks == 0) return lacks_armour(text, length) ? TLS_VERDICT_NO_ARMOUR : TLS_VERDICT_NO_PEM;
  if (mended != NULL) mended[out.length < size ? out.length : 0] = '\0';
  *mended_length = out.length;
  return TLS_VERDICT_GOOD;
}
