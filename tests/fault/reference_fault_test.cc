// SPDX-License-Identifier: MIT OR Apache-2.0
// Fails every message of a large transaction with every errno, one at a time, all in one namespace:
// each time the kernel, the resolver and the record are exactly as before, or exactly as after.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "tests/support/reference.h"
#include "tests/support/sample.h"

namespace wgnet::testing {
namespace {

// "": as it must be.
std::string FailOne(ReferenceWorld& world, const Fault& fault) {
  FaultTransport& transport = world.host().transport();
  transport.Arm(fault);
  const Status status = world.host().ApplyOnce(world.after());
  const bool fired = transport.fired();
  transport.Arm({});
  if (!fired) return "the fault was not reached";
  const auto ending = world.Judge(status);
  if (!ending) return ending.error().message;
  if (*ending == Ending::kLeftovers) return status.error().ToString();
  if (*ending == Ending::kAfter) return world.GoBack();
  return "";
}

// In a sample some messages fail, each with an errno of its own.
std::string FailAll(ReferenceWorld& world) {
  const size_t messages = world.messages();
  const size_t step = Full() ? 1 : InGuest() ? 40 : 3;
  const size_t errors = Full() ? std::size(kErrnos) : 1;
  size_t cases = 0;
  for (size_t message = 1; message <= messages; message += step) {
    for (size_t i = 0; i < errors; ++i) {
      const int error = kErrnos[(Full() ? i : message) % std::size(kErrnos)];
      const std::string failure = FailOne(world, {message, error, std::nullopt});
      if (!failure.empty()) {
        return fmt::format("message {} {}: {}", message, strerrorname_np(error), failure);
      }
      ++cases;
    }
  }
  if (const Status done = world.host().Apply(world.after()); !done) return done.error().ToString();
  const auto rest = world.host().Plan(world.after());
  if (!rest || !rest->ops.empty()) return "then the plan is not empty";
  return fmt::format("{} ops, {} messages, {} cases", world.ops(), messages, cases);
}

class ReferenceFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(ReferenceFault, LeavesTheStateBefore) {
  const std::string text = InReferenceWorld(GetParam(), FailAll);
  size_t ops = 0;
  size_t messages = 0;
  size_t cases = 0;
  ASSERT_EQ(std::sscanf(text.c_str(), "%zu ops, %zu messages, %zu cases", &ops, &messages, &cases),
            3)
      << text;
  EXPECT_GE(ops, 200u);
  EXPECT_GE(messages, ops / 2);
  if (Full()) {
    EXPECT_EQ(cases, messages * std::size(kErrnos));
  }
  std::cout << fmt::format("{}: {}, {}\n", GetParam().name, text, Reached());
}

INSTANTIATE_TEST_SUITE_P(, ReferenceFault, ::testing::ValuesIn(ReferenceScenarios()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
