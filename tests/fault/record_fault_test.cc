// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel does every step, and then the record cannot be written: all of it is taken back, that
// which is removed last included.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "tests/support/kernel_state.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

// Takes the record's name, so that neither rename(2) nor unlink(2) can.
void TakeRecordsName(const std::string& state_dir) {
  const std::filesystem::path record = std::filesystem::path(state_dir) / "test" / "owner.record";
  if (std::filesystem::is_directory(record)) return;
  std::filesystem::remove(record);
  std::filesystem::create_directory(record);
}

std::string RunToTheRecord(Host& host, const Node& after) {
  const std::string before = host.State();
  host.transport().OnStep([&] { TakeRecordsName(host.state_dir()); });
  const Status status = host.ApplyOnce(after);
  if (status) return "the fault went unnoticed";
  const Error& error = status.error();
  if (error.code != ErrorCode::kState) return "another error: " + error.ToString();
  if (!error.rollback->complete()) return "not rolled back: " + error.ToString();
  return DifferenceOf(before, host.State());
}

// Masquerades for these sources.
Node SourcesNode(const std::vector<std::string>& sources) {
  NatRule rule = NatRule::Masquerade();
  for (const std::string& source : sources) rule.Source(source);
  Node node = ServerNode();
  node.Add(rule.OutInterface("eth*"));
  return node;
}

class RecordFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(RecordFault, LeavesTheStateBefore) { EXPECT_EQ(InScenario(GetParam(), RunToTheRecord), ""); }

INSTANTIATE_TEST_SUITE_P(, RecordFault, ::testing::ValuesIn(Scenarios()),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(
    Sources, RecordFault,
    ::testing::Values(
        Scenario{"Wider", SourcesNode({"10.1.0.0/16", "10.99.0.0/24"}),
                 SourcesNode({"10.0.0.0/8", "192.168.0.0/24"})},
        Scenario{"Narrower", SourcesNode({"10.0.0.0/23", "fd00::/16", "fc00::/32"}),
                 SourcesNode({"10.0.0.0/24", "10.0.1.128/25", "fd00::/32", "fc00::/32"})},
        Scenario{"Shifted", SourcesNode({"10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24"}),
                 SourcesNode({"10.0.1.0/24", "10.0.2.0/24"})}),
    ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
