// SPDX-License-Identifier: MIT OR Apache-2.0
// The tracker tells from what a kernel has which ops of a plan were done.
#include "src/plan/tracker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;
using wgnet::testing::ModelKernel;

void Show(const ModelKernel& kernel, Tracker& tracker) {
  tracker.Restart();
  kernel.Dump(tracker);
}

bool TouchesAgain(const std::vector<Op>& ops, size_t op) {
  return std::any_of(ops.begin() + static_cast<ptrdiff_t>(op) + 1, ops.end(), [&](const Op& later) {
    return later.object.index() == ops[op].object.index() &&
           kernel::SameKey(later.object, ops[op].object);
  });
}

// Walks through whole plans, one op at a time, and asks after each op.
TEST(TrackerTest, KnowsAtEveryStepWhatIsDone) {
  ModelKernel kernel;
  size_t asked = 0;
  for (const Node& node : {wgnet::testing::LargeNode(), wgnet::testing::ChangedNode(), Node()}) {
    const auto plan = kernel.Plan("owner", node);
    ASSERT_TRUE(plan.ok()) << plan.error();
    const auto& ops = plan->ops;
    Tracker tracker(ops);
    for (size_t done = 0; done <= ops.size(); ++done) {
      Show(kernel, tracker);
      for (size_t op = 0; op < ops.size(); ++op) {
        // A link takes its device along; the model's kernel, too.
        if (std::holds_alternative<kernel::WgDevice>(ops[op].object)) continue;
        SCOPED_TRACE(CommandsOf(ops[op], [](const auto&) { return "KEY"; }).front());
        EXPECT_EQ(tracker.IsDone(op), op < done) << op << " after " << done;
        EXPECT_TRUE(op >= done || TouchesAgain(ops, op) || tracker.IsAtEnd(op));
        EXPECT_TRUE(done != 0 || tracker.IsAtStart(op));
        EXPECT_TRUE(done != ops.size() || tracker.IsAtEnd(op));
        EXPECT_FALSE(tracker.IsOther(op));
        ++asked;
      }
      if (done == ops.size()) break;
      const std::string problem = kernel.Do(ops[done]);
      ASSERT_TRUE(ops[done].verb == Verb::kDelete || problem.empty()) << problem;
    }
    kernel.Apply({.ops = {}, .before = plan->before, .after = plan->after});
  }
  std::cout << asked << " questions\n";
}

kernel::Address TheAddress(uint8_t scope) {
  kernel::Address address;
  address.local = *Prefix::Parse("10.0.0.1/24");
  address.dev = kernel::LinkRef{7, "wg0"};
  address.scope = scope;
  return address;
}

TEST(TrackerTest, AnObjectInNeitherStateIsAnothers) {
  const std::vector<Op> ops = {
      {.verb = Verb::kChange, .object = TheAddress(1), .before = TheAddress(0)}};
  Tracker tracker(ops);
  struct Case {
    std::optional<uint8_t> scope;
    bool start, done, other;
  };
  const Case kCases[] = {{0, true, false, false},
                         {1, false, true, false},
                         {2, false, false, true},
                         {{}, false, false, true}};
  for (const auto& [scope, start, done, other] : kCases) {
    tracker.Restart();
    if (scope) tracker.Visit(Object(TheAddress(*scope)));
    EXPECT_EQ(tracker.IsAtStart(0), start);
    EXPECT_EQ(tracker.IsDone(0), done);
    EXPECT_EQ(tracker.IsAtEnd(0), done);
    EXPECT_EQ(tracker.IsOther(0), other);
  }
}

TEST(TrackerTest, AnObjectThatGoesAndComesBackHasThreeStates) {
  const std::vector<Op> ops = {{.verb = Verb::kDelete, .object = TheAddress(0)},
                               {.verb = Verb::kAdd, .object = TheAddress(1)}};
  Tracker tracker(ops);
  tracker.Visit(Object(TheAddress(0)));
  EXPECT_TRUE(tracker.IsAtStart(0) && tracker.IsAtStart(1));
  EXPECT_TRUE(tracker.HasSeveral(0) && tracker.HasSeveral(1));
  EXPECT_FALSE(tracker.IsDone(0) || tracker.IsDone(1));
  tracker.Restart();
  EXPECT_TRUE(tracker.IsDone(0));
  EXPECT_FALSE(tracker.IsDone(1) || tracker.IsAtStart(0) || tracker.IsAtEnd(0));
  tracker.Restart();
  tracker.Visit(Object(TheAddress(1)));
  EXPECT_TRUE(tracker.IsDone(0) && tracker.IsDone(1) && tracker.IsAtEnd(0));
}

kernel::Route TheRoute(uint32_t index, uint8_t protocol) {
  kernel::Route route;
  route.type = RTN_UNICAST;
  route.dst = *Prefix::Parse("::/0");
  route.dev = kernel::LinkRef{index, "wg0"};
  route.table = RT_TABLE_MAIN;
  route.protocol = protocol;
  route.metric = 1024;
  return route;
}

// As a router's advertisement brings one.
TEST(TrackerTest, ARouteBesideOursIsNotOurs) {
  const Object ours = TheRoute(7, kernel::kProtocol);
  const Object beside = TheRoute(2, RTPROT_RA);
  const std::vector<Op> adding = {{.verb = Verb::kAdd, .object = ours}};
  const std::vector<Op> removing = {{.verb = Verb::kDelete, .object = ours}};
  struct Case {
    std::vector<Object> seen;
    bool added, removed;
  };
  const Case kCases[] = {{{ours}, true, false},
                         {{ours, beside}, true, false},
                         {{beside, ours}, true, false},
                         {{beside}, false, true},
                         {{}, false, true}};
  Tracker add(adding);
  Tracker remove(removing);
  for (const Case& each : kCases) {
    for (Tracker* tracker : {&add, &remove}) {
      tracker->Restart();
      for (const Object& object : each.seen) tracker->Visit(object);
    }
    EXPECT_EQ(add.IsDone(0), each.added);
    EXPECT_EQ(remove.IsAtStart(0), !each.removed);
    EXPECT_EQ(remove.IsDone(0), each.removed);
  }
  add.Restart();
  add.Visit(beside);
  EXPECT_TRUE(add.IsOther(0));
  EXPECT_FALSE(add.IsAtStart(0));
}

// ---- rules of chains ----

kernel::NftRule MakeRule(const char* name) {
  return kernel::MakeRule({kernel::nft::MatchInterface{kernel::nft::Direction::kIn, name}});
}

kernel::NftChain ChainWith(std::vector<const char*> names) {
  kernel::NftChain chain;
  chain.family = kernel::nft::TableFamily::kInet;
  chain.table = kernel::NftName("t");
  chain.name = kernel::NftName("c");
  chain.rules.emplace();
  for (const char* name : names) chain.rules->push_back(MakeRule(name));
  return chain;
}

TEST(TrackerTest, RulesAreComparedByOrderAndNumber) {
  const std::vector<Op> ops = {
      {.verb = Verb::kChange, .object = ChainWith({"a", "b"}), .before = ChainWith({"a"})}};
  struct Case {
    std::vector<const char*> rules;
    bool start, done;
  };
  const Case kCases[] = {{{"a"}, true, false},       {{"a", "b"}, false, true},
                         {{"b", "a"}, false, false}, {{}, false, false},
                         {{"c"}, false, false},      {{"a", "b", "c"}, false, false}};
  for (const auto& [rules, start, done] : kCases) {
    ModelKernel kernel;
    kernel.objects().emplace_back(ChainWith(rules));
    Tracker tracker(ops);
    Show(kernel, tracker);
    EXPECT_EQ(tracker.IsAtStart(0), start) << rules.size();
    EXPECT_EQ(tracker.IsDone(0), done) << rules.size();
    EXPECT_EQ(tracker.IsOther(0), !start && !done) << rules.size();
  }
}

TEST(TrackerTest, ObjectsOfOthersDoNotCount) {
  const std::vector<Op> ops = {{.verb = Verb::kAdd, .object = TheAddress(0)}};
  Tracker tracker(ops);
  kernel::Address other = TheAddress(0);
  other.dev = kernel::LinkRef{8, "wg1"};
  tracker.Visit(Object(other));
  tracker.VisitRule(MakeRule("a"));
  EXPECT_TRUE(tracker.IsAtStart(0));
}

TEST(TrackerTest, ReadsWhatItAsksForAndNoMore) {
  ModelKernel kernel;
  const auto plan = kernel.Plan("owner", wgnet::testing::ServerNode());
  const Tracker tracker(plan->ops);
  const Scope& scope = tracker.scope();
  EXPECT_TRUE(scope.links);
  EXPECT_FALSE(scope.rules);
  EXPECT_FALSE(scope.base_chains);
  EXPECT_EQ(scope.address_links, std::vector<uint32_t>{3});
  EXPECT_EQ(scope.devices, std::vector<uint32_t>{3});
  EXPECT_EQ(scope.route_tables, (std::vector<Scope::RouteTable>{{Family::kIpv4, RT_TABLE_MAIN}}));
  EXPECT_EQ(scope.nft_tables.size(), 1u);
  EXPECT_EQ(scope.sysctls.size(), 2u);
}

}  // namespace
}  // namespace wgnet::plan
