// SPDX-License-Identifier: MIT OR Apache-2.0
// Each reply of the kernel, from planning to verifying, is lost, doubled, late, cut, or garbage: a
// transaction ends, with exactly the state after or exactly the one before, or says what it does
// not know.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <iostream>

#include "tests/support/reference.h"
#include "tests/support/sample.h"

namespace wgnet::testing {
namespace {

constexpr unsigned kMostSeconds = 60;

std::string NameOf(Spoil spoil) {
  constexpr const char* kNames[] = {"dropped",    "lost",  "doubled", "late",  "truncated",
                                    "renumbered", "noise", "broken",  "nested"};
  return kNames[static_cast<size_t>(spoil)];
}

struct Tally {
  size_t cases = 0;
  size_t after = 0;
  size_t incomplete = 0;
};

std::string SpoilOne(ReferenceWorld& world, size_t reply, Spoil spoil, uint32_t seed,
                     Tally& tally) {
  ReplyTransport& replies = world.host().replies();
  alarm(kMostSeconds);  // no reply may be waited for forever
  replies.Arm(reply, spoil, seed);
  const Status status = world.host().Apply(world.after());
  const bool fired = replies.fired();
  replies.Disarm();
  if (!fired) return "the reply did not come";
  ++tally.cases;
  const auto ending = world.Judge(status);
  if (!ending) return ending.error().message;
  if (*ending == Ending::kAfter) {
    ++tally.after;
    return world.GoBack();
  }
  if (*ending == Ending::kBefore) return "";
  ++tally.incomplete;
  if (const auto report = world.host().planner().Recover(); !report) {
    return "recovering: " + report.error().ToString();
  }
  return world.DifferenceFromStart();
}

bool HasSeed(Spoil spoil) { return spoil >= Spoil::kTruncated; }

std::string SpoilAll(ReferenceWorld& world) {
  const size_t replies = world.replies();
  const size_t step = Full() ? 1 : replies / (InGuest() ? 2 : 8) + 1;
  Tally tally;
  for (const Spoil spoil : kSpoils) {
    const uint32_t seeds = Full() && HasSeed(spoil) ? 4 : 1;
    // Another first reply for each, so that a sample meets more of them.
    const size_t first = Full() ? 1 : 1 + static_cast<size_t>(spoil) % step;
    for (size_t reply = first; reply <= replies; reply += step) {
      for (uint32_t seed = 0; seed < seeds; ++seed) {
        const auto number = static_cast<uint32_t>(reply) * 16 + seed;
        const std::string failure = SpoilOne(world, reply, spoil, number, tally);
        if (failure.empty()) continue;
        return fmt::format("reply {} of {} {}, seed {}: {}", reply, replies, NameOf(spoil), number,
                           failure);
      }
    }
  }
  return fmt::format("{} replies, {} cases, {} succeeded, {} incomplete", replies, tally.cases,
                     tally.after, tally.incomplete);
}

class Reply : public ::testing::TestWithParam<Scenario> {};

TEST_P(Reply, SpoiledEndsBeforeOrAfter) {
  const std::string text = InReferenceWorld(GetParam(), SpoilAll);
  size_t replies = 0;
  size_t cases = 0;
  ASSERT_EQ(std::sscanf(text.c_str(), "%zu replies, %zu cases", &replies, &cases), 2) << text;
  EXPECT_GE(replies, 20u);
  if (Full()) {
    EXPECT_GE(cases, replies * std::size(kSpoils));
  }
  std::cout << fmt::format("{}: {}, {}\n", GetParam().name, text, Reached());
}

INSTANTIATE_TEST_SUITE_P(, Reply, ::testing::ValuesIn(ReferenceScenarios()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
