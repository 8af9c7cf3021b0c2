// SPDX-License-Identifier: MIT OR Apache-2.0
// What others change between the reading and the first message: the plan is made anew, and is never
// a wrong one.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

std::string InWorld(const std::function<std::string(Host&)>& body) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    Host host("owner", state.path());
    return body(host);
  });
}

// Applies a plan after a shell command; "stale", or "" when it was carried out.
std::string PlanThenApply(Host& host, const Node& node, const std::string& meanwhile) {
  const auto plan = host.Plan(node);
  if (!plan) return plan.error().ToString();
  const std::string said = Shell(meanwhile);
  if (!said.empty()) return said;
  const auto done = host.planner().Apply(*plan);
  if (done) return "";
  return done.error().code == ErrorCode::kStale ? "stale" : done.error().ToString();
}

TEST(Meanwhile, ARouteOnALinkThatGoesMakesThePlanStale) {
  EXPECT_EQ(InWorld([](Host& host) -> std::string {
              if (const Status done = host.Apply(LargeNode()); !done) return Text(done);
              return PlanThenApply(host, {}, "ip route add 172.20.0.0/16 dev hub");
            }),
            "stale");
}

TEST(Meanwhile, ARuleAtThePriorityMakesThePlanStale) {
  EXPECT_EQ(InWorld([](Host& host) {
              return PlanThenApply(host, LargeNode(), "ip rule add priority 32765 lookup 77");
            }),
            "stale");
}

TEST(Meanwhile, ARouteInAChosenTableMakesThePlanStale) {
  EXPECT_EQ(InWorld([](Host& host) {
              return PlanThenApply(host, ClientNode(),
                                   "ip route add 198.51.100.0/24 dev eth0 table 51820");
            }),
            "stale");
}

TEST(Meanwhile, WhatMakesNoDifferenceDoesNot) {
  EXPECT_EQ(InWorld([](Host& host) {
              return PlanThenApply(host, LargeNode(),
                                   "ip route add 198.51.100.0/24 dev eth0 table 7777 && "
                                   "ip address add 192.168.5.200/24 dev eth0 && "
                                   "nft add table inet theirs");
            }),
            "");
}

// ---- inside Apply ----

// Runs a command between planning and the first message, once; tells what it said.
std::shared_ptr<std::string> Interrupt(Host& host, const std::string& command) {
  auto said = std::make_shared<std::string>("it did not run");
  host.transport().OnReady([said, command] { *said = Shell(command); });
  return said;
}

TEST(Meanwhile, ApplyPlansAnew) {
  EXPECT_EQ(InWorld([](Host& host) -> std::string {
              if (const Status done = host.Apply(LargeNode()); !done) return Text(done);
              const std::string before = host.State();
              const auto said = Interrupt(host, "ip route add 172.20.0.0/16 dev hub");
              // The route goes with the link; had it not been seen, it would not come back.
              host.transport().Arm({.message = 40, .error = EPERM});
              const Status done = host.Apply({});
              if (done) return "the fault went unnoticed";
              if (!said->empty()) return *said;
              const std::string route = Shell("ip route show 172.20.0.0/16");
              if (route.empty()) return "the route is lost";
              if (const auto removed = Shell("ip route del 172.20.0.0/16"); !removed.empty()) {
                return removed;
              }
              return DifferenceOf(before, host.State());
            }),
            "");
}

TEST(Meanwhile, ApplyTakesAnotherTable) {
  EXPECT_EQ(InWorld([](Host& host) -> std::string {
              const auto said =
                  Interrupt(host, "ip route add 198.51.100.0/24 dev eth0 table 51820");
              if (const Status done = host.Apply(ClientNode()); !done) return Text(done);
              if (!said->empty()) return *said;
              const std::string rules = Shell("ip rule show");
              return rules.find("lookup 51820") == rules.npos ? "" : rules;
            }),
            "");
}

// Sessions would be lost for nothing.
TEST(Meanwhile, ANewRulesetDoesNotStopARemovalHalfway) {
  EXPECT_EQ(InWorld([](Host& host) -> std::string {
              size_t messages[2] = {};
              for (const bool interrupted : {false, true}) {
                if (const Status done = host.Apply(ClientNode()); !done) return Text(done);
                auto said = std::make_shared<std::string>();
                if (interrupted) {
                  host.transport().OnBegin([said] { *said = Shell("nft add table inet theirs"); });
                }
                host.transport().Arm({});
                if (const Status done = host.Apply({}); !done) return Text(done);
                if (!said->empty()) return *said;
                messages[interrupted] = host.transport().messages();
              }
              return messages[0] == messages[1] ? "" : "it was begun twice";
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
