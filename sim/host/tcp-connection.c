#include "tcp-connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

// lwIP's defaults on the ESP32 (CONFIG_LWIP_TCP_SND_BUF_DEFAULT, CONFIG_LWIP_TCP_WND_DEFAULT): four segments of 1436 bytes.
#define DEFAULT_WINDOW 5744
#define MAX_WINDOW (1 << 20)
#define TCP_LINGER_MS 5000

static int window(const char *variable) {
  const char *text = getenv(variable);
  int value = text ? atoi(text) : 0;
  return value > 0 && value <= MAX_WINDOW ? value : DEFAULT_WINDOW;
}

static void kicked(loop_timer *timer);
static void ready(loop_source *source, short revents);

static tcp_connection *create(int descriptor) {
  tcp_connection *it = calloc(1, sizeof(tcp_connection));
  fcntl(descriptor, F_SETFL, O_NONBLOCK | fcntl(descriptor, F_GETFL, 0));
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  it->capacity_in = window("TCP_RECEIVE_WINDOW");
  it->capacity_out = window("TCP_SEND_WINDOW");
  it->received = malloc(it->capacity_in);
  it->sending = malloc(it->capacity_out);
  // The kernel is to hold little, or its buffers would hide a slow peer.
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &it->capacity_out, sizeof(int));
  it->source.fd = descriptor;
  it->source.ready = ready;
  it->kick.fired = kicked;
  return it;
}

static void watch(tcp_connection *it) {
  short events = 0;
  if (!it->connected || it->queued)
    events |= POLLOUT;
  if (it->connected && it->owner && it->available < it->capacity_in)
    events |= POLLIN;
  it->source.events = events;
}

tcp_connection *tcp_connect(const struct sockaddr_in *address, bool no_delay) {
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), value = no_delay;
  if (descriptor < 0)
    return NULL;
  tcp_connection *it = create(descriptor);
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
  loop_add(&it->source);
  watch(it);
  if (connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) && errno != EINPROGRESS) {
    it->ended = true;
    loop_remove(&it->source);
    it->pending = TCP_ERROR;
  }
  return it;
}

tcp_connection *tcp_accepted(int descriptor) {
  tcp_connection *it = create(descriptor);
  it->connected = true;
  it->pending = TCP_WRITABLE;
  return it;
}

void tcp_own(tcp_connection *it, void *owner, void (*report)(void *owner, int events)) {
  bool watched = it->owner || !it->connected;
  it->owner = owner;
  it->report = report;
  if (it->available)
    it->pending |= TCP_READABLE;
  if (it->connected && !it->ended)
    it->pending |= TCP_WRITABLE;
  if (it->ended && !it->available)
    it->pending |= TCP_ERROR;
  if (!watched && !it->ended)
    loop_add(&it->source);
  watch(it);
  if (it->pending)
    loop_schedule(&it->kick, 0, 0);
}

static void end(tcp_connection *it) {
  it->ended = true;
  it->queued = 0;
  loop_remove(&it->source);
  if (!it->available)
    it->pending |= TCP_ERROR;
}

static void receive(tcp_connection *it) {
  if (it->position) {
    memmove(it->received, it->received + it->position, it->available);
    it->position = 0;
  }
  ssize_t count = recv(it->source.fd, it->received + it->available, it->capacity_in - it->available, 0);
  if (count > 0) {
    it->available += (int)count;
    it->pending |= TCP_READABLE;
  }
  else if (!count || (errno != EAGAIN && errno != EINTR))
    end(it);
}

static void transmit(tcp_connection *it) {
  ssize_t count = send(it->source.fd, it->sending, it->queued, MSG_NOSIGNAL);
  if (count > 0) {
    it->queued -= (int)count;
    memmove(it->sending, it->sending + count, it->queued);
    it->pending |= TCP_WRITABLE;
  }
  else if (errno != EAGAIN && errno != EINTR)
    end(it);
}

static void finish_connecting(tcp_connection *it) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(it->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    end(it);
    return;
  }
  it->connected = true;
  it->pending |= TCP_WRITABLE;
}

// The owner may close the socket in its callback; nothing is touched after it.
static void deliver(tcp_connection *it) {
  int events = it->pending;
  it->pending = 0;
  if (events && it->owner)
    it->report(it->owner, events);
}

static void finish_closing(tcp_connection *it) {
  if (!it->ended && it->queued && clock_milliseconds() < it->give_up)
    return;
  tcp_discard(it);
}

static void ready(loop_source *source, short revents) {
  tcp_connection *it = (tcp_connection *)source;
  if (!it->connected)
    finish_connecting(it);
  else {
    if (it->queued && (revents & (POLLOUT | POLLERR | POLLHUP)))
      transmit(it);
    if (!it->ended && it->available < it->capacity_in && (revents & (POLLIN | POLLERR | POLLHUP)))
      receive(it);
  }
  watch(it);
  if (it->owner)
    deliver(it);
  else
    finish_closing(it);
}

static void kicked(loop_timer *timer) {
  tcp_connection *it = (tcp_connection *)((char *)timer - offsetof(tcp_connection, kick));
  if (it->owner)
    deliver(it);
  else
    tcp_discard(it);
}

int tcp_writable(tcp_connection *it) {
  return it->connected && !it->ended ? it->capacity_out - it->queued : 0;
}

void tcp_write(tcp_connection *it, const void *data, int count) {
  memcpy(it->sending + it->queued, data, count);
  it->queued += count;
  watch(it);
}

void tcp_read(tcp_connection *it, void *data, int count) {
  memcpy(data, it->received + it->position, count);
  it->position += count;
  it->available -= count;
  watch(it);
  if (it->ended && !it->available) {
    it->pending |= TCP_ERROR;
    loop_schedule(&it->kick, 0, 0);
  }
}

void tcp_close(tcp_connection *it) {
  it->owner = NULL;
  if (!it->connected || it->ended || !it->queued) {
    tcp_discard(it);
    return;
  }
  it->give_up = clock_milliseconds() + TCP_LINGER_MS;
  it->available = it->position = 0;
  watch(it);
  loop_schedule(&it->kick, TCP_LINGER_MS, 0);
}

void tcp_discard(tcp_connection *it) {
  loop_remove(&it->source);
  loop_unschedule(&it->kick);
  close(it->source.fd);
  free(it->received);
  free(it->sending);
  free(it);
}
