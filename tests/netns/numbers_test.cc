// SPDX-License-Identifier: MIT OR Apache-2.0
// Tables that are chosen are free: nobody has a route in them, and no rule leads there.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/plan/explain.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

// The tables of the node's rules, in the order of their numbers, where somebody has done `setup`.
std::string TablesOf(const Node& node, const std::string& setup) {
  return InNewNamespace([&]() -> std::string {
    MakeUplink("eth0", "192.168.5.1/24");
    std::string told = Shell(setup);
    const TemporaryDirectory state;
    Host host("owner", state.path());
    if (const Status done = host.Apply(node); !done) return done.error().ToString();
    told +=
        Shell("{ ip rule; ip -6 rule; } | sed -n 's/.*lookup \\(5[0-9]*\\) proto 87/\\1/p' | sort");
    const auto again = host.Plan(node);
    return told + (again ? plan::Explain(*again) : again.error().ToString());
  });
}

Node PrefixNode(const std::vector<std::string_view>& prefixes) {
  Node node;
  for (const auto prefix : prefixes) node.Add(PolicyRoute::ForPrefix(prefix, "eth0"));
  return node;
}

Node TunnelNode(const std::vector<std::string_view>& names) {
  Node node;
  for (const auto name : names) {
    node.Add(Interface(name)
                 .PrivateKey(SecretKey::GeneratePrivate())
                 .AddPeer(Peer(SecretKey::GeneratePrivate().Public()).AllowedIp("0.0.0.0/0")));
  }
  return node;
}

TEST(NumbersTest, TablesOfPrefixesStartAt52820) {
  EXPECT_EQ(TablesOf(PrefixNode({"10.1.0.0/16", "fd01::/64"}), "true"), "52820\n52821\n");
}

TEST(NumbersTest, ATableWithSomebodysRouteIsPassedOver) {
  EXPECT_EQ(TablesOf(PrefixNode({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"}),
                     "ip route add 10.9.0.0/24 dev eth0 table 52820;"
                     "ip -6 route add fd09::/64 dev eth0 table 52822"),
            "52821\n52823\n52824\n");
  EXPECT_EQ(TablesOf(TunnelNode({"wga", "wgb"}),
                     "ip route add 10.9.0.0/24 dev eth0 table 51820;"
                     "ip -6 route add fd09::/64 dev eth0 table 51822"),
            "51821\n51823\n");
}

TEST(NumbersTest, TablesThatSomebodysRulesLeadToDoNotHideOnesWithRoutesAfterThem) {
  EXPECT_EQ(
      TablesOf(PrefixNode({"10.1.0.0/16"}),
               "for i in 52820 52821 52822 52823; do ip rule add from 10.9.0.1 lookup $i; done;"
               "ip route add 10.9.0.0/24 dev eth0 table 52824"),
      "52825\n");
  EXPECT_EQ(TablesOf(TunnelNode({"wga"}),
                     "for i in 51820 51821 51822 51823; do ip rule add fwmark $i lookup main; done;"
                     "ip route add 10.9.0.0/24 dev eth0 table 51824"),
            "51825\n");
}

}  // namespace
}  // namespace wgnet::testing
