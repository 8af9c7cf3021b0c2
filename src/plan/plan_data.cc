// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/plan_data.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

// What the kernel reports besides, such as handshakes, does not count.
bool SameObject(const kernel::Object& a, const kernel::Object& b) {
  return a.index() == b.index() && kernel::SameKey(a, b) && kernel::Holds(a, b) &&
         kernel::Holds(b, a);
}

bool SameOp(const Op& a, const Op& b) {
  return a.verb == b.verb && a.phase == b.phase && a.foreign == b.foreign && a.slot == b.slot &&
         SameObject(a.object, b.object) && SameObject(a.image(), b.image());
}

bool SamePlace(const HookStep& a, const HookStep& b) { return a.before_op == b.before_op; }

}  // namespace

bool SameSteps(const PlanData& a, const PlanData& b) {
  return std::equal(a.ops.begin(), a.ops.end(), b.ops.begin(), b.ops.end(), SameOp) &&
         std::equal(a.hooks.begin(), a.hooks.end(), b.hooks.begin(), b.hooks.end(), SamePlace) &&
         ContentsOf(a.after) == ContentsOf(b.after);
}

}  // namespace wgnet::plan
