// SPDX-License-Identifier: MIT OR Apache-2.0
// What a kill switch becomes, and that it changes without an open moment: what is let out is
// replaced in the first batch of a plan, and what is not any more goes in the last.
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
using ::testing::Not;
using wgnet::testing::LowerOrDie;
using wgnet::testing::ModelKernel;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

Interface Wg0() { return Interface("wg0").Mtu(1420); }
Peer At(std::string_view key, std::string_view endpoint) { return Peer(key).Endpoint(endpoint); }
Node With(Interface interface) { return Node().Add(std::move(interface)).Add(KillSwitch()); }

std::vector<std::string> CommandsOf(const Op& op) {
  return kernel::CommandsOf(op.verb, op.object, op.image(), [](const auto&) { return "KEY"; });
}

// All that stands in nftables, as the commands that make it, without quotes, comments and the
// table's name.
std::vector<std::string> NftOf(const Desired& desired) {
  std::vector<std::string> all;
  for (const Object& object : desired.objects) {
    if (!kernel::KindOf(object).starts_with("nft_")) continue;
    for (std::string command :
         CommandsOf({.verb = kernel::Verb::kAdd, .object = object, .before = object})) {
      command = command.substr(0, command.find(" comment "));
      if (const size_t name = command.find(" inet wgnet-owner"); name != command.npos) {
        command.erase(name, std::string(" inet wgnet-owner").size());
      }
      std::erase(command, '\'');
      all.push_back(command.substr(std::string("nft ").size()));
    }
  }
  return all;
}

std::vector<std::string> LetOut(const Desired& desired) {
  std::vector<std::string> rules;
  for (const std::string& command : NftOf(desired)) {
    const std::string_view start = "add rule kill-switch ";
    if (command.starts_with(start)) rules.push_back(command.substr(start.size()));
  }
  return rules;
}

// ---- what it becomes ----

TEST(LoweringKillSwitchTest, AloneItLetsOutTheLoopbackAndNeighbourDiscovery) {
  const auto desired = LowerOrDie(Node().Add(KillSwitch()), ModelKernel());
  EXPECT_THAT(
      NftOf(desired),
      ElementsAre(
          HasSubstr("add table"),
          "add chain kill-switch-forward { type filter hook forward priority -300; policy drop; }",
          "add chain kill-switch { type filter hook postrouting priority -300; policy drop; }",
          "add rule kill-switch oifname \"lo\" accept",
          "add rule kill-switch icmpv6 type 133-137 ip6 hoplimit 255 accept"));
  EXPECT_THAT(desired.warnings, IsEmpty());
}

TEST(LoweringKillSwitchTest, WithoutAMarkTheEndpointsOfThePeersAreLetOut) {
  const auto desired = LowerOrDie(
      With(Wg0().AddPeer(At(kKey, "192.0.2.1:51820")).AddPeer(At(kOther, "[2001:db8::1]:500"))),
      ModelKernel());
  EXPECT_THAT(
      NftOf(desired),
      ElementsAre(
          HasSubstr("add table"), "add set endpoints-500-v6 { type ipv6_addr; flags interval; }",
          "add set endpoints-51820-v4 { type ipv4_addr; flags interval; }",
          "add element endpoints-500-v6 { 2001:db8::1 }",
          "add element endpoints-51820-v4 { 192.0.2.1 }",
          "add chain kill-switch-forward { type filter hook forward priority -300; policy drop; }",
          "add rule kill-switch-forward oifname \"wg0\" accept",
          "add rule kill-switch-forward iifname \"wg0\" ct direction reply accept",
          "add chain kill-switch { type filter hook postrouting priority -300; policy drop; }",
          "add rule kill-switch oifname \"lo\" accept",
          "add rule kill-switch icmpv6 type 133-137 ip6 hoplimit 255 accept",
          "add rule kill-switch oifname \"wg0\" accept",
          "add rule kill-switch iifname \"wg0\" ct direction reply accept",
          "add rule kill-switch ip6 daddr @endpoints-500-v6 udp dport 500 accept",
          "add rule kill-switch ip daddr @endpoints-51820-v4 udp dport 51820 accept"));
}

TEST(LoweringKillSwitchTest, AMarkIsLetOutWhereverItGoes) {
  const auto peer = [] { return At(kKey, "192.0.2.1:51820"); };
  const std::string chosen = "meta l4proto udp meta mark 0x0000ca6c accept";
  EXPECT_THAT(LetOut(LowerOrDie(With(Wg0().FwMark(7).AddPeer(peer())), ModelKernel())),
              Contains("meta l4proto udp meta mark 0x00000007 accept"));
  const auto full = LowerOrDie(With(Wg0().AddPeer(peer().AllowedIp("0.0.0.0/0"))), ModelKernel());
  EXPECT_THAT(LetOut(full), Contains(chosen));
  EXPECT_THAT(LetOut(full), Not(Contains(HasSubstr("dport"))));
  const Node masked = With(Wg0().AddPeer(peer()))
                          .Add(PolicyRoute::FullTunnel("wg0").FwMark(0x100, 0xff00).Table(7));
  EXPECT_THAT(LetOut(LowerOrDie(masked, ModelKernel())),
              Contains("meta l4proto udp meta mark and 0x0000ff00 == 0x00000100 accept"));
  EXPECT_THAT(LetOut(LowerOrDie(With(Wg0().FwMark(0).AddPeer(peer())), ModelKernel())),
              Contains("ip daddr @endpoints-51820-v4 udp dport 51820 accept"));
}

TEST(LoweringKillSwitchTest, OnlyNamedTunnelsCount) {
  const Node node = Node()
                        .Add(Wg0().AddPeer(At(kKey, "192.0.2.1:1")))
                        .Add(Interface("wg1").Mtu(1420).AddPeer(At(kKey, "192.0.2.2:2")))
                        .Add(KillSwitch().Tunnel("wg1").Tunnel("wg1"));
  const auto desired = LowerOrDie(node, ModelKernel());
  EXPECT_THAT(LetOut(desired),
              ElementsAre("oifname \"lo\" accept", "icmpv6 type 133-137 ip6 hoplimit 255 accept",
                          "oifname \"wg1\" accept", "iifname \"wg1\" ct direction reply accept",
                          "ip daddr @endpoints-2-v4 udp dport 2 accept"));
  EXPECT_THAT(desired.warnings, IsEmpty());
}

TEST(LoweringKillSwitchTest, ATunnelThatIsNotInTheNodeIsWarnedOf) {
  const Node node = Node().Add(KillSwitch().Tunnel("wg7"));
  ModelKernel kernel;
  const auto expect_warning = [&] {
    const auto desired = LowerOrDie(node, kernel);
    EXPECT_THAT(LetOut(desired), Contains("oifname \"wg7\" accept"));
    EXPECT_THAT(desired.warnings,
                ElementsAre(HasSubstr("\"wg7\" is not in the node: its endpoints")));
  };
  expect_warning();
  kernel.Apply("another", Node().Add(Interface("wg7").Mtu(1420)));
  expect_warning();
}

TEST(LoweringKillSwitchTest, AnUplinkIsNoTunnel) {
  const auto plan = ModelKernel().Plan("owner", Node().Add(KillSwitch().Tunnel("eth0")));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(plan.error().where, "KillSwitch.Tunnel");
  EXPECT_THAT(plan.error().message, HasSubstr("\"eth0\" is no WireGuard interface"));
  EXPECT_FALSE(plan.error().hint.empty());
}

TEST(LoweringKillSwitchTest, AnEndpointWithoutAnAddressIsNotLetOut) {
  const auto desired = LowerOrDie(With(Wg0().AddPeer(Peer(kKey))), ModelKernel());
  EXPECT_THAT(LetOut(desired), Not(Contains(HasSubstr("dport"))));
}

// Its own chain is no reason to warn that forwarding needs a rule.
TEST(LoweringKillSwitchTest, ForwardRulesAreNotWarnedOfIt) {
  const Node node = With(Wg0()).Add(ForwardRule().Between("wg0", "eth0"));
  ModelKernel kernel;
  kernel.Apply("owner", node);
  EXPECT_THAT(LowerOrDie(node, kernel, kernel.RecordOf("owner")).warnings, IsEmpty());
  const Node other =
      Node().Add(Interface("wg1").Mtu(1420)).Add(ForwardRule().Between("wg1", "eth0"));
  EXPECT_THAT(LowerOrDie(other, kernel, {.owner = "other"}).warnings,
              ElementsAre(HasSubstr("kill-switch-forward")));
}

// ---- how it changes ----

// Commands, with whether they are in the batch before all else or in the one after.
std::vector<std::string> NftSteps(const PlanData& plan) {
  std::vector<std::string> steps;
  for (const Op& op : plan.ops) {
    if (!kernel::KindOf(op.object).starts_with("nft_")) continue;
    const bool first = op.phase <= Phase::kNftAdd;
    EXPECT_TRUE(first || op.phase == Phase::kNftRemoval);
    for (const std::string& command : CommandsOf(op)) {
      steps.push_back((first ? "first: " : "last: ") + command);
    }
  }
  return steps;
}

PlanData PlanOrDie(const Node& before, const Node& after) {
  ModelKernel kernel;
  kernel.Apply("owner", before);
  auto plan = kernel.Plan("owner", after);
  EXPECT_TRUE(plan.ok()) << plan.error();
  return *std::move(plan);
}

Interface WithPeerAt(std::string_view endpoint) {
  return Wg0().AddPeer(At(kKey, "192.0.2.1:51820")).AddPeer(At(kOther, endpoint));
}

TEST(LoweringKillSwitchTest, AnEndpointMoreIsAnElementMore) {
  const auto plan = PlanOrDie(With(Wg0().AddPeer(At(kKey, "192.0.2.1:51820"))),
                              With(WithPeerAt("192.0.2.9:51820")));
  EXPECT_THAT(NftSteps(plan), ElementsAre(HasSubstr("first: nft 'add element inet wgnet-owner "
                                                    "endpoints-51820-v4 { 192.0.2.9 }'")));
}

TEST(LoweringKillSwitchTest, AMovedEndpointIsLetOutBeforeAndItsOldPlaceShutAfter) {
  const auto plan =
      PlanOrDie(With(WithPeerAt("192.0.2.9:51820")), With(WithPeerAt("192.0.2.5:51820")));
  EXPECT_THAT(NftSteps(plan), ElementsAre(HasSubstr("first: nft 'add element"),
                                          HasSubstr("last: nft 'delete element")));
}

TEST(LoweringKillSwitchTest, NeighbouringEndpointsAreReplacedInOneBatch) {
  const auto plan =
      PlanOrDie(With(WithPeerAt("192.0.2.9:51820")), With(WithPeerAt("192.0.2.2:51820")));
  EXPECT_THAT(NftSteps(plan),
              ElementsAre(HasSubstr("first: nft 'delete element"),
                          HasSubstr("first: nft 'add element inet wgnet-owner endpoints-51820-v4 "
                                    "{ 192.0.2.1-192.0.2.2 }'"),
                          HasSubstr("last: nft 'delete element")));
}

TEST(LoweringKillSwitchTest, ATunnelThatGoesIsLetOutToItsEnd) {
  const auto plan = PlanOrDie(With(Wg0().FwMark(7)), Node().Add(KillSwitch()));
  const auto steps = NftSteps(plan);
  ASSERT_FALSE(steps.empty());
  for (const std::string& step : steps) EXPECT_THAT(step, HasSubstr("last: "));
  EXPECT_THAT(steps, Not(Contains(HasSubstr("delete chain"))));
}

TEST(LoweringKillSwitchTest, ItComesFirstAndGoesLast) {
  const auto comes = PlanOrDie(Node(), With(Wg0().FwMark(7)));
  const auto goes = PlanOrDie(With(Wg0().FwMark(7)), Node());
  EXPECT_EQ(kernel::KindOf(comes.ops.front().object), "nft_table");
  EXPECT_EQ(kernel::KindOf(goes.ops.back().object), "nft_table");
  EXPECT_THAT(NftSteps(comes), Not(Contains(HasSubstr("last: "))));
  EXPECT_THAT(NftSteps(goes), Not(Contains(HasSubstr("first: "))));
}

TEST(LoweringKillSwitchTest, TwiceIsNothing) {
  const Node node = With(WithPeerAt("192.0.2.2:51820"));
  EXPECT_THAT(PlanOrDie(node, node).ops, IsEmpty());
}

}  // namespace
}  // namespace wgnet::plan
