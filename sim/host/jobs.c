#include "xsAll.h"

#include "jobs.h"

static bool queued;

// XS calls it when the first job is queued.
void fxQueuePromiseJobs(txMachine *the) {
  (void)the;
  queued = true;
}

void jobs_run(xsMachine *the) {
  do {
    while (queued) {
      queued = false;
      fxRunPromiseJobs(the);
    }
    fxEndJob(the);
  } while (queued);
  fxCheckUnhandledRejections(the, 1);
}
