// SPDX-License-Identifier: MIT OR Apache-2.0
// A resolver that answers as it is told, and a clock that moves when somebody waits.
#ifndef WGNET_TESTS_SUPPORT_FAKE_NAMES_H_
#define WGNET_TESTS_SUPPORT_FAKE_NAMES_H_

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "src/plan/look_up.h"

namespace wgnet::testing {

class FakeClock final : public plan::Clock {
 public:
  TimePoint Now() override { return TimePoint(now); }
  void SleepUntil(TimePoint time) override { now = time.time_since_epoch(); }
  std::chrono::nanoseconds now{};
};

inline HostAnswer Found(const std::vector<const char*>& addresses) {
  HostAnswer answer{.kind = HostAnswer::Kind::kFound};
  for (const char* text : addresses) answer.addresses.push_back(*IpAddress::Parse(text));
  return answer;
}
inline HostAnswer NoSuchName() {
  return {.kind = HostAnswer::Kind::kNone, .reason = "no such name"};
}
inline HostAnswer NotNow() {
  return {.kind = HostAnswer::Kind::kTryAgain, .reason = "servers are silent"};
}

class FakeResolver final : public Resolver {
 public:
  std::vector<HostAnswer> LookUp(std::span<const std::string> hosts, TimePoint deadline) override {
    asked.emplace_back(hosts.begin(), hosts.end());
    times.push_back(clock != nullptr ? clock->now : std::chrono::nanoseconds());
    if (clock != nullptr) {
      clock->now =
          std::min(clock->now + takes, std::chrono::nanoseconds(deadline.time_since_epoch()));
    }
    this->deadline = deadline;
    std::vector<HostAnswer> result;
    for (const std::string& host : hosts) {
      std::vector<HostAnswer>& left = answers[host];
      result.push_back(left.empty() ? NoSuchName() : left.front());
      if (left.size() > 1) left.erase(left.begin());
    }
    return result;
  }

  std::map<std::string, std::vector<HostAnswer>> answers;  // in turn; the last one stays
  std::vector<std::vector<std::string>> asked;
  std::vector<std::chrono::nanoseconds> times;
  TimePoint deadline{};
  FakeClock* clock = nullptr;
  std::chrono::nanoseconds takes{};  // each call
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAKE_NAMES_H_
