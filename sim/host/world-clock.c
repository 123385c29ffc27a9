#include "world-clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "failure.h"

enum { LINE_ROOM = 64, PATIENCE_SECONDS = 60 };

static int connection = -1;
static bool asked, stirred, traffic = true;

static void fail(const char *what) {
  fprintf(stderr, "xs-host: --clock: %s\n", what);
  exit(EXIT_USAGE);
}

static void say(const char *line) {
  size_t length = strlen(line);
  if (send(connection, line, length, MSG_NOSIGNAL) != (ssize_t)length)
    fail("whoever kept the clock is gone");
}

// Byte by byte: the lines are short, and no more than one is ever under way.
static void read_line(char *line) {
  for (int length = 0; length < LINE_ROOM; length++) {
    if (recv(connection, line + length, 1, 0) != 1)
      fail("whoever kept the clock is gone");
    if (line[length] == '\n') {
      line[length] = 0;
      return;
    }
  }
  fail("a line is too long");
}

static double read_time(void) {
  char line[LINE_ROOM];
  double time;
  read_line(line);
  if (sscanf(line, "time %lf", &time) != 1)
    fail("no time");
  return time;
}

void world_clock_join(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  int yes = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof(address)))
    fail("nobody keeps a clock there");
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  say("device\n");
  clock_set_wall(read_time());
}

int world_clock_descriptor(void) {
  return connection;
}

void world_clock_ask(double milliseconds) {
  char line[LINE_ROOM];
  if (asked)
    return;
  asked = true;
  stirred = false;
  snprintf(line, sizeof(line), "%s %.3f\n", traffic ? "idle" : "calm", clock_wall() + milliseconds);
  say(line);
}

void world_clock_stir(void) {
  stirred = true;
}

void world_clock_traffic(void) {
  stirred = traffic = true;
}

void world_clock_ready(bool is_quiet) {
  char line[LINE_ROOM];
  read_line(line);
  if (strcmp(line, "check"))
    fail("not understood");
  asked = false;
  if (stirred || !is_quiet) {
    say("busy\n");
    return;
  }
  say("quiet\n");
  traffic = false;
  clock_leap(read_time() - clock_wall());
}
