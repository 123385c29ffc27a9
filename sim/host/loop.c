#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "clock.h"
#include "jobs.h"
#include "statistics.h"
#include "world-clock.h"

#define MAX_WAIT_MS 60000
// With a shared clock: silence of so many real milliseconds is asked about.
#define SETTLE_MS 1

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

int loop_pending(void) {
  int count = held;
  for (loop_timer *timer = timers; timer; timer = timer->next)
    count++;
  for (loop_source *source = sources; source; source = source->next)
    count += !source->background;
  return count;
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
    world_clock_stir();
    timer->fired(timer);
    jobs_run(machine);
  }
}

static bool is_finished(void) {
  return stopped || !loop_pending();
}

static int next_wait(void) {
  if (!timers)
    return -1;
  double wait = (timers->when - clock_milliseconds()) / clock_scale();
  if (wait <= 0)
    return 0;
  return wait < MAX_WAIT_MS ? (int)wait + 1 : MAX_WAIT_MS;
}

// Polls; the last entry is that of the shared clock, if there is one. Returns how many of the others are ready.
static int poll_entries(struct pollfd *entries, int count) {
  int shared = world_clock_descriptor(), wait = next_wait();
  if (shared < 0)
    return poll(entries, count, wait);
  bool may_ask = wait > SETTLE_MS && !held;
  entries[count] = (struct pollfd){.fd = shared, .events = POLLIN};
  int ready = poll(entries, count + 1, may_ask ? SETTLE_MS : wait);
  if (ready == 0 && may_ask) {
    world_clock_ask(timers->when - clock_milliseconds());
    ready = poll(entries, count + 1, next_wait());
  }
  if (ready <= 0 || !entries[count].revents)
    return ready;
  world_clock_ready(ready == 1 && !held && next_wait() > 0);
  return ready - 1;
}

static void wait_for_sources(void) {
  static struct pollfd *entries;
  static loop_source **watched;
  static int capacity;
  int count = 0;
  for (loop_source *source = sources; source; source = source->next) {
    if (count + 1 >= capacity) {
      capacity += 16;
      entries = realloc(entries, capacity * sizeof(*entries));
      watched = realloc(watched, capacity * sizeof(*watched));
    }
    entries[count] = (struct pollfd){.fd = source->fd, .events = source->events};
    watched[count++] = source;
  }
  if (poll_entries(entries, count) <= 0)
    return;
  for (int i = 0; i < count && !stopped; i++) {
    if (!entries[i].revents)
      continue;
    // The callback of an earlier source may have removed this one, and freed it.
    loop_source *source = sources;
    while (source && source != watched[i])
      source = source->next;
    if (source && source->fd == entries[i].fd) {
      world_clock_traffic();
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
