// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_session.h"
#include "tests/support/allocations.h"

namespace {

size_t failing = 0;

}  // namespace

void FailAllocations(long first, int rest) {
  failing = static_cast<size_t>(first);
  wgnet::testing::CountAllocations(failing, rest != 0);
}

int StopFailingAllocations() {
  return wgnet::testing::StopCountingAllocations() >= failing ? 1 : 0;
}
