// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/last_address.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

using kernel::Address;
using kernel::Object;
using kernel::Route;
using kernel::Verb;

template <class T>
bool IsOn(uint32_t link, const T& object) {
  return object.dev && object.dev->index == link;
}

const Address* Ipv4On(uint32_t link, const Object& object) {
  const auto* address = std::get_if<Address>(&object);
  return address != nullptr && IsOn(link, *address) && !address->local->is_v6() ? address : nullptr;
}

const Route* Ipv4RouteOn(uint32_t link, const Object& object) {
  const auto* route = std::get_if<Route>(&object);
  const bool is = route != nullptr && IsOn(link, *route) && !route->dst->is_v6();
  return is && route->protocol != RTPROT_KERNEL ? route : nullptr;
}

// Of the links that stay, those that lose an IPv4 address.
std::vector<uint32_t> LosingLinks(const std::vector<Op>& ops) {
  std::vector<uint32_t> losing;
  std::vector<uint32_t> lost;
  for (const Op& op : ops) {
    if (op.verb != Verb::kDelete) continue;
    if (const auto* link = std::get_if<kernel::Link>(&op.object)) lost.push_back(*link->index);
    const auto* address = std::get_if<Address>(&op.object);
    if (address != nullptr && !address->local->is_v6()) AddOnce(losing, address->dev->index);
  }
  std::erase_if(losing, [&](uint32_t link) {
    return std::find(lost.begin(), lost.end(), link) != lost.end();
  });
  return losing;
}

// Whether there is a moment without an IPv4 address: what comes when others have gone may be
// refused.
bool IsEmptied(uint32_t link, const Snapshot& snapshot, const std::vector<Op>& ops) {
  const auto& objects = snapshot.objects();
  auto count = std::count_if(objects.begin(), objects.end(),
                             [&](const Object& object) { return Ipv4On(link, object) != nullptr; });
  for (const Op& op : ops) {
    if (Ipv4On(link, op.object) == nullptr) continue;
    if (op.verb == Verb::kAdd && op.phase == Phase::kAddress) ++count;
    if (op.verb == Verb::kDelete) --count;
  }
  return count == 0;
}

// What is made, or made again, after the addresses are gone.
void AddLast(const Object& route, std::vector<Op>& ops) {
  ops.push_back({.verb = Verb::kAdd, .object = route, .phase = Phase::kAddressRemoval});
}

void Remove(const Object& route, std::vector<Op>& ops) {
  ops.push_back({.verb = Verb::kDelete, .object = route, .phase = Phase::kRouteRemoval});
}

void RemakeRoutes(uint32_t link, const Snapshot& snapshot, std::vector<Op>& ops) {
  std::vector<Op> all;
  kernel::KeySet touched;
  for (const Op& op : ops) touched.insert(&op.object);
  for (const Object& object : snapshot.objects()) {
    if (Ipv4RouteOn(link, object) == nullptr || touched.contains(&object)) continue;
    Remove(object, all);
    AddLast(object, all);
  }
  std::erase_if(ops, [&](const Op& op) {
    if (Ipv4RouteOn(link, op.object) == nullptr || op.verb == Verb::kDelete) return false;
    if (op.verb == Verb::kChange) Remove(op.before, all);
    AddLast(op.object, all);
    return true;
  });
  ops.insert(ops.end(), all.begin(), all.end());
}

}  // namespace

void KeepRoutes(const Snapshot& snapshot, std::vector<Op>& ops) {
  for (const uint32_t link : LosingLinks(ops)) {
    if (IsEmptied(link, snapshot, ops)) RemakeRoutes(link, snapshot, ops);
  }
}

}  // namespace wgnet::plan
