// The binding of the engine to XS: native/tls/tls.js, the same for XS 13 and XS 17.
#include "tls-engine.h"
#include "tls-xs.h"

#include "mc.xs.h"

// Protocol names are copied out of XS before the engine copies them again: an allocation in XS may move its
// strings.
typedef struct protocols {
  char names[TLS_PROTOCOLS][TLS_PROTOCOL_SIZE];
} protocols;

typedef struct session {
  tls_engine *engine;
  // The call that is under way; the instance's property `roots` keeps their array until the handshake is
  // over.
  bool has_roots;
  xsMachine *the;
  xsSlot *instance;
} session;

void xs_tls_engine_destructor(void *data);

void xs_tls_engine_destructor(void *data) {
  session *session = data;
  if (session == NULL) return;
  tls_engine_close(session->engine);
  mbedtls_free(session);
}

static tls_engine *get_engine(xsMachine *the) {
  session *session = xsmcGetHostDataValidate(xsThis, (void *)xs_tls_engine_destructor);
  if (session == NULL) xsUnknownError("closed");
  session->the = the;
  session->instance = &xsThis;
  return session->engine;
}

// Nothing here may allocate in XS: the engine is at work with bytes that XS could move.
static const uint8_t *root_at(void *context, unsigned index, size_t *length) {
  session *session = context;
  xsMachine *the = session->the;
  xsmcGet(xsVar(0), *session->instance, xsID_roots);
  xsmcGetIndex(xsVar(0), xsVar(0), index);
  return xsmcTypeOf(xsVar(0)) == xsUndefinedType ? NULL : tls_xs_data(the, &xsVar(0), length);
}

// Throws for what is neither text nor bytes now, when nothing can be left behind.
static void get_roots(xsMachine *the, session *session) {
  size_t length;
  xsmcGet(xsVar(0), xsArg(0), xsID_roots);
  xsmcDefine(xsThis, xsID_roots, xsVar(0), xsDontDelete | xsDontEnum);
  session->has_roots = true;
  for (unsigned index = 0; root_at(session, index, &length) != NULL; index++);
}

// Their texts are a kilobyte or more of the machine's memory: nobody asks for them after the handshake, however it ended.
static void drop_roots(xsMachine *the) {
  session *session = xsmcGetHostData(xsThis);
  const tls_status *status = tls_engine_status(session->engine);
  if (!session->has_roots || (!status->connected && status->error == TLS_ERROR_NONE)) return;
  session->has_roots = false;
  xsmcSetUndefined(xsVar(0));
  xsmcSet(xsThis, xsID_roots, xsVar(0));
}

static void get_protocols(xsMachine *the, protocols *copies, tls_options *options) {
  xsmcGet(xsVar(0), xsArg(0), xsID_protocols);
  if (xsmcTypeOf(xsVar(0)) == xsUndefinedType) return;
  for (unsigned i = 0; i <= TLS_PROTOCOLS; i++) {
    xsmcGetIndex(xsVar(1), xsVar(0), i);
    if (xsmcTypeOf(xsVar(1)) == xsUndefinedType) return;
    if (i == TLS_PROTOCOLS) break;
    options->protocols[i] = xsmcToStringBuffer(xsVar(1), copies->names[i], TLS_PROTOCOL_SIZE);
  }
  xsRangeError("too many protocols");
}

// Milliseconds, 0 for what is no time at all.
static int64_t get_time(xsMachine *the, xsSlot *slot) {
  double time = xsmcToNumber(*slot);
  return time > 0 && time < 1e15 ? (int64_t)time : 0;
}

void xs_tls_engine(xsMachine *the) {
  char host[TLS_HOST_SIZE];
  protocols copies;
  tls_options options = {.host = host, .root = root_at};
  xsmcVars(2);
  session *session = mbedtls_calloc(1, sizeof *session);
  if (session == NULL) xsUnknownError("no memory");
  xsmcSetHostData(xsThis, session);
  session->the = the;
  session->instance = &xsThis;
  options.root_context = session;
  get_roots(the, session);
  xsmcGet(xsVar(0), xsArg(0), xsID_host);
  xsmcToStringBuffer(xsVar(0), host, sizeof host);
  xsmcGet(xsVar(0), xsArg(0), xsID_time);
  options.time_ms = get_time(the, &xsVar(0));
  xsmcGet(xsVar(0), xsArg(0), xsID_datesLater);
  options.dates_later = xsmcTest(xsVar(0));
  get_protocols(the, &copies, &options);
  xsmcGet(xsVar(0), xsArg(0), xsID_key);
  if (xsmcTypeOf(xsVar(0)) != xsUndefinedType) options.key = tls_xs_key(the, &xsVar(0));
  xsmcGet(xsVar(1), xsArg(0), xsID_certificate);
  if (xsmcTypeOf(xsVar(1)) != xsUndefinedType)
    options.certificate = tls_xs_data(the, &xsVar(1), &options.certificate_length);
  session->engine = tls_engine_open(&options);
  if (session->engine == NULL) xsUnknownError("no memory");
  drop_roots(the);
}

void xs_tls_engine_close(xsMachine *the) {
  session *session = xsmcGetHostDataValidate(xsThis, (void *)xs_tls_engine_destructor);
  xsmcSetHostData(xsThis, NULL);
  xs_tls_engine_destructor(session);
}

// The buffer of argument 0, cut to the count of argument 1 if there is one.
static void *get_buffer(xsMachine *the, xsBooleanValue writable, size_t *length) {
  void *data;
  xsUnsignedValue size;
  if (writable)
    xsmcGetBufferWritable(xsArg(0), &data, &size);
  else
    xsmcGetBufferReadable(xsArg(0), &data, &size);
  *length = size;
  if (xsmcArgc > 1) {
    xsIntegerValue count = xsmcToInteger(xsArg(1));
    if (count < 0 || (xsUnsignedValue)count > size) xsRangeError("count");
    *length = (size_t)count;
  }
  return data;
}

void xs_tls_engine_feed(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  size_t length;
  xsmcVars(1);
  void *data = get_buffer(the, 0, &length);
  xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_feed(engine, data, length));
  drop_roots(the);
}

void xs_tls_engine_take(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  size_t length;
  void *data = get_buffer(the, 1, &length);
  xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_take(engine, data, length));
}

void xs_tls_engine_read(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  if (xsmcArgc == 0) {
    uint8_t byte;
    if (tls_engine_read(engine, &byte, 1) == 1) xsmcSetInteger(xsResult, byte);
    return;
  }
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &data, &size);
  xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_read(engine, data, size));
}

void xs_tls_engine_write(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  xsIntegerValue offset = xsmcArgc > 1 ? xsmcToInteger(xsArg(1)) : 0;
  bool more = xsmcArgc > 2 && xsmcTest(xsArg(2));
  xsType type = xsmcTypeOf(xsArg(0));
  uint8_t byte;
  void *data = &byte;
  xsUnsignedValue size = 1;
  if (type == xsIntegerType || type == xsNumberType)
    byte = (uint8_t)xsmcToInteger(xsArg(0));
  else
    xsmcGetBufferReadable(xsArg(0), &data, &size);
  if (offset < 0 || (xsUnsignedValue)offset > size) xsRangeError("offset");
  size_t accepted = tls_engine_write(engine, (uint8_t *)data + offset, size - (xsUnsignedValue)offset, more);
  xsmcSetInteger(xsResult, (xsIntegerValue)accepted);
}

void xs_tls_engine_capacity(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  xsIntegerValue room = xsmcToInteger(xsArg(0));
  xsmcSetInteger(xsResult, room > 0 ? (xsIntegerValue)tls_engine_capacity(engine, (size_t)room) : 0);
}

void xs_tls_engine_close_notify(xsMachine *the) {
  tls_engine_close_notify(get_engine(the));
}

void xs_tls_engine_judge_dates(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  xsmcSetBoolean(xsResult, tls_engine_judge_dates(engine, get_time(the, &xsArg(0))));
}

void xs_tls_engine_get_wanted(xsMachine *the) {
  xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_wanted(get_engine(the)));
}

void xs_tls_engine_get_readable(xsMachine *the) {
  xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_readable(get_engine(the)));
}

void xs_tls_engine_get_connected(xsMachine *the) {
  xsmcSetBoolean(xsResult, tls_engine_status(get_engine(the))->connected);
}

void xs_tls_engine_get_peer_closed(xsMachine *the) {
  xsmcSetBoolean(xsResult, tls_engine_status(get_engine(the))->peer_closed);
}

static void set_string(xsMachine *the, const char *text) {
  if (text != NULL) xsmcSetString(xsResult, (xsStringValue)text);
}

void xs_tls_engine_get_error(xsMachine *the) {
  tls_error error = tls_engine_status(get_engine(the))->error;
  if (error != TLS_ERROR_NONE) set_string(the, tls_error_name(error));
}

void xs_tls_engine_get_alert(xsMachine *the) {
  int alert = tls_engine_status(get_engine(the))->alert;
  if (alert >= 0) xsmcSetInteger(xsResult, alert);
}

void xs_tls_engine_get_detail(xsMachine *the) {
  xsmcSetInteger(xsResult, tls_engine_status(get_engine(the))->detail);
}

void xs_tls_engine_get_version(xsMachine *the) {
  set_string(the, tls_engine_version(get_engine(the)));
}

void xs_tls_engine_get_protocol(xsMachine *the) {
  set_string(the, tls_engine_protocol(get_engine(the)));
}

void xs_tls_engine_get_bytes(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  if (tls_memory_is_counted()) xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_memory(engine)->current);
}

void xs_tls_engine_get_peak_bytes(xsMachine *the) {
  tls_engine *engine = get_engine(the);
  if (tls_memory_is_counted()) xsmcSetInteger(xsResult, (xsIntegerValue)tls_engine_memory(engine)->peak);
}
