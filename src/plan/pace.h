// SPDX-License-Identifier: MIT OR Apache-2.0
// When to look, and when to act: the times of a watcher. Nothing here reads a clock.
#ifndef WGNET_PLAN_PACE_H_
#define WGNET_PLAN_PACE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "src/base/boot_clock.h"

namespace wgnet::plan {

using Moment = BootClock::time_point;

/// What can be looked at by itself.
enum class Part : uint8_t {
  kNetwork = 1,   // links, addresses, routes, rules
  kNftables = 2,  // the owner's tables
  kDevices = 4,   // WireGuard
  kSettings = 8,  // under /proc/sys
};

class Parts {
 public:
  constexpr Parts() = default;
  constexpr Parts(Part part)  // NOLINT(google-explicit-constructor): one is a set of one
      : bits_(static_cast<uint8_t>(part)) {}
  static constexpr Parts All() { return Parts(uint8_t{15}); }

  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool Has(Part part) const { return (bits_ & static_cast<uint8_t>(part)) != 0; }
  constexpr Parts operator|(Parts other) const {
    return Parts(static_cast<uint8_t>(bits_ | other.bits_));
  }
  constexpr bool operator==(const Parts&) const = default;

 private:
  constexpr explicit Parts(uint8_t bits) : bits_(bits) {}
  uint8_t bits_ = 0;
};

/// So many at once, and then one more for each interval.
class TokenBucket {
 public:
  TokenBucket(uint32_t size, BootClock::duration interval) : size_(size), interval_(interval) {}

  /// Whether there is a token at `now`; it is taken.
  bool Take(Moment now);
  /// No token before this moment.
  void HoldUntil(Moment moment) { held_until_ = std::max(held_until_, moment); }
  /// When there will be one.
  Moment Next(Moment now) const;

 private:
  // As a number of intervals since the bucket was last full.
  uint32_t size_;
  BootClock::duration interval_;
  Moment full_at_;  // when it is, or was, full again
  Moment held_until_;
};

/// When to look at which part.
class LookSchedule {
 public:
  /// Parts in `polled` are looked at without a sign of a change, too.
  LookSchedule(Parts polled, BootClock::duration debounce, BootClock::duration poll_interval,
               Moment now)
      : polled_(polled), debounce_(debounce), poll_interval_(poll_interval), next_poll_(now) {}

  /// There is a sign of a change.
  void Mark(Parts parts, Moment now);
  /// What is to be looked at now; nothing, most of the time.
  Parts Due(Moment now) const;
  /// It was looked at. Looking may take a hundredth of the time.
  void Looked(Parts parts, Moment begin, Moment end);
  /// It could not be looked at, and nothing is before `until`.
  void Postpone(Parts parts, Moment until);
  /// Everything is polled while something is known to be wrong.
  void PollAll(bool all) { polls_all_ = all; }
  /// When Due next has something.
  Moment Next() const;

 private:
  Parts Polled() const { return polls_all_ ? Parts::All() : polled_; }

  Parts polled_;
  bool polls_all_ = false;
  BootClock::duration debounce_;
  BootClock::duration poll_interval_;
  Parts marked_;
  Moment look_at_;  // of what is marked
  Moment next_poll_;
  Moment rest_until_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PACE_H_
