#include "random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "failure.h"

// XS takes Math.random from rand(), which begins with the same number in every process.
void random_start(void) {
  const char *text = getenv("RANDOM_SEED");
  unsigned int seed = 0;
  if (text && *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || errno || value > 0xFFFFFFFF) {
      fputs("xs-host: RANDOM_SEED wants a number from 0 to 4294967295\n", stderr);
      exit(EXIT_USAGE);
    }
    seed = (unsigned int)value;
  } else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
    perror("xs-host: no random numbers from the system");
    exit(EXIT_FATAL);
  }
  srand(seed);
}
