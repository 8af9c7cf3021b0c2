// SPDX-License-Identifier: MIT OR Apache-2.0
// Looks names up as often as it takes, within a time for all of them.
#ifndef WGNET_PLAN_LOOK_UP_H_
#define WGNET_PLAN_LOOK_UP_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "wgnet/resolver.h"

namespace wgnet::plan {

/// The time that look-ups take.
class Clock {
 public:
  using TimePoint = Resolver::TimePoint;
  virtual ~Clock() = default;
  virtual TimePoint Now() = 0;
  virtual void SleepUntil(TimePoint time) = 0;
};

/// std::chrono::steady_clock. One for all.
Clock& SystemClock();

struct LookUpOptions {
  Resolver* resolver = nullptr;                      // not needed where every host is an address
  Clock* clock = nullptr;                            // null: SystemClock()
  std::optional<std::chrono::milliseconds> timeout;  // for all hosts together
  std::optional<uint32_t> retries;                   // nothing: as many as the timeout allows
  UnresolvedEndpoint unresolved = UnresolvedEndpoint::kError;
};

/// What was found, by host. An address is its own.
using Hosts = std::map<std::string, HostAnswer>;

/// Asks for all hosts at once, and again for those that may be found later: as wg(8), after 1
/// second and then 1.2 times as long each time, up to 20 seconds.
Hosts LookUp(const std::set<std::string>& hosts, const LookUpOptions& options);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_LOOK_UP_H_
