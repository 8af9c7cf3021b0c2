// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes that are done, and are taken back unless they are confirmed.
#ifndef WGNET_PLAN_PENDING_H_
#define WGNET_PLAN_PENDING_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "src/netlink/client.h"
#include "src/plan/plan_data.h"
#include "src/plan/state_dir.h"
#include "wgnet/confirm.h"

namespace wgnet::plan {

/// A plan in two: what is done at once, and what is removed once that is confirmed.
struct PartedPlan {
  PlanData at_once;
  Record waiting;
};

/// What ends WireGuard sessions waits: peers that go, but for those with such a key, and links.
PartedPlan PartForConfirmation(const PlanData& plan, const std::vector<PublicKey>& revoked);

/// The record once what waited is gone.
Record Without(Record record, const Record& waiting);

/// A mark for a change that is done now.
PendingMark MarkFor(std::chrono::nanoseconds within);

/// The time left to confirm it; negative: none.
std::chrono::nanoseconds LeftOf(const Journal& journal);

/// Whether it is to be taken back: its time is over, or the process has ended that it ends with.
bool IsDue(const Journal& journal);
/// Whether what becomes of it is decided: there is nothing more to wait for.
bool IsDecided(const Journal& journal);
/// Whether its transaction is over, so that its time runs.
bool IsDone(const Journal& journal);
bool EndsWithIssuer(const Journal& journal);

/// The change as its user sees it, without its token.
PendingChange ChangeOf(const Journal& journal);

/// The error of whoever has to wait for its end.
Error Unconfirmed(const Journal& journal);

/// The change, if there is one that waits, or is about to: one whose transaction still runs.
Result<std::optional<Journal>> FindUnconfirmed(const StateDir& state_dir);

/// Takes the change back, and puts its owner's record back. The caller has the directory's lock.
Result<RollbackReport> TakeBackPending(const Journal& journal, const StateDir& state_dir,
                                       netlink::Client& client);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PENDING_H_
