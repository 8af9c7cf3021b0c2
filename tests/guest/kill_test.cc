// SPDX-License-Identifier: MIT OR Apache-2.0
// Kills the process between any two steps of a transaction, and between any two of its recovery:
// the next one finds the journal, and the node is exactly as before.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/hub_update.h"
#include "tests/support/kernel_state.h"
#include "tests/support/kill_after.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

// What is left of a transaction that was cut off once a new process has recovered.
std::string RecoverTo(const std::string& before, const std::string& state_dir) {
  Host next("other", state_dir);
  const auto report = next.planner().Recover();
  if (!report) return "recovery: " + report.error().ToString();
  if (report->cut_off.size() != 1) return fmt::format("{} were cut off", report->cut_off.size());
  if (!report->cut_off.front().rollback.complete()) return report->cut_off.front().ToString();
  const std::string difference = DifferenceOf(before, next.State());
  if (!difference.empty()) return "left:\n" + difference;
  const auto again = next.planner().Recover();
  return again && again->cut_off.empty() ? "" : "it is recovered twice";
}

// Kills what changes the node, at each of its steps.
template <class Change>
std::string KillEach(Host& host, const Change& change) {
  const std::string before = host.State();
  for (size_t steps = 1;; ++steps) {
    const End end = KillAfter(steps, host, change);
    if (end == End::kFailed) return fmt::format("step {}: it failed", steps);
    if (end == End::kDone) {
      std::cout << fmt::format("killed after each of {} steps, every point reached\n", steps - 1);
      std::cout.flush();
      return steps > 1 ? "" : "nothing was killed";
    }
    const std::string wrong = RecoverTo(before, host.state_dir());
    if (!wrong.empty()) return fmt::format("killed after step {}: {}", steps, wrong);
  }
}

std::string KillApply(Host& host, const Node& after) {
  const Node node = WithoutDns(after);
  return KillEach(host, [&] { return host.Apply(node).ok(); });
}

std::string KillUpdate(Host& host, const Node&) {
  return KillEach(host, [&] { return UpdateHub(host).ok(); });
}

std::string StateAfter(Host& host, const Node& node) {
  const Status done = host.Apply(node);
  return done ? host.State() : done.error().ToString();
}

// Killed when it had begun, it is carried on to its end by whoever comes next; or taken back, where
// an object is half done: a peer that has lost an allowed IP to one that came.
std::string KillForward(Host& host, const Node& before, const Node& after, bool numbers_stay) {
  host.planner().RecoverTo(RecoveryDirection::kForward);
  const std::string end = StateAfter(host, after);
  const std::string start = StateAfter(host, before);
  size_t carried_on = 0;
  size_t taken_back = 0;
  for (size_t steps = 1;; ++steps) {
    if (const Status back = host.Apply(before); !back) return back.error().ToString();
    const End apply = KillAfter(steps, host, [&] { return host.Apply(after).ok(); });
    if (apply == End::kFailed) return fmt::format("step {}: it failed", steps);
    if (apply == End::kDone) break;
    Host next("other", host.state_dir());
    const auto report = next.planner().Recover();
    if (!report) return "recovery: " + report.error().ToString();
    if (report->cut_off.size() != 1) return fmt::format("{} were cut off", report->cut_off.size());
    const bool finished = report->cut_off.front().finished;
    const auto rest = host.Plan(finished ? after : before);
    if (!rest || !rest->ops.empty()) return fmt::format("step {}: the plan is not empty", steps);
    const std::string difference =
        numbers_stay ? DifferenceOf(finished ? end : start, next.State()) : "";
    if (!difference.empty()) return fmt::format("killed after step {}:\n{}", steps, difference);
    ++(finished ? carried_on : taken_back);
  }
  std::cout << fmt::format("{} times carried on, {} times taken back, every point reached\n",
                           carried_on, taken_back);
  std::cout.flush();
  return carried_on > 0 ? "" : "never carried on";
}

// One row: the transaction is always killed at the same step, its recovery at one after another.
// `over`: it ended before.
std::string KillRecoveriesOf(size_t steps, Host& host, const Node& after, size_t& cases,
                             bool& over) {
  const std::string before = host.State();
  for (size_t undone = 1;; ++undone) {
    const End apply = KillAfter(steps, host, [&] { return host.Apply(after).ok(); });
    over = apply == End::kDone;
    if (apply != End::kKilled) return over ? "" : "the transaction failed";
    Host next("other", host.state_dir());
    const End recovery = KillAfter(undone, next, [&] { return next.planner().Recover().ok(); });
    if (recovery == End::kFailed) return "recovery failed";
    if (recovery == End::kDone) return DifferenceOf(before, host.State());
    ++cases;
    const std::string wrong = RecoverTo(before, host.state_dir());
    if (!wrong.empty()) return fmt::format("recovery killed after step {}: {}", undone, wrong);
  }
}

std::string KillRecovery(Host& host, const Node& after) {
  const Node node = WithoutDns(after);
  size_t cases = 0;
  bool over = false;
  for (size_t steps = 1; !over; ++steps) {
    const std::string wrong = KillRecoveriesOf(steps, host, node, cases, over);
    if (!wrong.empty()) return fmt::format("killed after step {}: {}", steps, wrong);
  }
  std::cout << fmt::format("recovery killed in {} cases, every point reached\n", cases);
  std::cout.flush();
  return cases > 0 ? "" : "nothing was killed";
}

// ---- changes that have to be confirmed ----

const ConfirmOptions kMinutes{.within = std::chrono::minutes(5)};
const ConfirmOptions kPersisting{.within = std::chrono::minutes(5), .persist = true};

bool ApplyWith(const ConfirmOptions& options, const Node& node, Host& host) {
  const auto hosts = plan::ResolveHosts(node, {});
  return hosts && host.planner().Apply(node, *hosts, {}, &options);
}

// The change ends with its process, wherever that is killed.
std::string KillUnconfirmed(Host& host, const Node& after) {
  const std::string before = host.State();
  const Node node = WithoutDns(after);
  bool over = false;
  size_t steps = 1;
  for (; !over; ++steps) {
    const End end = KillAfter(steps, host, [&] { return ApplyWith(kMinutes, node, host); });
    if (end == End::kFailed) return fmt::format("step {}: it failed", steps);
    over = end == End::kDone;
    const std::string wrong = RecoverTo(before, host.state_dir());
    if (!wrong.empty()) return fmt::format("killed after step {}: {}", steps, wrong);
  }
  std::cout << fmt::format("killed after each of {} steps, every point reached\n", steps - 2);
  return steps > 2 ? "" : "nothing was killed";
}

// Leaves a change that waits, and its token.
std::string MakePending(Host& host, const Node& node, std::string& token) {
  const auto hosts = plan::ResolveHosts(node, {});
  if (!hosts) return hosts.error().ToString();
  const auto done = host.planner().Apply(node, *hosts, {}, &kPersisting);
  if (!done) return done.error().ToString();
  token = done->pending ? done->pending->token : "";
  return token.empty() ? "nothing waits" : "";
}

// Kills what decides a change after each of its steps; whoever comes next ends it the same way.
template <class Decide, class Restore>
std::string KillDecision(Host& host, const Node& node, const std::string& decided,
                         const Decide& decide, const Restore& restore) {
  for (size_t steps = 1;; ++steps) {
    std::string token;
    const std::string wrong = MakePending(host, node, token);
    if (!wrong.empty()) return wrong;
    const End end = KillAfter(steps, host, [&] { return decide(host, token); });
    if (end == End::kFailed) return fmt::format("step {}: it failed", steps);
    Host next("other", host.state_dir());
    if (const auto report = next.planner().Recover(); !report) return report.error().ToString();
    const std::string difference = DifferenceOf(decided, next.State());
    if (!difference.empty()) return fmt::format("killed after step {}:\n{}", steps, difference);
    if (end == End::kDone) {
      std::cout << fmt::format("killed after each of {} steps, every point reached\n", steps - 1);
      return steps > 1 ? "" : "nothing was killed";
    }
    if (!restore()) return "cannot go back";
  }
}

std::string KillRollback(Host& host, const Node& after) {
  return KillDecision(
      host, WithoutDns(after), host.State(),
      [](Host& by, const std::string& token) { return by.planner().TakeBack(token).ok(); },
      [] { return true; });
}

// What waits is a peer that goes.
std::string KillConfirmation(Host& host, const Node& after) {
  const Node fewer = WithoutDns(after);
  const Node more = WithoutDns(LargeNode());
  if (!host.Apply(fewer)) return "the change fails";
  const std::string decided = host.State();
  if (!host.Apply(more)) return "cannot go back";
  return KillDecision(
      host, fewer, decided,
      [](Host& by, const std::string& token) { return by.planner().Confirm(token).ok(); },
      [&] { return host.Apply(more).ok(); });
}

std::vector<Scenario> WithoutNameServers() {
  std::vector<Scenario> scenarios = Scenarios();
  for (Scenario& scenario : scenarios) scenario.before = WithoutDns(scenario.before);
  return scenarios;
}

class Kill : public ::testing::TestWithParam<Scenario> {};

TEST_P(Kill, OfATransactionLeavesTheStateBefore) {
  EXPECT_EQ(InScenario(GetParam(), KillApply), "");
}

TEST_P(Kill, OfOneThatGoesForwardLeavesTheStateAfter) {
  const Node before = GetParam().before;
  EXPECT_EQ(InScenario(GetParam(),
                       [&](Host& host, const Node& after) {
                         // Links that take turns have other numbers each time.
                         const bool numbers_stay = GetParam().name != "Renamed";
                         return KillForward(host, before, WithoutDns(after), numbers_stay);
                       }),
            "");
}

TEST_P(Kill, OfItsRecoveryLeavesTheStateBefore) {
  EXPECT_EQ(InScenario(GetParam(), KillRecovery), "");
}

TEST_P(Kill, OfAChangeThatWaitsLeavesTheStateBefore) {
  EXPECT_EQ(InScenario(GetParam(), KillUnconfirmed), "");
}

TEST_P(Kill, OfWhatTakesAChangeBackLeavesTheStateBefore) {
  EXPECT_EQ(InScenario(GetParam(), KillRollback), "");
}

TEST(KillConfirm, LeavesTheStateAfter) {
  const Scenario change{"LargeChange", WithoutDns(LargeNode()), ChangedNode()};
  EXPECT_EQ(InScenario(change, KillConfirmation), "");
}

TEST(KillDeviceUpdate, LeavesTheStateBefore) {
  const Node node = WithoutDns(LargeNode());
  EXPECT_EQ(InScenario({"Update", node, node}, KillUpdate), "");
}

INSTANTIATE_TEST_SUITE_P(, Kill, ::testing::ValuesIn(WithoutNameServers()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
