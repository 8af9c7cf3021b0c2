// SPDX-License-Identifier: MIT OR Apache-2.0
// When a watcher looks and acts, by a clock that the test moves.
#include "src/plan/pace.h"

#include <gtest/gtest.h>

namespace wgnet::plan {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr Moment At(milliseconds time) { return Moment(seconds(1000) + time); }
constexpr Moment kStart = At(milliseconds(0));

// ---- the bucket ----

TEST(TokenBucketTest, GivesABurstAndThenOneForEachInterval) {
  TokenBucket bucket(3, seconds(10));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(kStart)) << i;
  EXPECT_FALSE(bucket.Take(kStart));
  EXPECT_EQ(bucket.Next(kStart), At(seconds(10)));
  EXPECT_FALSE(bucket.Take(At(milliseconds(9999))));
  EXPECT_TRUE(bucket.Take(At(seconds(10))));
  EXPECT_FALSE(bucket.Take(At(seconds(10))));
  EXPECT_EQ(bucket.Next(At(seconds(10))), At(seconds(20)));
}

TEST(TokenBucketTest, IsFullAgainAfterARest) {
  TokenBucket bucket(3, seconds(10));
  while (bucket.Take(kStart)) {
  }
  int taken = 0;
  while (bucket.Take(At(seconds(3600)))) ++taken;
  EXPECT_EQ(taken, 3);
}

TEST(TokenBucketTest, GivesNoMoreThanItsRateInTheLongRun) {
  TokenBucket bucket(5, milliseconds(100));
  int taken = 0;
  for (int i = 0; i <= 10000; ++i) taken += bucket.Take(At(milliseconds(i)));
  EXPECT_EQ(taken, 5 + 100);
}

TEST(TokenBucketTest, HoldsWhatItHas) {
  TokenBucket bucket(2, seconds(1));
  bucket.HoldUntil(At(seconds(5)));
  bucket.HoldUntil(At(seconds(3)));
  EXPECT_EQ(bucket.Next(kStart), At(seconds(5)));
  EXPECT_FALSE(bucket.Take(At(milliseconds(4999))));
  EXPECT_TRUE(bucket.Take(At(seconds(5))));
  EXPECT_TRUE(bucket.Take(At(seconds(5))));
}

// ---- looking ----

LookSchedule Schedule(Parts polled = {}) {
  LookSchedule schedule(polled, milliseconds(50), seconds(5), kStart);
  const Parts due = schedule.Due(kStart);
  if (!due.empty()) schedule.Looked(due, kStart, kStart);
  return schedule;
}

TEST(LookScheduleTest, LooksOnceAfterABurst) {
  LookSchedule schedule = Schedule();
  EXPECT_EQ(schedule.Next(), Moment::max());
  for (int i = 0; i < 50; ++i) {
    schedule.Mark(i % 2 == 0 ? Part::kNetwork : Part::kNftables, At(milliseconds(i)));
    EXPECT_TRUE(schedule.Due(At(milliseconds(i))).empty());
    EXPECT_EQ(schedule.Next(), At(milliseconds(50)));  // later signs put nothing off
  }
  const Moment now = At(milliseconds(50));
  EXPECT_EQ(schedule.Due(now), Parts(Part::kNetwork) | Part::kNftables);
  schedule.Looked(schedule.Due(now), now, now);
  EXPECT_TRUE(schedule.Due(At(seconds(100))).empty());
  EXPECT_EQ(schedule.Next(), Moment::max());
}

TEST(LookScheduleTest, KeepsAMarkThatWasNotLookedAt) {
  LookSchedule schedule = Schedule(Part::kDevices);
  schedule.Mark(Part::kNetwork, At(milliseconds(4990)));
  EXPECT_EQ(schedule.Due(At(seconds(5))), Parts(Part::kDevices));
  schedule.Looked(Part::kDevices, At(seconds(5)), At(seconds(5)));
  EXPECT_EQ(schedule.Due(At(milliseconds(5040))), Parts(Part::kNetwork));
}

TEST(LookScheduleTest, PollsWhatTellsNothing) {
  LookSchedule schedule = Schedule(Parts(Part::kDevices) | Part::kSettings);
  for (int round = 1; round < 5; ++round) {
    const Moment now = At(seconds(5 * round));
    EXPECT_EQ(schedule.Next(), now);
    EXPECT_TRUE(schedule.Due(now - milliseconds(1)).empty());
    EXPECT_EQ(schedule.Due(now), Parts(Part::kDevices) | Part::kSettings);
    schedule.Looked(schedule.Due(now), now, now);
  }
  schedule.PollAll(true);
  EXPECT_EQ(schedule.Due(At(seconds(25))), Parts::All());
}

TEST(LookScheduleTest, RestsAHundredTimesAsLongAsItLooks) {
  LookSchedule schedule = Schedule();
  schedule.Looked(Part::kNetwork, kStart, At(milliseconds(5)));
  schedule.Mark(Part::kNetwork, At(milliseconds(5)));
  EXPECT_EQ(schedule.Next(), At(milliseconds(505)));
  EXPECT_TRUE(schedule.Due(At(milliseconds(504))).empty());
  EXPECT_EQ(schedule.Due(At(milliseconds(505))), Parts(Part::kNetwork));
  schedule.Looked(Part::kNetwork, At(milliseconds(505)), At(seconds(2)));
  schedule.Mark(Part::kNetwork, At(seconds(2)));
  EXPECT_EQ(schedule.Next(), At(seconds(7)));  // 5 s at most
}

TEST(LookScheduleTest, TriesAgainWhatCouldNotBeLookedAt) {
  LookSchedule schedule = Schedule(Part::kDevices);
  schedule.Postpone(Parts::All(), At(milliseconds(100)));
  EXPECT_TRUE(schedule.Due(At(milliseconds(99))).empty());
  EXPECT_EQ(schedule.Next(), At(milliseconds(100)));
  EXPECT_EQ(schedule.Due(At(milliseconds(100))), Parts::All());
}

}  // namespace
}  // namespace wgnet::plan
