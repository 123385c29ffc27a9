// Loaded before a program (LD_PRELOAD), it ends the program, as a power cut does, at the n-th call (STOP_AT) that changes a file under
// STOP_UNDER. With STOP_HALF a write at that moment is done to the half.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOPPED 99

static int calls;

static int is_watched(const char *path) {
  const char *under = getenv("STOP_UNDER");
  return under && path && !strncmp(path, under, strlen(under));
}

static int is_watched_descriptor(int descriptor) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (length <= 0)
    return 0;
  path[length] = 0;
  return is_watched(path);
}

static int is_moment(void) {
  const char *at = getenv("STOP_AT");
  return at && ++calls == atoi(at);
}

int open(const char *path, int flags, ...) {
  static int (*real)(const char *, int, ...);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "open");
  va_list arguments;
  va_start(arguments, flags);
  int mode = va_arg(arguments, int);
  va_end(arguments);
  if (is_watched(path) && (flags & O_CREAT) && is_moment())
    _exit(STOPPED);
  return real(path, flags, mode);
}

ssize_t write(int descriptor, const void *data, size_t size) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "write");
  if (is_watched_descriptor(descriptor) && is_moment()) {
    if (getenv("STOP_HALF"))
      real(descriptor, data, size / 2);
    _exit(STOPPED);
  }
  return real(descriptor, data, size);
}

int fsync(int descriptor) {
  static int (*real)(int);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  if (is_watched_descriptor(descriptor) && is_moment())
    _exit(STOPPED);
  return real(descriptor);
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "rename");
  if (is_watched(from) && is_moment())
    _exit(STOPPED);
  return real(from, to);
}
