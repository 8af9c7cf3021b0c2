// SPDX-License-Identifier: MIT OR Apache-2.0
// When a step of a plan is carried out.
#ifndef WGNET_PLAN_PHASE_H_
#define WGNET_PLAN_PHASE_H_

#include <cstdint>

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
  kDns,   // names resolve through what stands then
  kDnsRemoval,
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

/// Where an op that makes or keeps an object stands.
Phase AddPhase(const kernel::Object& object);

/// Where an op that removes it stands.
Phase RemovalPhase(const kernel::Object& object);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PHASE_H_
