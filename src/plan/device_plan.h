// SPDX-License-Identifier: MIT OR Apache-2.0
// From an update of a WireGuard device to ops: as wg(8) would leave it, by what differs only.
#ifndef WGNET_PLAN_DEVICE_PLAN_H_
#define WGNET_PLAN_DEVICE_PLAN_H_

#include <vector>

#include "src/plan/endpoints.h"
#include "src/plan/op.h"
#include "src/plan/snapshot.h"
#include "wgnet/device_update.h"

namespace wgnet::plan {

/// Looks up every name in the update. One that does not resolve is an error.
Result<Hosts> ResolveHosts(const DeviceUpdate& update, const LookUpOptions& options);

/// The index of the WireGuard interface that the update is of, by a snapshot of all links;
/// kNotFound if there is none.
Result<uint32_t> FindDevice(const DeviceUpdate& update, const Snapshot& links);

/// Whether it is a WireGuard link without a device, by a snapshot that has all devices: its program
/// is gone.
bool LacksDevice(const kernel::Link& link, const Snapshot& snapshot);

/// The ops of an update, by a snapshot of all links and of the device, with sorted allowed IPs. Of
/// a host's addresses the first is taken.
Result<std::vector<Op>> PlanDevice(const DeviceUpdate& update, const Hosts& hosts,
                                   const Snapshot& snapshot);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_DEVICE_PLAN_H_
