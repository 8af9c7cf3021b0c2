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

// What is not sent makes no difference.
std::vector<const Op*> Sent(const std::vector<Op>& ops) {
  std::vector<const Op*> sent;
  for (const Op& op : ops) {
    if (!op.undo_only) sent.push_back(&op);
  }
  return sent;
}

// The places of the hooks, among what is sent.
std::vector<ptrdiff_t> PlacesIn(const PlanData& plan) {
  std::vector<ptrdiff_t> places;
  for (const HookStep& hook : plan.hooks) {
    const auto end = plan.ops.begin() + static_cast<ptrdiff_t>(hook.before_op);
    places.push_back(
        std::count_if(plan.ops.begin(), end, [](const Op& op) { return !op.undo_only; }));
  }
  return places;
}

}  // namespace

bool SameSteps(const PlanData& a, const PlanData& b) {
  const auto one = Sent(a.ops);
  const auto other = Sent(b.ops);
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const Op* x, const Op* y) { return SameOp(*x, *y); }) &&
         PlacesIn(a) == PlacesIn(b) && ContentsOf(a.after) == ContentsOf(b.after);
}

}  // namespace wgnet::plan
