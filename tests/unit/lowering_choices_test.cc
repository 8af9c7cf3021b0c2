// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers that are chosen: free ones, and the same ones the next time. And what NAT, forwarding and
// routes of single prefixes become.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/plan/lowering.h"
#include "tests/support/model_kernel.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wgnet::testing::LowerOrDie;
using wgnet::testing::ModelKernel;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";

Interface Wg(std::string_view name) { return Interface(name).Mtu(1420); }
Interface Tunnel(std::string_view name) {
  return Wg(name).AddPeer(Peer(kKey).AllowedIp("0.0.0.0/0"));
}
Node Only(Interface interface) { return Node().Add(std::move(interface)); }
PolicyRoute To(std::string_view prefix) { return PolicyRoute::ForPrefix(prefix, "wg0"); }

template <class T>
std::vector<T> All(const Desired& desired) {
  std::vector<T> all;
  for (const Object& object : desired.objects) {
    if (const auto* typed = std::get_if<T>(&object)) all.push_back(*typed);
  }
  return all;
}

std::vector<uint32_t> Priorities(const Desired& desired) {
  std::vector<uint32_t> priorities;
  for (const auto& rule : All<kernel::Rule>(desired)) priorities.push_back(*rule.priority);
  return priorities;
}

std::vector<uint32_t> Tables(const Desired& desired) {
  std::vector<uint32_t> tables;
  for (const auto& route : All<kernel::Route>(desired)) tables.push_back(*route.table);
  return tables;
}

// The rules of all chains, as text.
std::vector<std::string> RulesOf(const Desired& desired) {
  std::vector<std::string> rules;
  for (const auto& chain : All<kernel::NftChain>(desired)) {
    for (const auto& rule : *chain.rules) {
      rules.push_back(chain.name->str() + ": " + rule.text.text);
    }
  }
  return rules;
}

void AddRule(ModelKernel& kernel, uint32_t priority, uint32_t table = 1) {
  kernel::Rule rule;
  rule.family = Family::kIpv4;
  rule.priority = priority;
  rule.table = table;
  kernel.objects().emplace_back(rule);
}

void AddRouteTo(ModelKernel& kernel, uint32_t table) {
  kernel::Route route;
  route.dst = *Prefix::Parse("10.9.0.0/16");
  route.table = table;
  kernel.objects().emplace_back(route);
}

// ---- full tunnels ----

// D11: wg-quick's places when they are free, the next free ones when they are not.
TEST(LoweringChoicesTest, ATunnelTakesTheLastFreePriorities) {
  struct Case {
    std::vector<uint32_t> taken;
    std::vector<uint32_t> expected;
  };
  const Case kCases[] = {{{}, {32764, 32765}},
                         {{32765}, {32762, 32763}},
                         {{32764}, {32762, 32763}},
                         {{32764, 32765, 32762}, {32760, 32761}},
                         {{100}, {32764, 32765}}};
  for (const auto& [taken, expected] : kCases) {
    ModelKernel kernel;
    for (const uint32_t priority : taken) AddRule(kernel, priority);
    EXPECT_EQ(Priorities(LowerOrDie(Only(Tunnel("wg0")), kernel)), expected);
  }
}

TEST(LoweringChoicesTest, ATunnelTakesTheFirstFreeMarkAndTable) {
  ModelKernel kernel;
  EXPECT_THAT(Tables(LowerOrDie(Only(Tunnel("wg0")), kernel)), ElementsAre(51820));
  AddRouteTo(kernel, 51820);
  EXPECT_THAT(Tables(LowerOrDie(Only(Tunnel("wg0")), kernel)), ElementsAre(51821));
  AddRule(kernel, 7, 51821);  // leads there
  kernel::Rule marked;
  marked.fwmark = 51822;
  kernel.objects().emplace_back(marked);
  const auto desired = LowerOrDie(Only(Tunnel("wg0")), kernel);
  EXPECT_THAT(Tables(desired), ElementsAre(51823));
  EXPECT_EQ(All<kernel::WgDevice>(desired)[0].fwmark, 51823u);
}

TEST(LoweringChoicesTest, WhatIsSaidIsTaken) {
  const auto device_mark = [](const Node& node) {
    return All<kernel::WgDevice>(LowerOrDie(node, ModelKernel()))[0].fwmark;
  };
  const Node marked = Only(Tunnel("wg0").FwMark(7));
  EXPECT_EQ(device_mark(marked), 7u);
  EXPECT_THAT(Tables(LowerOrDie(marked, ModelKernel())), ElementsAre(7));
  const Node said =
      Only(Tunnel("wg0"))
          .Add(PolicyRoute::FullTunnel("wg0").FwMark(0x10, 0xf0).Table(9).Priority(100));
  EXPECT_EQ(device_mark(said), 0x10u);
  EXPECT_THAT(Tables(LowerOrDie(said, ModelKernel())), ElementsAre(9));
  EXPECT_THAT(Priorities(LowerOrDie(said, ModelKernel())), ElementsAre(99, 100));
  EXPECT_TRUE(LowerOrDie(said, ModelKernel()).allocations.empty());
}

TEST(LoweringChoicesTest, TwoTunnelsDoNotShare) {
  const auto desired = LowerOrDie(Only(Tunnel("wg0")).Add(Tunnel("wg1")), ModelKernel());
  EXPECT_THAT(Tables(desired), ElementsAre(51820, 51821));
  EXPECT_THAT(Priorities(desired), ElementsAre(32764, 32762, 32765, 32763));
}

TEST(LoweringChoicesTest, ChoicesStayThoughBetterOnesBecomeFree) {
  ModelKernel kernel;
  AddRule(kernel, 32765);
  AddRouteTo(kernel, 51820);
  const Node node = Only(Tunnel("wg0")).Add(To("10.1.0.0/16")).Add(NatRule().InInterface("wg0"));
  const auto first = kernel.Apply("owner", node);
  std::erase_if(kernel.objects(), [](const Object& object) {
    const auto* rule = std::get_if<kernel::Rule>(&object);
    const auto* route = std::get_if<kernel::Route>(&object);
    return (rule != nullptr && rule->priority == 32765u) ||
           (route != nullptr && route->table == 51820u);
  });
  const auto second = kernel.Plan("owner", node);
  ASSERT_TRUE(second.ok()) << second.error();
  EXPECT_THAT(second->ops, IsEmpty());
  EXPECT_EQ(second->after.allocations, first.after.allocations);
  EXPECT_EQ(first.after.FindAllocation("mark of wg0"), 51821u);
  EXPECT_EQ(first.after.FindAllocation("IPv4 priority of wg0"), 32763u);
}

TEST(LoweringChoicesTest, ChoicesOfOtherOwnersAreLeftAlone) {
  ModelKernel kernel;
  kernel.Apply("one", Only(Tunnel("wg0")).Add(NatRule().InInterface("wg0")));
  // What the other chose counts even while it is not there.
  std::erase_if(kernel.objects(), [](const Object& object) {
    return std::holds_alternative<kernel::Rule>(object) ||
           std::holds_alternative<kernel::Route>(object);
  });
  const auto two = kernel.Apply("two", Only(Tunnel("wg1")).Add(NatRule().InInterface("wg1")));
  EXPECT_EQ(two.after.FindAllocation("mark of wg1"), 51821u);
  EXPECT_EQ(two.after.FindAllocation("IPv4 priority of wg1"), 32763u);
  EXPECT_EQ(two.after.FindAllocation("arrival bit of wg1"), 1u << 13);
}

TEST(LoweringChoicesTest, ATunnelThatCannotBeIsAnError) {
  const std::pair<Node, const char*> kBroken[] = {
      {Node().Add(PolicyRoute::FullTunnel("wg0")), "not one of the node's"},
      {Node().Add(PolicyRoute::FullTunnel("eth0")), "not one of the node's"},
      {Only(Tunnel("wg0").FwMark(7)).Add(PolicyRoute::FullTunnel("wg0").FwMark(8)),
       "different marks"},
      {Only(Tunnel("wg0").FwMark(7)).Add(Tunnel("wg1").FwMark(7)),
       "there can be one route of these"},
  };
  for (const auto& [node, message] : kBroken) {
    const auto desired = Lower(node, ModelKernel().FactsFor(node), {.owner = "owner"}, {});
    ASSERT_FALSE(desired.ok()) << message;
    EXPECT_EQ(desired.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(desired.error().message, HasSubstr(message));
    EXPECT_FALSE(desired.error().where.empty());
    EXPECT_FALSE(desired.error().hint.empty());
  }
}

// ---- single prefixes ----

TEST(LoweringChoicesTest, APrefixGetsATableAndARule) {
  const auto desired = LowerOrDie(
      Only(Wg("wg0"))
          .Add(To("10.1.0.0/16").From("10.2.0.0/16").InInterface("eth0").FwMark(0x10, 0xf0))
          .Add(To("::/0").Table(9).Priority(8)),
      ModelKernel());
  EXPECT_THAT(Tables(desired), ElementsAre(52820, 9));
  const auto rules = All<kernel::Rule>(desired);
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].priority, 31999u);
  EXPECT_EQ(rules[0].from, *Prefix::Parse("10.2.0.0/16"));
  EXPECT_EQ(rules[0].to, *Prefix::Parse("10.1.0.0/16"));
  EXPECT_EQ(rules[0].iif->view(), "eth0");
  EXPECT_EQ(rules[0].fwmark, 0x10u);
  EXPECT_EQ(rules[0].fwmask, 0xf0u);
  EXPECT_EQ(rules[1].priority, 8u);
  EXPECT_EQ(rules[1].to, std::nullopt);  // the kernel keeps no prefix of length 0
  EXPECT_EQ(rules[1].family, Family::kIpv6);
}

TEST(LoweringChoicesTest, RoutesOfOnePrefixKeepTheirNumbersApart) {
  ModelKernel kernel;
  const Node node = Only(Wg("wg0"))
                        .Add(To("10.1.0.0/16").From("10.2.0.0/16"))
                        .Add(To("10.1.0.0/16").From("10.3.0.0/16"))
                        .Add(To("10.1.0.0/16").InInterface("eth0"))
                        .Add(To("10.1.0.0/16").FwMark(1))
                        .Add(To("10.1.0.0/16").FwMark(1, 1));
  kernel.Apply("owner", node);
  const auto again = kernel.Plan("owner", node);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_THAT(again->ops, IsEmpty());
  EXPECT_EQ(again->after.allocations.size(), 6u);  // a table, and five priorities
}

TEST(LoweringChoicesTest, APrefixMayGoIntoALinkThatExists) {
  const Node node = Node().Add(PolicyRoute::ForPrefix("10.1.0.0/16", "eth0"));
  EXPECT_EQ(All<kernel::Route>(LowerOrDie(node, ModelKernel()))[0].dev->index, 2u);
  const Node missing = Node().Add(PolicyRoute::ForPrefix("10.1.0.0/16", "eth7"));
  const auto desired = Lower(missing, ModelKernel().FactsFor(missing), {.owner = "owner"}, {});
  ASSERT_FALSE(desired.ok());
  EXPECT_EQ(desired.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(desired.error().where, "PolicyRoute(\"eth7\")");
}

// ---- NAT and forwarding ----

TEST(LoweringChoicesTest, NatRulesBecomeRulesOfOneChain) {
  const auto rules = [](const NatRule& rule) {
    return RulesOf(LowerOrDie(Node().Add(rule), ModelKernel()));
  };
  EXPECT_THAT(rules(NatRule().OutInterface("eth*")),
              ElementsAre("postrouting: oifname \"eth*\" masquerade"));
  EXPECT_THAT(rules(NatRule().Source("10.1.0.0/16")),
              ElementsAre("postrouting: ip saddr 10.1.0.0/16 masquerade"));
  EXPECT_THAT(rules(NatRule().Source("10.1.0.0/16").Source("fd00::/8").OutInterface("eth0")),
              ElementsAre("postrouting: ip saddr 10.1.0.0/16 oifname \"eth0\" masquerade",
                          "postrouting: ip6 saddr fd00::/8 oifname \"eth0\" masquerade"));
  EXPECT_THAT(rules(NatRule().Source("10.1.0.0/16").Source("10.3.0.0/16")),
              ElementsAre("postrouting: ip saddr @sources-0-v4 masquerade"));
  EXPECT_THAT(rules(NatRule().InInterface("wg0")),
              ::testing::UnorderedElementsAre(
                  HasSubstr("forward: iifname \"wg0\" meta mark set"),
                  "postrouting: meta mark and 0x00001000 == 0x00001000 masquerade"));
}

TEST(LoweringChoicesTest, PrefixesOfASetAreMerged) {
  const auto desired = LowerOrDie(Node().Add(NatRule()
                                                 .Source("10.0.0.0/25")
                                                 .Source("10.0.0.128/25")
                                                 .Source("10.0.0.0/26")
                                                 .Source("10.2.0.0/16")),
                                  ModelKernel());
  const auto elements = All<kernel::NftElement>(desired);
  ASSERT_EQ(elements.size(), 2u);
  EXPECT_EQ(elements[0].range->last, *IpAddress::Parse("10.0.0.255"));
  EXPECT_EQ(elements[1].range->first, *IpAddress::Parse("10.2.0.0"));
}

TEST(LoweringChoicesTest, ArrivalBitsRunOut) {
  Node node;
  for (int i = 0; i < 6; ++i) node.Add(NatRule().InInterface("in" + std::to_string(i)));
  EXPECT_EQ(LowerOrDie(node, ModelKernel()).allocations.size(), 6u);
  node.Add(NatRule().InInterface("in0"));  // shares its bit
  EXPECT_EQ(LowerOrDie(node, ModelKernel()).allocations.size(), 6u);
  node.Add(NatRule().InInterface("in6"));
  const auto desired = Lower(node, ModelKernel().FactsFor(node), {.owner = "owner"}, {});
  ASSERT_FALSE(desired.ok());
  EXPECT_EQ(desired.error().code, ErrorCode::kConflict);
  EXPECT_EQ(desired.error().where, "NatRule.InInterface");
}

TEST(LoweringChoicesTest, ForwardingIsSwitchedOnWhereItIsNeeded) {
  ModelKernel kernel;
  kernel.AddLink("eth1", 5);
  kernel.AddLink("lan0", 6);
  const auto desired = LowerOrDie(
      Only(Wg("wg0").Address("10.0.0.1/24")).Add(ForwardRule().Between("wg0", "eth*")), kernel);
  EXPECT_THAT(RulesOf(desired), ElementsAre("forward: iifname \"wg0\" oifname \"eth*\" accept",
                                            "forward: iifname \"eth*\" oifname \"wg0\" accept"));
  EXPECT_EQ(All<kernel::Link>(desired)[0].forwarding, 1u);
  std::vector<std::string> settings;
  for (const auto& setting : desired.settings) settings.push_back(setting.setting.name.str());
  EXPECT_THAT(settings,
              ElementsAre("net/ipv4/conf/eth0/forwarding", "net/ipv4/conf/eth1/forwarding",
                          "net/ipv4/conf/all/send_redirects"));
  EXPECT_THAT(desired.warnings, IsEmpty());
}

TEST(LoweringChoicesTest, WhatCannotWorkYetIsAWarning) {
  ModelKernel kernel;
  kernel::NftChain drop;
  drop.family = kernel::nft::TableFamily::kIpv4;
  drop.table = kernel::NftName("filter");
  drop.name = kernel::NftName("FORWARD");
  drop.hook = kernel::NftHook{NF_INET_FORWARD, 0};
  drop.policy = NF_DROP;
  kernel.objects().emplace_back(drop);
  const auto desired =
      LowerOrDie(Only(Wg("wg0")).Add(ForwardRule().Between("wg0", "lan*")), kernel);
  EXPECT_THAT(desired.warnings,
              ElementsAre(HasSubstr("no interface fits \"lan*\""),
                          HasSubstr("the chain FORWARD of the nftables table ip filter drops")));
}

// ---- names ----

TEST(LoweringChoicesTest, OwnersHaveNamesThatFilesAndTablesTake) {
  for (const char* owner : {"a", "default", "wg-quick:wg0", "A_.@+=-9"}) {
    EXPECT_TRUE(CheckOwner(owner).ok()) << owner;
  }
  EXPECT_TRUE(CheckOwner(std::string(64, 'a')).ok());
  for (const std::string& owner :
       {std::string(), std::string(65, 'a'), std::string("a/b"), std::string("."),
        std::string("../x"), std::string("a b"), std::string("a:b"), std::string("$x"),
        std::string("wg-quick:"), std::string("wg-quick:.x"), std::string("a\0b", 3),
        std::string("\xc3\xa4")}) {
    const Status status = CheckOwner(owner);
    ASSERT_FALSE(status.ok()) << owner;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(status.error().where, "owner");
    EXPECT_FALSE(status.error().hint.empty());
  }
  EXPECT_EQ(TableNameOf("wg-quick:wg0"), "wg-quick-wg0");
  EXPECT_EQ(TableNameOf("a"), "wgnet-a");
  EXPECT_EQ(AliasOf("wg-quick:wg0"), "wgnet:wg-quick:wg0");
}

}  // namespace
}  // namespace wgnet::plan
