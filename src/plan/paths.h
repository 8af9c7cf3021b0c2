// SPDX-License-Identifier: MIT OR Apache-2.0
// How large packets may be on the way to an address, around the node's own links.
#ifndef WGNET_PLAN_PATHS_H_
#define WGNET_PLAN_PATHS_H_

#include <optional>
#include <span>
#include <vector>

#include "src/plan/reader.h"

namespace wgnet::plan {

/// Every route of a table.
Result<std::vector<kernel::Route>> ReadTable(const Scope::RouteTable& table, Reader& reader);

/// An MTU is that of a route, or of its link; nothing if neither is known. Routes through the
/// node's own links do not count: they come and go with the node, which must not change what is
/// found.
class Paths {
 public:
  /// `own` are the indices of the node's links.
  Paths(std::span<const kernel::Link> links, std::vector<uint32_t> own, Reader& reader)
      : links_(links), own_(std::move(own)), reader_(reader) {}

  /// Those of a host's addresses that packets with this mark have a way to, in their order; all, if
  /// that is none. There must be one.
  Result<std::vector<IpAddress>> Reachable(std::span<const IpAddress> addresses, uint32_t mark);
  /// Of packets with this mark.
  Result<std::optional<uint32_t>> MtuTo(const IpAddress& address, uint32_t mark);
  /// Of the main table's default route, IPv4 before IPv6.
  Result<std::optional<uint32_t>> DefaultMtu();

 private:
  // The route that a packet with the mark takes; nothing where it is refused.
  Result<std::optional<kernel::Route>> RouteTo(const IpAddress& address, uint32_t mark);
  bool IsOwn(const kernel::Route& route) const;
  std::optional<uint32_t> MtuOf(const kernel::Route& route) const;
  // The main table's routes of a family, without our own. Read once.
  Result<std::span<const kernel::Route>> MainTable(Family family);

  std::span<const kernel::Link> links_;
  std::vector<uint32_t> own_;
  Reader& reader_;
  std::optional<std::vector<kernel::Route>> main_[2];
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PATHS_H_
