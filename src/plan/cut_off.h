// SPDX-License-Identifier: MIT OR Apache-2.0
// Transactions whose process ended in the middle.
#ifndef WGNET_PLAN_CUT_OFF_H_
#define WGNET_PLAN_CUT_OFF_H_

#include <vector>

#include "src/netlink/client.h"
#include "src/plan/state_dir.h"
#include "wgnet/recovery.h"

namespace wgnet::plan {

/// Whether the journal's transaction came to its end: the record is the last thing that one
/// changes.
bool IsCommitted(const Journal& journal, const std::vector<Record>& records);

/// Takes back what has been done of it. `answered`: all of that is known to have been done, so what
/// is otherwise by now is somebody else's.
Result<RollbackReport> TakeBack(Journal journal, bool answered, netlink::Client& client);

/// Takes back what the journals in the directory tell of, or carries it on where it asks for that,
/// but for what had been committed, and removes them. The caller has the directory's lock.
/// `damaged` are the owners of those that tell nothing.
Result<std::vector<RecoveryReport::CutOff>> EndCutOff(const StateDir& state_dir,
                                                      netlink::Client& client,
                                                      StateDir::Owners& damaged);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_CUT_OFF_H_
