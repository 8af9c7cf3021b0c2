// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts what operator new gives out, and fails one of it. In every program that uses this header.
#ifndef WGNET_TESTS_SUPPORT_ALLOCATIONS_H_
#define WGNET_TESTS_SUPPORT_ALLOCATIONS_H_

#include <cstddef>

namespace wgnet::testing {

/// Counts from here on. The allocation of number `failing`, from 1, fails; 0: none. With
/// `and_rest`, so do all behind it.
void CountAllocations(size_t failing = 0, bool and_rest = false);
/// Counts no longer; how many there were.
size_t StopCountingAllocations();

/// What is allocated during its life does not count.
class UncountedAllocations {
 public:
  UncountedAllocations();
  ~UncountedAllocations();
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_ALLOCATIONS_H_
