// SPDX-License-Identifier: MIT OR Apache-2.0
// What is ours is told by more than a number, and what is not is left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wgnet::testing::ModelKernel;
using wgnet::testing::ServerNode;

constexpr std::string_view kForeignKey = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

kernel::Link* FindLink(ModelKernel& kernel, std::string_view name) {
  for (Object& object : kernel.objects()) {
    auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->name->view() == name) return link;
  }
  return nullptr;
}

// The link goes with all that is on it, and another one gets its number.
void ReplaceLink(ModelKernel& kernel, std::string_view name, std::string_view other) {
  const uint32_t index = *FindLink(kernel, name)->index;
  std::erase_if(kernel.objects(), [&](const Object& object) {
    const auto* link = std::get_if<kernel::Link>(&object);
    const kernel::LinkRef* dev = kernel::LinkOf(object);
    return (link != nullptr && link->index == index) || (dev != nullptr && dev->index == index);
  });
  kernel.AddLink(other, index);
}

TEST(DiffOursTest, ALinkThatHasTheNumberOfOneThatIsGoneStays) {
  ModelKernel kernel;
  kernel.Apply("owner", ServerNode());
  ReplaceLink(kernel, "wg0", "foreign");
  const auto plan = kernel.Plan("owner", Node());
  ASSERT_TRUE(plan.ok()) << plan.error();
  for (const Op& op : plan->ops) {
    EXPECT_FALSE(std::holds_alternative<kernel::Link>(op.object)) << kernel::KindOf(op.object);
    EXPECT_EQ(kernel::LinkOf(op.object), nullptr) << kernel::KindOf(op.object);
  }
}

TEST(DiffOursTest, ALinkThatIsGoneIsMadeAgainWithAnotherNumber) {
  ModelKernel kernel;
  kernel.Apply("owner", ServerNode());
  const uint32_t index = *FindLink(kernel, "wg0")->index;
  ReplaceLink(kernel, "wg0", "foreign");
  kernel.Apply("owner", ServerNode());
  EXPECT_NE(*FindLink(kernel, "wg0")->index, index);
  EXPECT_EQ(*FindLink(kernel, "foreign")->index, index);
}

TEST(DiffOursTest, ALinkIsStillOursWhenOneOfItsTagsWasChanged) {
  ModelKernel kernel;
  kernel.Apply("owner", ServerNode());
  FindLink(kernel, "wg0")->alias = FixedString<255>("uplink");
  const auto plan = kernel.Plan("owner", Node());
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_TRUE(std::any_of(plan->ops.begin(), plan->ops.end(), [](const Op& op) {
    return op.verb == kernel::Verb::kDelete && std::holds_alternative<kernel::Link>(op.object);
  }));
}

TEST(DiffOursTest, AnAllowedIpOfSomebodyElsesPeerIsNotTaken) {
  ModelKernel kernel;
  kernel.Apply("owner", ServerNode());
  kernel::WgPeer foreign;
  foreign.dev = FindLink(kernel, "wg0")->ref();
  foreign.public_key = *PublicKey::Parse(kForeignKey);
  foreign.allowed_ips = {*Prefix::Parse("10.13.13.50/32")};
  kernel.objects().emplace_back(foreign);
  EXPECT_THAT(kernel.Plan("owner", ServerNode())->ops, IsEmpty());

  Interface wanted = ServerNode().interfaces().front();
  Peer peer = wanted.peers().front();
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey(*wanted.private_key())
               .ListenPort(51820)
               .Address("10.13.13.1")
               .AddPeer(peer.AllowedIp("10.13.13.50/32")));
  const auto plan = kernel.Plan("owner", node);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kConflict);
  EXPECT_THAT(plan.error().message, HasSubstr("10.13.13.50/32"));
  EXPECT_THAT(plan.error().message, HasSubstr(kForeignKey));
}

kernel::NftChain* FindChain(ModelKernel& kernel) {
  for (Object& object : kernel.objects()) {
    if (auto* chain = std::get_if<kernel::NftChain>(&object)) return chain;
  }
  return nullptr;
}

TEST(DiffOursTest, ARuleOfSomebodyElseInAChainOfOursStays) {
  const auto with_nat = [](std::string_view source) {
    return Node().Add(NatRule::Masquerade().Source(source).OutInterface("eth0"));
  };
  kernel::NftRule foreign;
  foreign.raw = {std::byte{1}};
  ModelKernel kernel;
  kernel.Apply("owner", with_nat("10.1.0.0/16"));
  FindChain(kernel)->rules->insert(FindChain(kernel)->rules->begin(), foreign);
  EXPECT_THAT(kernel.Plan("owner", with_nat("10.1.0.0/16"))->ops, IsEmpty());

  kernel.Apply("owner", with_nat("10.2.0.0/16"));
  ASSERT_EQ(FindChain(kernel)->rules->size(), 2u);
  EXPECT_EQ(FindChain(kernel)->rules->front(), foreign);
  EXPECT_THAT(kernel.Plan("owner", with_nat("10.2.0.0/16"))->ops, IsEmpty());

  const auto plan = kernel.Plan("owner", Node());
  EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("a rule of somebody else's in the chain")));
}

TEST(DiffOursTest, APortThatTheKernelChoseStays) {
  const auto on_port = [](int port) { return Node().Add(Interface("wg0").ListenPort(port)); };
  const auto chosen = [](ModelKernel& kernel) {
    for (Object& object : kernel.objects()) {
      auto* device = std::get_if<kernel::WgDevice>(&object);
      if (device != nullptr) device->listen_port = 40000;
    }
  };
  ModelKernel kernel;
  kernel.Apply("owner", on_port(0));
  chosen(kernel);
  EXPECT_THAT(kernel.Plan("owner", on_port(0))->ops, IsEmpty());
  kernel.Apply("owner", on_port(51820));
  EXPECT_THAT(kernel.Plan("owner", on_port(0))->ops, SizeIs(1));
}

TEST(DiffOursTest, AnMtuThatTakesIpv6OffALinkIsRefusedWhileItIsUp) {
  const auto with_mtu = [](int mtu) {
    return Node().Add(Interface("wg0").Address("10.1.0.1/24").Mtu(mtu));
  };
  ModelKernel kernel;
  kernel.Apply("owner", with_mtu(1400));
  const auto plan = kernel.Plan("owner", with_mtu(1200));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(plan.error().where, "Interface(\"wg0\").Mtu");
  EXPECT_TRUE(kernel.Plan("owner", with_mtu(1280)).ok());
  kernel.Apply("owner", Node());
  EXPECT_TRUE(kernel.Plan("owner", with_mtu(1200)).ok());
}

}  // namespace
}  // namespace wgnet::plan
