// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/routing.h"

#include <linux/if_addr.h>

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/paths.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;

// Whether a packet that both lead to takes `a`.
bool Precedes(const kernel::Route& a, const kernel::Route& b) {
  return a.dst->length() != b.dst->length() ? a.dst->length() > b.dst->length()
                                            : a.metric.value_or(0) < b.metric.value_or(0);
}

// What a rule asks besides, such as a port or a user, is taken as not met.
bool Matches(const kernel::Rule& rule, const IpAddress& from, const IpAddress& to) {
  if (!rule.extra.empty()) return false;
  const bool matches = (!rule.from || rule.from->Contains(Prefix(from))) &&
                       (!rule.to || rule.to->Contains(Prefix(to))) &&
                       rule.fwmark.value_or(0) == 0 && !rule.oif &&
                       (!rule.iif || rule.iif->view() == "lo");
  return matches != rule.invert.value_or(false);
}

bool IsPast(const kernel::Route& route, const kernel::Rule& rule) {
  return route.type == RTN_THROW ||
         (rule.suppress_prefixlength &&
          static_cast<uint32_t>(route.dst->length()) <= *rule.suppress_prefixlength);
}

// What the kernel makes for an address.
kernel::Route ConnectedRoute(const kernel::Address& address) {
  kernel::Route route;
  route.type = RTN_UNICAST;
  route.dst = address.local->Masked();
  route.dev = address.dev;
  route.table = RT_TABLE_MAIN;
  route.protocol = RTPROT_KERNEL;
  return route;
}

}  // namespace

bool Refuses(const kernel::Route& route) {
  return route.type.value_or(RTN_UNICAST) >= RTN_BLACKHOLE;
}

const kernel::Route* BestRoute(std::span<const kernel::Route> routes, uint32_t table,
                               const IpAddress& to) {
  const kernel::Route* best = nullptr;
  for (const kernel::Route& route : routes) {
    if (route.table != table || route.tos.value_or(0) != 0) continue;
    if (!route.dst->Contains(Prefix(to))) continue;
    if (best == nullptr || Precedes(route, *best)) best = &route;
  }
  return best;
}

Result<Routing> Routing::Read(Family family, std::span<const kernel::Rule> rules,
                              std::span<const Op> ops, Reader& reader) {
  Routing routing(family);
  std::vector<uint32_t> tables;
  for (const kernel::Rule& rule : rules) {
    if (rule.family != family) continue;
    routing.rules_.push_back(rule);
    if (rule.table.value_or(0) != 0) AddOnce(tables, *rule.table);
  }
  for (const Op& op : ops) {
    const auto* route = std::get_if<kernel::Route>(&op.object);
    if (route != nullptr && route->dst->family() == family) AddOnce(tables, *route->table);
  }
  for (const uint32_t table : tables) {
    WGNET_ASSIGN_OR_RETURN(const auto routes, ReadTable({family, table}, reader));
    routing.routes_.insert(routing.routes_.end(), routes.begin(), routes.end());
  }
  return routing;
}

void Routing::Take(const Op& op) {
  if (const auto* rule = std::get_if<kernel::Rule>(&op.object)) TakeRule(op.verb, *rule);
  if (const auto* route = std::get_if<kernel::Route>(&op.object)) TakeRoute(op.verb, *route);
  if (const auto* address = std::get_if<kernel::Address>(&op.object)) {
    TakeAddress(op.verb, *address);
  }
  const auto* link = std::get_if<kernel::Link>(&op.object);
  if (link == nullptr || op.verb != Verb::kDelete) return;
  std::erase_if(routes_, [&](const kernel::Route& route) {
    return route.dev && route.dev->index == *link->index;
  });
}

void Routing::TakeRule(Verb verb, const kernel::Rule& rule) {
  if (rule.family != family_) return;
  if (verb == Verb::kDelete) {
    std::erase_if(rules_, [&](const auto& each) { return kernel::SameKey(each, rule); });
    return;
  }
  const auto behind = std::find_if(rules_.begin(), rules_.end(), [&](const kernel::Rule& each) {
    return *each.priority > *rule.priority;
  });
  rules_.insert(behind, rule);
}

void Routing::TakeRoute(Verb verb, const kernel::Route& route) {
  if (route.dst->family() != family_) return;
  std::erase_if(routes_, [&](const auto& each) { return kernel::SameKey(each, route); });
  if (verb != Verb::kDelete) routes_.push_back(route);
}

void Routing::TakeAddress(Verb verb, const kernel::Address& address) {
  if (address.local->family() != family_) return;
  if ((address.flags.value_or(0) & IFA_F_NOPREFIXROUTE) != 0) return;
  const kernel::Route route = ConnectedRoute(address);
  if (verb == Verb::kAdd) routes_.push_back(route);
  if (verb != Verb::kDelete) return;
  std::erase_if(routes_, [&](const kernel::Route& each) {
    return each.protocol == RTPROT_KERNEL && each.dst == route.dst && each.dev == route.dev;
  });
}

const kernel::Route* Routing::RouteOf(const IpAddress& from, const IpAddress& to) const {
  for (const kernel::Rule& rule : rules_) {
    if (!Matches(rule, from, to) || rule.action == FR_ACT_NOP) continue;
    if (rule.action != FR_ACT_TO_TBL) return nullptr;
    const kernel::Route* route = BestRoute(routes_, rule.table.value_or(0), to);
    if (route == nullptr || IsPast(*route, rule)) continue;
    return Refuses(*route) ? nullptr : route;
  }
  return nullptr;
}

}  // namespace wgnet::plan
