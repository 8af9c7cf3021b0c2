// SPDX-License-Identifier: MIT OR Apache-2.0
// Fails every message of a transaction, one at a time: afterwards the kernel is exactly as before.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <span>
#include <sstream>

#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

// What one run of a scenario told.
struct Outcome {
  std::string failure;
  size_t ops = 0;
  size_t messages = 0;
  std::vector<std::vector<size_t>> peers_of;
};

std::string PlanToItself(Host& host, const Node& after) {
  const auto rest = host.Plan(after);
  if (!rest) return "then: " + rest.error().ToString();
  return rest->ops.empty() ? "" : "then the plan is not empty";
}

// What these say of some objects is that something changed meanwhile: it is looked again, and what
// is to be done is still the same.
bool MaySayStale(int error) { return error == EEXIST || error == ENOENT || error == ERESTART; }

// Runs a scenario with a fault, and says what is not as it must be.
std::string RunWithFault(Host& host, const Node& after, const Fault& fault) {
  const std::string before = host.State();
  const auto files = Files(host.state_dir());
  host.transport().Arm(fault);
  const Status status = host.ApplyOnce(after);
  if (!host.transport().fired()) return "the fault was not reached";
  if (status) {
    return MaySayStale(fault.error) ? PlanToItself(host, after) : "the fault went unnoticed";
  }
  const Error& error = status.error();
  if (!error.rollback) return "no rollback: " + error.ToString();
  if (!error.rollback->complete()) return "not rolled back: " + error.ToString();
  const std::string difference = DifferenceOf(before, host.State());
  if (!difference.empty()) return error.ToString() + "\nleft:\n" + difference;
  if (Files(host.state_dir()) != files) return "the record changed";
  host.transport().Arm({});
  if (Status again = host.Apply(after); !again) return "then: " + again.error().ToString();
  return PlanToItself(host, after);
}

std::string CountMessages(Host& host, const Node& after) {
  const auto plan = host.Plan(after);
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
  const std::string text = InScenario(scenario, CountMessages);
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

// Every message, and every place inside a SET_DEVICE: before each peer, and before each of its IPs.
size_t CountPoints(const Outcome& outcome) {
  size_t points = outcome.messages;
  for (const auto& peers : outcome.peers_of) {
    for (const size_t ips : peers) points += ips + 1;
  }
  return points;
}

// An emulated machine takes long for each.
size_t Step() { return InGuest() && !Full() ? 4 : 1; }

class SingleFault : public ::testing::TestWithParam<Scenario> {};

TEST_P(SingleFault, AtEveryMessageLeavesTheStateBefore) {
  const Outcome outcome = Measure(GetParam());
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GE(CountPoints(outcome), outcome.ops);
  const auto errors = std::span(kErrnos).first(Full() ? std::size(kErrnos) : 1);
  size_t cases = 0;
  for (size_t message = 1; message <= outcome.messages; message += Step()) {
    for (const int error : errors) {
      const std::string failure = InScenario(GetParam(), [&](Host& host, const Node& after) {
        return RunWithFault(host, after, {message, error, std::nullopt});
      });
      EXPECT_EQ(failure, "") << "message " << message << " errno " << error;
      ++cases;
    }
  }
  EXPECT_EQ(cases, (outcome.messages + Step() - 1) / Step() * errors.size());
  std::cout << fmt::format("{}: {} ops, {} messages, {} cases, {}\n", GetParam().name, outcome.ops,
                           outcome.messages, cases, Reached());
}

TEST_P(SingleFault, InsideEverySetDeviceLeavesTheStateBefore) {
  const Outcome outcome = Measure(GetParam());
  ASSERT_EQ(outcome.failure, "");
  size_t cases = 0;
  for (size_t message = 1; message <= outcome.messages; ++message) {
    const auto& peers = outcome.peers_of[message - 1];
    for (size_t peer = 0; peer < peers.size(); ++peer) {
      for (size_t ips = 0; ips <= peers[peer]; ips += Step()) {
        const std::string failure = InScenario(GetParam(), [&](Host& host, const Node& after) {
          return RunWithFault(host, after, {message, ENOMEM, Fault::Partial{peer, ips}});
        });
        EXPECT_EQ(failure, "") << "message " << message << " peer " << peer << " ips " << ips;
        ++cases;
      }
    }
  }
  EXPECT_GT(cases, 0u);
  std::cout << fmt::format("{}: {} cases, {}\n", GetParam().name, cases, Reached());
}

INSTANTIATE_TEST_SUITE_P(, SingleFault, ::testing::ValuesIn(Scenarios()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
