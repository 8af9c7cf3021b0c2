// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel does every step, and then the record cannot be written: all of it is taken back, that
// which is removed last included.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

struct Scenario {
  std::string name;
  Node before;
  Node after;
};

// Takes the record's name, so that neither rename(2) nor unlink(2) can.
void TakeRecordsName(const std::string& state_dir) {
  const std::filesystem::path record = std::filesystem::path(state_dir) / "test" / "owner.record";
  if (std::filesystem::is_directory(record)) return;
  std::filesystem::remove(record);
  std::filesystem::create_directory(record);
}

std::string RunToTheRecord(const Scenario& scenario) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  if (Status status = host.Apply(scenario.before); !status) {
    return "before: " + status.error().ToString();
  }
  const std::string before = host.State();
  host.transport().OnStep([&] { TakeRecordsName(state.path()); });
  const Status status = host.ApplyOnce(scenario.after);
  if (status) return "the fault went unnoticed";
  const Error& error = status.error();
  if (error.code != ErrorCode::kState) return "another error: " + error.ToString();
  if (!error.rollback->complete()) return "not rolled back: " + error.ToString();
  return DifferenceOf(before, host.State());
}

class RecordFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(RecordFault, LeavesTheStateBefore) {
  EXPECT_EQ(InNewNamespace([&] { return RunToTheRecord(GetParam()); }), "");
}

INSTANTIATE_TEST_SUITE_P(, RecordFault,
                         ::testing::Values(Scenario{"ServerApply", {}, ServerNode()},
                                           Scenario{"ServerDelete", ServerNode(), {}},
                                           Scenario{"ClientDelete", ClientNode(), {}},
                                           Scenario{"LargeApply", {}, LargeNode()},
                                           Scenario{"LargeChange", LargeNode(), ChangedNode()},
                                           Scenario{"LargeDelete", LargeNode(), {}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
