// SPDX-License-Identifier: MIT OR Apache-2.0
// A wgnet::Session without a kernel, to be linked with capi/c.cc: what C says must reach it, and
// what it says must reach C. And an allocator that fails on demand.
#ifndef WGNET_TESTS_CAPI_FAKE_SESSION_H_
#define WGNET_TESTS_CAPI_FAKE_SESSION_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The options that the last session was opened with.
struct FakeOptions {
  const char* owner;
  const char* netns;
  const char* state_dir;
  int64_t lock_timeout_ms;
  int64_t resolve_timeout_ms;  ///< -1: none
  int64_t resolve_retries;
  int later;
  const char* userspace_implementation;
};
struct FakeOptions FakeOptionsSeen(void);

/// How many interfaces the last node had.
int FakeInterfacesSeen(void);

/// From now on every call of a session fails, with an error that has everything.
void FakeFailure(int fails);

/// What Apply says of a plan, and of a node.
enum { kFakeStepsOfPlan = 3, kFakeStepsOfNode = 5 };

/// Allocation number `first` from now, from 1, fails, and those after it if `rest` is not 0.
void FailAllocations(long first, int rest);
/// Ends that. Whether one failed.
int StopFailingAllocations(void);

#ifdef __cplusplus
}
#endif

#endif  // WGNET_TESTS_CAPI_FAKE_SESSION_H_
