#include "clock.h"

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static double scale = 1;
static double started;  // real monotonic milliseconds
static double wall_at_start;
static double leapt;  // device milliseconds

static double read_clock(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return now.tv_sec * 1000.0 + now.tv_nsec / 1e6;
}

void clock_start(double factor) {
  scale = factor;
  started = read_clock(CLOCK_MONOTONIC);
  wall_at_start = read_clock(CLOCK_REALTIME);
}

double clock_scale(void) {
  return scale;
}

double clock_milliseconds(void) {
  return (read_clock(CLOCK_MONOTONIC) - started) * scale + leapt;
}

void clock_leap(double milliseconds) {
  if (milliseconds > 0)
    leapt += milliseconds;
}

double clock_wall(void) {
  return wall_at_start + clock_milliseconds();
}

void clock_set_wall(double milliseconds) {
  wall_at_start = milliseconds - clock_milliseconds();
}

// XS takes the time of day from here (xs-platform.h).
int host_gettimeofday(struct timeval *time, void *zone) {
  (void)zone;
  double wall = clock_wall();
  time->tv_sec = (time_t)(wall / 1000);
  time->tv_usec = (suseconds_t)((wall - time->tv_sec * 1000.0) * 1000);
  return 0;
}
