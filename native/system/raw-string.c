#include "xsmc.h"

void xs_raw_string(xsMachine *the) {
  void *data;
  xsUnsignedValue length;
  xsmcGetBufferReadable(xsArg(0), &data, &length);
  // The copy may move the bytes: XS looks them up again only for its own strings.
  uint8_t name[64];
  if (length > sizeof name) xsRangeError("too long");
  for (xsUnsignedValue i = 0; i < length; i++) name[i] = ((const uint8_t *)data)[i];
  xsmcSetStringBuffer(xsResult, (char *)name, (xsIntegerValue)length);
}
