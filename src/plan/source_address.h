// SPDX-License-Identifier: MIT OR Apache-2.0
// When an IPv4 address goes, the kernel takes the main table's routes that have it as their source
// along, whoever made them (fib_sync_down_addr in net/ipv4/fib_semantics.c, 6.18).
#ifndef WGNET_PLAN_SOURCE_ADDRESS_H_
#define WGNET_PLAN_SOURCE_ADDRESS_H_

#include <vector>

#include "src/plan/op.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {

/// Completes `ops`, so that no such route of the snapshot goes unsaid: it is removed before, and
/// made again where the address comes back.
void KeepSources(const Snapshot& snapshot, std::vector<Op>& ops);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_SOURCE_ADDRESS_H_
