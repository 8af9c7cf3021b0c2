// SPDX-License-Identifier: MIT OR Apache-2.0
// From the first message to the report nothing is allocated; and where a rollback has to, because
// the kernel has more than was planned for, memory may run out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/base/no_memory.h"
#include "tests/support/allocations.h"
#include "tests/support/kernel_state.h"
#include "tests/support/leftovers.h"
#include "tests/support/reference.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

// Counts from the first message that changes something.
void CountFromFirstMessage(Host& host, size_t failing) {
  host.transport().OnStep([failing, counting = false]() mutable {
    if (!counting) CountAllocations(failing);
    counting = true;
  });
}

std::string CountWhenAllGoesWell(Host& host, const Node& after) {
  const auto plan = host.Plan(after);
  if (!plan) return plan.error().ToString();
  host.transport().Arm({});
  CountFromFirstMessage(host, 0);
  const auto done = host.planner().Apply(*plan);
  const size_t count = StopCountingAllocations();
  if (!done) return done.error().ToString();
  return count == 0 ? "" : fmt::format("{} allocations", count);
}

// A message fails, and the n-th allocation from the first message on. A resolver cannot be told
// without memory; the report then names it.
std::string FailMessageAndAllocation(Host& host, const Node& after, size_t message,
                                     size_t failing) {
  const std::string before = host.State();
  const auto plan = host.Plan(after);
  if (!plan) return plan.error().ToString();
  host.transport().Arm({message, EPERM, std::nullopt});
  CountFromFirstMessage(host, failing);
  const Status status = CatchNoMemory([&]() -> Status {
    auto done = host.planner().Apply(*plan);
    return done ? Status() : Status(std::move(done.error()));
  });
  const size_t count = StopCountingAllocations();
  host.transport().OnStep({});
  if (status) return "the fault went unnoticed";
  std::string difference = DifferenceOf(before, host.State());
  const auto& report = status.error().rollback;
  if (report && !report->complete()) {
    if (difference.empty()) return "names what is not left: " + status.error().ToString();
    difference = UnnamedIn(difference, *report);
  }
  if (!difference.empty()) return status.error().ToString() + "\nleft:\n" + difference;
  return count < failing ? "no more" : "";
}

class Memory : public ::testing::TestWithParam<Scenario> {};

// Telling a resolver takes some.
TEST_P(Memory, IsNotAllocatedBetweenTheFirstMessageAndTheReport) {
  Scenario scenario = GetParam();
  scenario.before = WithoutDns(scenario.before);
  scenario.after = WithoutDns(scenario.after);
  EXPECT_EQ(InScenario(scenario, CountWhenAllGoesWell), "");
}

TEST_P(Memory, MayRunOutInAnyReport) {
  constexpr size_t kMostMessages = 100;
  const auto run = [](size_t message, size_t failing) {
    return InScenario(GetParam(), [&](Host& host, const Node& after) {
      return FailMessageAndAllocation(host, after, message, failing);
    });
  };
  size_t message = 2;  // the first that is not sent along with the one before it
  while (message < kMostMessages && run(message, 1) == "no more") ++message;
  size_t cases = 0;
  for (size_t failing = 1;; failing += Full() ? 1 : 7) {
    const std::string failure = run(message, failing);
    if (failure == "no more") break;
    ++cases;
    ASSERT_EQ(failure, "") << "message " << message << " allocation " << failing;
    ASSERT_LT(cases, 2000u);
  }
  EXPECT_GT(cases, 0u);
  std::cout << fmt::format("{}: {} cases\n", GetParam().name, cases);
}

INSTANTIATE_TEST_SUITE_P(, Memory, ::testing::ValuesIn(Scenarios()),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Reference, Memory, ::testing::ValuesIn(ReferenceScenarios()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
