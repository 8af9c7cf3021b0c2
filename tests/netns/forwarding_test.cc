// SPDX-License-Identifier: MIT OR Apache-2.0
// The forwarding of own links: switched on by a ForwardRule, and off again with it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "src/plan/explain.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

Node NodeOf(bool forwards) {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=")
               .Address("10.13.13.1/24"));
  if (forwards) node.Add(ForwardRule().Between("wg0", "eth0"));
  return node;
}

std::string Forwarding(std::string_view link) {
  std::ifstream in(fmt::format("/proc/sys/net/ipv4/conf/{}/forwarding", link));
  std::string value;
  std::getline(in, value);
  return value;
}

// Applies the nodes one after the other, the last one twice, and tells wg0's forwarding after each.
std::string ForwardingAfter(const std::vector<Node>& nodes, std::string_view by_default) {
  return InNewNamespace([&]() -> std::string {
    std::ofstream("/proc/sys/net/ipv4/conf/default/forwarding") << by_default;
    MakeUplink("eth0", "192.168.5.1/24");
    const TemporaryDirectory state;
    Host host("owner", state.path());
    std::string told;
    for (const Node& node : nodes) {
      if (const Status done = host.Apply(node); !done) return done.error().ToString();
      told += Forwarding("wg0") + " ";
    }
    const auto again = host.Plan(nodes.back());
    if (!again) return again.error().ToString();
    const bool same = ContentsOf(again->before) == ContentsOf(again->after);
    return told + plan::Explain(*again) + (same ? "" : "and another record");
  });
}

TEST(ForwardingTest, GoesWithTheRule) {
  EXPECT_EQ(ForwardingAfter({NodeOf(true), NodeOf(false)}, "0"), "1 0 ");
  EXPECT_EQ(ForwardingAfter({NodeOf(false), NodeOf(true), NodeOf(false), NodeOf(true)}, "0"),
            "0 1 0 1 ");
}

TEST(ForwardingTest, BecomesWhatTheKernelGivesNewLinks) {
  EXPECT_EQ(ForwardingAfter({NodeOf(true), NodeOf(false)}, "1"), "1 1 ");
}

TEST(ForwardingTest, OfALinkThatNeverForwardedIsLeftAlone) {
  EXPECT_EQ(ForwardingAfter({NodeOf(false)}, "1"), "1 ");
  const std::string failure = InNewNamespace([]() -> std::string {
    MakeUplink("eth0", "192.168.5.1/24");
    const TemporaryDirectory state;
    Host host("owner", state.path());
    const auto plan = host.Plan(NodeOf(false));
    if (!plan) return plan.error().ToString();
    for (const plan::Op& op : plan->ops) {
      const auto* link = std::get_if<kernel::Link>(&op.object);
      if (link != nullptr && link->forwarding) return "a new link's forwarding is stated";
    }
    return "";
  });
  EXPECT_EQ(failure, "");
}

}  // namespace
}  // namespace wgnet::testing
