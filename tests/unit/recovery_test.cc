// SPDX-License-Identifier: MIT OR Apache-2.0
// What was for links that are gone is told from the rest.
#include "src/plan/recovery.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using wgnet::testing::ModelKernel;

Interface Tunnel(const std::string& name) {
  return Interface(name)
      .PrivateKey(testing::TestKey(name))
      .Address("10.9.0.1/32")
      .AddPeer(Peer(testing::TestKey("peer of " + name).Public())
                   .AllowedIp("0.0.0.0/0")
                   .AllowedIp("::/0"));
}

std::vector<kernel::Link> LinksBut(const ModelKernel& kernel, std::string_view gone) {
  std::vector<kernel::Link> links;
  for (const Object& object : kernel.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->name->view() != gone) links.push_back(*link);
  }
  return links;
}

template <class T>
auto Count(const Record& record) {
  return std::count_if(record.objects.begin(), record.objects.end(),
                       [](const Object& object) { return std::holds_alternative<T>(object); });
}

TEST(RecoveryTest, NothingIsPartedWhileAllLinksAreThere) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(Tunnel("wg0")));
  const Record& record = kernel.RecordOf("owner");
  const Parting parting = PartFromLost(record, LinksBut(kernel, ""));
  EXPECT_FALSE(parting.any);
  EXPECT_EQ(EncodeRecord(parting.kept), EncodeRecord(record));
  EXPECT_TRUE(parting.left_behind.empty());
}

TEST(RecoveryTest, AnOwnerWithoutLinksHasLostNone) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(NatRule::Masquerade().OutInterface("eth0")));
  const Parting parting = PartFromLost(kernel.RecordOf("owner"), LinksBut(kernel, ""));
  EXPECT_FALSE(parting.any);
  EXPECT_EQ(EncodeRecord(parting.kept), EncodeRecord(kernel.RecordOf("owner")));
}

TEST(RecoveryTest, AnOwnerWhoseLinksAreAllGoneKeepsNothing) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(Tunnel("wg0")));
  const Record& record = kernel.RecordOf("owner");
  const Parting parting = PartFromLost(record, LinksBut(kernel, "wg0"));
  EXPECT_TRUE(parting.any);
  EXPECT_TRUE(parting.kept.empty());
  EXPECT_EQ(parting.left_behind.claims, record.claims);
  EXPECT_EQ(Count<kernel::Rule>(parting.left_behind), 4);
  EXPECT_EQ(Count<kernel::NftTable>(parting.left_behind), 2);
  // These are gone with the link, whose number may be somebody else's by now.
  EXPECT_EQ(Count<kernel::Route>(parting.left_behind), 0);
  EXPECT_EQ(Count<kernel::Address>(parting.left_behind), 0);
  EXPECT_EQ(Count<kernel::Link>(parting.left_behind), 0);
}

TEST(RecoveryTest, AKillSwitchStays) {
  ModelKernel kernel;
  kernel.Apply(
      "owner",
      Node().Add(Tunnel("wg0")).Add(Tunnel("wg1").FwMark(7).Table("off")).Add(KillSwitch()));
  const Record& record = kernel.RecordOf("owner");
  const Parting parting = PartFromLost(record, {});
  EXPECT_TRUE(parting.any);
  EXPECT_EQ(Count<kernel::NftTable>(parting.kept), 1);
  EXPECT_EQ(Count<kernel::NftChain>(parting.kept), 2);
  EXPECT_EQ(parting.kept.objects.size(), 3u);
  EXPECT_EQ(parting.kept.allocations, record.allocations);
  EXPECT_TRUE(parting.kept.claims.empty());
  EXPECT_EQ(Count<kernel::NftTable>(parting.left_behind), 2);
  EXPECT_EQ(Count<kernel::Rule>(parting.left_behind), 4);
  EXPECT_EQ(parting.left_behind.claims, record.claims);
  const Parting again = PartFromLost(parting.kept, {});
  EXPECT_FALSE(again.any);
  EXPECT_EQ(EncodeRecord(again.kept), EncodeRecord(parting.kept));
}

TEST(RecoveryTest, OfSeveralLinksTheRulesOfThatOneGo) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(Tunnel("wg0")).Add(Tunnel("wg1")));
  const Record& record = kernel.RecordOf("owner");
  ASSERT_EQ(Count<kernel::Rule>(record), 8);
  const Parting parting = PartFromLost(record, LinksBut(kernel, "wg1"));
  EXPECT_TRUE(parting.any);
  EXPECT_EQ(Count<kernel::Link>(parting.kept), 1);
  EXPECT_EQ(Count<kernel::Rule>(parting.kept), 4);
  EXPECT_EQ(Count<kernel::Route>(parting.kept), 2);
  EXPECT_EQ(parting.kept.claims, record.claims);
  EXPECT_EQ(parting.left_behind.objects.size(), 4u);
  EXPECT_EQ(Count<kernel::Rule>(parting.left_behind), 4);
  EXPECT_TRUE(parting.left_behind.claims.empty());
  const auto mark = record.FindAllocation("mark of wg1");
  ASSERT_TRUE(mark.has_value());
  for (const Object& object : parting.left_behind.objects) {
    const auto& rule = *std::get_if<kernel::Rule>(&object);
    EXPECT_TRUE(rule.table == mark || rule.suppress_prefixlength == 0u);
  }
}

// The number of a link that went by other hands is the next one's.
TEST(RecoveryTest, ALinkOfAnotherOwnerIsNotTheOneThatIsGone) {
  ModelKernel kernel;
  kernel.Apply("owner", Node().Add(Tunnel("wg0")));
  const Record& record = kernel.RecordOf("owner");
  std::vector<kernel::Link> links = LinksBut(kernel, "");
  const auto link = std::find_if(links.begin(), links.end(), [](const kernel::Link& each) {
    return each.name->view() == "wg0";
  });
  ASSERT_NE(link, links.end());
  const auto is_lost = [&](std::string_view alias) {
    link->alias = FixedString<255>(alias);
    return !LostLinks(record, links).empty();
  };
  EXPECT_FALSE(is_lost("wgnet:owner"));
  EXPECT_FALSE(is_lost(""));
  EXPECT_FALSE(is_lost("the administrator's"));
  EXPECT_TRUE(is_lost("wgnet:other"));
}

}  // namespace
}  // namespace wgnet::plan
