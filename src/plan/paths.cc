// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/paths.h"

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/routing.h"

namespace wgnet::plan {
namespace {

class RouteCollector final : public ObjectVisitor {
 public:
  void Restart() override { routes_.clear(); }
  void Visit(const kernel::Object& object) override {
    if (const auto* route = std::get_if<kernel::Route>(&object)) routes_.push_back(*route);
  }
  void VisitRule(const kernel::NftRule&) override {}

  std::vector<kernel::Route> Take() { return std::move(routes_); }

 private:
  std::vector<kernel::Route> routes_;
};

}  // namespace

Result<std::vector<kernel::Route>> ReadTable(const Scope::RouteTable& table, Reader& reader) {
  Scope scope;
  scope.route_tables = {table};
  RouteCollector collector;
  WGNET_RETURN_IF_ERROR(reader.Read(scope, collector));
  return collector.Take();
}

Result<std::optional<kernel::Route>> Paths::RouteTo(const IpAddress& address, uint32_t mark) {
  using Found = std::optional<kernel::Route>;
  WGNET_ASSIGN_OR_RETURN(const auto found, reader_.Lookup(address, mark));
  if (!found) return Found();
  if (!IsOwn(*found)) return Refuses(*found) ? Found() : found;
  WGNET_ASSIGN_OR_RETURN(const auto routes, MainTable(address.family()));
  const kernel::Route* best = BestRoute(routes, RT_TABLE_MAIN, address);
  return best == nullptr || Refuses(*best) ? Found() : Found(*best);
}

Result<std::vector<IpAddress>> Paths::Reachable(std::span<const IpAddress> addresses,
                                                uint32_t mark) {
  std::vector<IpAddress> all(addresses.begin(), addresses.end());
  if (all.size() == 1) return all;
  std::vector<IpAddress> reachable;
  for (const IpAddress& address : all) {
    WGNET_ASSIGN_OR_RETURN(const auto route, RouteTo(address, mark));
    if (route) reachable.push_back(address);
  }
  return reachable.empty() ? all : reachable;
}

Result<std::optional<uint32_t>> Paths::MtuTo(const IpAddress& address, uint32_t mark) {
  WGNET_ASSIGN_OR_RETURN(const auto route, RouteTo(address, mark));
  return route ? MtuOf(*route) : std::nullopt;
}

Result<std::optional<uint32_t>> Paths::DefaultMtu() {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    WGNET_ASSIGN_OR_RETURN(const auto routes, MainTable(family));
    for (const kernel::Route& route : routes) {
      if (!route.dst->is_default()) continue;
      if (const auto mtu = MtuOf(route)) return mtu;
    }
  }
  return std::optional<uint32_t>();
}

bool Paths::IsOwn(const kernel::Route& route) const {
  return route.dev && std::find(own_.begin(), own_.end(), route.dev->index) != own_.end();
}

std::optional<uint32_t> Paths::MtuOf(const kernel::Route& route) const {
  if (Refuses(route)) return std::nullopt;
  if (const auto mtu = kernel::RouteMtu(route)) return mtu;
  if (!route.dev) return std::nullopt;
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const kernel::Link& each) {
    return each.index == route.dev->index;
  });
  return link != links_.end() ? link->mtu : std::nullopt;
}

Result<std::span<const kernel::Route>> Paths::MainTable(Family family) {
  auto& table = main_[family == Family::kIpv6 ? 1 : 0];
  if (!table) {
    WGNET_ASSIGN_OR_RETURN(table, ReadTable({family, RT_TABLE_MAIN}, reader_));
    std::erase_if(*table, [&](const kernel::Route& route) { return IsOwn(route); });
  }
  return std::span<const kernel::Route>(*table);
}

}  // namespace wgnet::plan
