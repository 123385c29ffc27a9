#include "tls-verify.h"

#include <limits.h>
#include <string.h>

#define SAN_IP_ADDRESS 7

void tls_verify_init(tls_verify *verify, const char *host, int64_t time_ms, bool dates_later) {
  memset(verify, 0, sizeof *verify);
  verify->time_ms = time_ms;
  verify->dates_later = dates_later;
  verify->to.year = INT_MAX;
  verify->address_length = tls_verify_parse_address(host, verify->address);
}

static int digit(char c, int base) {
  int value = c >= '0' && c <= '9'   ? c - '0'
              : c >= 'a' && c <= 'f' ? c - 'a' + 10
              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                     : 99;
  return value < base ? value : -1;
}

// One number of at most `digits` digits; gives where it ends, or NULL.
static const char *number(const char *text, int base, int digits, unsigned *value) {
  const char *start = text;
  *value = 0;
  while (text - start < digits && digit(*text, base) >= 0)
    *value = *value * (unsigned)base + (unsigned)digit(*text++, base);
  return text == start ? NULL : text;
}

static bool parse_ipv4(const char *text, uint8_t *address) {
  for (int i = 0; i < 4; i++) {
    unsigned value;
    text = number(text, 10, 3, &value);
    if (text == NULL || value > 255 || *text != (i < 3 ? '.' : '\0')) return false;
    address[i] = (uint8_t)value;
    text++;
  }
  return true;
}

static bool parse_ipv6(const char *text, uint8_t *address) {
  int count = 0, gap = -1;
  if (text[0] == ':' && text[1] != ':') return false;
  while (*text != '\0') {
    if (text[0] == ':' && text[1] == ':') {
      if (gap >= 0) return false;
      gap = count;
      text += 2;
      continue;
    }
    if (count > 0 && gap != count && *text++ != ':') return false;
    unsigned value;
    text = number(text, 16, 4, &value);
    if (text == NULL || count == 8) return false;
    address[2 * count] = (uint8_t)(value >> 8);
    address[2 * count + 1] = (uint8_t)value;
    count++;
  }
  if (gap < 0) return count == 8;
  if (count == 8) return false;
  memmove(address + 16 - 2 * (count - gap), address + 2 * gap, (size_t)(2 * (count - gap)));
  memset(address + 2 * gap, 0, (size_t)(2 * (8 - count)));
  return true;
}

size_t tls_verify_parse_address(const char *text, uint8_t address[16]) {
  if (parse_ipv4(text, address)) return 4;
  return strchr(text, ':') != NULL && parse_ipv6(text, address) ? 16 : 0;
}

// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, counting years from March.
static mbedtls_x509_time utc(int64_t time_ms) {
  int64_t seconds = time_ms / 1000, days = seconds / 86400 + 719468, rest = seconds % 86400;
  int64_t era = days / 146097, day_of_era = days % 146097;
  int64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  mbedtls_x509_time time = {
      .year = (int)(year + era * 400 + (month >= 10)),
      .mon = (int)(month < 10 ? month + 3 : month - 9),
      .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
      .hour = (int)(rest / 3600),
      .min = (int)(rest / 60 % 60),
      .sec = (int)(rest % 60),
  };
  return time;
}

static int compare(const mbedtls_x509_time *a, const mbedtls_x509_time *b) {
  const int difference[] = {
      a->year - b->year, a->mon - b->mon, a->day - b->day,
      a->hour - b->hour, a->min - b->min, a->sec - b->sec,
  };
  for (size_t i = 0; i < sizeof difference / sizeof *difference; i++)
    if (difference[i] != 0) return difference[i];
  return 0;
}

static bool has_address(const mbedtls_x509_crt *certificate, const uint8_t *address, size_t length) {
  const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
  for (; name != NULL; name = name->next)
    if ((name->buf.tag & 0x1f) == SAN_IP_ADDRESS && name->buf.len == length &&
        memcmp(name->buf.p, address, length) == 0)
      return true;
  return false;
}

// Nobody vouches for this certificate. Did the peer name an issuer that is not entitled to be one?
static bool issuer_is_no_authority(const mbedtls_x509_crt *certificate) {
  const mbedtls_x509_buf *issuer = &certificate->issuer_raw;
  for (const mbedtls_x509_crt *other = certificate->next; other != NULL; other = other->next) {
    const mbedtls_x509_buf *subject = &other->subject_raw;
    if (subject->len != issuer->len || memcmp(subject->p, issuer->p, issuer->len) != 0) continue;
    if (!tls_compat_is_authority(other)) return true;
  }
  return false;
}

uint32_t tls_verify_dates(const mbedtls_x509_crt *certificate, int64_t time_ms) {
  mbedtls_x509_time now = utc(time_ms);
  if (compare(&now, &certificate->valid_to) > 0) return MBEDTLS_X509_BADCERT_EXPIRED;
  return compare(&now, &certificate->valid_from) < 0 ? MBEDTLS_X509_BADCERT_FUTURE : 0;
}

// What is over at the earliest time is over at any later one; what has not begun then may have begun.
static uint32_t date_flags(tls_verify *verify, const mbedtls_x509_crt *certificate) {
  uint32_t flags = tls_verify_dates(certificate, verify->time_ms);
  if (!verify->dates_later) return flags;
  if (compare(&certificate->valid_from, &verify->from) > 0) verify->from = certificate->valid_from;
  if (compare(&certificate->valid_to, &verify->to) < 0) verify->to = certificate->valid_to;
  return flags & MBEDTLS_X509_BADCERT_EXPIRED;
}

tls_error tls_verify_told_time(const tls_verify *verify, int64_t time_ms) {
  const mbedtls_x509_time now = utc(time_ms);
  if (time_ms < verify->time_ms) return TLS_ERROR_BAD_TIME;
  if (compare(&now, &verify->to) > 0) return TLS_ERROR_EXPIRED;
  return compare(&now, &verify->from) < 0 ? TLS_ERROR_NOT_YET_VALID : TLS_ERROR_NONE;
}

int tls_verify_certificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  tls_verify *verify = context;
  *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
  *flags |= date_flags(verify, certificate);
  if (depth == 0) {
    if (!tls_compat_has_alternative_names(certificate))
      *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    else if (verify->address_length > 0 && !has_address(certificate, verify->address, verify->address_length))
      *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  if ((*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) && issuer_is_no_authority(certificate))
    verify->bad_chain = true;
  verify->flags |= *flags;
  return 0;
}

tls_error tls_verify_error(const tls_verify *verify, uint32_t library_flags) {
  uint32_t flags = verify->flags;
  // All ones means that the library has no result.
  if (library_flags != UINT32_MAX) flags |= library_flags;
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) && verify->bad_chain) return TLS_ERROR_BAD_CHAIN;
  return tls_error_of_flags(flags);
}
