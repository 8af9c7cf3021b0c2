// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing leaves in clear from the moment a kill switch is up until it goes, whatever becomes of
// the tunnel; and without it, what is sent does.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/support/leak_watch.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kSeconds = 300;

// Walks, looking after each message.
template <class NodeOf>
std::string WalkIn(LeakWatch& watch, const NodeOf& node_of) {
  const TemporaryDirectory state;
  Host host("owner", state.path());
  host.transport().OnStep([&] { watch.Observe(); });
  for (const LeakStep& step : LeakWalk()) {
    const Status status = host.Apply(node_of(step.after));
    if (!status) return step.name + ": " + status.error().ToString();
    watch.Observe();
  }
  return "";
}

std::string Walk() {
  LeakWatch watch;
  if (!watch.error().empty()) return watch.error();
  const std::string error = WalkIn(watch, [](const Node& node) { return node; });
  if (!error.empty()) return error;
  std::cout << fmt::format("{} points reached, {} packets sent, {} to WireGuard's port seen\n",
                           watch.points(), watch.sent(), watch.encrypted());
  std::cout.flush();
  if (!watch.wrong().empty()) return watch.wrong();
  if (watch.points() < 5 * LeakWalk().size()) return "it was not looked at every step";
  return InGuest() && watch.encrypted() == 0 ? "WireGuard's own packets were kept in" : "";
}

TEST(Leak, NothingLeavesInClearWhileTheSwitchIsUp) {
  EXPECT_EQ(InNewNamespace(Walk, kSeconds), "");
}

// Every sender is seen, so that a leak would be.
std::string WalkWithoutSwitch() {
  LeakWatch watch;
  if (!watch.error().empty()) return watch.error();
  const std::string error = WalkIn(watch, WithoutKillSwitch);
  if (!error.empty()) return error;
  const auto leaked = watch.leaked();
  std::cout << fmt::format("{} packets sent, seen: {}\n", watch.sent(), fmt::join(leaked, " "));
  std::cout.flush();
  const bool all = std::all_of(leaked.begin(), leaked.end(), [](size_t n) { return n > 10; });
  return all && watch.missed() == 0 ? "" : "a sender is not seen";
}

TEST(Leak, WithoutTheSwitchEverySenderIsSeen) {
  EXPECT_EQ(InNewNamespace(WalkWithoutSwitch, kSeconds), "");
}

}  // namespace
}  // namespace wgnet::testing
