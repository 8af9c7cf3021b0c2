// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/last_address.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

using kernel::Address;
using kernel::Object;
using kernel::Route;
using kernel::Verb;

const Address* Ipv4On(uint32_t link, const Object& object) {
  const auto* address = std::get_if<Address>(&object);
  const bool is = address != nullptr && !address->local->is_v6() && address->dev;
  return is && address->dev->index == link ? address : nullptr;
}

const Route* Ipv4RouteOn(uint32_t link, const Object& object) {
  const auto* route = std::get_if<Route>(&object);
  const bool is = route != nullptr && !route->dst->is_v6() && route->protocol != RTPROT_KERNEL;
  return is && kernel::LeadsThrough(*route, link) ? route : nullptr;
}

// Of the links that stay, those with such an op of an IPv4 address.
std::vector<uint32_t> LinksWith(Verb verb, const std::vector<Op>& ops) {
  std::vector<uint32_t> links;
  std::vector<uint32_t> lost;
  for (const Op& op : ops) {
    const auto* link = std::get_if<kernel::Link>(&op.object);
    if (link != nullptr && op.verb == Verb::kDelete) lost.push_back(*link->index);
    const auto* address = std::get_if<Address>(&op.object);
    const bool is_v4 = address != nullptr && !address->local->is_v6();
    if (is_v4 && op.verb == verb) AddOnce(links, address->dev->index);
  }
  std::erase_if(links, [&](uint32_t link) {
    return std::find(lost.begin(), lost.end(), link) != lost.end();
  });
  return links;
}

auto CountIpv4(uint32_t link, const Snapshot& snapshot) {
  const auto& objects = snapshot.objects();
  return std::count_if(objects.begin(), objects.end(),
                       [&](const Object& object) { return Ipv4On(link, object) != nullptr; });
}

bool HasGateway(const Object& route) {
  const std::vector<kernel::Path> paths = kernel::PathsOf(std::get<Route>(route));
  return std::any_of(paths.begin(), paths.end(),
                     [](const kernel::Path& path) { return path.gateway.has_value(); });
}

// A gateway is reached through a route without one.
void PutInOrder(std::vector<Object>& routes) {
  std::stable_partition(routes.begin(), routes.end(),
                        [](const Object& route) { return !HasGateway(route); });
}

std::vector<Object> Ipv4RoutesOn(uint32_t link, const Snapshot& snapshot) {
  std::vector<Object> routes;
  for (const Object& object : snapshot.objects()) {
    if (Ipv4RouteOn(link, object) != nullptr) routes.push_back(object);
  }
  PutInOrder(routes);
  return routes;
}

// Whether there is a moment without an IPv4 address: what comes when others have gone may be
// refused.
bool IsEmptied(uint32_t link, const Snapshot& snapshot, const std::vector<Op>& ops) {
  auto count = CountIpv4(link, snapshot);
  for (const Op& op : ops) {
    if (Ipv4On(link, op.object) == nullptr) continue;
    if (op.verb == Verb::kAdd && op.phase == Phase::kAddress) ++count;
    if (op.verb == Verb::kDelete) --count;
  }
  return count == 0;
}

// The networks that are reached without a gateway in the end.
std::vector<Prefix> NetworksOn(uint32_t link, const Snapshot& snapshot,
                               const std::vector<Op>& ops) {
  std::vector<Prefix> networks;
  kernel::KeySet removed;
  for (const Op& op : ops) {
    if (op.verb == Verb::kDelete) removed.insert(&op.object);
  }
  const auto add = [&](const Object& object) {
    if (const Address* address = Ipv4On(link, object)) networks.push_back(address->local->Masked());
    const Route* route = Ipv4RouteOn(link, object);
    if (route != nullptr && !HasGateway(object)) networks.push_back(*route->dst);
  };
  for (const Object& object : snapshot.objects()) {
    if (!removed.contains(&object)) add(object);
  }
  for (const Op& op : ops) {
    if (op.verb != Verb::kDelete) add(op.object);
  }
  return networks;
}

bool IsReachable(const Object& route, uint32_t link, const std::vector<Prefix>& networks) {
  const std::vector<kernel::Path> paths = kernel::PathsOf(std::get<Route>(route));
  return std::all_of(paths.begin(), paths.end(), [&](const kernel::Path& path) {
    return path.link != link || !path.gateway || path.onlink ||
           std::any_of(networks.begin(), networks.end(), [&](const Prefix& network) {
             return network.Contains(Prefix(*path.gateway));
           });
  });
}

void RemakeRoutes(uint32_t link, const Snapshot& snapshot, std::vector<Op>& ops) {
  std::vector<Op> removals;
  std::vector<Object> last;  // what is made, or made again, after the addresses are gone
  const auto remove = [&](const Object& route, bool is_lost) {
    removals.push_back({.verb = Verb::kDelete,
                        .object = route,
                        .phase = Phase::kRouteRemoval,
                        .foreign = is_lost});
  };
  kernel::KeySet touched;
  for (const Op& op : ops) touched.insert(&op.object);
  const std::vector<Prefix> networks = NetworksOn(link, snapshot, ops);
  for (const Object& route : Ipv4RoutesOn(link, snapshot)) {
    if (touched.contains(&route)) continue;
    const bool stays = IsReachable(route, link, networks);
    remove(route, !stays);
    if (stays) last.push_back(route);
  }
  std::reverse(removals.begin(), removals.end());
  std::erase_if(ops, [&](const Op& op) {
    if (Ipv4RouteOn(link, op.object) == nullptr || op.verb == Verb::kDelete) return false;
    if (op.verb == Verb::kChange) remove(op.before, false);
    last.push_back(op.object);
    return true;
  });
  PutInOrder(last);
  ops.insert(ops.end(), removals.begin(), removals.end());
  for (const Object& route : last) {
    ops.push_back({.verb = Verb::kAdd, .object = route, .phase = Phase::kAddressRemoval});
  }
}

// Around the addresses: taken back, the routes go before them, and come again after.
void RemakeRoutesInUndo(uint32_t link, const Snapshot& snapshot, std::vector<Op>& ops) {
  std::vector<Op> around;
  const auto push = [&](Verb verb, const Object& route) {
    around.push_back({.verb = verb, .object = route, .phase = Phase::kAddress, .undo_only = true});
  };
  std::vector<Object> routes = Ipv4RoutesOn(link, snapshot);
  std::erase_if(routes, [&](const Object& route) {  // one may lead through two such links
    return std::any_of(ops.begin(), ops.end(), [&](const Op& op) {
      return op.undo_only && kernel::SameKey(op.object, route);
    });
  });
  for (size_t i = routes.size(); i-- > 0;) push(Verb::kDelete, routes[i]);
  around.insert(around.end(), ops.begin(), ops.end());
  for (const Object& route : routes) push(Verb::kAdd, route);
  ops = std::move(around);
}

}  // namespace

void KeepRoutes(const Snapshot& snapshot, std::vector<Op>& ops) {
  for (const uint32_t link : LinksWith(Verb::kDelete, ops)) {
    if (IsEmptied(link, snapshot, ops)) RemakeRoutes(link, snapshot, ops);
  }
  for (const uint32_t link : LinksWith(Verb::kAdd, ops)) {
    if (CountIpv4(link, snapshot) == 0) RemakeRoutesInUndo(link, snapshot, ops);
  }
}

}  // namespace wgnet::plan
