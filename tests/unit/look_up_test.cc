// SPDX-License-Identifier: MIT OR Apache-2.0
// Names are looked up side by side, again while that may help, and no longer than is allowed.
#include "src/plan/look_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_names.h"

namespace wgnet::plan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wgnet::testing::FakeClock;
using wgnet::testing::FakeResolver;
using wgnet::testing::Found;
using wgnet::testing::NoSuchName;
using wgnet::testing::NotNow;
using Kind = HostAnswer::Kind;

class LookUpTest : public ::testing::Test {
 protected:
  LookUpTest() { resolver_.clock = &clock_; }

  std::vector<int64_t> Milliseconds() const {
    std::vector<int64_t> times;
    for (const auto time : resolver_.times) {
      times.push_back(std::chrono::duration_cast<milliseconds>(time).count());
    }
    return times;
  }

  FakeClock clock_;
  FakeResolver resolver_;
  LookUpOptions options_{
      .resolver = &resolver_, .clock = &clock_, .timeout = seconds(1000), .retries = 15};
};

TEST_F(LookUpTest, AllNamesAreAskedForAtOnce) {
  resolver_.answers = {{"a", {Found({"192.0.2.1", "2001:db8::1"})}}, {"b", {Found({"192.0.2.2"})}}};
  const Hosts hosts = LookUp({"b", "a", "192.0.2.9", "fe80::1"}, options_);
  EXPECT_THAT(resolver_.asked, ElementsAre(ElementsAre("a", "b")));
  EXPECT_EQ(hosts.at("a").addresses, Found({"192.0.2.1", "2001:db8::1"}).addresses);
  EXPECT_EQ(hosts.at("b").addresses, Found({"192.0.2.2"}).addresses);
  EXPECT_EQ(hosts.at("192.0.2.9").addresses, Found({"192.0.2.9"}).addresses);
  EXPECT_EQ(hosts.at("fe80::1").addresses, Found({"fe80::1"}).addresses);
}

TEST_F(LookUpTest, AddressesAskNobody) {
  LookUp({"192.0.2.9", "fd00::1"}, options_);
  EXPECT_THAT(resolver_.asked, IsEmpty());
  EXPECT_EQ(LookUp({"192.0.2.9"}, {}).at("192.0.2.9").kind, Kind::kFound);
}

TEST_F(LookUpTest, OnlyWhatMayComeLaterIsAskedForAgain) {
  resolver_.answers = {{"later", {NotNow(), NotNow(), Found({"192.0.2.1"})}},
                       {"never", {NoSuchName()}},
                       {"now", {Found({"192.0.2.2"})}}};
  const Hosts hosts = LookUp({"later", "never", "now"}, options_);
  EXPECT_THAT(resolver_.asked, ElementsAre(SizeIs(3), ElementsAre("later"), ElementsAre("later")));
  EXPECT_THAT(Milliseconds(), ElementsAre(0, 1000, 2200));
  EXPECT_EQ(hosts.at("later").kind, Kind::kFound);
  EXPECT_EQ(hosts.at("never").kind, Kind::kNone);
  EXPECT_EQ(hosts.at("never").reason, "no such name");
}

TEST_F(LookUpTest, ANameWithoutAddressIsFinal) {
  resolver_.answers = {{"empty", {Found({})}}};
  const Hosts hosts = LookUp({"empty"}, options_);
  EXPECT_THAT(resolver_.asked, SizeIs(1));
  EXPECT_EQ(hosts.at("empty").kind, Kind::kNone);
}

TEST_F(LookUpTest, RetriesAreCounted) {
  resolver_.answers = {{"a", {NotNow()}}};
  for (const uint32_t retries : {0u, 1u, 15u}) {
    resolver_.asked.clear();
    options_.retries = retries;
    const Hosts hosts = LookUp({"a"}, options_);
    EXPECT_THAT(resolver_.asked, SizeIs(retries + 1));
    EXPECT_EQ(hosts.at("a").kind, Kind::kTryAgain);
    EXPECT_EQ(hosts.at("a").reason, "servers are silent");
  }
}

// 1 s, and 1.2 times as long each time; from the 18th on 20 s.
TEST_F(LookUpTest, DelaysGrowToTwentySeconds) {
  resolver_.answers = {{"a", {NotNow()}}};
  options_.retries = 30;
  LookUp({"a"}, options_);
  const auto times = Milliseconds();
  EXPECT_EQ(times[1] - times[0], 1000);
  EXPECT_EQ(times[2] - times[1], 1200);
  EXPECT_EQ(times[3] - times[2], 1440);
  EXPECT_LT(times[17] - times[16], 20000);
  EXPECT_EQ(times[18] - times[17], 20000);
  EXPECT_EQ(times[30] - times[29], 20000);
}

TEST_F(LookUpTest, TheDeadlineIsForAllTogether) {
  resolver_.answers = {{"a", {NotNow()}}};
  resolver_.takes = seconds(2);
  options_.timeout = seconds(10);
  LookUp({"a"}, options_);
  EXPECT_EQ(resolver_.deadline, Clock::TimePoint(seconds(10)));
  EXPECT_THAT(Milliseconds(), ElementsAre(0, 3000, 6200, 9640));
  EXPECT_EQ(clock_.now, seconds(10));
}

TEST_F(LookUpTest, InfinityEndsWithAnAnswerOnly) {
  std::vector<HostAnswer> answers(1000, NotNow());
  answers.push_back(Found({"192.0.2.1"}));
  resolver_.answers = {{"a", answers}};
  options_.retries.reset();
  options_.timeout.reset();
  EXPECT_EQ(LookUp({"a"}, options_).at("a").kind, Kind::kFound);
  EXPECT_THAT(resolver_.asked, SizeIs(1001));
  EXPECT_EQ(resolver_.deadline, Clock::TimePoint::max());
}

TEST_F(LookUpTest, WithoutRetriesTheDeadlineEndsIt) {
  resolver_.answers = {{"a", {NotNow()}}};
  options_.retries.reset();
  options_.timeout = seconds(60);
  EXPECT_EQ(LookUp({"a"}, options_).at("a").kind, Kind::kTryAgain);
  EXPECT_LE(clock_.now, seconds(60));
  EXPECT_GT(resolver_.asked.size(), 5u);
}

TEST_F(LookUpTest, AnAnswerThatIsMissingHasAReason) {
  resolver_.answers = {{"a", {HostAnswer{}}}};
  EXPECT_EQ(LookUp({"a"}, options_).at("a").reason, "no answer in time");
  resolver_.answers = {{"a", {NotNow(), HostAnswer{}}}};
  EXPECT_EQ(LookUp({"a"}, options_).at("a").reason, "servers are silent");
}

}  // namespace
}  // namespace wgnet::plan
