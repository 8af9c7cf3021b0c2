// SPDX-License-Identifier: MIT OR Apache-2.0
// Which route a packet takes: ip-rule(8), ip-route(8).
#ifndef WGNET_PLAN_ROUTING_H_
#define WGNET_PLAN_ROUTING_H_

#include <span>
#include <vector>

#include "src/plan/op.h"
#include "src/plan/reader.h"

namespace wgnet::plan {

/// Blackhole, unreachable, prohibit, throw; IPv6 says that they go through lo.
bool Refuses(const kernel::Route& route);

/// Of the routes in a table, that to the address; null: there is none.
const kernel::Route* BestRoute(std::span<const kernel::Route> routes, uint32_t table,
                               const IpAddress& to);

/// The rules and routes of a family, as they are, or as they will be.
class Routing {
 public:
  /// Reads every table that a rule leads to, or a route of these ops stands in.
  static Result<Routing> Read(Family family, std::span<const kernel::Rule> rules,
                              std::span<const Op> ops, Reader& reader);

  /// As it is after the op, with the kernel's own routes of addresses.
  void Take(const Op& op);

  /// What a packet without a mark takes that this host sends; null: nothing leads there.
  const kernel::Route* RouteOf(const IpAddress& from, const IpAddress& to) const;

 private:
  explicit Routing(Family family) : family_(family) {}

  void TakeRule(kernel::Verb verb, const kernel::Rule& rule);
  void TakeRoute(kernel::Verb verb, const kernel::Route& route);
  void TakeAddress(kernel::Verb verb, const kernel::Address& address);

  Family family_;
  std::vector<kernel::Rule> rules_;  // by priority
  std::vector<kernel::Route> routes_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_ROUTING_H_
