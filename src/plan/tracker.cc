// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/tracker.h"

#include <bit>
#include <unordered_map>

namespace wgnet::plan {

using kernel::Object;
using kernel::Verb;

// All ops on one object. With n ops it has n+1 states.
struct Tracker::Track {
  std::vector<uint32_t> ops;
  bool seen = false;
  uint32_t matches = 0;  // bit i: the kernel's object is as in state i; rules not counted
  size_t rules = 0;      // of a chain: how many came
  uint32_t rule_matches = UINT32_MAX;
};

struct Tracker::Index {
  std::unordered_map<const Object*, uint32_t, kernel::KeyHash, kernel::KeyEqual> by_key;
  Object chain = kernel::NftChain();  // to look up the chain of a rule
};

Tracker::Tracker(std::span<const Op> ops) : ops_(ops), index_(std::make_unique<Index>()) {
  for (uint32_t i = 0; i < ops.size(); ++i) {
    const auto [known, fresh] =
        index_->by_key.emplace(&ops[i].object, static_cast<uint32_t>(tracks_.size()));
    if (fresh) {
      tracks_.emplace_back();
      AddToScope(ops[i].object);
    }
    Track& track = tracks_[known->second];
    track_of_.push_back(known->second);
    position_of_.push_back(static_cast<uint32_t>(track.ops.size()));
    track.ops.push_back(i);
  }
}

Tracker::~Tracker() = default;

void Tracker::AddToScope(const Object& object) {
  if (std::holds_alternative<kernel::Link>(object)) scope_.links = true;
  if (std::holds_alternative<kernel::Rule>(object)) scope_.rules = true;
  if (const auto* address = std::get_if<kernel::Address>(&object)) {
    AddOnce(scope_.address_links, address->dev->index);
  }
  if (const auto* route = std::get_if<kernel::Route>(&object)) {
    AddOnce(scope_.route_tables, {route->dst->family(), *route->table});
  }
  if (kernel::BusOf(object) == netlink::Bus::kGeneric) {
    AddOnce(scope_.devices, kernel::LinkOf(object)->index);
  }
  if (const auto* sysctl = std::get_if<kernel::Sysctl>(&object)) {
    scope_.sysctls.push_back(*sysctl->name);
  }
  if (const auto* setting = std::get_if<kernel::DnsSetting>(&object)) {
    scope_.dns.push_back(*setting);
  }
  std::visit(
      [&]<class T>(const T& typed) {
        if constexpr (std::is_same_v<T, kernel::NftTable>) {
          AddOnce(scope_.nft_tables, {*typed.family, *typed.name});
        } else if constexpr (requires { typed.table->view(); }) {
          AddOnce(scope_.nft_tables, {*typed.family, *typed.table});
        }
      },
      object);
}

void Tracker::Restart() {
  for (Track& track : tracks_) {
    track.seen = false;
    track.matches = 0;
    track.rules = 0;
    track.rule_matches = UINT32_MAX;
  }
}

// Routes of one key stand side by side, through different links or by different hands. One beside
// ours is not ours; but where there was none, it stands in the way, unless it is the kernel's own
// and goes with its address before.
bool Tracker::IsBeside(const Object& object, const Track& track) const {
  const auto* route = std::get_if<kernel::Route>(&object);
  if (route == nullptr) return false;
  const Op& first = ops_[track.ops.front()];
  const bool goes = route->protocol == RTPROT_KERNEL && first.phase == Phase::kAddressRemoval;
  if (first.verb == Verb::kAdd && !goes) return false;
  for (size_t state = 0; state <= track.ops.size(); ++state) {
    const Object* const expected = StateOf(track, state);
    const auto* ours = expected != nullptr ? std::get_if<kernel::Route>(expected) : nullptr;
    if (ours != nullptr && ours->dev == route->dev && ours->protocol == route->protocol) {
      return false;
    }
  }
  return true;
}

void Tracker::Visit(const Object& object) {
  const auto found = index_->by_key.find(&object);
  if (found == index_->by_key.end()) return;
  Track& track = tracks_[found->second];
  if (IsBeside(object, track)) return;
  track.seen = true;
  if (!std::holds_alternative<kernel::Route>(object)) track.matches = 0;
  for (size_t state = 0; state <= track.ops.size(); ++state) {
    const Object* expected = StateOf(track, state);
    if (expected != nullptr && kernel::Holds(object, *expected)) track.matches |= 1u << state;
  }
}

void Tracker::VisitRule(const kernel::NftRule& rule) {
  auto& key = *std::get_if<kernel::NftChain>(&index_->chain);
  key.family = rule.family;
  key.table = rule.table;
  key.name = rule.chain;
  const auto found = index_->by_key.find(&index_->chain);
  if (found == index_->by_key.end()) return;
  Track& track = tracks_[found->second];
  for (size_t state = 0; state <= track.ops.size(); ++state) {
    const Object* expected = StateOf(track, state);
    if (expected == nullptr) continue;
    const auto& rules = *std::get_if<kernel::NftChain>(expected)->rules;
    const bool same = track.rules < rules.size() && rules[track.rules] == rule;
    if (!same) track.rule_matches &= ~(1u << state);
  }
  ++track.rules;
}

const Object* Tracker::StateOf(const Track& track, size_t state) const {
  if (state == 0) {
    const Op& first = ops_[track.ops.front()];
    return first.verb == Verb::kAdd ? nullptr : &first.image();
  }
  const Op& op = ops_[track.ops[state - 1]];
  return op.verb == Verb::kDelete ? nullptr : &op.object;
}

uint32_t Tracker::Matches(const Track& track) const {
  uint32_t matches = 0;
  for (size_t state = 0; state <= track.ops.size(); ++state) {
    const Object* expected = StateOf(track, state);
    bool match = expected == nullptr ? !track.seen : (track.matches >> state & 1) != 0;
    const auto* chain = expected ? std::get_if<kernel::NftChain>(expected) : nullptr;
    if (chain != nullptr) {
      match =
          match && (track.rule_matches >> state & 1) != 0 && chain->rules->size() == track.rules;
    }
    if (match) matches |= 1u << state;
  }
  return matches;
}

bool Tracker::IsAtStart(size_t op) const { return (Matches(tracks_[track_of_[op]]) & 1) != 0; }

bool Tracker::IsAtEnd(size_t op) const {
  const Track& track = tracks_[track_of_[op]];
  return (Matches(track) >> track.ops.size() & 1) != 0;
}

bool Tracker::IsDone(size_t op) const {
  const uint32_t matches = Matches(tracks_[track_of_[op]]);
  return static_cast<uint32_t>(std::bit_width(matches)) > position_of_[op] + 1;
}

bool Tracker::HasSeveral(size_t op) const { return tracks_[track_of_[op]].ops.size() > 1; }

bool Tracker::IsGone(size_t op) const { return !tracks_[track_of_[op]].seen; }

bool Tracker::IsOther(size_t op) const { return Matches(tracks_[track_of_[op]]) == 0; }

}  // namespace wgnet::plan
