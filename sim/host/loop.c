#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "clock.h"
#include "jobs.h"
#include "statistics.h"

#define MAX_WAIT_MS 60000

static xsMachine *machine;
static loop_source *sources;
static loop_timer *timers;  // ordered by `when`, then by the order of scheduling
static unsigned long turn = 1;
static int held;
static bool stopped;

void loop_add(loop_source *source) {
  source->removed = false;
  source->next = sources;
  sources = source;
}

void loop_remove(loop_source *source) {
  source->removed = true;
  for (loop_source **address = &sources; *address; address = &(*address)->next) {
    if (*address == source) {
      *address = source->next;
      break;
    }
  }
}

void loop_hold(void) {
  held++;
}

void loop_release(void) {
  held--;
}

void loop_stop(void) {
  stopped = true;
}

static void insert(loop_timer *timer) {
  loop_timer **address = &timers;
  while (*address && (*address)->when <= timer->when)
    address = &(*address)->next;
  timer->next = *address;
  *address = timer;
  timer->scheduled = true;
}

void loop_schedule(loop_timer *timer, double delay, double repeat) {
  loop_unschedule(timer);
  timer->when = clock_milliseconds() + (delay > 0 ? delay : 0);
  timer->repeat = repeat;
  timer->turn = turn;
  insert(timer);
}

void loop_unschedule(loop_timer *timer) {
  if (!timer->scheduled)
    return;
  timer->scheduled = false;
  for (loop_timer **address = &timers; *address; address = &(*address)->next) {
    if (*address == timer) {
      *address = timer->next;
      break;
    }
  }
}

void loop_call(xsMachine *the, xsSlot *self, xsSlot *callback, int count) {
  xsBeginHost(the);
  xsSlot target = xsAccess(*self), function = xsAccess(*callback);
  if (count < 0)
    xsCallFunction0(function, target);
  else
    xsCallFunction1(function, target, xsInteger(count));
  xsEndHost(the);
}

// Fires what is due; a timer that was scheduled during this turn waits for the next, so that sources get their turn too.
static void run_timers(void) {
  double now = clock_milliseconds();
  turn++;
  for (;;) {
    loop_timer *timer = timers;
    while (timer && timer->turn == turn)
      timer = timer->next;
    if (!timer || timer->when > now || stopped)
      return;
    double repeat = timer->repeat, when = timer->when;
    loop_unschedule(timer);
    if (repeat > 0) {
      timer->turn = turn;
      timer->when = when + repeat > now ? when + repeat : now + repeat;
      insert(timer);
    }
    timer->fired(timer);
    jobs_run(machine);
  }
}

static bool is_finished(void) {
  if (stopped)
    return true;
  if (timers || held)
    return false;
  for (loop_source *source = sources; source; source = source->next)
    if (!source->background)
      return false;
  return true;
}

static int next_wait(void) {
  if (!timers)
    return -1;
  double wait = (timers->when - clock_milliseconds()) / clock_scale();
  if (wait <= 0)
    return 0;
  return wait < MAX_WAIT_MS ? (int)wait + 1 : MAX_WAIT_MS;
}

static void wait_for_sources(void) {
  static struct pollfd *entries;
  static loop_source **watched;
  static int capacity;
  int count = 0;
  for (loop_source *source = sources; source; source = source->next) {
    if (count == capacity) {
      capacity += 16;
      entries = realloc(entries, capacity * sizeof(*entries));
      watched = realloc(watched, capacity * sizeof(*watched));
    }
    entries[count] = (struct pollfd){.fd = source->fd, .events = source->events};
    watched[count++] = source;
  }
  if (poll(entries, count, next_wait()) <= 0)
    return;
  for (int i = 0; i < count && !stopped; i++) {
    if (!entries[i].revents)
      continue;
    // The callback of an earlier source may have removed this one, and freed it.
    loop_source *source = sources;
    while (source && source != watched[i])
      source = source->next;
    if (source && source->fd == entries[i].fd) {
      source->ready(source, entries[i].revents);
      jobs_run(machine);
    }
  }
}

void loop_run(xsMachine *the) {
  machine = the;
  jobs_run(the);
  while (!is_finished()) {
    wait_for_sources();
    run_timers();
    statistics_sample(the);
  }
}
