// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/cut_off.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "src/base/try.h"
#include "src/plan/snapshot.h"
#include "src/plan/tracker.h"
#include "src/plan/transaction.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;

// With its link goes what is set for it.
bool IsGoneSetting(const Op& op, netlink::Transport& transport) {
  const auto* sysctl = std::get_if<kernel::Sysctl>(&op.object);
  if (sysctl == nullptr) return false;
  const int handle = transport.OpenSetting(sysctl->name->str().c_str(), false);
  if (handle >= 0) transport.CloseSetting(handle);
  return handle == -ENOENT;
}

// A new link with our tag is ours, whatever else was set on it by then: a userspace implementation
// of WireGuard takes several steps.
Op ByTag(Op op) {
  auto* link = std::get_if<kernel::Link>(&op.object);
  if (link == nullptr || op.verb != Verb::kAdd) return op;
  kernel::Link tagged;
  tagged.index = link->index;
  tagged.name = link->name;
  tagged.kind = link->kind;
  tagged.group = link->group;
  *link = tagged;
  return op;
}

// The kernel makes a device along with its link: of one that is still to be configured, it is what
// is changed.
Op FromBlank(const Op& op, const Snapshot& snapshot) {
  Op change = op;
  change.verb = Verb::kChange;
  change.before = *snapshot.Find(op.object);
  return change;
}

bool IsBlankDevice(size_t op, const std::vector<Op>& ops, const Snapshot& snapshot) {
  const auto* device = std::get_if<kernel::WgDevice>(&ops[op].object);
  if (device == nullptr || ops[op].verb != Verb::kAdd) return false;
  const bool of_new_link = std::any_of(ops.begin(), ops.end(), [&](const Op& other) {
    const auto* link = std::get_if<kernel::Link>(&other.object);
    return link != nullptr && other.verb == Verb::kAdd && link->index == device->dev->index;
  });
  return of_new_link && snapshot.Find(ops[op].object) != nullptr;
}

// The ops that are still to be done; nothing where one is half done, or somebody else's doing.
Result<std::optional<std::vector<Op>>> RestOf(const std::vector<Op>& ops, netlink::Client& client) {
  Tracker tracker(ops);
  Reader reader(client, netlink::ExtraMode::kDrop);
  WGNET_RETURN_IF_ERROR(reader.Read(tracker.scope(), tracker));
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Read(tracker.scope(), reader));
  std::optional<std::vector<Op>> rest(std::in_place);
  for (size_t op = 0; op < ops.size(); ++op) {
    if (ops[op].undo_only) {
      if (!tracker.IsOther(op)) rest->push_back(ops[op]);
      continue;
    }
    if (tracker.IsDone(op)) continue;
    const bool blank = IsBlankDevice(op, ops, snapshot);
    if (tracker.IsOther(op) && !blank) return std::optional<std::vector<Op>>();
    rest->push_back(blank ? FromBlank(ops[op], snapshot) : ops[op]);
  }
  return rest;
}

// Whether it is now at its end. Else it is as it was left, or further, and can be taken back.
Result<bool> CarryOn(Journal& journal, const StateDir& state_dir, netlink::Client& client) {
  WGNET_ASSIGN_OR_RETURN(auto rest, RestOf(journal.ops, client));
  if (!rest) return false;
  WGNET_RETURN_IF_ERROR(state_dir.MarkJournal(journal.owner, journal.ops.size()));
  journal.begun = journal.ops.size();
  WGNET_ASSIGN_OR_RETURN(StateDir::Pending record, state_dir.Prepare(*journal.after));
  const PlanData plan{.ops = *std::move(rest)};
  Transaction transaction(plan, client);
  if (!transaction.Prepare()) return false;
  auto none = StateDir::OpenJournal::Nothing();  // the one that was left covers it
  return transaction.Run(record, none).ok();
}

Result<RecoveryReport::CutOff> End(Journal journal, const StateDir& state_dir,
                                   netlink::Client& client) {
  RecoveryReport::CutOff report{.owner = journal.owner, .rollback = {}};
  if (journal.after && journal.pending.decision != Decision::kTakenBack) {
    WGNET_ASSIGN_OR_RETURN(report.finished, CarryOn(journal, state_dir, client));
  }
  if (!report.finished) {
    WGNET_ASSIGN_OR_RETURN(report.rollback, TakeBack(std::move(journal), false, client));
  }
  return report;
}

}  // namespace

bool IsCommitted(const Journal& journal, const std::vector<Record>& records) {
  const auto found = std::find_if(records.begin(), records.end(), [&](const Record& record) {
    return record.owner == journal.owner;
  });
  if (journal.keeps_record) {
    return found != records.end() && found->transaction == journal.transaction;
  }
  return journal.had_record && found == records.end();
}

Result<RollbackReport> TakeBack(Journal journal, bool answered, netlink::Client& client) {
  PlanData plan;
  size_t begun = 0;
  for (size_t op = 0; op < journal.ops.size(); ++op) {
    if (IsGoneSetting(journal.ops[op], client.transport())) continue;
    plan.ops.push_back(ByTag(std::move(journal.ops[op])));
    begun += op < journal.begun;
  }
  Transaction transaction(plan, client);
  WGNET_RETURN_IF_ERROR(transaction.PrepareBack(begun, answered));
  return transaction.TakeBack();
}

Result<std::vector<RecoveryReport::CutOff>> EndCutOff(const StateDir& state_dir,
                                                      netlink::Client& client,
                                                      StateDir::Owners& damaged) {
  std::vector<RecoveryReport::CutOff> reports;
  if (!state_dir.HasJournal()) return reports;
  WGNET_ASSIGN_OR_RETURN(std::vector<Journal> journals, state_dir.LoadJournals(&damaged));
  WGNET_ASSIGN_OR_RETURN(const std::vector<Record> records, state_dir.Load());
  for (Journal& journal : journals) {
    const std::string owner = journal.owner;
    if (!IsCommitted(journal, records)) {
      WGNET_ASSIGN_OR_RETURN(auto report, End(std::move(journal), state_dir, client));
      reports.push_back(std::move(report));
    }
    WGNET_RETURN_IF_ERROR(state_dir.RemoveJournal(owner));
  }
  return reports;
}

}  // namespace wgnet::plan
