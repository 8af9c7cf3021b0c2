// SPDX-License-Identifier: MIT OR Apache-2.0
// A step of a plan, as data.
#ifndef WGNET_PLAN_OP_H_
#define WGNET_PLAN_OP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/kernel/object.h"

namespace wgnet::plan {

/// The order of a plan. What is added comes first, and of that what cannot take effect yet: rules
/// by interface name before the interface, a table before the rules that lead there. Removal
/// mirrors it. From kPeerRemoval on, sessions are lost: everything before is verified first.
enum class Phase : uint8_t {
  kNftRoom,  // what the kernel does not take beside what is added; one batch with it
  kNftAdd,
  kFootprint,  // what the kernel will set by itself when the link comes up
  kLink,
  kLinkTag,  // what says whose a link is, once it is known to be ours
  kDevice,
  kPeer,
  kAddress,
  kLinkUp,
  kRoute,
  kSetting,
  kRule,
  kMark,  // a device's changed mark: the rules for the new one stand, those for the old still do
  kRuleRemoval,
  kMarkRemoval,
  kSettingRemoval,
  kRouteRemoval,
  kAddressRemoval,
  kPeerRemoval,
  kRekey,  // and peers that the device's old key kept out
  kDeviceRemoval,
  kLinkRemoval,
  kFootprintRemoval,
  kNftRemoval,
};

constexpr bool LosesState(Phase phase) { return phase >= Phase::kPeerRemoval; }

struct Op {
  kernel::Verb verb = kernel::Verb::kAdd;
  kernel::Object object;  // Add, Change: what will be. Delete: what is
  kernel::Object before;  // Change: what is
  Phase phase = Phase::kNftAdd;
  bool foreign = false;  // somebody else's, lost with the link or table that it is in
  uint8_t slot = 0;      // the namespace, of those that the session holds

  const kernel::Object& image() const { return verb == kernel::Verb::kChange ? before : object; }
};

/// Whether the kernel has a new link after the op: what is sent to a link by its index has to wait
/// for the answer, since the index may be somebody else's.
bool AddsLink(const Op& op);

/// The ops that take `op` back, in order.
std::vector<Op> InverseOf(const Op& op);

/// The commands that do the same as the op.
kernel::Commands CommandsOf(const Op& op, const netlink::SecretWord& secret);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_OP_H_
