#include "debugger.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "failure.h"
#include "loop.h"

static struct addrinfo *address;
static int connection = -1;
static loop_source source;
static txMachine *debugged;

void debugger_prepare(const char *text) {
  char host[256];
  snprintf(host, sizeof(host), "%s", text);
  char *colon = strrchr(host, ':');
  if (colon)
    *colon++ = 0;
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  if (getaddrinfo(host, colon ? colon : "5002", &hints, &address)) {
    fprintf(stderr, "--xsbug %s: no such address\n", text);
    exit(EXIT_USAGE);
  }
}

void fxConnect(txMachine *the) {
  if (!address || !the->arena)
    return;  // the root machine is not debugged
  int it = socket(AF_INET, SOCK_STREAM, 0);
  if (it < 0 || connect(it, address->ai_addr, address->ai_addrlen)) {
    fprintf(stderr, "--xsbug: nobody listens there: %s\n", strerror(errno));
    exit(EXIT_USAGE);
  }
  connection = it;
  debugged = the;
}

void fxDisconnect(txMachine *the) {
  if (!fxIsConnected(the))
    return;
  if (source.ready)
    loop_remove(&source);
  source.ready = NULL;
  close(connection);
  connection = -1;
}

txBoolean fxIsConnected(txMachine *the) {
  return connection >= 0 && the == debugged;
}

txBoolean fxIsReadable(txMachine *the) {
  struct pollfd entry = {.fd = connection, .events = POLLIN};
  return fxIsConnected(the) && poll(&entry, 1, 0) > 0;
}

// Blocks: XS calls it while the machine is stopped, or when bytes are there.
void fxReceive(txMachine *the) {
  ssize_t count;
  do
    count = recv(connection, the->debugBuffer, sizeof(the->debugBuffer) - 1, 0);
  while (count < 0 && errno == EINTR);
  the->debugOffset = count > 0 ? (txSize)count : 0;
  the->debugBuffer[the->debugOffset] = 0;
  if (count <= 0)
    fxDisconnect(the);
}

void fxSend(txMachine *the, txBoolean more) {
  (void)more;
  txSize offset = 0;
  while (fxIsConnected(the) && offset < the->echoOffset) {
    ssize_t count = send(connection, the->echoBuffer + offset, the->echoOffset - offset, MSG_NOSIGNAL);
    if (count > 0)
      offset += (txSize)count;
    else if (errno != EINTR)
      fxDisconnect(the);
  }
}

void fxRunDebugger(txMachine *the) {
  fxDebugCommand(the);
}

static void command_ready(loop_source *it, short revents) {
  (void)it;
  (void)revents;
  xsBeginHost(debugged);
  fxDebugCommand(the);
  xsEndHost(debugged);
}

void debugger_watch(txMachine *the) {
  if (!fxIsConnected(the))
    return;
  source = (loop_source){.fd = connection, .events = POLLIN, .background = true, .ready = command_ready};
  loop_add(&source);
}
