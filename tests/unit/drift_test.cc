// SPDX-License-Identifier: MIT OR Apache-2.0
// What is told of the difference between a record and a kernel, which here is a model.
#include "src/plan/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "src/plan/op.h"
#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using Kind = Event::Kind;
using wgnet::testing::ModelKernel;

// A record as it is in its file: without keys.
Record WithoutKeys(const Record& record) { return *DecodeRecord(EncodeRecord(record)); }

class DriftTest : public ::testing::Test {
 protected:
  DriftTest() {
    kernel_.Apply("owner", wgnet::testing::LargeNode());
    drift_ = std::make_unique<Drift>(WithoutKeys(kernel_.RecordOf("owner")));
    EXPECT_TRUE(Look(true).empty());
  }

  std::vector<Event> Look(bool takes_keys = false, Parts parts = Parts::All()) {
    Drift::Sight sight(*drift_, takes_keys);
    sight.Restart();
    kernel_.Dump(sight);
    const bool is_new = drift_->IsNew(sight, parts);
    std::vector<Event> events;
    drift_->Tell(sight, parts, events);
    EXPECT_FALSE(drift_->IsNew(sight, parts));
    EXPECT_TRUE(is_new || events.empty());
    return events;
  }

  void Remove(const Object& object) {
    std::erase_if(kernel_.objects(),
                  [&](const Object& each) { return kernel::SameKey(each, object); });
  }

  ModelKernel kernel_;
  std::unique_ptr<Drift> drift_;
};

bool IsWatched(const Object& object) { return !std::holds_alternative<kernel::DnsSetting>(object); }

bool IsOn(const Object& container, const Object& object) {
  const auto* link = std::get_if<kernel::Link>(&container);
  const kernel::LinkRef* dev = kernel::LinkOf(object);
  return link != nullptr && dev != nullptr && dev->index == *link->index;
}

// ---- what is missing ----

TEST_F(DriftTest, EachObjectThatGoesAndComesBackIsToldOnce) {
  const Record record = kernel_.RecordOf("owner");
  size_t told = 0;
  for (const Object& object : record.objects) {
    if (!IsWatched(object)) continue;
    SCOPED_TRACE(AddCommandOf(object));
    const std::deque<Object> before(kernel_.objects().begin(), kernel_.objects().end());
    Remove(object);
    const auto gone = Look();
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].kind, Kind::kMissing);
    EXPECT_EQ(gone[0].object, kernel::KindOf(object));
    EXPECT_FALSE(gone[0].command.empty());
    EXPECT_TRUE(Look().empty());
    EXPECT_GE(drift_->count(), 1u);
    kernel_.objects().assign(before.begin(), before.end());
    const auto back = Look();
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].kind, Kind::kBack);
    EXPECT_EQ(drift_->count(), 0u);
    ++told;
  }
  EXPECT_GT(told, 30u);
  std::cout << told << " objects\n";
}

TEST_F(DriftTest, WhatGoesWithALinkIsNotToldOneByOne) {
  const Record record = kernel_.RecordOf("owner");
  const auto link = std::find_if(record.objects.begin(), record.objects.end(), [](const auto& o) {
    return std::holds_alternative<kernel::Link>(o);
  });
  ASSERT_NE(link, record.objects.end());
  for (const Object& object : record.objects) {
    if (IsOn(*link, object)) Remove(object);
  }
  Remove(*link);
  const auto events = Look();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object, "link");
  EXPECT_GT(drift_->count(), 5u);
  // When it comes back bare, the rest is.
  kernel_.objects().push_back(*link);
  const auto after = Look();
  EXPECT_EQ(after[0].kind, Kind::kBack);
  EXPECT_EQ(after.size(), drift_->count() + 1);
}

TEST_F(DriftTest, ALinkOfTheSameNumberIsAnother) {
  for (Object& object : kernel_.objects()) {
    auto* link = std::get_if<kernel::Link>(&object);
    if (link == nullptr || link->name->view() != "hub") continue;
    link->kind = FixedString<31>("dummy");
  }
  const auto events = Look();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::kMissing);
  EXPECT_EQ(events[0].interface, "hub");
}

// ---- what is changed ----

// Gives each compared value of an object another one, one at a time.
template <class T>
size_t ExpectToldChanges(T& object, const std::function<std::vector<Event>()>& look) {
  size_t told = 0;
  netlink::ForEachRow<T>([&]<class Wire>(const netlink::Row<T, Wire>& row) {
    using netlink::Role;
    if (row.role != Role::kValue && row.role != Role::kSecret) return;
    auto& value = object.*row.member;
    if (!value) return;
    if constexpr (requires { Wire::IsAny(*value); }) {
      if (Wire::IsAny(*value)) return;
    }
    SCOPED_TRACE(row.json);
    const auto before = value;
    value.reset();
    const auto events = look();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, Kind::kChanged);
    ASSERT_EQ(events[0].changes.size(), 1u);
    EXPECT_EQ(events[0].changes[0].attribute, row.json);
    EXPECT_EQ(events[0].changes[0].found, "");
    value = before;
    const auto back = look();
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].kind, Kind::kBack);
    ++told;
  });
  return told;
}

TEST_F(DriftTest, EachValueThatChangesIsNamed) {
  size_t told = 0;
  std::set<size_t> kinds;
  const auto look = [&] { return Look(); };
  const Record record = kernel_.RecordOf("owner");
  for (Object& object : kernel_.objects()) {
    const bool ours = std::any_of(record.objects.begin(), record.objects.end(),
                                  [&](const auto& each) { return kernel::SameKey(each, object); });
    // A link without its kind, or its tags, is another.
    if (!ours || !IsWatched(object) || std::holds_alternative<kernel::Link>(object)) continue;
    const size_t before = told;
    std::visit([&](auto& typed) { told += ExpectToldChanges(typed, look); }, object);
    if (told > before) kinds.insert(object.index());
  }
  EXPECT_GE(kinds.size(), 6u);
  std::cout << told << " values\n";
}

TEST_F(DriftTest, KeysAreHiddenAndCompared) {
  for (Object& object : kernel_.objects()) {
    auto* device = std::get_if<kernel::WgDevice>(&object);
    if (device != nullptr) device->private_key = wgnet::testing::TestKey("another");
  }
  const auto events = Look();
  ASSERT_EQ(events.size(), 2u);
  for (const Event& event : events) {
    ASSERT_EQ(event.changes.size(), 1u);
    EXPECT_EQ(event.changes[0], (Event::Change{"private_key", "(hidden)", "(hidden)"}));
    EXPECT_EQ(event.ToJson().find(wgnet::testing::TestKey("another").Reveal()), std::string::npos);
  }
}

TEST_F(DriftTest, WhatWasNeverStatedIsNotLookedAt) {
  const Node node =
      Node().Add(Interface("wg7").AddPeer(Peer(wgnet::testing::TestKey("peer").Public())));
  kernel_.Apply("owner", node);
  drift_ = std::make_unique<Drift>(WithoutKeys(kernel_.RecordOf("owner")));
  EXPECT_TRUE(Look(true).empty());
  for (Object& object : kernel_.objects()) {
    if (auto* device = std::get_if<kernel::WgDevice>(&object)) {
      device->private_key = wgnet::testing::TestKey("hook");
      device->fwmark = 7;
    }
    if (auto* peer = std::get_if<kernel::WgPeer>(&object)) {
      peer->preshared_key = wgnet::testing::TestKey("psk");
    }
  }
  EXPECT_TRUE(Look().empty());
}

TEST_F(DriftTest, AChangeOfAChangeIsTold) {
  const auto set_mtu = [&](uint32_t mtu) {
    for (Object& object : kernel_.objects()) {
      auto* link = std::get_if<kernel::Link>(&object);
      if (link != nullptr && link->name->view() == "hub") link->mtu = mtu;
    }
  };
  set_mtu(1300);
  EXPECT_EQ(Look().size(), 1u);
  set_mtu(1310);
  const auto events = Look();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].changes[0].found, "1310");
}

TEST_F(DriftTest, RulesOfAChainMustBeThereInTheirOrder) {
  for (Object& object : kernel_.objects()) {
    auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain == nullptr || chain->rules->size() < 2) continue;
    auto& rules = *chain->rules;
    rules.insert(rules.begin() + 1, kernel::NftRule());  // somebody else's
    EXPECT_TRUE(Look().empty());
    std::swap(rules.front(), rules.back());
    const auto events = Look();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].object, "nft_chain");
    EXPECT_EQ(events[0].changes[0].attribute, "rules");
    return;
  }
  FAIL() << "no chain has two rules";
}

TEST_F(DriftTest, ObjectsOfOthersAreNothing) {
  kernel_.AddLink("eth9", 99);
  kernel::Route route;
  route.dst = *Prefix::Parse("10.200.0.0/16");
  route.table = 254;
  route.metric = 0;
  kernel_.objects().emplace_back(route);
  EXPECT_TRUE(Look().empty());
}

TEST_F(DriftTest, OnlyThePartsThatAreReadAreTold) {
  const Record record = kernel_.RecordOf("owner");
  for (const Object& object : record.objects) {
    if (std::holds_alternative<kernel::Route>(object)) Remove(object);
  }
  EXPECT_TRUE(Look(false, Part::kDevices).empty());
  EXPECT_FALSE(Look(false, Part::kNetwork).empty());
}

}  // namespace
}  // namespace wgnet::plan
