// SPDX-License-Identifier: MIT OR Apache-2.0
// A step of a plan, as data.
#ifndef WGNET_PLAN_OP_H_
#define WGNET_PLAN_OP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/kernel/object.h"
#include "src/plan/phase.h"

namespace wgnet::plan {

struct Op {
  kernel::Verb verb = kernel::Verb::kAdd;
  kernel::Object object;  // Add, Change: what will be. Delete: what is
  kernel::Object before;  // Change: what is
  Phase phase = Phase::kNftAdd;
  bool foreign = false;    // somebody else's, lost with the link or table that it is in
  bool undo_only = false;  // nothing is sent for it, as all stays as it is; it is only taken back
  uint8_t slot = 0;        // the namespace, of those that the session holds

  const kernel::Object& image() const { return verb == kernel::Verb::kChange ? before : object; }
};

/// Whether the kernel has a new link after the op: what is sent to a link by its index has to wait
/// for the answer, since the index may be somebody else's.
bool AddsLink(const Op& op);

/// Whether any of them removes it.
bool IsRemoved(const std::vector<Op>& ops, const kernel::Object& object);

/// Whether any of them goes into an nftables batch.
bool UsesNftables(const std::vector<Op>& ops);

/// The ops that take `op` back, in order.
std::vector<Op> InverseOf(const Op& op);

/// The command that makes the object, for messages: keys are hidden.
std::string AddCommandOf(const kernel::Object& object);

/// The commands that do the same as the op.
kernel::Commands CommandsOf(const Op& op, const netlink::SecretWord& secret);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_OP_H_
