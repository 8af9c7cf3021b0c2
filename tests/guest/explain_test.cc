// SPDX-License-Identifier: MIT OR Apache-2.0
// Explain is true: what its commands leave, run by a shell, is what Apply leaves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "src/plan/explain.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

struct Case {
  std::string name;
  Node before;
  Node after;
};

// `ip address` cannot say a protocol, and Explain says so. nft begins an interval set with an end
// of interval at address 0, which means nothing.
std::string WithoutWhatToolsDo(const std::string& state) {
  const std::string protocol = fmt::format(" {}={:02x}", IFA_PROTO, kernel::kProtocol);
  std::string rest;
  std::istringstream in(state);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with(" 0c00010008000100000000000800030000000001")) continue;
    if (const size_t at = line.find(protocol); line.starts_with("address ") && at != line.npos) {
      line.erase(at, protocol.size());
    }
    rest += line + "\n";
  }
  return rest;
}

// The state after the plan, carried out by the library or by a shell.
std::string StateAfter(const Case& test, bool by_shell) {
  const TemporaryDirectory state;
  const TemporaryDirectory script;
  MakeUplink("eth0", "192.168.5.1/24");
  Shell("echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter");
  Host host("owner", state.path());
  if (Status status = host.Apply(test.before); !status) return status.error().ToString();
  const auto plan = host.Plan(test.after);
  if (!plan) return plan.error().ToString();
  if (by_shell) {
    const std::string directory = script.path() + "/plan";
    if (Status status = plan::ExplainScript(*plan, directory); !status) {
      return status.error().ToString();
    }
    const std::string output = Shell("sh " + directory + "/apply.sh");
    if (output.find("[status") != output.npos) return "the script failed:\n" + output;
  } else if (const auto done = host.planner().Apply(*plan); !done) {
    return done.error().ToString();
  }
  return WithoutWhatToolsDo(host.State());
}

class ExplainIsTrue : public ::testing::TestWithParam<Case> {};

TEST_P(ExplainIsTrue, ForTheWholeState) {
  const std::string applied = InNewNamespace([&] { return StateAfter(GetParam(), false); });
  const std::string by_shell = InNewNamespace([&] { return StateAfter(GetParam(), true); });
  ASSERT_TRUE(applied.find("link 1 ") != applied.npos) << applied;
  EXPECT_EQ(DifferenceOf(applied, by_shell), "");
}

INSTANTIATE_TEST_SUITE_P(
    , ExplainIsTrue,
    ::testing::Values(Case{"Client", {}, ClientNode()}, Case{"Server", {}, ServerNode()},
                      Case{"Large", {}, WithoutDns(LargeNode())},
                      Case{"Change", WithoutDns(LargeNode()), WithoutDns(ChangedNode())},
                      Case{"ChangeBack", WithoutDns(ChangedNode()), WithoutDns(LargeNode())},
                      Case{"ClientDelete", ClientNode(), {}},
                      Case{"LargeDelete", WithoutDns(LargeNode()), {}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
