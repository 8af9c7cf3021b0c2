// SPDX-License-Identifier: MIT OR Apache-2.0
// What the tests in C check with. A check that fails is printed and counted; the test goes on.
#ifndef WGNET_TESTS_CAPI_CHECK_H_
#define WGNET_TESTS_CAPI_CHECK_H_

#include <stddef.h>
#include <wgnet/c.h>

#define CHECK(condition) Check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_SIZE(actual, expected) CheckSize((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) CheckText((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HOLDS(text, part) CheckHolds((text), (part), #text, 1, __FILE__, __LINE__)
#define CHECK_LACKS(text, part) CheckHolds((text), (part), #text, 0, __FILE__, __LINE__)

// function(..., error) succeeds, and says so in its error, too.
#define CHECK_OK(function, ...)                                             \
  do {                                                                      \
    wgnet_error_t* made_error = NotAnError();                               \
    const wgnet_status_t made = function(__VA_ARGS__, &made_error);         \
    CheckStatus(made, made_error, WGNET_OK, #function, __FILE__, __LINE__); \
  } while (0)

// function(..., error) fails so, with and without a place for the error.
#define CHECK_FAILS(status, where, function, ...)                                           \
  do {                                                                                      \
    wgnet_error_t* made_error = NotAnError();                                               \
    const wgnet_status_t made = function(__VA_ARGS__, &made_error);                         \
    CheckText(wgnet_error_where(made_error), (where), #function, __FILE__, __LINE__);       \
    CheckStatus(made, made_error, (status), #function, __FILE__, __LINE__);                 \
    Check(function(__VA_ARGS__, NULL) == (status), #function " without an error", __FILE__, \
          __LINE__);                                                                        \
  } while (0)

// function(..., error) refuses its argument of that name.
#define CHECK_REFUSES(argument, function, ...) \
  CHECK_FAILS(WGNET_INVALID_ARGUMENT, #function ": " argument, function, __VA_ARGS__)

void Check(int holds, const char* what, const char* file, int line);
void CheckSize(size_t actual, size_t expected, const char* what, const char* file, int line);
void CheckText(const char* actual, const char* expected, const char* what, const char* file,
               int line);
void CheckHolds(const char* text, const char* part, const char* what, int expected,
                const char* file, int line);
// Frees the error.
void CheckStatus(wgnet_status_t status, wgnet_error_t* error, wgnet_status_t expected,
                 const char* what, const char* file, int line);

// What stands where a function has to write; it cannot be used.
wgnet_error_t* NotAnError(void);

// Starts to count anew.
void ForgetChecks(void);
// Prints the counts; the exit status of the test.
int Report(void);

#endif  // WGNET_TESTS_CAPI_CHECK_H_
