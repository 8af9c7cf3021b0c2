// SPDX-License-Identifier: MIT OR Apache-2.0
// What belongs to others: conflicts, what goes along with a link, shared settings, and IPv4
// addresses that the kernel would take along.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using wgnet::testing::DifferenceOf;
using wgnet::testing::ModelKernel;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kRedirects = "net/ipv4/conf/all/send_redirects";
constexpr std::string_view kForwarding = "net/ipv4/conf/eth0/forwarding";
constexpr std::string_view kForwarding6 = "net/ipv6/conf/all/forwarding";

Interface Wg(std::string_view name) { return Interface(name); }
Node Only(Interface interface) { return Node().Add(std::move(interface)); }
Node Routed(std::string_view prefix) {
  return Only(Wg("wg0").AddPeer(Peer(kKey).AllowedIp(prefix)));
}
Node Forwarding(std::string_view name, std::string_view address) {
  return Only(Wg(name).Address(address)).Add(ForwardRule().Between(name, "eth0"));
}

std::vector<std::string> CommandsOf(const PlanData& plan) {
  std::vector<std::string> all;
  for (const Op& op : plan.ops) {
    for (const auto& command : plan::CommandsOf(op, [](const auto&) { return "KEY"; })) {
      all.push_back(command);
    }
  }
  return all;
}

kernel::LinkRef LinkNamed(const ModelKernel& kernel, std::string_view name) {
  for (const Object& object : kernel.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->name->view() == name) return link->ref();
  }
  return {};
}

kernel::Route RouteTo(std::string_view prefix, const kernel::LinkRef& dev, uint8_t protocol) {
  kernel::Route route;
  route.type = RTN_UNICAST;
  route.dst = *Prefix::Parse(prefix);
  route.tos = 0;
  route.dev = dev;
  route.table = RT_TABLE_MAIN;
  route.protocol = protocol;
  route.scope = RT_SCOPE_LINK;
  route.metric = 0;
  return route;
}

kernel::Address AddressOn(std::string_view prefix, const kernel::LinkRef& dev, uint32_t flags = 0) {
  kernel::Address address;
  address.local = *Prefix::Parse(prefix);
  address.dev = dev;
  address.scope = RT_SCOPE_UNIVERSE;
  address.flags = flags;
  address.protocol = 0;
  return address;
}

// ---- conflicts ----

TEST(DiffOwnersTest, AForeignRouteIsAnErrorThatNamesIt) {
  ModelKernel kernel;
  kernel.objects().emplace_back(RouteTo("10.0.0.0/8", {2, "eth0"}, RTPROT_STATIC));
  const auto plan = kernel.Plan("owner", Routed("10.0.0.0/8"));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kConflict);
  EXPECT_THAT(plan.error().message, HasSubstr("somebody else has a route"));
  EXPECT_THAT(plan.error().message, HasSubstr("10.0.0.0/8 dev eth0"));
  EXPECT_THAT(plan.error().command, HasSubstr("10.0.0.0/8 dev wg0"));
  EXPECT_FALSE(plan.error().hint.empty());
}

// D7
TEST(DiffOwnersTest, AnIdenticalRouteOfOurOwnIsNoConflict) {
  ModelKernel kernel;
  kernel.Apply("owner", Routed("10.0.0.0/8"));
  EXPECT_THAT(CommandsOf(*kernel.Plan("owner", Routed("10.0.0.0/8"))), IsEmpty());
}

TEST(DiffOwnersTest, AnIdenticalRouteOfAnotherOwnerIsAConflict) {
  ModelKernel kernel;
  kernel.Apply("one", Routed("10.0.0.0/8"));
  const auto plan = kernel.Plan("two", Only(Wg("wg1").AddPeer(Peer(kKey).AllowedIp("10.0.0.0/8"))));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kConflict);
}

TEST(DiffOwnersTest, ALinkOfAnotherOwnerIsTaken) {
  ModelKernel kernel;
  kernel.Apply("one", Only(Wg("wg0")));
  for (const char* name : {"wg0", "eth0"}) {
    const auto plan = kernel.Plan("two", Only(Wg(name)));
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().code, ErrorCode::kNameTaken);
    EXPECT_EQ(plan.error().where, "Interface(\"" + std::string(name) + "\")");
  }
}

TEST(DiffOwnersTest, AForeignTableIsAConflict) {
  ModelKernel kernel;
  kernel::NftTable table;
  table.family = kernel::nft::TableFamily::kInet;
  table.name = kernel::NftName("wgnet-owner");
  kernel.objects().emplace_back(table);
  const auto plan = kernel.Plan("owner", Node().Add(NatRule().OutInterface("eth0")));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kConflict);
  EXPECT_THAT(plan.error().message, HasSubstr("nft_table"));
}

// Somebody replaced our route by one of his own: then it stays when ours would go.
TEST(DiffOwnersTest, WhatSomebodyPutInPlaceOfOursStays) {
  ModelKernel kernel;
  kernel.Apply("owner", Routed("10.0.0.0/8"));
  const auto theirs = RouteTo("10.0.0.0/8", {2, "eth0"}, RTPROT_STATIC);
  *kernel.Find(theirs) = theirs;
  const auto plan = kernel.Plan("owner", Node());
  ASSERT_TRUE(plan.ok()) << plan.error();
  for (const Op& op : plan->ops) EXPECT_FALSE(std::holds_alternative<kernel::Route>(op.object));
}

// ---- what goes along ----

TEST(DiffOwnersTest, WhatOthersHaveOnALinkIsNamedBeforeItIsLost) {
  ModelKernel kernel;
  kernel.Apply("owner", Only(Wg("wg0").Address("10.0.0.1/24")));
  const auto wg0 = LinkNamed(kernel, "wg0");
  kernel.objects().emplace_back(RouteTo("10.5.0.0/16", wg0, RTPROT_STATIC));
  kernel.objects().emplace_back(AddressOn("10.6.0.1/24", wg0));
  kernel.objects().emplace_back(RouteTo("10.0.0.0/24", wg0, RTPROT_KERNEL));
  kernel.objects().emplace_back(RouteTo("10.7.0.0/16", {2, "eth0"}, RTPROT_STATIC));
  const auto plan = kernel.Plan("owner", Node());
  ASSERT_TRUE(plan.ok()) << plan.error();
  std::vector<std::string> foreign;
  for (const Op& op : plan->ops) {
    if (op.foreign) foreign.push_back(plan::CommandsOf(op, {}).front());
  }
  EXPECT_THAT(foreign, ElementsAre(HasSubstr("route del unicast 10.5.0.0/16"),
                                   HasSubstr("address del 10.6.0.1/24")));
  EXPECT_THAT(foreign, ::testing::Each(HasSubstr("# somebody else's")));
  // A link that stays takes nothing along.
  EXPECT_THAT(CommandsOf(*kernel.Plan("owner", Only(Wg("wg0").Address("10.0.0.1/24")))), IsEmpty());
}

TEST(DiffOwnersTest, WhatOthersHaveInATableIsNamedBeforeItIsLost) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(NatRule().OutInterface("eth0")));
  kernel::NftChain chain;
  chain.family = kernel::nft::TableFamily::kInet;
  chain.table = kernel::NftName("wgnet-owner");
  chain.name = kernel::NftName("admin");
  chain.rules.emplace();
  kernel.objects().emplace_back(chain);
  const auto plan = kernel.Plan("owner", Node());
  ASSERT_TRUE(plan.ok()) << plan.error();
  size_t foreign = 0;
  for (const Op& op : plan->ops) foreign += op.foreign ? 1 : 0;
  EXPECT_EQ(foreign, 1u);
  kernel.Apply(*plan);
  EXPECT_EQ(kernel.Find(chain), nullptr);
}

// ---- settings ----

TEST(DiffOwnersTest, TheLastOwnerPutsASettingBack) {
  ModelKernel kernel;
  const std::string before = kernel.State();
  kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  EXPECT_EQ(kernel.Setting(kForwarding), "1");
  EXPECT_EQ(kernel.Setting(kForwarding6), "1");
  EXPECT_EQ(kernel.Setting(kRedirects), "0");
  kernel.Apply("two", Forwarding("wg1", "fd01::1/64"));
  kernel.Apply("three", Only(Wg("wg2")));
  kernel.Apply("one", Node());
  EXPECT_EQ(kernel.Setting(kForwarding), "1");
  EXPECT_EQ(kernel.Setting(kForwarding6), "1");
  EXPECT_EQ(kernel.Setting(kRedirects), "0");
  kernel.Apply("two", Node());
  EXPECT_EQ(kernel.Setting(kForwarding), "0");
  EXPECT_EQ(kernel.Setting(kForwarding6), "0");
  EXPECT_EQ(kernel.Setting(kRedirects), "0");
  kernel.Apply("three", Node());
  EXPECT_EQ(DifferenceOf(before, kernel.State()), "");
}

TEST(DiffOwnersTest, ASettingThatWasRightIsClaimedAndNotWritten) {
  ModelKernel kernel;
  kernel.SetSetting(kForwarding, "1");
  const auto plan = kernel.Apply("one", Forwarding("wg0", "10.0.0.1/24"));
  EXPECT_THAT(CommandsOf(plan), Not(::testing::Contains(HasSubstr("eth0.forwarding"))));
  ASSERT_NE(plan.after.FindClaim(kernel::SysctlName(kForwarding)), nullptr);
  EXPECT_EQ(plan.after.FindClaim(kernel::SysctlName(kForwarding))->original.view(), "1");
  kernel.Apply("one", Node());
  EXPECT_EQ(kernel.Setting(kForwarding), "1");
}

TEST(DiffOwnersTest, ASettingThatSomebodyChangedStaysWithAWarning) {
  ModelKernel kernel;
  kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  kernel.SetSetting("net/ipv6/conf/eth0/accept_ra", "0");
  const auto plan = kernel.Apply("one", Node());
  EXPECT_THAT(plan.warnings, ElementsAre(HasSubstr("accept_ra is 0, which is not wgnet's value")));
  EXPECT_EQ(kernel.Setting("net/ipv6/conf/eth0/accept_ra"), "0");
}

// With forwarding, the kernel ignores them unless accept_ra is 2.
TEST(DiffOwnersTest, ARouterThatIgnoresAdvertisementsGoesOnSo) {
  constexpr std::string_view kAcceptRa = "net/ipv6/conf/eth0/accept_ra";
  ModelKernel kernel;
  for (const char* conf : {"all", "eth0"}) {
    kernel.SetSetting("net/ipv6/conf/" + std::string(conf) + "/forwarding", "1");
  }
  const auto plan = kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  EXPECT_EQ(kernel.Setting(kAcceptRa), "1");
  EXPECT_EQ(plan.after.FindClaim(kernel::SysctlName(kAcceptRa)), nullptr);
  EXPECT_THAT(kernel.Apply("one", Forwarding("wg0", "fd00::1/64")).ops, IsEmpty());
  kernel.Apply("one", Node());
  EXPECT_EQ(kernel.Setting(kAcceptRa), "1");
  EXPECT_EQ(kernel.Setting(kForwarding6), "1");
}

// It is born with forwarding on.
TEST(DiffOwnersTest, ALinkThatComesLaterAcceptsAdvertisementsAsTheOthersDo) {
  constexpr std::string_view kAcceptRa = "net/ipv6/conf/eth1/accept_ra";
  ModelKernel kernel;
  kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  kernel.AddLink("eth1", 70);
  kernel.SetSetting("net/ipv6/conf/eth1/forwarding", "1");
  kernel.SetSetting(kAcceptRa, "1");
  kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  EXPECT_EQ(kernel.Setting(kAcceptRa), "2");
  EXPECT_THAT(kernel.Apply("one", Forwarding("wg0", "fd00::1/64")).ops, IsEmpty());
  kernel.Apply("one", Node());
  EXPECT_EQ(kernel.Setting(kAcceptRa), "1");
}

TEST(DiffOwnersTest, WhatIpv6ForwardingMovesIsPutBackWithIt) {
  ModelKernel kernel;
  kernel.SetSetting("net/ipv6/conf/eth0/forwarding", "0");
  const auto plan = kernel.Apply("one", Forwarding("wg0", "fd00::1/64"));
  const Claim* claim = plan.after.FindClaim(kernel::SysctlName(kForwarding6));
  ASSERT_NE(claim, nullptr);
  std::vector<std::string> moved;
  for (const auto& setting : claim->footprint) moved.push_back(setting.name.str());
  EXPECT_THAT(moved, ::testing::UnorderedElementsAre("net/ipv6/conf/default/forwarding",
                                                     "net/ipv6/conf/lo/forwarding",
                                                     "net/ipv6/conf/eth0/forwarding"));
  // The kernel moved them all.
  for (const auto& name : moved) kernel.SetSetting(name, "1");
  kernel.Apply("one", Node());
  for (const auto& name : moved) EXPECT_EQ(kernel.Setting(name), "0") << name;
}

TEST(DiffOwnersTest, ForwardingOfALinkOfOursEndsWithItsRule) {
  ModelKernel kernel;
  kernel.Apply("one", Forwarding("wg0", "10.0.0.1/24"));
  kernel.Apply("one", Only(Wg("wg0").Address("10.0.0.1/24")));
  for (const Object& object : kernel.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    EXPECT_TRUE(link == nullptr || link->forwarding == 0u) << link->name->view();
  }
  EXPECT_THAT(CommandsOf(*kernel.Plan("one", Only(Wg("wg0").Address("10.0.0.1/24")))), IsEmpty());
}

TEST(DiffOwnersTest, ASettingThatTheKernelLacksIsNamed) {
  ModelKernel kernel;
  kernel::Sysctl setting;
  setting.name = kernel::SysctlName(kRedirects);
  ASSERT_EQ(std::erase_if(kernel.objects(),
                          [&](const Object& object) { return kernel::SameKey(object, setting); }),
            1u);
  const auto plan = kernel.Plan("owner", Only(Wg("wg0")));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kNotSupported);
  EXPECT_THAT(plan.error().message, HasSubstr(std::string(kRedirects)));
  EXPECT_FALSE(plan.error().hint.empty());
}

// ---- secondary addresses ----

TEST(DiffOwnersTest, SecondaryAddressesAreRescuedFromTheKernel) {
  ModelKernel kernel;
  const auto node = [](std::vector<const char*> addresses) {
    Interface interface("wg0");
    for (const char* address : addresses) interface.Address(address);
    return Only(interface);
  };
  kernel.Apply("owner", node({"10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/25"}));
  for (Object& object : kernel.objects()) {
    auto* address = std::get_if<kernel::Address>(&object);
    if (address != nullptr) {
      address->flags = address->local->ToString() == "10.0.0.2/24" ? IFA_F_SECONDARY : 0;
    }
  }
  const auto plan = kernel.Plan("owner", node({"10.0.0.2/24", "10.0.0.3/25"}));
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_THAT(CommandsOf(*plan), ElementsAre(HasSubstr("address del 10.0.0.2/24"),
                                             HasSubstr("address del 10.0.0.1/24"),
                                             HasSubstr("address add 10.0.0.2/24")));
  // All of a network go: nothing needs to be rescued.
  EXPECT_THAT(CommandsOf(*kernel.Plan("owner", node({"10.0.0.3/25"}))),
              ElementsAre(HasSubstr("del 10.0.0.2/24"), HasSubstr("del 10.0.0.1/24")));
  EXPECT_THAT(CommandsOf(*kernel.Plan("owner", node({"10.0.0.1/24", "10.0.0.3/25"}))),
              ElementsAre(HasSubstr("del 10.0.0.2/24")));
}

}  // namespace
}  // namespace wgnet::plan
