// The little that a C test needs: named cases, checks that print where they failed, and TAP on stdout for run.test.ts.
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct {
  int cases;
  int failed_cases;
  int failed_checks;
  char name[200];
} tap;

// Starts a case; the one before it ends here.
static void tap_end(void) {
  if (!tap.name[0]) return;
  printf("%sok %d - %s\n", tap.failed_checks ? "not " : "", ++tap.cases, tap.name);
  if (tap.failed_checks) tap.failed_cases++;
  tap.failed_checks = 0;
  tap.name[0] = 0;
}

__attribute__((format(printf, 1, 2))) static void tap_case(const char *format, ...) {
  va_list arguments;
  tap_end();
  va_start(arguments, format);
  vsnprintf(tap.name, sizeof tap.name, format, arguments);
  va_end(arguments);
}

__attribute__((format(printf, 5, 6), unused)) static bool tap_check(bool passed, const char *condition,
                                                                     const char *file, int line,
                                                                     const char *format, ...) {
  va_list arguments;
  if (passed) return true;
  if (++tap.failed_checks > 5) return false;  // the first ones tell enough
  printf("# %s:%d: %s: ", file, line, condition);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  return false;
}

// Ends the last case, prints the plan and gives the exit code of main.
static int tap_done(void) {
  tap_end();
  printf("1..%d\n", tap.cases);
  return tap.failed_cases ? 1 : 0;
}

// CHECK(condition, "printf-like explanation", values...)
#define CHECK(condition, ...) tap_check((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_EQUAL(actual, expected)                                                                     \
  do {                                                                                                    \
    long long actual_value = (long long)(actual), expected_value = (long long)(expected);                 \
    tap_check(actual_value == expected_value, #actual " == " #expected, __FILE__, __LINE__,               \
              "%lld (0x%llX) instead of %lld (0x%llX)", actual_value, (unsigned long long)actual_value,   \
              expected_value, (unsigned long long)expected_value);                                        \
  } while (0)

#endif
