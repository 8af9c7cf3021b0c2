// SPDX-License-Identifier: MIT OR Apache-2.0
// Kills the process between two steps of what it does.
#ifndef WGNET_TESTS_SUPPORT_KILL_AFTER_H_
#define WGNET_TESTS_SUPPORT_KILL_AFTER_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "tests/support/world.h"

namespace wgnet::testing {

enum class End : uint8_t { kKilled, kDone, kFailed };

/// Runs `body` in a process that is killed when `host` has taken so many steps; after each of them
/// it calls `after_step`.
template <class Body, class AfterStep>
End KillAfter(size_t steps, Host& host, const Body& body, const AfterStep& after_step) {
  const pid_t child = fork();
  if (child == 0) {
    host.transport().OnStep([&] {
      after_step();
      if (--steps == 0) kill(getpid(), SIGKILL);
    });
    const bool done = body();
    _exit(done ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return End::kKilled;
  return WEXITSTATUS(status) == 0 ? End::kDone : End::kFailed;
}

template <class Body>
End KillAfter(size_t steps, Host& host, const Body& body) {
  return KillAfter(steps, host, body, [] {});
}

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_KILL_AFTER_H_
