#include <string.h>

#include "xsmc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const uint8_t *from, size_t count, char *to) {
  for (; count; from += 3) {
    size_t n = count < 3 ? count : 3;
    uint32_t group = (uint32_t)from[0] << 16 | (n > 1 ? from[1] << 8 : 0) | (n > 2 ? from[2] : 0);
    *to++ = alphabet[group >> 18];
    *to++ = alphabet[group >> 12 & 63];
    *to++ = n > 1 ? alphabet[group >> 6 & 63] : '=';
    *to++ = n > 2 ? alphabet[group & 63] : '=';
    count -= n;
  }
  *to = 0;
}

// Returns the number of bytes, -1 at a wrong character. `to` may be NULL.
static int decode(const char *from, uint8_t *to) {
  uint32_t group = 0;
  int bits = 0, count = 0;
  for (; *from && *from != '='; from++) {
    const char *digit = strchr(alphabet, *from);
    if (!digit)
      return -1;
    group = group << 6 | (uint32_t)(digit - alphabet);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      if (to)
        to[count] = (uint8_t)(group >> bits);
      count++;
    }
  }
  while (*from == '=')
    from++;
  return *from || bits == 6 ? -1 : count;
}

void xs_host_base64_encode(xsMachine *the) {
  void *data;
  xsUnsignedValue count;
  if (xsmcTypeOf(xsArg(0)) == xsReferenceType)
    xsmcGetBufferReadable(xsArg(0), &data, &count);
  else
    count = (xsUnsignedValue)strlen(xsmcToString(xsArg(0)));
  xsResult = xsStringBuffer(NULL, (count + 2) / 3 * 4);
  if (xsmcTypeOf(xsArg(0)) == xsReferenceType)
    xsmcGetBufferReadable(xsArg(0), &data, &count);  // it may have moved
  else
    data = xsmcToString(xsArg(0));
  encode(data, count, xsmcToString(xsResult));
}

void xs_host_base64_decode(xsMachine *the) {
  int count = decode(xsmcToString(xsArg(0)), NULL);
  if (count < 0)
    xsUnknownError("invalid base64");
  xsmcSetArrayBuffer(xsResult, NULL, count);
  decode(xsmcToString(xsArg(0)), xsmcToArrayBuffer(xsResult));
}
