// SPDX-License-Identifier: MIT OR Apache-2.0
// Plans hold what differs and no more, leave what is others' alone, and stand in a safe order.
#include "src/plan/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/kernel_state.h"
#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wgnet::testing::ChangedNode;
using wgnet::testing::ClientNode;
using wgnet::testing::DifferenceOf;
using wgnet::testing::LargeNode;
using wgnet::testing::ModelKernel;
using wgnet::testing::ServerNode;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";

Interface Wg0() { return Interface("wg0").ListenPort(51820); }
Node Only(Interface interface) { return Node().Add(std::move(interface)); }

// "add link", "change peer", ...
std::vector<std::string> StepsOf(const PlanData& plan) {
  std::vector<std::string> steps;
  for (const Op& op : plan.ops) {
    if (op.undo_only) continue;
    steps.push_back(std::string(kernel::VerbName(op.verb)) + " " +
                    std::string(kernel::KindOf(op.object)) + (op.foreign ? " of others" : ""));
  }
  return steps;
}

// The steps from one node to the next, in a kernel with the first.
std::vector<std::string> StepsBetween(const Node& before, const Node& after) {
  ModelKernel kernel;
  kernel.Apply("owner", before);
  const auto plan = kernel.Plan("owner", after);
  if (!plan) return {plan.error().ToString()};
  return StepsOf(*plan);
}

TEST(DiffTest, AppliedTwiceThereIsNothingToDo) {
  for (const Node& node : {Node(), ServerNode(), ClientNode(), LargeNode(50), ChangedNode()}) {
    ModelKernel kernel;
    kernel.Apply("owner", node);
    const auto again = kernel.Plan("owner", node);
    ASSERT_TRUE(again.ok()) << again.error();
    EXPECT_THAT(StepsOf(*again), IsEmpty()) << node.ToJson();
    EXPECT_EQ(EncodeRecord(again->before), EncodeRecord(again->after));
  }
}

TEST(DiffTest, RemovalLeavesTheKernelAsItWas) {
  for (const Node& node : {ServerNode(), ClientNode(), LargeNode(), ChangedNode()}) {
    ModelKernel kernel;
    const std::string before = kernel.State();
    kernel.Apply("owner", node);
    EXPECT_NE(kernel.State(), before);
    kernel.Apply("owner", LargeNode());
    kernel.Apply("owner", Node());
    EXPECT_EQ(DifferenceOf(before, kernel.State()), "");
    EXPECT_TRUE(kernel.RecordOf("owner").empty());
  }
}

// The kernel would say that the new rule exists already.
TEST(DiffTest, ARuleGoesBeforeOneThatHasFewerPrefixesComes) {
  const Interface link = Wg0().AddPeer(Peer(kKey));
  const auto node = [&](PolicyRoute route) { return Only(link).Add(route.Priority(900).Table(9)); };
  const PolicyRoute all = PolicyRoute::ForPrefix("10.7.0.0/16", "wg0");
  PolicyRoute some = all;
  some.From("10.8.0.0/16");
  EXPECT_THAT(StepsBetween(node(some), node(all)), ElementsAre("delete rule", "add rule"));
  EXPECT_THAT(StepsBetween(node(all), node(some)), ElementsAre("add rule", "delete rule"));
}

TEST(DiffTest, AnyWayToANodeEndsInTheSameState) {
  ModelKernel straight;
  straight.Apply("owner", ChangedNode());
  ModelKernel around;
  around.Apply("owner", LargeNode());
  around.Apply("owner", ChangedNode());
  // Numbers that were chosen stay, and the two chose at different times.
  const std::string rest = DifferenceOf(straight.State(), around.State());
  std::istringstream lines(rest);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line,
                ::testing::AnyOf(HasSubstr("5282"), HasSubstr("3199"), HasSubstr("forwarding")));
  }
}

struct Small {
  const char* what;
  Node before;
  Node after;
  std::vector<std::string> steps;
};

std::vector<Small> SmallChanges() {
  const auto peer = [] { return Peer(kKey).AllowedIp("10.0.0.2/32"); };
  const auto with = [](Peer p) { return Only(Wg0().AddPeer(std::move(p))); };
  return {
      {"port", Only(Wg0()), Only(Wg0().ListenPort(1)), {"change wireguard"}},
      {"port unset", Only(Wg0()), Only(Interface("wg0")), {}},
      {"key",
       Only(Wg0()),
       Only(Wg0().PrivateKey(wgnet::SecretKey::GeneratePrivate())),
       {"change wireguard"}},
      {"no key", Only(Wg0().PrivateKey(kKey)), Only(Wg0()), {"change wireguard"}},
      {"mark", Only(Wg0()), Only(Wg0().FwMark(7)), {"change wireguard"}},
      {"no mark", Only(Wg0().FwMark(7)), Only(Wg0()), {"change wireguard"}},
      {"preshared key", with(peer()), with(peer().PresharedKey(kKey)), {"change peer"}},
      {"no preshared key", with(peer().PresharedKey(kKey)), with(peer()), {"change peer"}},
      {"MTU", Only(Wg0()), Only(Wg0().Mtu(1400)), {"change link"}},
      {"address", Only(Wg0()), Only(Wg0().Address("10.0.0.1/24")), {"add address"}},
      {"address moved",
       Only(Wg0().Address("10.0.0.1/24")),
       Only(Wg0().Address("10.0.1.1/24")),
       {"add address", "delete address"}},
      {"address moved within its network, of which the kernel would drop both",
       Only(Wg0().Address("10.0.0.1/24")),
       Only(Wg0().Address("10.0.0.2/24")),
       {"delete address", "add address"}},
      {"keepalive", with(peer()), with(peer().PersistentKeepalive(25)), {"change peer"}},
      {"allowed IP",
       with(peer()),
       with(peer().AllowedIp("10.0.0.3/32")),
       {"change peer", "add route"}},
      {"no peer", with(peer()), Only(Wg0()), {"delete route", "delete peer"}},
      {"no routes", with(peer()), Only(Wg0().Table("off").AddPeer(peer())), {"delete route"}},
      {"another table",
       with(peer()),
       Only(Wg0().Table("7").AddPeer(peer())),
       {"add route", "delete route"}},
      {"rule",
       Only(Wg0()),
       Only(Wg0()).Add(NatRule().OutInterface("eth0")),
       {"add nft_table", "add nft_chain"}},
  };
}

TEST(DiffTest, ASmallChangeIsFewSteps) {
  for (const Small& change : SmallChanges()) {
    EXPECT_EQ(StepsBetween(change.before, change.after), change.steps) << change.what;
  }
}

// A hook may have set it.
TEST(DiffTest, WhatWasNeverStatedStays) {
  const Node node = Only(Wg0().AddPeer(Peer(kKey).AllowedIp("10.0.0.2/32")));
  ModelKernel kernel;
  kernel.Apply("owner", node);
  for (Object& object : kernel.objects()) {
    if (auto* device = std::get_if<kernel::WgDevice>(&object)) {
      device->private_key = testing::TestKey("hook");
      device->fwmark = 7;
    }
    if (auto* peer = std::get_if<kernel::WgPeer>(&object)) {
      peer->preshared_key = testing::TestKey("psk");
    }
  }
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", node)), IsEmpty());
  // Once it is stated, it is the owner's.
  const Node stated = Only(Wg0().FwMark(7).AddPeer(
      Peer(kKey).AllowedIp("10.0.0.2/32").PresharedKey(testing::TestKey("psk"))));
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", stated)), IsEmpty());
  kernel.Apply("owner", stated);
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", node)), ElementsAre("change peer", "change wireguard"));
}

TEST(DiffTest, OneOfManyPeersIsOneStep) {
  const auto many = [](int changed) {
    Interface interface = Wg0().Table("off");
    for (int i = 0; i < 500; ++i) {
      uint8_t bytes[32] = {1, static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
      Peer peer{PublicKey(bytes)};
      interface.AddPeer(peer.PersistentKeepalive(i == changed ? 7 : 0));
    }
    return Only(interface);
  };
  ModelKernel kernel;
  kernel.Apply("owner", many(-1));
  const auto plan = kernel.Plan("owner", many(321));
  ASSERT_TRUE(plan.ok());
  ASSERT_THAT(StepsOf(*plan), ElementsAre("change peer"));
  EXPECT_EQ(std::get_if<kernel::WgPeer>(&plan->ops[0].object)->keepalive, 7);
}

// The kernel follows a peer that moves: its endpoint is not ours any more.
TEST(DiffTest, AnEndpointThatThePeerMovedIsLeftAlone) {
  const auto with = [](std::string_view endpoint) {
    return Only(Wg0().AddPeer(Peer(kKey).Endpoint(endpoint)));
  };
  ModelKernel kernel;
  kernel.Apply("owner", with("192.0.2.1:1"));
  for (Object& object : kernel.objects()) {
    auto* peer = std::get_if<kernel::WgPeer>(&object);
    if (peer != nullptr) peer->endpoint->port = 9;
  }
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", with("192.0.2.1:1"))), IsEmpty());
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", with("192.0.2.2:1"))), ElementsAre("change peer"));
  EXPECT_THAT(StepsOf(*kernel.Plan("owner", Only(Wg0().AddPeer(Peer(kKey))))), IsEmpty());
}

TEST(DiffTest, WhatWasLostIsMadeAgain) {
  ModelKernel kernel;
  kernel.Apply("owner", LargeNode());
  const std::string whole = kernel.State();
  size_t count = 0;
  const std::vector<Object> objects = kernel.RecordOf("owner").objects;
  for (const Object& object : objects) {
    // A device is there as long as its link is; a link or a table takes others along.
    if (std::holds_alternative<kernel::Link>(object) ||
        std::holds_alternative<kernel::WgDevice>(object)) {
      continue;
    }
    ModelKernel damaged = kernel;
    ASSERT_EQ(damaged.Do({.verb = Verb::kDelete, .object = *damaged.Find(object)}), "");
    const auto plan = damaged.Plan("owner", LargeNode());
    ASSERT_TRUE(plan.ok()) << plan.error();
    EXPECT_THAT(StepsOf(*plan), ElementsAre("add " + std::string(kernel::KindOf(object))));
    damaged.Apply(*plan);
    EXPECT_EQ(DifferenceOf(whole, damaged.State()), "");
    ++count;
  }
  EXPECT_EQ(count + 4, objects.size());
}

// ---- order ----

size_t IndexOf(const std::vector<std::string>& steps, std::string_view step, bool last = false) {
  if (last) {
    return static_cast<size_t>(steps.rend() - std::find(steps.rbegin(), steps.rend(), step)) - 1;
  }
  return static_cast<size_t>(std::find(steps.begin(), steps.end(), step) - steps.begin());
}

TEST(DiffTest, WhatIsAddedTakesEffectLast) {
  const auto steps = StepsBetween(Node(), LargeNode());
  const std::vector<std::string> kOrder = {"add nft_table", "add nft_set", "add nft_element",
                                           "add nft_chain", "add link",    "add wireguard",
                                           "add peer",      "add address", "change link",
                                           "add route",     "add rule",    "add dns"};
  for (size_t i = 1; i < kOrder.size(); ++i) {
    // A link is changed twice: it is tagged when it is there, and comes up when all on it stands.
    const bool last = kOrder[i] == "change link";
    ASSERT_LT(IndexOf(steps, kOrder[i], last), steps.size()) << kOrder[i];
    EXPECT_LT(IndexOf(steps, kOrder[i - 1], true), IndexOf(steps, kOrder[i], last)) << kOrder[i];
  }
  EXPECT_EQ(steps.back(), "add dns");
}

TEST(DiffTest, RemovalIsTheMirror) {
  const auto steps = StepsBetween(LargeNode(), Node());
  const std::vector<std::string> kOrder = {"delete dns",     "delete rule",     "delete route",
                                           "delete address", "delete peer",     "delete wireguard",
                                           "delete link",    "delete nft_chain"};
  for (size_t i = 1; i < kOrder.size(); ++i) {
    EXPECT_LT(IndexOf(steps, kOrder[i - 1], true), IndexOf(steps, kOrder[i])) << kOrder[i];
  }
  EXPECT_EQ(steps.back(), "delete nft_table");
}

// No packet may find the rules of neither the old table nor the new one.
TEST(DiffTest, AMovedTunnelStandsTwiceForAMoment) {
  ModelKernel kernel;
  const auto tunnel = [](uint32_t mark, uint32_t table) {
    return ClientNode().Add(PolicyRoute::FullTunnel("wg0").FwMark(mark).Table(table));
  };
  kernel.Apply("owner", tunnel(0x10, 100));
  const auto plan = kernel.Plan("owner", tunnel(0x20, 200));
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_THAT(StepsOf(*plan), ElementsAre("change nft_chain", "change nft_chain", "add route",
                                          "add rule", "change wireguard", "delete rule",
                                          "delete route", "change nft_chain", "change nft_chain"));
}

TEST(DiffTest, LossOfSessionsComesAfterAllThatCanFail) {
  ModelKernel kernel;
  kernel.Apply("owner", LargeNode());
  const auto plan = kernel.Plan("owner", ChangedNode());
  bool loses = false;
  for (const Op& op : plan->ops) {
    EXPECT_TRUE(!loses || LosesState(op.phase));
    loses = LosesState(op.phase);
    EXPECT_FALSE(loses && op.verb == Verb::kAdd);
  }
  EXPECT_TRUE(loses);
}

}  // namespace
}  // namespace wgnet::plan
