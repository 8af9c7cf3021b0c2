// SPDX-License-Identifier: MIT OR Apache-2.0
// Buffers that hold only a part of what goes to one family: all arrives, in several sends, or
// nothing where that cannot be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

constexpr size_t kRoomForOneBatch = 24000;

Node ManyRoutes() { return WithoutDns(LargeNode(8, 80)); }

// With room for `buffer` bytes, and a fault; how many messages there were.
std::string Apply(size_t buffer, const Fault& fault, size_t* messages) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  const std::string before = host.State();
  host.transport().LimitSend(buffer);
  host.transport().Arm(fault);
  const Status status = host.Apply(ManyRoutes());
  *messages = host.transport().messages();
  if (fault.message == 0) {
    if (!status) return status.error().ToString();
    const auto rest = host.Plan(ManyRoutes());
    return !rest ? rest.error().ToString() : rest->ops.empty() ? "" : "the plan is not empty";
  }
  if (status || !host.transport().fired()) return "the fault was not met";
  if (!status.error().rollback->complete()) return status.error().ToString();
  return DifferenceOf(before, host.State());
}

size_t CountMessages() {
  return CountInNewNamespace(
      [](size_t& messages) { return Apply(kRoomForOneBatch, {}, &messages); });
}

TEST(SmallWaves, BringAll) { EXPECT_GT(CountMessages(), 600u); }

TEST(SmallWaves, GoBackFromMessages) {
  const size_t all = CountMessages();
  const size_t step = Full() ? 1 : all / 7;
  size_t cases = 0;
  for (size_t message = 1; message <= all; message += step, ++cases) {
    EXPECT_EQ(InNewNamespace([&] {
                size_t messages = 0;
                return Apply(kRoomForOneBatch, {message, ENOMEM, std::nullopt}, &messages);
              }),
              "")
        << "message " << message;
  }
  std::cout << fmt::format("{} of {} messages failed, {}\n", cases, all, Reached());
}

TEST(SmallWaves, AnNftablesBatchIsNotParted) {
  EXPECT_EQ(InNewNamespace([] {
              const TemporaryDirectory state;
              MakeUplink("eth0", "192.168.5.1/24");
              Host host("owner", state.path());
              const std::string before = host.State();
              host.transport().LimitSend(1024);
              const Status status = host.Apply(ManyRoutes());
              if (status) return std::string("it arrived");
              EXPECT_EQ(status.error().code, ErrorCode::kNotSupported) << status.error();
              EXPECT_THAT(status.error().message, HasSubstr("do not fit into a message"));
              EXPECT_EQ(host.transport().messages(), 0u);
              return DifferenceOf(before, host.State());
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
