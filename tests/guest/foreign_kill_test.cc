// SPDX-License-Identifier: MIT OR Apache-2.0
// What others have on our links and in our tables is back after a process was killed in the middle
// of a transaction that loses it, and another has recovered; also when that one was killed, too.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/foreign_objects.h"
#include "tests/support/kernel_state.h"
#include "tests/support/kill_after.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

struct Loss {
  std::string name;
  Node after;
};
std::ostream& operator<<(std::ostream& out, const Loss& loss) { return out << loss.name; }

std::string RecoverKilledAt(size_t steps, const std::string& state_dir) {
  for (const size_t kill_at : {steps, SIZE_MAX}) {
    Host next("other", state_dir);
    const End end = KillAfter(kill_at, next, [&] { return next.planner().Recover().ok(); });
    if (end == End::kFailed) return "recovery failed";
    if (end == End::kDone) return "";
  }
  return "recovery did not end";
}

std::string KillEverywhere(const Node& after) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", directory.path());
  if (Status status = host.Apply(WithoutDns(LargeNode())); !status) {
    return status.error().ToString();
  }
  std::string complaint = Shell(kForeign) + Shell(kForeignOnLink) + Shell(kForeignInTable);
  complaint += AddForeignPeer(host, "hub");
  if (!complaint.empty()) return complaint;
  const std::string before = WithoutFirstEnds(host.State());
  const size_t stride = Full() ? 1 : 3;
  size_t cases = 0;
  for (size_t steps = 1;; steps += stride) {
    const End end = KillAfter(steps, host, [&] { return host.Apply(after).ok(); });
    if (end == End::kFailed) return fmt::format("step {}: it failed", steps);
    if (end == End::kDone) {
      std::cout << fmt::format("killed in {} cases, after 1 of {} steps, {}\n", cases, stride,
                               Reached());
      std::cout.flush();
      return cases > 1 ? "" : "nothing was killed";
    }
    ++cases;
    std::string wrong = RecoverKilledAt(1 + steps % 5, directory.path());
    if (wrong.empty()) wrong = DifferenceOf(before, WithoutFirstEnds(host.State()));
    if (!wrong.empty()) return fmt::format("killed after step {}:\n{}", steps, wrong);
  }
}

class ForeignAfterAKill : public ::testing::TestWithParam<Loss> {};

TEST_P(ForeignAfterAKill, IsAsBefore) {
  EXPECT_EQ(InNewNamespace([] { return KillEverywhere(GetParam().after); }, 3000), "");
}

INSTANTIATE_TEST_SUITE_P(, ForeignAfterAKill,
                         ::testing::Values(Loss{"Delete", {}}, Loss{"ALinkGoes", WithoutHub()},
                                           Loss{"Change", WithoutDns(ChangedNode())}),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
