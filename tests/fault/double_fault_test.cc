// SPDX-License-Identifier: MIT OR Apache-2.0
// A message fails, and then a step of what takes the rest back fails too: once, or for good. What
// is left over is named; and who comes next brings it to the state before, or to the one after.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <iostream>

#include "tests/support/reference.h"
#include "tests/support/sample.h"

namespace wgnet::testing {
namespace {

constexpr int kErrors[] = {EPERM, EBUSY, ENOMEM, EINVAL, EINTR};

// Every so many messages, and of what takes them back every so many steps.
struct Steps {
  size_t message = 1;
  size_t back = 1;
};

// What a run came to.
struct Tally {
  size_t cases = 0;
  size_t incomplete = 0;  // reports with leftovers
};

int ErrorOf(size_t number) { return kErrors[number % std::size(kErrors)]; }

// The next one takes back what is left, or applies the node again. A fake device is its host's.
std::string Mend(ReferenceWorld& world, bool by_recovery) {
  if (!by_recovery) {
    const Status status = world.host().Apply(world.after());
    if (!status) return "applying again: " + status.error().ToString();
    const auto ending = world.Judge(status);
    return ending ? world.GoBack() : "applying again: " + ending.error().message;
  }
  const auto report = world.host().planner().Recover();
  if (!report) return "recovering: " + report.error().ToString();
  const std::string difference = world.DifferenceFromStart();
  return difference.empty() ? "" : "recovering left:\n" + difference;
}

std::string FailTwice(ReferenceWorld& world, const Fault& first, const Fault& second,
                      Tally& tally) {
  FaultTransport& transport = world.host().transport();
  transport.ArmAll({first, second});
  const Status status = world.host().ApplyOnce(world.after());
  const bool fired = transport.fired();
  transport.Arm({});
  if (!fired) return "the faults were not reached";
  if (status) return "the fault went unnoticed";
  const auto ending = world.Judge(status);
  if (!ending) return ending.error().message;
  ++tally.cases;
  if (*ending == Ending::kBefore) return "";
  ++tally.incomplete;
  const std::string failure = Mend(world, tally.incomplete % 2 == 0);
  return failure.empty() ? "" : status.error().ToString() + "\n" + failure;
}

// All that can fail after the message.
std::string FailBehind(ReferenceWorld& world, size_t message, size_t step, Tally& tally) {
  FaultTransport& transport = world.host().transport();
  const Fault first{message, ErrorOf(message), std::nullopt};
  transport.Arm(first);
  const Status status = world.host().ApplyOnce(world.after());
  const size_t begin = transport.messages_to_failure();
  const size_t end = transport.messages();
  transport.Arm({});
  if (status) return "the fault went unnoticed";
  if (const auto ending = world.Judge(status); !ending) return ending.error().message;
  for (size_t number = begin + 1; number <= end; number += step) {
    for (const bool stays : {false, true}) {
      Fault second{number, ErrorOf(number), std::nullopt};
      second.stays = stays;
      const std::string failure = FailTwice(world, first, second, tally);
      if (failure.empty()) continue;
      return fmt::format("step {} of {} back, {}: {}", number - begin, end - begin,
                         stays ? "for good" : "once", failure);
    }
  }
  return "";
}

std::string FailAll(ReferenceWorld& world, const Steps& steps) {
  const size_t messages = world.messages();
  Tally tally;
  for (size_t message = 1; message <= messages; message += steps.message) {
    const size_t back = Full() ? steps.back : std::max<size_t>(1, message / 2);
    const std::string failure = FailBehind(world, message, back, tally);
    if (!failure.empty()) return fmt::format("message {}, {}", message, failure);
  }
  return fmt::format("{} messages, {} cases, {} incomplete", messages, tally.cases,
                     tally.incomplete);
}

// But for one whose links get other numbers each time.
std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all = Scenarios();
  std::erase_if(all, [](const Scenario& scenario) { return scenario.name == "Renamed"; });
  for (const Scenario& scenario : ReferenceScenarios()) all.push_back(scenario);
  return all;
}

// Whole, every pair of a small scenario, and many of a large one. In a sample some, from the first
// message to the last.
Steps StepsFor(const ReferenceWorld& world) {
  const bool large = world.messages() > 100;
  if (Full()) return large ? Steps{11, 7} : Steps{1, 1};
  return {world.messages() / (InGuest() ? 2 : 6) + 1, 1};
}

class DoubleFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(DoubleFault, IsToldOfAndMended) {
  const std::string text = InReferenceWorld(
      GetParam(), [](ReferenceWorld& world) { return FailAll(world, StepsFor(world)); });
  size_t messages = 0;
  size_t cases = 0;
  ASSERT_EQ(std::sscanf(text.c_str(), "%zu messages, %zu cases", &messages, &cases), 2) << text;
  EXPECT_GE(messages, 1u);
  std::cout << fmt::format("{}: {}, {}\n", GetParam().name, text, Reached());
}

INSTANTIATE_TEST_SUITE_P(, DoubleFault, ::testing::ValuesIn(AllScenarios()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
