// SPDX-License-Identifier: MIT OR Apache-2.0
// Of the IPv4 addresses of one network on a link all but the first are secondary: when the first
// goes, the kernel takes them along. Of two IPv6 addresses that differ in their lengths only a link
// takes one (inet6_rtm_newaddr in net/ipv6/addrconf.c, 6.18).
#ifndef WGNET_PLAN_SECONDARIES_H_
#define WGNET_PLAN_SECONDARIES_H_

#include <vector>

#include "src/plan/op.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {

/// Completes `ops`, so that no address goes along with another. What is to stay is removed before
/// the first and made again after it; what is new waits until the first is gone.
void KeepSecondaries(const Snapshot& snapshot, std::vector<Op>& ops);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_SECONDARIES_H_
