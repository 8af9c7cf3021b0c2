// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation from the beginning of an apply to its report fails in turn: an error, the state
// before, and the next apply does all.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>

#include "src/base/no_memory.h"
#include "tests/support/allocations.h"
#include "tests/support/kernel_state.h"
#include "tests/support/reference.h"
#include "tests/support/sample.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

// As Session::Apply does.
Status ApplyWithout(ReferenceWorld& world, size_t failing, size_t& count) {
  CountAllocations(failing);
  const Status status = CatchNoMemory([&] { return world.host().Apply(world.after()); });
  count = StopCountingAllocations();
  return status;
}

// With memory enough it does all.
std::string ApplyWhole(ReferenceWorld& world) {
  const Status status = world.host().Apply(world.after());
  const auto ending = world.Judge(status);
  if (!status) return "then: " + status.error().ToString();
  return ending ? "" : "then: " + ending.error().message;
}

std::string FailOne(ReferenceWorld& world, size_t failing) {
  size_t count = 0;
  world.host().transport().Arm({});
  const Status status = ApplyWithout(world, failing, count);
  if (count < failing) return "the allocation was not reached";
  const auto ending = world.Judge(status);
  if (!ending) return ending.error().message;
  if (*ending == Ending::kLeftovers) return status.error().ToString();
  // std::stable_sort asks for memory that it can do without.
  return *ending == Ending::kAfter ? world.GoBack() : "";
}

std::string FailAll(ReferenceWorld& world) {
  size_t count = 0;
  if (const Status status = ApplyWithout(world, 0, count); !status) {
    return status.error().ToString();
  }
  if (const std::string failure = world.GoBack(); !failure.empty()) return failure;
  const size_t samples = Full() ? SIZE_MAX : InGuest() ? 4 : 60;
  const size_t step = count / samples + 1;
  size_t cases = 0;
  for (size_t failing = 1; failing <= count; failing += step) {
    std::string failure = FailOne(world, failing);
    if (failure.empty() && cases++ % 8 == 0) {
      failure = ApplyWhole(world);
      if (failure.empty()) failure = world.GoBack();
    }
    if (!failure.empty()) return fmt::format("allocation {} of {}: {}", failing, count, failure);
  }
  return fmt::format("{} allocations, {} cases", count, cases);
}

// What a suite returns that got to its end, and prints.
void ExpectCounts(const std::string& name, const std::string& text) {
  size_t count = 0;
  size_t cases = 0;
  EXPECT_EQ(std::sscanf(text.c_str(), "%zu allocations, %zu cases", &count, &cases), 2) << text;
  std::cout << fmt::format("{}: {}, {}\n", name, text, Reached());
}

class Allocation : public ::testing::TestWithParam<Scenario> {};

TEST_P(Allocation, FailedLeavesTheStateBefore) {
  ExpectCounts(GetParam().name, InReferenceWorld(GetParam(), FailAll));
}

INSTANTIATE_TEST_SUITE_P(, Allocation, ::testing::ValuesIn(ReferenceScenarios()),
                         ::testing::PrintToStringParamName());

// What needs no WireGuard, so that it goes through Session on every kernel.
Node NodeWithoutTunnels() {
  Node node;
  node.Add(NatRule::Masquerade().Source("10.1.0.0/16").Source("fd00::/64").OutInterface("eth*"));
  node.Add(ForwardRule().Between("eth*", "veth*"));
  return node;
}

std::string FailInSession() {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  auto session = Session::Open({.owner = "owner", .state_dir = state.path()});
  if (!session) return session.error().ToString();
  const Node node = NodeWithoutTunnels();
  const std::string before = ReadKernelState();
  const size_t step = Full() ? 1 : 37;
  for (size_t failing = 1;; failing += step) {
    CountAllocations(failing);
    const auto report = session->Apply(node);
    const size_t count = StopCountingAllocations();
    if (count < failing) {
      return report ? fmt::format("{} allocations, {} cases", count, (count - 1) / step + 1)
                    : report.error().ToString();
    }
    const std::string where = fmt::format("allocation {}: ", failing);
    if (report) {
      const auto rest = session->Plan(node);
      if (!rest || !rest->empty() || !session->Apply(Node())) return where + "a success, but";
    } else if (report.error().code != ErrorCode::kNoMemory) {
      return where + report.error().ToString();
    }
    const std::string difference = DifferenceOf(before, ReadKernelState());
    if (!difference.empty()) return where + "left:\n" + difference;
    if (!Files(state.path()).empty()) return where + "a file is left";
  }
}

TEST(SessionAllocation, FailedIsAnError) {
  ExpectCounts("Session", InNewNamespace(FailInSession, 3600));
}

// Every allocation of an apply that runs hooks.
std::string FailWithHooks() {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  const Node node = Node().Add(Interface("wg0").ListenPort(51820).Address("10.9.0.1/32").Mtu(1420));
  const Hooks hooks{.pre_up = {"true"}, .post_up = {"true"}};
  const std::string before = host.State();
  const size_t step = Full() ? 1 : 7;
  for (size_t failing = 1;; failing += step) {
    host.transport().Arm({});
    CountAllocations(failing);
    const Status status = CatchNoMemory([&] { return host.Apply(node, hooks); });
    const size_t count = StopCountingAllocations();
    if (count < failing) {
      return status ? fmt::format("{} allocations, {} cases", count, (count - 1) / step + 1)
                    : status.error().ToString();
    }
    const std::string where = fmt::format("allocation {}: ", failing);
    if (!status && status.error().code != ErrorCode::kNoMemory) {
      return where + status.error().ToString();
    }
    if (status && !host.Apply(Node())) return where + "it does not go back";
    const std::string difference = DifferenceOf(before, host.State());
    if (!difference.empty()) return where + "left:\n" + difference;
  }
}

TEST(HookAllocation, FailedLeavesTheStateBefore) {
  ExpectCounts("With hooks", InNewNamespace(FailWithHooks, 3600));
}

}  // namespace
}  // namespace wgnet::testing
