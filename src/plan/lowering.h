// SPDX-License-Identifier: MIT OR Apache-2.0
// From builders to kernel objects: the only place that knows both vocabularies. It reads nothing
// and writes nothing.
#ifndef WGNET_PLAN_LOWERING_H_
#define WGNET_PLAN_LOWERING_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/plan/facts.h"
#include "src/plan/record.h"

namespace wgnet::plan {

/// What a node becomes.
struct Desired {
  /// A setting that must have a value, and those that writing it moves.
  struct Setting {
    kernel::SysctlSetting setting;
    std::vector<kernel::SysctlName> footprint;
  };

  std::vector<kernel::Object> objects;  // in the order in which they are made
  std::vector<Setting> settings;
  std::vector<Allocation> allocations;
  std::vector<EndpointName> names;
  std::vector<std::string> warnings;
  bool takes_over_twins = false;  // see SessionOptions::adopt_identical
};

/// `own` is the owner's record of before, whose choices are kept; `others` are those of the other
/// owners of the namespace, whose choices are left alone.
Result<Desired> Lower(const Node& node, const Facts& facts, const Record& own,
                      std::span<const Record> others);

/// 1 to 64 of letters, digits and `_.@+=-`, or "wg-quick:" and an interface's name.
Status CheckOwner(std::string_view owner);

/// Whether the interface gets an IPv6 address or route.
bool NeedsIpv6(const Node& node, const Interface& interface);

/// The name of the owner's nftables tables, and the alias of its links.
std::string TableNameOf(std::string_view owner);
std::string AliasOf(std::string_view owner);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_LOWERING_H_
