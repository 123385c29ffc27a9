#include <arpa/inet.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "mc.xs.h"
#include "xsmc.h"

// As lwIP's: longer ones are cut.
#define LONGEST_DATAGRAM 2048

typedef struct {
  loop_source source;  // first: loop.c hands out its address
  loop_timer again;
  xsMachine *the;
  xsSlot self, on_readable;
} script_udp;

void xs_host_udp_destructor(void *data) {
  script_udp *it = data;
  if (!it)
    return;
  loop_remove(&it->source);
  loop_unschedule(&it->again);
  close(it->source.fd);
  free(it);
}

static const xsHostHooks hooks = {xs_host_udp_destructor, NULL, NULL};

static script_udp *get(xsMachine *the) {
  script_udp *it = xsmcGetHostDataValidate(xsThis, (void *)&hooks);
  if (!it)
    xsUnknownError("closed");
  return it;
}

static void ready(loop_source *source, short revents) {
  script_udp *it = (script_udp *)source;
  (void)revents;
  // Told once; reading, or the next turn of the clock, asks again. Otherwise an owner that waits would keep the loop busy.
  it->source.events = 0;
  loop_schedule(&it->again, 20, 0);
  loop_call(it->the, &it->self, &it->on_readable, 1);
}

static void watch_again(loop_timer *timer) {
  script_udp *it = (script_udp *)((char *)timer - offsetof(script_udp, again));
  it->source.events = POLLIN;
}

static struct sockaddr_in address_of(xsMachine *the, xsSlot *host, xsSlot *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int number = xsmcToInteger(*port);
  if (number < 0 || number > 65535)
    xsRangeError("invalid port");
  if (!inet_aton(fxToString(the, host), &address.sin_addr))
    xsUnknownError("invalid address");
  address.sin_port = htons((uint16_t)number);
  return address;
}

static int open_socket(xsMachine *the) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
  xsmcGet(xsVar(0), xsArg(0), xsID_port);
  int port = xsmcTypeOf(xsVar(0)) == xsUndefinedType ? 0 : xsmcToInteger(xsVar(0));
  if (port < 0 || port > 65535)
    xsRangeError("invalid port");
  address.sin_port = htons((uint16_t)port);
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    xsUnknownError("no socket");
  if (bind(descriptor, (struct sockaddr *)&address, sizeof(address))) {
    close(descriptor);
    xsUnknownError("cannot bind port %d", port);
  }
  return descriptor;
}

void xs_host_udp(xsMachine *the) {
  xsmcVars(2);
  xsmcGet(xsVar(1), xsArg(0), xsID_onReadable);
  if (xsmcTypeOf(xsVar(1)) != xsReferenceType || !xsmcIsCallable(xsVar(1)))
    xsTypeError("onReadable is needed");
  int descriptor = open_socket(the);
  script_udp *it = calloc(1, sizeof(script_udp));
  it->the = the;
  it->source = (loop_source){.fd = descriptor, .events = POLLIN, .ready = ready};
  it->again.fired = watch_again;
  xsmcSetHostData(xsThis, it);
  xsSetHostHooks(xsThis, (xsHostHooks *)&hooks);
  it->on_readable = xsVar(1);
  it->self = xsThis;
  xsRemember(it->self);
  xsRemember(it->on_readable);
  if (xsmcHas(xsArg(0), xsID_target)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_target);
    xsmcSet(xsThis, xsID_target, xsVar(0));
  }
  loop_add(&it->source);
}

void xs_host_udp_close(xsMachine *the) {
  script_udp *it = xsmcGetHostData(xsThis);
  if (!it)
    return;
  xsForget(it->self);
  xsForget(it->on_readable);
  xsmcSetHostData(xsThis, NULL);
  xs_host_udp_destructor(it);
}

void xs_host_udp_read(xsMachine *the) {
  script_udp *it = get(the);
  struct sockaddr_in from = {0};
  socklen_t size = sizeof(from);
  uint8_t data[LONGEST_DATAGRAM];
  ssize_t length = recvfrom(it->source.fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);
  it->source.events = POLLIN;
  if (length < 0)
    return;
  xsmcVars(1);
  xsmcSetArrayBuffer(xsResult, data, (xsIntegerValue)length);
  xsmcSetInteger(xsVar(0), ntohs(from.sin_port));
  xsmcSet(xsResult, xsID_port, xsVar(0));
  xsmcSetString(xsVar(0), inet_ntoa(from.sin_addr));
  xsmcSet(xsResult, xsID_address, xsVar(0));
}

void xs_host_udp_write(xsMachine *the) {
  script_udp *it = get(the);
  struct sockaddr_in address = address_of(the, &xsArg(1), &xsArg(2));
  void *data;
  xsUnsignedValue length;
  xsmcGetBufferReadable(xsArg(0), &data, &length);
  if (sendto(it->source.fd, data, length, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
    xsUnknownError("sendto failed");
}
