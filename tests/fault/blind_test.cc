// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel cannot be read any more, from any reply on, while a change that was cut off is taken
// back: that is an error, the journal stays, and the next one takes it back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/kernel_state.h"
#include "tests/support/kill_after.h"
#include "tests/support/scenario.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

// Without WireGuard, whose fake devices go with their process.
Node Gateway(std::string_view network) {
  Node node;
  node.Add(NatRule::Masquerade().Source(network));
  node.Add(ForwardRule().Between("eth0", "eth1"));
  node.Add(KillSwitch());
  return node;
}

// Changes are cut off behind so many steps, and the recovery is blind from this reply on. "end": it
// did not get to that reply, or the change to that step.
std::string Recover(Host& host, size_t steps, size_t reply, size_t& blind_ones) {
  const std::string before = host.State();
  const End end =
      KillAfter(steps, host, [&] { return host.ApplyOnce(Gateway("10.6.0.0/16")).ok(); });
  if (end == End::kFailed) return "the change fails";
  if (end == End::kDone) return "end";
  Host next("owner", host.state_dir());
  next.replies().GoBlindFrom(reply);
  const auto blind = next.planner().RecoverCutOff();
  const bool reached = next.replies().fired();
  if (blind.ok() == reached) return reached ? "it went unnoticed" : blind.error().ToString();
  if (!blind) {
    ++blind_ones;
    if (!HasFile(host, ".journal")) return "the journal is gone: " + blind.error().ToString();
    EXPECT_EQ(blind.error().code, ErrorCode::kRollbackIncomplete) << blind.error();
    EXPECT_THAT(blind.error().message, HasSubstr("the kernel cannot be read"));
    EXPECT_FALSE(blind.error().hint.empty());
    if (auto again = Host("owner", host.state_dir()).planner().RecoverCutOff(); !again) {
      return again.error().ToString();
    }
  }
  if (HasFile(host, ".journal")) return "the journal stays";
  const std::string difference = DifferenceOf(before, host.State());
  return !difference.empty() ? difference : reached ? "" : "end";
}

// "end" or what failed.
std::string RecoverBlindly(size_t steps, size_t& blind_ones) {
  for (size_t reply = 1;; ++reply) {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    if (Status status = host.Apply(Gateway("10.5.0.0/16")); !status) {
      return status.error().ToString();
    }
    const std::string outcome = Recover(host, steps, reply, blind_ones);
    if (Status status = host.Apply(Node()); !status) return status.error().ToString();
    if (outcome == "end") return reply == 1 ? outcome : "";
    if (!outcome.empty()) return fmt::format("step {}, reply {}: {}", steps, reply, outcome);
  }
}

TEST(Blind, RecoveryIsAnErrorAndTheNextOneIsNot) {
  EXPECT_EQ(InNewNamespace(
                [] {
                  size_t blind_ones = 0;
                  std::string outcome;
                  size_t steps = 1;
                  MakeUplink("eth0", "192.168.5.1/24");
                  MakeUplink("eth1", "192.168.6.1/24");
                  while (outcome.empty()) outcome = RecoverBlindly(steps++, blind_ones);
                  std::cout << fmt::format("{} blind recoveries, of changes cut off at {} steps\n",
                                           blind_ones, steps - 2);
                  if (blind_ones == 0) return std::string("none was blind");
                  return outcome == "end" ? "" : outcome;
                },
                300),
            "");
}

}  // namespace
}  // namespace wgnet::testing
