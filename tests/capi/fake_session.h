// SPDX-License-Identifier: MIT OR Apache-2.0
// A wgnet::Session without a kernel, to be linked with capi/*.cc: what C says must reach it, and
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
  int adopt_identical;
  int forward;
  const char* guardian;
  const char* adopt;  ///< the names, with a space after each
};
struct FakeOptions FakeOptionsSeen(void);

/// What the last calls about a change that has to be confirmed were given.
struct FakeConfirmation {
  int64_t within_ms;
  int persist;
  const char* revoke;  ///< the keys, with a space after each
  const char* token;
  int64_t interval_ms;
  const char* peer;  ///< "": none
};
struct FakeConfirmation FakeConfirmationSeen(void);

/// The options of the last watcher.
struct FakeWatchOptions {
  int keeps;  ///< how many interfaces the node has; -1: no node
  int64_t debounce_ms;
  int64_t poll_interval_ms;
  int64_t peer_timeout_s;
  int64_t repair_interval_ms;
  uint32_t repair_burst;
  uint32_t receive_buffer;
};
struct FakeWatchOptions FakeWatchOptionsSeen(void);

/// How many interfaces the last node had.
int FakeInterfacesSeen(void);

/// From now on every call of a session fails, with an error that has everything.
void FakeFailure(int fails);

/// What Apply says of a plan, and of a node; it is 0 from now on of what is to be confirmed if
/// `nothing` is not 0.
enum { kFakeStepsOfPlan = 3, kFakeStepsOfNode = 5 };
void FakeNothingToDo(int nothing);

/// What confirming takes.
enum { kFakeStepsToConfirm = 2 };
#define FAKE_TOKEN "0123456789abcdef"
/// Whether from now on no change waits.
void FakeNothingWaits(int nothing);

/// What Rollback and Guard say, and Recover of two changes: for Guard, kFakeElsewhere is that
/// somebody else decided, and for Recover, that none was cut off.
enum FakeRollbacks { kFakeElsewhere, kFakeComplete, kFakeIncomplete };
enum { kFakeStepsTakenBack = 4 };
void FakeRollback(enum FakeRollbacks rollback);

/// The next read of a watcher has so many events.
void FakeEvents(int count);
enum { kFakeDescriptor = 42 };

/// Allocation number `first` from now, from 1, fails, and those after it if `rest` is not 0.
void FailAllocations(long first, int rest);
/// Ends that. Whether one failed.
int StopFailingAllocations(void);

#ifdef __cplusplus
}
#endif

#endif  // WGNET_TESTS_CAPI_FAKE_SESSION_H_
