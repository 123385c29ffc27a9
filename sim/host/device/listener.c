#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mc.xs.h"
#include "tcp.h"
#include "xsmc.h"

#define BACKLOG 8

typedef struct {
  loop_source source;  // first: loop.c hands out its address
  loop_timer again;
  xsMachine *the;
  xsSlot self, on_readable;
  bool remembered;
} script_listener;

void xs_host_listener_destructor(void *data) {
  script_listener *it = data;
  if (!it)
    return;
  loop_remove(&it->source);
  loop_unschedule(&it->again);
  close(it->source.fd);
  free(it);
}

static const xsHostHooks hooks = {xs_host_listener_destructor, NULL, NULL};

static void ready(loop_source *source, short revents) {
  script_listener *it = (script_listener *)source;
  (void)revents;
  // Told once; accepting, or the next turn of the clock, asks again. Otherwise an owner that waits would keep the loop busy.
  it->source.events = 0;
  loop_schedule(&it->again, 20, 0);
  loop_call(it->the, &it->self, &it->on_readable, 1);
}

static void watch_again(loop_timer *timer) {
  script_listener *it = (script_listener *)((char *)timer - offsetof(script_listener, again));
  it->source.events = POLLIN;
}

static int listen_at(xsMachine *the) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  xsmcGet(xsVar(0), xsArg(0), xsID_port);
  int port = xsmcTypeOf(xsVar(0)) == xsUndefinedType ? 0 : xsmcToInteger(xsVar(0)), yes = 1;
  if (port < 0 || port > 65535)
    xsRangeError("invalid port");
  address.sin_port = htons((uint16_t)port);
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) || listen(descriptor, BACKLOG)) {
    close(descriptor);
    xsUnknownError("cannot listen at port %d", port);
  }
  return descriptor;
}

void xs_host_listener(xsMachine *the) {
  xsmcVars(1);
  int descriptor = listen_at(the);
  script_listener *it = calloc(1, sizeof(script_listener));
  it->the = the;
  it->source = (loop_source){.fd = descriptor, .events = POLLIN, .ready = ready};
  it->again.fired = watch_again;
  xsmcSetHostData(xsThis, it);
  xsSetHostHooks(xsThis, (xsHostHooks *)&hooks);
  xsmcGet(xsVar(0), xsArg(0), xsID_onReadable);
  it->on_readable = xsVar(0);
  it->self = xsThis;
  xsRemember(it->self);
  xsRemember(it->on_readable);
  if (xsmcHas(xsArg(0), xsID_target)) {
    xsmcGet(xsVar(0), xsArg(0), xsID_target);
    xsmcSet(xsThis, xsID_target, xsVar(0));
  }
  loop_add(&it->source);
}

void xs_host_listener_close(xsMachine *the) {
  script_listener *it = xsmcGetHostData(xsThis);
  if (!it)
    return;
  xsForget(it->self);
  xsForget(it->on_readable);
  xsmcSetHostData(xsThis, NULL);
  xs_host_listener_destructor(it);
}

void xs_host_listener_accept(xsMachine *the) {
  script_listener *it = xsmcGetHostDataValidate(xsThis, (void *)&hooks);
  int descriptor = it ? accept(it->source.fd, NULL, NULL) : -1;
  xsmcSetBoolean(xsResult, descriptor >= 0);
  if (descriptor < 0)
    return;
  it->source.events = POLLIN;
  tcp_attach(the, &xsArg(0), tcp_accepted(descriptor));
}

void xs_host_listener_get_port(xsMachine *the) {
  script_listener *it = xsmcGetHostDataValidate(xsThis, (void *)&hooks);
  struct sockaddr_in address = {0};
  socklen_t size = sizeof(address);
  if (!it || getsockname(it->source.fd, (struct sockaddr *)&address, &size))
    return;
  xsmcSetInteger(xsResult, ntohs(address.sin_port));
}
