// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.h"

#include <stdio.h>
#include <string.h>

static int checks = 0;
static int failures = 0;

void Check(int holds, const char* what, const char* file, int line) {
  ++checks;
  if (holds) return;
  ++failures;
  fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

void CheckSize(size_t actual, size_t expected, const char* what, const char* file, int line) {
  Check(actual == expected, what, file, line);
  if (actual != expected) fprintf(stderr, "  is %zu, not %zu\n", actual, expected);
}

void CheckText(const char* actual, const char* expected, const char* what, const char* file,
               int line) {
  const int same = actual != NULL && strcmp(actual, expected) == 0;
  Check(same, what, file, line);
  if (!same) fprintf(stderr, "  is \"%s\"\n  not \"%s\"\n", actual ? actual : "NULL", expected);
}

void CheckHolds(const char* text, const char* part, const char* what, int expected,
                const char* file, int line) {
  const int holds = text != NULL && strstr(text, part) != NULL;
  Check(holds == expected, what, file, line);
  if (holds == expected) return;
  fprintf(stderr, "  %s \"%s\":\n%s\n", expected ? "lacks" : "has", part, text ? text : "NULL");
}

void CheckStatus(wgnet_status_t status, wgnet_error_t* error, wgnet_status_t expected,
                 const char* what, const char* file, int line) {
  if (status != expected || error == NotAnError()) {
    Check(0, what, file, line);
    fprintf(stderr, "  is %s, not %s\n", wgnet_status_name(status), wgnet_status_name(expected));
    if (error == NotAnError()) return;
    fprintf(stderr, "  %s\n", wgnet_error_to_string(error));
  } else {
    Check((error != NULL) == (status != WGNET_OK), what, file, line);
    Check(wgnet_error_code(error) == status, what, file, line);
  }
  wgnet_error_free(error);
}

wgnet_error_t* NotAnError(void) {
  static char nothing;
  return (wgnet_error_t*)(void*)&nothing;
}

void ForgetChecks(void) {
  checks = 0;
  failures = 0;
}

int Report(void) {
  printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
