// SPDX-License-Identifier: MIT OR Apache-2.0
// What a wgnet::Plan holds.
#ifndef WGNET_PLAN_PLAN_DATA_H_
#define WGNET_PLAN_PLAN_DATA_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/plan/op.h"
#include "src/plan/record.h"

namespace wgnet::plan {

struct PlanData {
  std::vector<Op> ops;
  Record before;  // the owner's record that the plan was made from
  Record after;
  std::string others;  // a digest of the other owners' records that it was made from
  std::vector<std::string> warnings;
  std::optional<uint32_t> nft_generation;  // of the snapshot; a ruleset of another one is stale
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PLAN_DATA_H_
