// SPDX-License-Identifier: MIT OR Apache-2.0
// Transactions whose process ended in the middle.
#ifndef WGNET_PLAN_CUT_OFF_H_
#define WGNET_PLAN_CUT_OFF_H_

#include <vector>

#include "src/netlink/client.h"
#include "src/plan/state_dir.h"
#include "wgnet/recovery.h"

namespace wgnet::plan {

/// Takes back what the journals in the directory tell of, but for what had been committed, and
/// removes them. The caller has the directory's lock.
Result<std::vector<RecoveryReport::CutOff>> TakeBackCutOff(const StateDir& state_dir,
                                                           netlink::Client& client);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_CUT_OFF_H_
