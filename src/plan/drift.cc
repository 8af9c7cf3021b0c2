// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/drift.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "src/kernel/attribute_change.h"
#include "src/plan/op.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using netlink::Bus;

// The parts in which the object is read. Links come with most of them, and tell what went with one.
Parts PartsOf(const Object& object) {
  if (std::holds_alternative<kernel::Link>(object)) {
    return Parts(Part::kNetwork) | Part::kDevices | Part::kSettings;
  }
  switch (kernel::BusOf(object)) {
    case Bus::kRoute:
      return Part::kNetwork;
    case Bus::kGeneric:
      return Part::kDevices;
    case Bus::kNetfilter:
      return Part::kNftables;
    case Bus::kSysctl:
      return Part::kSettings;
    case Bus::kDns:
      break;
  }
  return {};
}

bool Meet(Parts a, Parts b) {
  constexpr Part kParts[] = {Part::kNetwork, Part::kNftables, Part::kDevices, Part::kSettings};
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](Part part) { return a.Has(part) && b.Has(part); });
}

std::vector<Event::Change> ToChanges(const Object& found, const Object& expected) {
  std::vector<Event::Change> changes;
  for (auto& each : kernel::ChangesOf(found, expected)) {
    changes.push_back(
        {std::string(each.attribute), std::move(each.expected), std::move(each.found)});
  }
  return changes;
}

// The rules of somebody else in a chain of ours stay, and are not looked at.
const std::vector<kernel::NftRule>* RulesOf(const Object& object) {
  const auto* chain = std::get_if<kernel::NftChain>(&object);
  return chain != nullptr && chain->rules ? &*chain->rules : nullptr;
}

}  // namespace

Drift::Drift(Record record) : record_(std::move(record)) {
  for (const Object& object : record_.objects) {
    if (!PartsOf(object).empty()) objects_.push_back(object);
  }
  for (const Claim& claim : record_.claims) {
    kernel::Sysctl sysctl;
    sysctl.name = claim.setting.name;
    sysctl.value = claim.setting.value;
    objects_.emplace_back(std::move(sysctl));
  }
  for (size_t i = 0; i < objects_.size(); ++i) index_.emplace(&objects_[i], i);
  for (Object& object : objects_) states_key_.push_back(kernel::TakeSecrets(object));
  for (const Object& object : objects_) containers_.push_back(ContainerOf(object));
  known_.resize(objects_.size());
}

Drift::~Drift() = default;

Scope Drift::ScopeOf(Parts parts, bool whole) const {
  Scope scope;
  scope.links = Meet(parts, PartsOf(kernel::Link()));
  for (const Object& object : objects_) {
    if (!Meet(parts, PartsOf(object))) continue;
    if (std::holds_alternative<kernel::Rule>(object)) scope.rules = true;
    if (const auto* address = std::get_if<kernel::Address>(&object)) {
      AddOnce(scope.address_links, address->dev->index);
    }
    if (const auto* route = std::get_if<kernel::Route>(&object)) {
      if (route->dev) AddOnce(scope.route_links, route->dev->index);
      if (whole || !route->dev) {
        AddOnce(scope.route_tables, {route->dst->family(), *route->table});
      }
    }
    if (const auto* device = std::get_if<kernel::WgDevice>(&object)) {
      AddOnce(scope.devices, device->dev->index);
    }
    if (const auto* table = std::get_if<kernel::NftTable>(&object)) {
      AddOnce(scope.nft_tables, {*table->family, *table->name});
    }
    if (const auto* sysctl = std::get_if<kernel::Sysctl>(&object)) {
      scope.sysctls.push_back(*sysctl->name);
    }
  }
  return scope;
}

bool Drift::HasKind(size_t kind) const {
  return std::any_of(objects_.begin(), objects_.end(),
                     [&](const Object& object) { return object.index() == kind; });
}

std::vector<kernel::Route> Drift::Routes() const {
  std::vector<kernel::Route> routes;
  for (const Object& object : objects_) {
    if (const auto* route = std::get_if<kernel::Route>(&object)) routes.push_back(*route);
  }
  return routes;
}

// ---- what was seen ----

// The link or table that the object is in, if the owner has it.
std::optional<size_t> Drift::ContainerOf(const Object& object) const {
  std::optional<Object> key;
  if (const kernel::LinkRef* dev = kernel::LinkOf(object)) {
    kernel::Link link;
    link.index = dev->index;
    key = link;
  } else if (const auto table = kernel::TableOf(object)) {
    key = *table;
  }
  const auto found = key ? index_.find(&*key) : index_.end();
  return found != index_.end() ? std::optional(found->second) : std::nullopt;
}

// Of each object: whether it is a link or a table that is gone.
std::vector<bool> Drift::GoneIn(const Sight& sight) const {
  std::vector<bool> gone(objects_.size());
  const std::vector<uint32_t> lost = LostLinks(record_, sight.links_);
  for (size_t i = 0; i < objects_.size(); ++i) {
    const auto* link = std::get_if<kernel::Link>(&objects_[i]);
    gone[i] = link != nullptr ? std::find(lost.begin(), lost.end(), *link->index) != lost.end()
                              : !sight.seen_[i].any;
  }
  return gone;
}

Drift::Finding Drift::FindingOf(const Sight& sight, const std::vector<bool>& gone, size_t i) const {
  const Sight::Seen& seen = sight.seen_[i];
  const auto container = containers_[i];
  if (container && gone[*container]) return {State::kAlong, {}};
  if (gone[i]) return {State::kMissing, {}};
  Finding finding;
  if (!seen.holds) finding = {State::kChanged, seen.changes};
  const auto* rules = RulesOf(objects_[i]);
  if (rules != nullptr && seen.rules < rules->size()) {
    finding.state = State::kChanged;
    finding.changes.push_back(
        {"rules", fmt::format("{}", rules->size()), fmt::format("{}", seen.rules)});
  }
  return finding;
}

bool Drift::IsNew(const Sight& sight, Parts parts) const {
  const std::vector<bool> gone = GoneIn(sight);
  for (size_t i = 0; i < objects_.size(); ++i) {
    if (Meet(parts, PartsOf(objects_[i])) && FindingOf(sight, gone, i) != known_[i]) return true;
  }
  return false;
}

void Drift::Tell(const Sight& sight, Parts parts, std::vector<Event>& events) {
  const std::vector<bool> gone = GoneIn(sight);
  for (size_t i = 0; i < objects_.size(); ++i) {
    if (!Meet(parts, PartsOf(objects_[i]))) continue;
    Finding now = FindingOf(sight, gone, i);
    if (now == known_[i]) continue;
    const bool quiet = now.state == State::kAlong ||
                       (now.state == State::kAsRecorded && known_[i].state == State::kAlong);
    if (!quiet) events.push_back(EventOf(i, now));
    known_[i] = std::move(now);
  }
  drifted_ =
      static_cast<size_t>(std::count_if(known_.begin(), known_.end(), [](const Finding& each) {
        return each.state != State::kAsRecorded;
      }));
}

Event Drift::EventOf(size_t i, const Finding& now) const {
  Event event;
  switch (now.state) {
    case State::kAsRecorded:
      event.kind = Event::Kind::kBack;
      break;
    case State::kChanged:
      event.kind = Event::Kind::kChanged;
      event.changes = now.changes;
      break;
    case State::kMissing:
    case State::kAlong:
      event.kind = Event::Kind::kMissing;
      break;
  }
  const Object& object = objects_[i];
  event.object = kernel::KindOf(object);
  event.command = AddCommandOf(object);
  if (const auto* peer = std::get_if<kernel::WgPeer>(&object)) event.peer = *peer->public_key;
  if (const kernel::LinkRef* dev = kernel::LinkOf(object)) event.interface = dev->name.str();
  if (const auto* link = std::get_if<kernel::Link>(&object)) event.interface = link->name->str();
  return event;
}

Drift::Sight::Sight(Drift& drift, bool takes_keys) : drift_(drift), takes_keys_(takes_keys) {
  seen_.resize(drift.objects_.size());
}

void Drift::Sight::Restart() {
  std::fill(seen_.begin(), seen_.end(), Seen());
  peers_.clear();
  links_.clear();
}

// Of several objects of a key one has to be as expected: the kernel has routes that differ in what
// is no part of their keys.
void Drift::Sight::Visit(const Object& object) {
  const auto found = drift_.index_.find(&object);
  if (found == drift_.index_.end()) return;
  Object& expected = drift_.objects_[found->second];
  Seen& seen = seen_[found->second];
  if (takes_keys_ && drift_.states_key_[found->second]) kernel::CompleteSecrets(expected, object);
  if (const auto* link = std::get_if<kernel::Link>(&object)) links_.push_back(*link);
  const auto* peer = std::get_if<kernel::WgPeer>(&object);
  if (peer != nullptr && !seen.any) {
    peers_.push_back({std::get_if<kernel::WgPeer>(&expected), peer->endpoint,
                      peer->last_handshake.value_or(kernel::HandshakeTime())});
  }
  if (seen.holds) return;
  seen.holds = kernel::Holds(object, expected);
  if (!seen.holds && !seen.any) seen.changes = ToChanges(object, expected);
  seen.any = true;
}

void Drift::Sight::VisitRule(const kernel::NftRule& rule) {
  auto& key = *std::get_if<kernel::NftChain>(&chain_);
  key.family = rule.family;
  key.table = rule.table;
  key.name = rule.chain;
  const auto found = drift_.index_.find(&chain_);
  if (found == drift_.index_.end()) return;
  const auto* rules = RulesOf(drift_.objects_[found->second]);
  size_t& next = seen_[found->second].rules;
  if (rules != nullptr && next < rules->size() && (*rules)[next] == rule) ++next;
}

}  // namespace wgnet::plan
