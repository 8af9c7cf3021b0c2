// SPDX-License-Identifier: MIT OR Apache-2.0
// Exhaustive suites run a sample of their cases, unless WGNET_FULL asks for all.
#ifndef WGNET_TESTS_SUPPORT_SAMPLE_H_
#define WGNET_TESTS_SUPPORT_SAMPLE_H_

#include <cstdlib>

namespace wgnet::testing {

/// Whether all cases are to be run.
inline bool Full() {
  const char* full = std::getenv("WGNET_FULL");
  return full != nullptr && *full != '\0';
}

/// What the last line of a suite says that got to its end.
inline const char* Reached() {
  return Full() ? "every point reached" : "a sample, all of it reached";
}

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_SAMPLE_H_
