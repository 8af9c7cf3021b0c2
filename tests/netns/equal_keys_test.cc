// SPDX-License-Identifier: MIT OR Apache-2.0
// A node that makes one kernel object in two places: a mistake where they differ, and once where
// not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/plan/explain.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::StartsWith;

Interface Tunnel(std::string_view name, std::string_view allowed_ip) {
  return Interface(name)
      .PrivateKey(SecretKey::GeneratePrivate())
      .AddPeer(Peer(SecretKey::GeneratePrivate().Public()).AllowedIp(allowed_ip));
}

Node TwoTunnels(std::string_view allowed_ip) {
  Node node;
  return node.Add(Tunnel("wga", allowed_ip)).Add(Tunnel("wgb", allowed_ip));
}

// The mistake that planning the node finds.
std::string MistakeIn(const Node& node) {
  return InNewNamespace([&]() -> std::string {
    MakeUplink("eth0", "192.168.5.1/24");
    const TemporaryDirectory state;
    const auto plan = Host("owner", state.path()).Plan(node);
    if (plan) return "no mistake: " + plan::Explain(*plan);
    if (plan.error().code != ErrorCode::kInvalidArgument) return "not the node's mistake";
    return plan.error().where + ": " + plan.error().message;
  });
}

// Applies the nodes one after the other, and tells what the shell command then does.
std::string AfterApplying(const std::vector<Node>& nodes, const std::string& command) {
  return InNewNamespace([&]() -> std::string {
    MakeUplink("eth0", "192.168.5.1/24");
    const TemporaryDirectory state;
    Host host("owner", state.path());
    for (const Node& node : nodes) {
      if (const Status done = host.Apply(node); !done) return done.error().ToString();
    }
    const auto again = host.Plan(nodes.back());
    if (!again) return again.error().ToString();
    return Shell(command) + plan::Explain(*again);
  });
}

TEST(EqualKeysTest, OneRouteThroughTwoInterfacesIsAMistakeThatNamesBoth) {
  EXPECT_EQ(MistakeIn(TwoTunnels("10.5.0.0/24")),
            "Interface(\"wga\") and Interface(\"wgb\"): there can be one route of these: "
            "ip route add unicast 10.5.0.0/24 dev wga table main proto 87 scope link; "
            "ip route add unicast 10.5.0.0/24 dev wgb table main proto 87 scope link");
  EXPECT_THAT(MistakeIn(TwoTunnels("fd05::/64")),
              StartsWith("Interface(\"wga\") and Interface(\"wgb\"): "));
}

TEST(EqualKeysTest, TwoFullTunnelsIntoOneTableAreAMistakeThatNamesBoth) {
  Node node = TwoTunnels("0.0.0.0/0");
  node.Add(PolicyRoute::FullTunnel("wga").Table(700));
  node.Add(PolicyRoute::FullTunnel("wgb").Table(700));
  EXPECT_THAT(MistakeIn(node), StartsWith("Interface(\"wga\") and Interface(\"wgb\"): "));
}

TEST(EqualKeysTest, TwoPolicyRoutesIntoOneTableAreAMistakeThatNamesBoth) {
  Node node;
  node.Add(Tunnel("wga", "10.1.0.0/24")).Add(Tunnel("wgb", "10.2.0.0/24"));
  node.Add(PolicyRoute::ForPrefix("10.0.0.0/8", "wga").From("10.6.0.0/16").Table(700));
  node.Add(PolicyRoute::ForPrefix("10.0.0.0/8", "wgb").From("10.7.0.0/16").Table(700));
  EXPECT_THAT(MistakeIn(node), StartsWith("PolicyRoute(\"wga\") and PolicyRoute(\"wgb\"): "));
}

TEST(EqualKeysTest, OnePrefixIsFineInTablesOfTheirOwn) {
  Node node;
  node.Add(Tunnel("wga", "10.5.0.0/24")).Add(Tunnel("wgb", "10.5.0.0/24").Table("700"));
  EXPECT_EQ(AfterApplying({node}, "ip route show table all 10.5.0.0/24 | sort"),
            "10.5.0.0/24 dev wga proto 87 scope link \n"
            "10.5.0.0/24 dev wgb table 700 proto 87 scope link \n");
}

TEST(EqualKeysTest, APolicyRouteThatStandsTwiceIsAMistake) {
  Node node;
  for (int i = 0; i < 2; ++i) node.Add(PolicyRoute::ForPrefix("10.8.0.0/16", "eth0"));
  EXPECT_THAT(MistakeIn(node), StartsWith("PolicyRoute(\"eth0\"): "));
}

TEST(EqualKeysTest, PolicyRoutesOfOnePrefixAndInterfaceHaveOneTableAndTheirOwnPriorities) {
  Node node;
  for (const char* from : {"10.1.0.0/16", "10.2.0.0/16"}) {
    node.Add(PolicyRoute::ForPrefix("10.8.0.0/16", "eth0").From(from));
  }
  EXPECT_EQ(AfterApplying({node}, "ip rule | grep 528; ip route show table 52820"),
            "31998:\tfrom 10.2.0.0/16 to 10.8.0.0/16 lookup 52820 proto 87\n"
            "31999:\tfrom 10.1.0.0/16 to 10.8.0.0/16 lookup 52820 proto 87\n"
            "10.8.0.0/16 dev eth0 proto 87 scope link \n");
}

TEST(EqualKeysTest, TunnelsOfOnePriorityShareTheRuleForMain) {
  Node node = TwoTunnels("0.0.0.0/0");
  node.Add(PolicyRoute::FullTunnel("wga").Priority(100));
  node.Add(PolicyRoute::FullTunnel("wgb").Priority(100));
  EXPECT_EQ(AfterApplying({node}, "ip rule | grep -c suppress; ip rule | grep -c 'not.*fwmark'"),
            "1\n2\n");
}

TEST(EqualKeysTest, NumbersOfRoutesWhoseRulesAreGoneAreNotGivenToOthers) {
  Node one;
  one.Add(PolicyRoute::ForPrefix("10.8.0.0/16", "eth0"));
  Node two;
  two.Add(PolicyRoute::ForPrefix("10.7.0.0/16", "eth0"));
  two.Add(PolicyRoute::ForPrefix("10.8.0.0/16", "eth0"));
  EXPECT_EQ(InNewNamespace([&]() -> std::string {
              MakeUplink("eth0", "192.168.5.1/24");
              const TemporaryDirectory state;
              Host host("owner", state.path());
              if (const Status done = host.Apply(one); !done) return done.error().ToString();
              std::string told = Shell("ip route flush table 52820; ip rule del priority 31999");
              if (const Status done = host.Apply(two); !done) return done.error().ToString();
              return told + Shell("ip rule | grep 528");
            }),
            "31998:\tfrom all to 10.7.0.0/16 lookup 52821 proto 87\n"
            "31999:\tfrom all to 10.8.0.0/16 lookup 52820 proto 87\n");
}

}  // namespace
}  // namespace wgnet::testing
