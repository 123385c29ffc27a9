// Promise jobs.
#ifndef DEVICELINK_JOBS_H
#define DEVICELINK_JOBS_H

#include "xs.h"

// Runs all jobs that are queued; a rejection that nobody handles then ends the process.
void jobs_run(xsMachine *the);

#endif
