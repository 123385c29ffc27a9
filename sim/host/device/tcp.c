#include "tcp.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "mc.xs.h"
#include "xsmc.h"

typedef struct {
  tcp_connection *connection;  // NULL: given on to another instance
  xsMachine *the;
  xsSlot self, on_readable, on_writable, on_error;
  bool remembered, bytes;  // bytes: format "number"
} script_tcp;

static void forget(script_tcp *it) {
  xsMachine *the = it->the;
  if (!it->remembered)
    return;
  it->remembered = false;
  xsForget(it->self);
  xsForget(it->on_readable);
  xsForget(it->on_writable);
  xsForget(it->on_error);
}

void xs_host_tcp_destructor(void *data) {
  script_tcp *it = data;
  if (!it)
    return;
  if (it->connection)
    tcp_discard(it->connection);
  free(it);
}

static const xsHostHooks hooks = {xs_host_tcp_destructor, NULL, NULL};

static script_tcp *get(xsMachine *the, xsSlot *instance) {
  return fxGetHostDataValidate(the, instance, (void *)&hooks);
}

static void call(script_tcp *it, xsSlot *callback, int count) {
  loop_call(it->the, &it->self, callback, count);
}

// True while the instance has not been closed (and the record is there) after a callback.
static bool is_open(xsMachine *the, xsSlot *self, script_tcp *it) {
  bool result;
  xsBeginHost(the);
  xsResult = xsAccess(*self);
  result = xsmcGetHostData(xsResult) == it && it->connection;
  xsEndHost(the);
  return result;
}

static void report(void *owner, int events) {
  script_tcp *it = owner;
  xsMachine *the = it->the;
  xsSlot self = it->self;  // a copy: the record may be freed by a callback; the stack keeps the instance alive
  xsBeginHost(the);
  xsResult = xsAccess(self);
  bool open = true;
  if ((events & TCP_WRITABLE) && tcp_writable(it->connection) > 0) {
    call(it, &it->on_writable, tcp_writable(it->connection));
    open = is_open(the, &self, it);
  }
  if (open && (events & TCP_READABLE) && it->connection->available) {
    call(it, &it->on_readable, it->connection->available);
    open = is_open(the, &self, it);
  }
  if (open && (events & TCP_ERROR) && it->connection->ended && !it->connection->available)
    call(it, &it->on_error, -1);
  xsEndHost(the);
}

static void ignore(xsMachine *the) {
  (void)the;
}

static void get_callback(xsMachine *the, xsSlot *callback, xsIdentifier id) {
  xsmcGet(xsVar(0), xsArg(0), id);
  if (xsmcTypeOf(xsVar(0)) != xsReferenceType || !xsmcIsCallable(xsVar(0)))
    xsVar(0) = xsNewHostFunction(ignore, 0);
  *callback = xsVar(0);
  xsRemember(*callback);
}

static void set_format(xsMachine *the, script_tcp *it, xsSlot *value) {
  char *name = fxToString(the, value);
  if (!strcmp(name, "number"))
    it->bytes = true;
  else if (!strcmp(name, "buffer"))
    it->bytes = false;
  else
    xsRangeError("unimplemented format");
}

static tcp_connection *take(xsMachine *the) {
  xsmcGet(xsVar(0), xsArg(0), xsID_from);
  script_tcp *from = get(the, &xsVar(0));
  if (!from || !from->connection)
    xsUnknownError("invalid from");
  tcp_connection *connection = from->connection;
  forget(from);
  from->connection = NULL;
  return connection;
}

static tcp_connection *open_connection(xsMachine *the) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  xsmcGet(xsVar(0), xsArg(0), xsID_address);
  if (!inet_aton(xsmcToString(xsVar(0)), &address.sin_addr))
    xsUnknownError("invalid address");
  xsmcGet(xsVar(0), xsArg(0), xsID_port);
  int port = xsmcToInteger(xsVar(0));
  if (port < 0 || port > 65535)
    xsRangeError("invalid port");
  address.sin_port = htons((uint16_t)port);
  xsmcGet(xsVar(0), xsArg(0), xsID_nodelay);
  bool no_delay = xsmcTest(xsVar(0));
  xsmcGet(xsVar(0), xsArg(0), xsID_noDelay);
  tcp_connection *connection = tcp_connect(&address, no_delay || xsmcTest(xsVar(0)));
  if (!connection)
    xsUnknownError("no socket");
  return connection;
}

static void configure(xsMachine *the, script_tcp *it) {
  if (xsmcHas(xsArg(0), xsID_format)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_format);
    set_format(the, it, &xsVar(0));
  }
  if (xsmcHas(xsArg(0), xsID_target)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_target);
    xsmcSet(xsThis, xsID_target, xsVar(0));
  }
  it->connection = xsmcHas(xsArg(0), xsID_from) ? take(the) : open_connection(the);
  it->self = xsThis;
  xsRemember(it->self);
  get_callback(the, &it->on_readable, xsID_onReadable);
  get_callback(the, &it->on_writable, xsID_onWritable);
  get_callback(the, &it->on_error, xsID_onError);
  it->remembered = true;
  tcp_own(it->connection, it, report);
}

void xs_host_tcp(xsMachine *the) {
  xsmcVars(1);
  script_tcp *it = calloc(1, sizeof(script_tcp));
  it->the = the;
  xsmcSetHostData(xsThis, it);
  xsSetHostHooks(xsThis, (xsHostHooks *)&hooks);
  if (xsmcArgc)
    configure(the, it);
}

void tcp_attach(xsMachine *the, xsSlot *instance, tcp_connection *connection) {
  get(the, instance)->connection = connection;
}

void xs_host_tcp_close(xsMachine *the) {
  script_tcp *it = xsmcGetHostData(xsThis);
  if (!it || !get(the, &xsThis))
    return;
  forget(it);
  if (it->connection)
    tcp_close(it->connection);
  xsmcSetHostData(xsThis, NULL);
  free(it);
}

static script_tcp *get_open(xsMachine *the) {
  script_tcp *it = get(the, &xsThis);
  if (!it || !it->connection)
    xsUnknownError("closed");
  return it;
}

void xs_host_tcp_read(xsMachine *the) {
  script_tcp *it = get_open(the);
  tcp_connection *connection = it->connection;
  void *data;
  if (!connection->available)
    return;
  if (it->bytes) {
    uint8_t byte;
    tcp_read(connection, &byte, 1);
    xsmcSetInteger(xsResult, byte);
    return;
  }
  xsUnsignedValue count = (xsUnsignedValue)connection->available;
  bool into = xsmcArgc && xsmcTypeOf(xsArg(0)) == xsReferenceType;
  if (into)
    xsmcGetBufferWritable(xsArg(0), &data, &count);
  else if (xsmcArgc && xsmcTypeOf(xsArg(0)) != xsUndefinedType)
    count = (xsUnsignedValue)xsmcToInteger(xsArg(0));
  if (!count || count > (xsUnsignedValue)connection->available)
    xsRangeError("invalid count");  // as on the chip
  if (into)
    xsmcSetInteger(xsResult, (xsIntegerValue)count);
  else {
    xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)count);
    data = xsmcToArrayBuffer(xsResult);
  }
  tcp_read(connection, data, (int)count);
}

void xs_host_tcp_write(xsMachine *the) {
  script_tcp *it = get_open(the);
  uint8_t byte;
  void *data = &byte;
  xsUnsignedValue count = 1;
  if (it->connection->ended)
    return;  // onError says it
  if (it->bytes)
    byte = (uint8_t)xsmcToInteger(xsArg(0));
  else
    xsmcGetBufferReadable(xsArg(0), &data, &count);
  if (count > (xsUnsignedValue)tcp_writable(it->connection))
    xsRangeError("overflow");
  tcp_write(it->connection, data, (int)count);
  xsmcSetInteger(xsResult, tcp_writable(it->connection));
}

static struct sockaddr_in remote(xsMachine *the) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof(address);
  getpeername(get_open(the)->connection->source.fd, (struct sockaddr *)&address, &size);
  return address;
}

void xs_host_tcp_get_remote_address(xsMachine *the) {
  struct sockaddr_in address = remote(the);
  if (address.sin_port)
    xsmcSetString(xsResult, inet_ntoa(address.sin_addr));
}

void xs_host_tcp_get_remote_port(xsMachine *the) {
  struct sockaddr_in address = remote(the);
  if (address.sin_port)
    xsmcSetInteger(xsResult, ntohs(address.sin_port));
}

void xs_host_tcp_get_format(xsMachine *the) {
  xsmcSetString(xsResult, get_open(the)->bytes ? "number" : "buffer");
}

void xs_host_tcp_set_format(xsMachine *the) {
  set_format(the, get_open(the), &xsArg(0));
}
