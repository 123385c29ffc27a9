// The event loop: one thread, poll(2), timers, promise jobs.
#ifndef DEVICELINK_LOOP_H
#define DEVICELINK_LOOP_H

#include <stdbool.h>

#include "xs.h"

// A file descriptor to watch. The owner sets fd, events and ready, and may change events between calls.
typedef struct loop_source loop_source;
struct loop_source {
  int fd;
  short events;  // POLLIN, POLLOUT; 0 to be told of errors only
  bool background;  // true: does not keep the process running
  void (*ready)(loop_source *source, short revents);
  loop_source *next;
  bool removed;
};

// The record must stay where it is until loop_remove; it is not touched afterwards.
void loop_add(loop_source *source);
void loop_remove(loop_source *source);

// Something that is under way in another thread keeps the process running, and a shared clock from leaping.
void loop_hold(void);
void loop_release(void);

// A timer of the device's clock. repeat in milliseconds, 0 for a single shot.
typedef struct loop_timer loop_timer;
struct loop_timer {
  double when;  // of clock_milliseconds
  double repeat;
  void (*fired)(loop_timer *timer);
  loop_timer *next;
  unsigned long turn;
  bool scheduled;
};

void loop_schedule(loop_timer *timer, double delay, double repeat);
void loop_unschedule(loop_timer *timer);

// Calls `callback` with `self` as this; an exception ends the process. A negative count passes no argument.
void loop_call(xsMachine *the, xsSlot *self, xsSlot *callback, int count);

// Runs until nothing is left to wait for. Promise jobs run after each callback.
void loop_run(xsMachine *the);

// Timers, sources that keep the process running, and what is held.
int loop_pending(void);

// Leaves loop_run at the next turn.
void loop_stop(void);

#endif
