// SPDX-License-Identifier: MIT OR Apache-2.0
// What may go wrong though a plan is carried out.
#ifndef WGNET_PLAN_RISK_H_
#define WGNET_PLAN_RISK_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/ssh_connection.h"
#include "src/plan/plan_data.h"
#include "src/plan/snapshot.h"
#include "wgnet/node.h"

namespace wgnet::plan {

/// Tables and marks that the node names, and that somebody else uses, too: a warning for each.
std::vector<std::string> FindSharedNumbers(const Node& node, const PlanData& plan,
                                           const Snapshot& snapshot,
                                           std::span<const Record> others);

/// The same for marks, also for those that the plan has chosen, by what no plan needs to know:
/// rules of nftables, and WireGuard devices that are on nobody's record. Where those cannot be
/// read, there is no warning.
std::vector<std::string> FindSharedMarks(const Node& node, const PlanData& plan,
                                         const Snapshot& snapshot, std::span<const Record> others,
                                         Reader& reader);

/// Whether the plan cuts the connection by which the caller is logged in: a warning with the
/// reason, or nothing.
Result<std::optional<std::string>> FindCut(const SshConnection& connection, const PlanData& plan,
                                           const Snapshot& snapshot, Reader& reader);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_RISK_H_
