// SPDX-License-Identifier: MIT OR Apache-2.0
// What is left of an owner's objects when somebody else has taken links away.
#ifndef WGNET_PLAN_RECOVERY_H_
#define WGNET_PLAN_RECOVERY_H_

#include <span>

#include "src/plan/record.h"

namespace wgnet::plan {

/// A record in two parts.
struct Parting {
  Record left_behind;  // what the kernel may still have, though it was for links that are gone
  Record kept;
  bool any = false;  // whether a link is gone
};

/// Parts what was for links that are gone from the rest. An owner all of whose links are gone keeps
/// a kill switch, with all that is in its table, and nothing else. Of another one go the rules into
/// tables that only such links had routes in, and what a resolver was told for them; his settings
/// stay.
Parting PartFromLost(const Record& record, std::span<const kernel::Link> links);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_RECOVERY_H_
