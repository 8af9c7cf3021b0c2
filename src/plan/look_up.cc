// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/look_up.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace wgnet::plan {
namespace {

using Delay = std::chrono::microseconds;
using Kind = HostAnswer::Kind;

constexpr Delay kFirstDelay = std::chrono::seconds(1);
constexpr Delay kMostDelay = std::chrono::seconds(20);

class SteadyClock final : public Clock {
 public:
  TimePoint Now() override { return std::chrono::steady_clock::now(); }
  void SleepUntil(TimePoint time) override { std::this_thread::sleep_until(time); }
};

Clock::TimePoint DeadlineOf(const LookUpOptions& options, Clock& clock) {
  const auto now = clock.Now();
  const auto most = Clock::TimePoint::max() - now;
  if (!options.timeout || *options.timeout >= most) return Clock::TimePoint::max();
  return now + *options.timeout;
}

// Asks once for the hosts that have no answer; false when no other try is worth while.
bool Ask(Resolver& resolver, Clock::TimePoint deadline, Hosts& hosts) {
  std::vector<std::string> names;
  for (const auto& [name, answer] : hosts) {
    if (answer.kind == Kind::kTryAgain) names.push_back(name);
  }
  std::vector<HostAnswer> answers = resolver.LookUp(names, deadline);
  answers.resize(names.size());
  bool again = false;
  for (size_t i = 0; i < names.size(); ++i) {
    HostAnswer& answer = hosts[names[i]];
    if (answers[i].kind == Kind::kFound && answers[i].addresses.empty()) {
      answers[i] = {.kind = Kind::kNone, .reason = "it has no address"};
    }
    // Cut off at the deadline it has no reason; an earlier try may have had one.
    if (answers[i].reason.empty()) answers[i].reason = std::move(answer.reason);
    answer = std::move(answers[i]);
    again = again || answer.kind == Kind::kTryAgain;
  }
  return again;
}

void AskAgainAndAgain(const LookUpOptions& options, Hosts& hosts) {
  Clock& clock = options.clock != nullptr ? *options.clock : SystemClock();
  const auto deadline = DeadlineOf(options, clock);
  Delay delay = kFirstDelay;
  for (uint32_t tries = 0; Ask(*options.resolver, deadline, hosts); ++tries) {
    if (options.retries && tries >= *options.retries) return;
    const auto now = clock.Now();
    if (now >= deadline || deadline - now <= delay) return;
    clock.SleepUntil(now + delay);
    delay = std::min(kMostDelay, delay * 6 / 5);
  }
}

}  // namespace

Clock& SystemClock() {
  static SteadyClock clock;
  return clock;
}

Hosts LookUp(const std::set<std::string>& hosts, const LookUpOptions& options) {
  Hosts found;
  bool has_name = false;
  for (const std::string& host : hosts) {
    HostAnswer& answer = found[host];
    if (const auto literal = IpAddress::Parse(host)) {
      answer = {.kind = Kind::kFound, .addresses = {*literal}};
    } else {
      has_name = true;
    }
  }
  if (has_name && options.resolver != nullptr) AskAgainAndAgain(options, found);
  for (auto& [host, answer] : found) {
    if (answer.kind != Kind::kFound && answer.reason.empty()) answer.reason = "no answer in time";
  }
  return found;
}

}  // namespace wgnet::plan
