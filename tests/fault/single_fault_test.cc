// SPDX-License-Identifier: MIT OR Apache-2.0
// Fails every message of a transaction, one at a time: afterwards the kernel is exactly as before.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

struct Scenario {
  std::string name;
  Node before;
  Node after;
};

std::vector<Scenario> Scenarios() {
  return {
      {"ClientApply", {}, ClientNode()},
      {"ClientDelete", ClientNode(), {}},
      {"ServerApply", {}, ServerNode()},
      {"ServerDelete", ServerNode(), {}},
      {"LargeApply", {}, LargeNode()},
      {"LargeChange", LargeNode(), ChangedNode()},
      {"LargeDelete", ChangedNode(), {}},
      {"SwappedKeys", KeyNode("a", "b"), KeyNode("b", "a")},
      {"RotatedKey", KeyNode("a", "b"), KeyNode("a", "c")},
  };
}

// What one run of a scenario told.
struct Outcome {
  std::string failure;
  size_t ops = 0;
  size_t messages = 0;
  std::vector<std::vector<size_t>> peers_of;
};

std::map<std::string, std::string> Files(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    std::ifstream in(entry.path());
    files[entry.path()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

void PrepareNamespace() {
  MakeUplink("eth0", "192.168.5.1/24");
  std::ofstream("/proc/sys/net/ipv4/conf/eth0/rp_filter") << 1;
}

// Runs the scenario with a fault, and says what is not as it must be.
std::string RunWithFault(const Scenario& scenario, const Fault& fault) {
  const TemporaryDirectory state;
  PrepareNamespace();
  Host host("owner", state.path());
  if (Status status = host.Apply(scenario.before); !status) {
    return "before: " + status.error().ToString();
  }
  const std::string before = host.State();
  const auto files = Files(state.path());
  host.transport().Arm(fault);
  const Status status = host.ApplyOnce(scenario.after);
  if (!host.transport().fired()) return "the fault was not reached";
  if (status) return "the fault went unnoticed";
  const Error& error = status.error();
  if (!error.rollback) return "no rollback: " + error.ToString();
  if (!error.rollback->complete()) return "not rolled back: " + error.ToString();
  const std::string difference = DifferenceOf(before, host.State());
  if (!difference.empty()) return error.ToString() + "\nleft:\n" + difference;
  if (Files(state.path()) != files) return "the record changed";
  host.transport().Arm({});
  if (Status again = host.Apply(scenario.after); !again) {
    return "then: " + again.error().ToString();
  }
  const auto rest = host.Plan(scenario.after);
  if (!rest) return "then: " + rest.error().ToString();
  return rest->ops.empty() ? "" : "then the plan is not empty";
}

std::string CountMessages(const Scenario& scenario) {
  const TemporaryDirectory state;
  PrepareNamespace();
  Host host("owner", state.path());
  if (Status status = host.Apply(scenario.before); !status) return status.error().ToString();
  const auto plan = host.Plan(scenario.after);
  if (!plan) return plan.error().ToString();
  host.transport().Arm({});
  if (auto done = host.planner().Apply(*plan); !done) return done.error().ToString();
  std::string text = fmt::format("{} {}", plan->ops.size(), host.transport().messages());
  for (const auto& peers : host.transport().peers_of()) {
    text += fmt::format(" {}", peers.size());
    for (const size_t ips : peers) text += fmt::format(" {}", ips);
  }
  return text;
}

Outcome Measure(const Scenario& scenario) {
  Outcome outcome;
  const std::string text = InNewNamespace([&] { return CountMessages(scenario); });
  std::istringstream in(text);
  if (!(in >> outcome.ops >> outcome.messages)) {
    outcome.failure = text;
    return outcome;
  }
  for (size_t i = 0; i < outcome.messages; ++i) {
    size_t count = 0;
    in >> count;
    auto& peers = outcome.peers_of.emplace_back(count);
    for (size_t& ips : peers) in >> ips;
  }
  return outcome;
}

// Ops that need no message of their own: a device goes with its link, and peers share messages.
size_t FewestMessages(const Outcome& outcome) {
  size_t peers = 0;
  for (const auto& of_message : outcome.peers_of) peers += of_message.size();
  return outcome.ops > peers ? outcome.ops - peers : 1;
}

bool Full() { return std::getenv("WGNET_FULL") != nullptr; }

class SingleFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(SingleFault, AtEveryMessageLeavesTheStateBefore) {
  const Outcome outcome = Measure(GetParam());
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GE(outcome.messages + 2, FewestMessages(outcome)) << "too few points for the plan";
  std::vector<int> errors = {EPERM};
  if (Full()) {
    errors = {EPERM,  ENOMEM,     EBUSY,  EEXIST,  ENOENT,   ESRCH,      ENODEV,
              EINVAL, EOPNOTSUPP, ENOSPC, ENOBUFS, ERESTART, EADDRINUSE, EINTR};
  }
  size_t cases = 0;
  for (size_t message = 1; message <= outcome.messages; ++message) {
    for (const int error : errors) {
      const std::string failure = InNewNamespace([&] {
        return RunWithFault(GetParam(), {message, error, std::nullopt});
      });
      EXPECT_EQ(failure, "") << "message " << message << " errno " << error;
      ++cases;
    }
  }
  EXPECT_EQ(cases, outcome.messages * errors.size());
  std::cout << fmt::format("{}: {} ops, {} messages, {} cases, every point reached\n",
                           GetParam().name, outcome.ops, outcome.messages, cases);
}

TEST_P(SingleFault, InsideEverySetDeviceLeavesTheStateBefore) {
  const Outcome outcome = Measure(GetParam());
  ASSERT_EQ(outcome.failure, "");
  size_t cases = 0;
  for (size_t message = 1; message <= outcome.messages; ++message) {
    const auto& peers = outcome.peers_of[message - 1];
    for (size_t peer = 0; peer < peers.size(); ++peer) {
      for (size_t ips = 0; ips <= peers[peer]; ++ips) {
        const std::string failure = InNewNamespace([&] {
          return RunWithFault(GetParam(), {message, ENOMEM, Fault::Partial{peer, ips}});
        });
        EXPECT_EQ(failure, "") << "message " << message << " peer " << peer << " ips " << ips;
        ++cases;
      }
    }
  }
  EXPECT_GT(cases, 0u);
  std::cout << fmt::format("{}: {} cases, every point reached\n", GetParam().name, cases);
}

INSTANTIATE_TEST_SUITE_P(, SingleFault, ::testing::ValuesIn(Scenarios()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
