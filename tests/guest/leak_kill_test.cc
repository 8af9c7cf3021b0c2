// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing leaves in clear while a kill switch is up, also when the process is killed after any step
// of a transaction, and then after one of its recovery.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/kill_after.h"
#include "tests/support/leak_watch.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kSeconds = 800;
constexpr size_t kSample = 3;

Status Recover(Host& host) {
  const auto report = host.planner().Recover();
  return report ? Status() : Status(report.error());
}

// The recovery is killed, too, at a step that changes from time to time, and done again.
std::string RecoverWatched(LeakWatch& watch, const std::string& state_dir, size_t kill_at) {
  for (const size_t steps : {kill_at, SIZE_MAX}) {
    Host next("other", state_dir);
    const End end = KillAfter(
        steps, next, [&] { return Recover(next).ok(); }, [&] { watch.Observe(); });
    if (end == End::kFailed) return "recovery failed";
    watch.Observe();
    if (end == End::kDone) return "";
  }
  return "recovery did not end";
}

// As many kills as the transaction has steps.
std::string KillEverywhere(const LeakStep& step, LeakWatch& watch) {
  const TemporaryDirectory state;
  {
    Host host("owner", state.path());
    if (Status status = host.Apply(step.before); !status) return status.error().ToString();
  }
  watch.Observe();
  const size_t stride = Full() ? 1 : kSample;
  for (size_t steps = 1;; steps += stride) {
    Host host("owner", state.path());
    const End end = KillAfter(
        steps, host, [&] { return host.Apply(step.after).ok(); }, [&] { watch.Observe(); });
    watch.Observe();
    if (end == End::kFailed) return fmt::format("step {}: it failed", steps);
    if (end == End::kDone) {
      std::cout << fmt::format("killed after 1 of {} steps, up to step {}; ", stride, steps - 1);
      return steps > 1 ? "" : "nothing was killed";
    }
    const std::string wrong = RecoverWatched(watch, state.path(), 1 + steps % 4);
    if (!wrong.empty()) return fmt::format("killed after step {}: {}", steps, wrong);
  }
}

std::string Kill(const LeakStep& step) {
  LeakWatch watch;
  if (!watch.error().empty()) return watch.error();
  const std::string error = KillEverywhere(step, watch);
  if (!error.empty()) return error;
  std::cout << fmt::format("{} points reached, {} packets sent\n", watch.points(), watch.sent());
  std::cout.flush();
  return watch.points() > 1 ? watch.wrong() : "the switch was never up";
}

class LeakKill : public ::testing::TestWithParam<LeakStep> {};

TEST_P(LeakKill, LetsNothingOut) {
  EXPECT_EQ(InNewNamespace([] { return Kill(GetParam()); }, kSeconds), "");
}

INSTANTIATE_TEST_SUITE_P(, LeakKill, ::testing::ValuesIn(LeakWalk()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
