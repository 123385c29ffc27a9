#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "loop.h"
#include "xsmc.h"

typedef struct {
  loop_timer timer;  // first: loop.c hands out its address
  xsMachine *the;
  xsSlot self, callback;
} script_timer;

static void delete_timer(void *data) {
  if (!data)
    return;
  loop_unschedule(data);
  free(data);
}

static const xsHostHooks hooks = {delete_timer, NULL, NULL};

static void release(xsMachine *the, script_timer *it) {
  xsForget(it->callback);
  xsForget(it->self);
  xsmcSetHostData(it->self, NULL);
  delete_timer(it);
}

static void fired(loop_timer *timer) {
  script_timer *it = (script_timer *)timer;
  xsMachine *machine = it->the;
  xsSlot self = it->self;
  xsBeginHost(machine);
  xsmcVars(1);
  xsVar(0) = xsAccess(self);
  xsCallFunction1(xsAccess(it->callback), xsGlobal, xsVar(0));
  // Unless the callback has cleared it (then it is gone) or scheduled it anew.
  if (xsmcGetHostData(xsVar(0)) == it && !timer->scheduled)
    release(the, it);
  xsEndHost(machine);
}

static double milliseconds(xsMachine *the, int index) {
  double value = xsmcArgc > index ? xsmcToNumber(xsArg(index)) : 0;
  return value > 0 ? value : 0;
}

static void create(xsMachine *the, double delay, double repeat) {
  if (!xsmcIsCallable(xsArg(0)))
    xsTypeError("callback is no function");
  script_timer *it = calloc(1, sizeof(script_timer));
  it->timer.fired = fired;
  it->the = the;
  xsResult = xsNewHostObject(NULL);
  xsSetHostHooks(xsResult, (xsHostHooks *)&hooks);
  xsmcSetHostData(xsResult, it);
  it->self = xsResult;
  it->callback = xsArg(0);
  xsRemember(it->self);
  xsRemember(it->callback);
  loop_schedule(&it->timer, delay, repeat);
}

void xs_host_timer_set(xsMachine *the) {
  create(the, milliseconds(the, 1), milliseconds(the, 2));
}

void xs_host_timer_repeat(xsMachine *the) {
  double interval = milliseconds(the, 1);
  create(the, interval, interval > 0 ? interval : 1);
}

void xs_host_timer_schedule(xsMachine *the) {
  script_timer *it = xsmcGetHostDataValidate(xsArg(0), (void *)&hooks);
  if (!it)
    xsUnknownError("timer is cleared");
  if (xsmcArgc > 1)
    loop_schedule(&it->timer, milliseconds(the, 1), milliseconds(the, 2));
  else
    loop_unschedule(&it->timer);
}

void xs_host_timer_clear(xsMachine *the) {
  if (!xsmcArgc || xsmcTypeOf(xsArg(0)) != xsReferenceType)
    return;
  if (fxGetHostHooks(the, &xsArg(0)) != &hooks)
    return;
  script_timer *it = xsmcGetHostData(xsArg(0));
  if (it)
    release(the, it);
}

void xs_host_timer_delay(xsMachine *the) {
  double real = milliseconds(the, 0) / clock_scale();
  struct timespec wait = {.tv_sec = (time_t)(real / 1000)};
  wait.tv_nsec = (long)((real - wait.tv_sec * 1000.0) * 1e6);
  nanosleep(&wait, NULL);
}
