// SPDX-License-Identifier: MIT OR Apache-2.0
// What a wgnet::Plan holds.
#ifndef WGNET_PLAN_PLAN_DATA_H_
#define WGNET_PLAN_PLAN_DATA_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/plan/hooks.h"
#include "src/plan/op.h"
#include "src/plan/record.h"

namespace wgnet::plan {

class Planner;

struct PlanData {
  std::vector<Op> ops;
  std::vector<HookStep> hooks;  // in order
  Record before;                // the owner's record that the plan was made from
  Record after;
  std::string others;  // a digest of the other owners' records that it was made from
  std::vector<std::string> warnings;
  bool of_device = false;  // of one device only: changes no record, and needs no lock
  std::optional<uint32_t> nft_generation;  // of the snapshot
  // Makes the same plan for the kernel as it is now; not set: what its ops expect is all that
  // counts.
  std::function<Result<PlanData>(Planner&)> remake;
};

/// Whether two plans do the same, so that one made later may stand for the other.
bool SameSteps(const PlanData& a, const PlanData& b);

/// Calls on_op(op) and on_hook(hook) for all steps, in order.
template <class OnOp, class OnHook>
void ForEachStep(const PlanData& plan, const OnOp& on_op, const OnHook& on_hook) {
  auto hook = plan.hooks.begin();
  for (size_t op = 0; op <= plan.ops.size(); ++op) {
    for (; hook != plan.hooks.end() && hook->before_op <= op; ++hook) on_hook(*hook);
    if (op < plan.ops.size()) on_op(plan.ops[op]);
  }
}

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PLAN_DATA_H_
