// What XS 13.3 asks of its platform (XSPLATFORM). Every C file of the host, and every native, is compiled with it, because the head of
// the machine record depends on it.
#ifndef DEVICELINK_XS_PLATFORM_H
#define DEVICELINK_XS_PLATFORM_H

#undef mxLittleEndian
#define mxLittleEndian 1
#undef mxLinux
#define mxLinux 1

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1

// The waiter fields belong to Atomics.wait; arena is ours (arena.c), NULL for the root machine.
#define mxMachinePlatform \
  void *arena; \
  void *waiterCondition; \
  void *waiterData; \
  void *waiterLink;

#define mxUseDefaultBuildKeys 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1

#if INTPTR_MAX == INT64_MAX
#define mx32bitID 1
#endif

// Date and modMilliseconds follow the scaled clock (clock.c).
typedef struct timeval c_timeval;
#define c_timezone timezone
#define c_gettimeofday host_gettimeofday
extern int host_gettimeofday(struct timeval *time, void *zone);

#endif
