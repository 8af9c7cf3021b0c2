// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/source_address.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Route;
using kernel::Verb;

bool HasAddress(const Object& object, const IpAddress& ip) {
  const auto* address = std::get_if<kernel::Address>(&object);
  return address != nullptr && address->local->address() == ip;
}

bool HasOp(const std::vector<Op>& ops, Verb verb, Phase phase, const IpAddress& ip) {
  return std::any_of(ops.begin(), ops.end(), [&](const Op& op) {
    return op.verb == verb && op.phase == phase && HasAddress(op.object, ip);
  });
}

// Whether there is a moment in which no link has it.
bool Goes(const IpAddress& ip, const Snapshot& snapshot, const std::vector<Op>& ops) {
  if (!HasOp(ops, Verb::kDelete, Phase::kAddressRemoval, ip) ||
      HasOp(ops, Verb::kAdd, Phase::kAddress, ip)) {
    return false;
  }
  return std::none_of(
      snapshot.objects().begin(), snapshot.objects().end(),
      [&](const Object& object) { return HasAddress(object, ip) && !IsRemoved(ops, object); });
}

const Route* SourcedRoute(const Object& object) {
  const auto* route = std::get_if<Route>(&object);
  const bool is = route != nullptr && route->source && !route->dst->is_v6() &&
                  route->table == RT_TABLE_MAIN && route->protocol != RTPROT_KERNEL;
  return is ? route : nullptr;
}

}  // namespace

void KeepSources(const Snapshot& snapshot, std::vector<Op>& ops) {
  std::vector<Op> more;
  for (const Object& object : snapshot.objects()) {
    const Route* const route = SourcedRoute(object);
    if (route == nullptr || IsRemoved(ops, object) || !Goes(*route->source, snapshot, ops)) {
      continue;
    }
    const bool comes_back = HasOp(ops, Verb::kAdd, Phase::kAddressRemoval, *route->source);
    more.push_back({.verb = Verb::kDelete,
                    .object = object,
                    .phase = Phase::kRouteRemoval,
                    .foreign = !comes_back});
    if (!comes_back) continue;
    more.push_back({.verb = Verb::kAdd, .object = object, .phase = Phase::kAddressRemoval});
  }
  ops.insert(ops.end(), more.begin(), more.end());
}

}  // namespace wgnet::plan
