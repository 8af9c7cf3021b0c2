// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/lowering_draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::plan::lowering {
namespace {

constexpr uint32_t kIpv6Metric = 1024;  // what the kernel makes of none

bool HasNumber(const std::vector<Allocation>& allocations, std::string_view kind, uint32_t value) {
  return std::any_of(allocations.begin(), allocations.end(), [&](const Allocation& allocation) {
    return allocation.value == value && allocation.name.starts_with(kind);
  });
}

}  // namespace

std::string PlaceOf(const Interface& interface) {
  return "Interface(" + QuoteForMessage(interface.name()) + ")";
}

std::string PlaceOf(const PolicyRoute& route) {
  return "PolicyRoute(" + QuoteForMessage(route.interface()) + ")";
}

RouteTable TableOf(const Interface& interface) {
  return interface.table().value_or(RouteTable::Auto());
}

kernel::Rule RuleInto(uint32_t table, Family family, uint32_t priority) {
  kernel::Rule rule;
  rule.family = family;
  rule.priority = priority;
  rule.invert = false;
  rule.action = FR_ACT_TO_TBL;
  rule.table = table;
  rule.protocol = kernel::kProtocol;
  return rule;
}

std::string_view PriorityKind(Family family) {
  return family == Family::kIpv6 ? "IPv6 priority" : "IPv4 priority";
}

Candidates Candidates::Tables(uint32_t first, const Facts& facts) {
  return {.first = first,
          .next = [](uint32_t table) { return table + 1; },
          .is_free = [&facts](uint32_t table) { return facts.IsFreeTable(table); }};
}

Draft::Draft(const Node& node, const Facts& facts, const Record& own,
             std::span<const Record> others)
    : node_(node), facts_(facts), own_(own), others_(others) {}

// Of all links, and of those that are gone, but on somebody's record.
uint32_t Draft::LastIndex() const {
  uint32_t last = 0;
  for (const kernel::Link& link : facts_.links) last = std::max(last, *link.index);
  for (const Record& other : others_) {
    for (const kernel::Object& object : other.objects) {
      const auto* link = std::get_if<kernel::Link>(&object);
      if (link != nullptr) last = std::max(last, *link->index);
    }
  }
  return last;
}

Status Draft::FindLinks() {
  uint32_t last_index = LastIndex();
  for (const Interface& interface : node_.interfaces()) {
    const kernel::Link* link = facts_.FindLink(interface.name());
    if (link == nullptr) {
      links_[interface.name()] = {++last_index, interface.name()};
      continue;
    }
    if (FindRecorded(link->ref()) == nullptr) {
      return Error{
          .code = ErrorCode::kNameTaken,
          .message = fmt::format("an interface {} exists, and is not {}'s",
                                 QuoteForMessage(interface.name()), QuoteForMessage(own_.owner)),
          .where = PlaceOf(interface),
          .hint = "remove it, or choose another name"};
    }
    links_[interface.name()] = link->ref();
  }
  return {};
}

Result<kernel::LinkRef> Draft::LinkOf(const std::string& name, std::string place) const {
  if (const auto own = links_.find(name); own != links_.end()) return own->second;
  if (const kernel::Link* link = facts_.FindLink(name)) return link->ref();
  return Error{.code = ErrorCode::kNotFound,
               .message = "there is no interface " + QuoteForMessage(name),
               .where = std::move(place),
               .hint = "name one of the node's, or one that exists"};
}

const kernel::Link* Draft::FindRecorded(const kernel::LinkRef& link) const {
  for (const kernel::Object& object : own_.objects) {
    const auto* known = std::get_if<kernel::Link>(&object);
    if (known != nullptr && known->index == link.index) return known;
  }
  return nullptr;
}

bool Draft::IsAllocated(std::string_view kind, uint32_t value) const {
  return HasNumber(desired_.allocations, kind, value) || HasNumber(own_.allocations, kind, value) ||
         std::any_of(others_.begin(), others_.end(), [&](const Record& other) {
           return HasNumber(other.allocations, kind, value);
         });
}

std::optional<uint32_t> Draft::Allocate(std::string_view kind, std::string_view what,
                                        const Candidates& candidates) {
  const std::string name = fmt::format("{} of {}", kind, what);
  for (const Allocation& known : desired_.allocations) {
    if (known.name == name) return known.value;
  }
  std::optional<uint32_t> value = own_.FindAllocation(name);
  if (value && IsStated(kind, *value)) value.reset();
  for (std::optional<uint32_t> candidate = candidates.first; !value && candidate;
       candidate = candidates.next(*candidate)) {
    if (!IsAllocated(kind, *candidate) && !IsStated(kind, *candidate) &&
        candidates.is_free(*candidate))
      value = candidate;
  }
  if (value) desired_.allocations.push_back({name, *value});
  return value;
}

bool Draft::IsStated(std::string_view kind, uint32_t value) const {
  if (kind != PriorityKind(Family::kIpv4) && kind != PriorityKind(Family::kIpv6)) {
    return facts_.IsStated(value);
  }
  const auto& routes = node_.policy_routes();
  return std::any_of(routes.begin(), routes.end(), [&](const PolicyRoute& route) {
    const bool in_pair = route.is_full_tunnel() && route.priority() == value + 1;
    return route.priority() == value || in_pair;
  });
}

bool Draft::IsFreePriority(Family family, uint32_t priority) const {
  return std::none_of(facts_.rules.begin(), facts_.rules.end(), [&](const kernel::Rule& rule) {
    return rule.family == family && rule.priority == priority;
  });
}

void Draft::AddRoute(const Prefix& dst, const kernel::LinkRef& dev, uint32_t table) {
  kernel::Route route;
  route.type = RTN_UNICAST;
  route.dst = dst;
  route.tos = 0;
  route.dev = dev;
  route.table = table;
  route.protocol = kernel::kProtocol;
  route.scope = dst.is_v6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  route.metric = dst.is_v6() ? kIpv6Metric : 0;
  Add(std::move(route));
}

void Draft::AddRule(std::string place, kernel::Rule rule) {
  rules_.emplace_back(std::move(place), std::move(rule));
}

void Draft::Claim(std::string_view name, std::string_view value,
                  const std::vector<kernel::SysctlName>& footprint) {
  const kernel::SysctlName key(name);
  for (const auto& known : desired_.settings) {
    if (known.setting.name == key) return;
  }
  desired_.settings.push_back({{key, kernel::SysctlText(value)}, footprint});
}

bool Draft::IsClaimed(std::string_view name) const {
  const kernel::SysctlName key(name);
  return own_.FindClaim(key) != nullptr ||
         std::any_of(others_.begin(), others_.end(),
                     [&](const Record& other) { return other.FindClaim(key) != nullptr; });
}

bool Draft::CameAfter(std::string_view name, std::string_view moved) const {
  bool is_changed = false;
  bool was_there = false;
  const auto look = [&](const Record& record) {
    const auto* claim = record.FindClaim(kernel::SysctlName(name));
    if (claim == nullptr) return;
    is_changed = is_changed || claim->original != claim->setting.value;
    for (const kernel::SysctlSetting& setting : claim->footprint) {
      was_there = was_there || setting.name.view() == moved;
    }
  };
  look(own_);
  for (const Record& other : others_) look(other);
  return is_changed && !was_there;
}

Result<Desired> Draft::Take() {
  for (auto& [place, rule] : rules_) {
    From(std::move(place));
    Add(std::move(rule));
  }
  WGNET_ASSIGN_OR_RETURN(desired_.objects, objects_.TakeDistinct());
  return std::move(desired_);
}

}  // namespace wgnet::plan::lowering
