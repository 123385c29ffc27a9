#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "xsmc.h"

// What the thread works on; it owns it. The answer comes through the pipe: four bytes of address, or nothing.
typedef struct {
  int answer;
  char host[256];
} query;

typedef struct {
  loop_source source;  // first: loop.c hands out its address
  xsMachine *the;
  xsSlot self, callback;
} script_lookup;

// Whether host is the domain, or a name under it.
static bool is_under(const char *host, const char *domain) {
  size_t length = strlen(host), suffix = strlen(domain);
  if (length && host[length - 1] == '.')
    length--;
  if (length < suffix || strncasecmp(host + length - suffix, domain, suffix))
    return false;
  return length == suffix || host[length - suffix - 1] == '.';
}

static bool look_up(const char *host, struct in_addr *address) {
  if (inet_aton(host, address))
    return true;
  if (is_under(host, "localhost")) {
    address->s_addr = htonl(INADDR_LOOPBACK);
    return true;
  }
  if (is_under(host, "invalid"))
    return false;
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, NULL, &hints, &found))
    return false;
  *address = ((struct sockaddr_in *)found->ai_addr)->sin_addr;
  freeaddrinfo(found);
  return true;
}

static void *run(void *argument) {
  query *it = argument;
  struct in_addr address;
  if (look_up(it->host, &address)) {
    ssize_t written = write(it->answer, &address, sizeof(address));
    (void)written;  // the reader may have gone; nothing is lost
  }
  close(it->answer);
  free(it);
  return NULL;
}

static void ready(loop_source *source, short revents) {
  script_lookup *it = (script_lookup *)source;
  xsMachine *machine = it->the;
  struct in_addr address;
  (void)revents;
  bool found = read(source->fd, &address, sizeof(address)) == sizeof(address);
  loop_remove(source);
  xsBeginHost(machine);
  if (found)
    xsmcSetString(xsResult, inet_ntoa(address));
  xsCallFunction1(xsAccess(it->callback), xsGlobal, xsResult);
  xsEndHost(machine);
}

void xs_host_lookup_destructor(void *data) {
  script_lookup *it = data;
  if (!it)
    return;
  loop_remove(&it->source);
  loop_release();
  close(it->source.fd);
  free(it);
}

void xs_host_lookup(xsMachine *the) {
  int pipes[2];
  pthread_t thread;
  query *request = calloc(1, sizeof(query));
  xsmcToStringBuffer(xsArg(0), request->host, sizeof(request->host));
  if (pipe(pipes))
    xsUnknownError("no pipe");
  request->answer = pipes[1];
  script_lookup *it = calloc(1, sizeof(script_lookup));
  it->the = the;
  it->source = (loop_source){.fd = pipes[0], .events = POLLIN, .ready = ready};
  it->self = xsThis;
  it->callback = xsArg(1);
  xsmcSetHostData(xsThis, it);
  xsRemember(it->self);
  xsRemember(it->callback);
  loop_add(&it->source);
  // A thread at work is nothing that a shared clock could leap over: one attempt after the other would wait for its answer.
  loop_hold();
  if (pthread_create(&thread, NULL, run, request)) {
    close(pipes[1]);  // answers "not found"
    free(request);
  }
  else
    pthread_detach(thread);
}

void xs_host_lookup_close(xsMachine *the) {
  script_lookup *it = xsmcGetHostData(xsThis);
  if (!it)
    return;
  xsForget(it->self);
  xsForget(it->callback);
  xsmcSetHostData(xsThis, NULL);
  xs_host_lookup_destructor(it);
}
