// A TCP connection with bounded buffers; device/tcp.c is its face in JavaScript.
#ifndef DEVICELINK_TCP_CONNECTION_H
#define DEVICELINK_TCP_CONNECTION_H

#include <netinet/in.h>

#include "loop.h"

enum { TCP_READABLE = 1, TCP_WRITABLE = 2, TCP_ERROR = 4 };

typedef struct tcp_connection tcp_connection;
struct tcp_connection {
  loop_source source;  // first: loop.c hands out its address
  loop_timer kick;
  // Called with TCP_... bits, never from within another function of this file.
  void (*report)(void *owner, int events);
  void *owner;  // NULL: closed, only the rest of the queue is being sent
  bool connected, ended;
  int pending;
  int capacity_in, capacity_out;
  int available, position;  // received bytes not read yet
  int queued;               // bytes not given to the kernel yet
  uint8_t *received, *sending;
  double give_up;
};

tcp_connection *tcp_connect(const struct sockaddr_in *address, bool no_delay);
tcp_connection *tcp_accepted(int descriptor);

// Delivers what happened before there was an owner.
void tcp_own(tcp_connection *it, void *owner, void (*report)(void *owner, int events));

// Room in the send buffer; 0 before it is connected.
int tcp_writable(tcp_connection *it);
void tcp_write(tcp_connection *it, const void *data, int count);
void tcp_read(tcp_connection *it, void *data, int count);

// Sends what is queued (at most TCP_LINGER_MS), closes, and frees the record.
void tcp_close(tcp_connection *it);

// The same without waiting.
void tcp_discard(tcp_connection *it);

#endif
