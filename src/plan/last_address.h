// SPDX-License-Identifier: MIT OR Apache-2.0
// When the last IPv4 address of a link goes, the kernel takes all IPv4 routes through it along, in
// every table and whoever made them (fib_disable_ip in net/ipv4/fib_frontend.c, 6.18); also when
// the first one is taken back.
#ifndef WGNET_PLAN_LAST_ADDRESS_H_
#define WGNET_PLAN_LAST_ADDRESS_H_

#include <vector>

#include "src/plan/op.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {

/// Completes `ops`, so that no route goes along with an address: those that stay are removed before
/// and made again after it, and new ones wait; for a first address, only where it is taken back.
void KeepRoutes(const Snapshot& snapshot, std::vector<Op>& ops);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_LAST_ADDRESS_H_
