// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/pace.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

constexpr int kRestForLook = 100;  // times as long as the look
constexpr auto kMostRest = std::chrono::seconds(5);

}  // namespace

Moment TokenBucket::Next(Moment now) const {
  // With one token there is as much missing as all the others take.
  const Moment one_there = full_at_ - interval_ * (size_ - 1);
  return std::max({now, one_there, held_until_});
}

bool TokenBucket::Take(Moment now) {
  if (Next(now) > now) return false;
  full_at_ = std::max(full_at_, now) + interval_;
  return true;
}

void LookSchedule::Mark(Parts parts, Moment now) {
  if (marked_.empty()) look_at_ = now + debounce_;
  marked_ = marked_ | parts;
}

Parts LookSchedule::Due(Moment now) const {
  Parts due;
  if (now < rest_until_) return due;
  if (!marked_.empty() && now >= look_at_) due = marked_;
  if (now >= next_poll_) due = due | Polled();
  return due;
}

void LookSchedule::Looked(Parts parts, Moment begin, Moment end) {
  if (parts == (parts | marked_)) marked_ = {};
  if (begin >= next_poll_) next_poll_ = begin + poll_interval_;
  const auto rest = std::min<BootClock::duration>((end - begin) * kRestForLook, kMostRest);
  rest_until_ = end + rest;
}

void LookSchedule::Postpone(Parts parts, Moment until) {
  marked_ = marked_ | parts;
  look_at_ = until;
  rest_until_ = std::max(rest_until_, until);
}

Moment LookSchedule::Next() const {
  Moment next = Polled().empty() ? Moment::max() : next_poll_;
  if (!marked_.empty()) next = std::min(next, look_at_);
  return std::max(next, rest_until_);
}

}  // namespace wgnet::plan
