// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/risk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wgnet::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kMark = 0x77;

kernel::Rule RuleWithMark() {
  kernel::Rule rule;
  rule.family = Family::kIpv4;
  rule.priority = 100;
  rule.fwmark = kMark;
  rule.action = FR_ACT_TO_TBL;
  rule.table = 900;
  return rule;
}

std::vector<std::string> Warnings(const PlanData& plan,
                                  const kernel::Rule& foreign = RuleWithMark()) {
  Snapshot snapshot;
  snapshot.Visit(foreign);
  return FindSharedNumbers(Node().Add(Interface("wg0").FwMark(kMark)), plan, snapshot, {});
}

TEST(RiskTest, AMarkOfSomebodyElsesIsTold) {
  EXPECT_THAT(Warnings({}), ElementsAre(HasSubstr("somebody else uses the mark 0x77")));
}

TEST(RiskTest, ARuleMayLookForAPartOfAMark) {
  kernel::Rule rule = RuleWithMark();
  rule.fwmark = 0x70;
  EXPECT_THAT(Warnings({}, rule), IsEmpty());
  rule.fwmask = 0xf0;
  EXPECT_THAT(Warnings({}, rule),
              ElementsAre(HasSubstr("ip rule add priority 100 fwmark 0x70/0xf0")));
  rule.fwmask = 0xff;
  EXPECT_THAT(Warnings({}, rule), IsEmpty());
  rule.fwmark = 0;
  rule.fwmask = 0xf00;
  EXPECT_THAT(Warnings({}, rule), IsEmpty());
}

TEST(RiskTest, OurOwnAndWhatIsTakenOverAreNotSomebodyElses) {
  EXPECT_THAT(Warnings({.before = {.objects = {RuleWithMark()}}}), IsEmpty());
  EXPECT_THAT(Warnings({.after = {.objects = {RuleWithMark()}}}), IsEmpty());
  const Op removal{.verb = kernel::Verb::kDelete, .object = RuleWithMark()};
  EXPECT_THAT(Warnings({.ops = {removal}}), IsEmpty());
}

}  // namespace
}  // namespace wgnet::plan
