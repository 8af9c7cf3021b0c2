// SPDX-License-Identifier: MIT OR Apache-2.0
// The part of Planner that brings to an end what others have left.
#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/cut_off.h"
#include "src/plan/diff.h"
#include "src/plan/garbage.h"
#include "src/plan/pending.h"
#include "src/plan/planner.h"
#include "src/plan/records.h"
#include "src/plan/recovery.h"

namespace wgnet::plan {
namespace {

bool IsOnRecord(const DnsPlace& place, const std::vector<Record>& records) {
  return std::any_of(records.begin(), records.end(), [&](const Record& record) {
    return std::any_of(record.objects.begin(), record.objects.end(),
                       [&](const kernel::Object& object) {
                         const auto* setting = std::get_if<kernel::DnsSetting>(&object);
                         return setting != nullptr && kernel::PlaceOf(*setting) == place;
                       });
  });
}

// A link's name is its label in a file, and a part of that of a record of resolvconf(8).
bool HasLink(const DnsPlace& place, const Snapshot& links) {
  return std::any_of(
      links.objects().begin(), links.objects().end(), [&](const kernel::Object& object) {
        const auto* link = std::get_if<kernel::Link>(&object);
        if (link == nullptr) return false;
        const std::string name = link->name->str();
        return place.label == name || place.label.ends_with(name + std::string(DnsHost::kSuffix));
      });
}

// Adds what removes all of a record; `others` may need its settings.
Status RemoveAll(const Record& record, const Scope& scope, std::span<const Record> others,
                 const Result<uint32_t>& nft_generation, Reader& reader, PlanData& plan) {
  WGNET_ASSIGN_OR_RETURN(Snapshot snapshot, Snapshot::Read(scope, reader, record.objects));
  snapshot.NameRules(record.objects);
  WGNET_ASSIGN_OR_RETURN(Difference difference, Diff({}, snapshot, record, others));
  plan.ops = std::move(difference.ops);
  plan.warnings = std::move(difference.warnings);
  if (UsesNftables(plan.ops)) {
    WGNET_ASSIGN_OR_RETURN(plan.nft_generation, nft_generation);
  }
  return {};
}

// What is left of transactions that were cut off is told, whatever else fails.
Error WithLeftovers(Error error, const RecoveryReport& report) {
  for (const auto& cut_off : report.cut_off) {
    if (!error.rollback && !cut_off.rollback.complete()) error.rollback = cut_off.rollback;
  }
  return error;
}

}  // namespace

// ---- what others left unfinished ----

Result<Planner::Settled> Planner::Settle() {
  WGNET_RETURN_IF_ERROR(state_dir_.RemoveTemporaries());
  Settled settled;
  StateDir::Owners damaged;
  WGNET_ASSIGN_OR_RETURN(settled.report.cut_off, EndCutOff(state_dir_, client_, damaged));
  for (const std::string& owner : damaged) {
    WGNET_ASSIGN_OR_RETURN(RollbackReport report, TakeBackByMarks(owner));
    settled.report.cut_off.push_back({owner, std::move(report)});
  }
  if (!state_dir_.HasPending()) return settled;
  damaged.clear();
  WGNET_ASSIGN_OR_RETURN(std::vector<Journal> pending, state_dir_.LoadPending(&damaged));
  for (const std::string& owner : damaged) {
    const RollbackReport stays{.leftovers = {{"the change that waited to be confirmed",
                                              "its file is damaged, so it stays"}}};
    settled.report.cut_off.push_back({owner, stays, true});
    WGNET_RETURN_IF_ERROR(state_dir_.RemovePending(owner));
  }
  WGNET_ASSIGN_OR_RETURN(const std::vector<Record> records, state_dir_.Load());
  for (Journal& journal : pending) {
    if (journal.pending.decision == Decision::kConfirmed) {
      const auto removed = FinishConfirmed(journal);
      if (!removed) settled.report.warnings.push_back(removed.error().ToString());
    } else if (IsDue(journal) || !IsCommitted(journal, records)) {
      WGNET_ASSIGN_OR_RETURN(RollbackReport report, TakeBackPending(journal, state_dir_, client_));
      settled.report.cut_off.push_back({journal.owner, std::move(report), true});
    } else {
      settled.waits = std::move(journal);
    }
  }
  return settled;
}

// What a transaction had made is found by its marks; what it had changed or removed, nobody knows.
Result<RollbackReport> Planner::TakeBackByMarks(const std::string& owner) {
  RollbackReport report;
  WGNET_ASSIGN_OR_RETURN(const Done done, CleanUp());
  report.undone = static_cast<int>(done.steps);
  report.leftovers.push_back({"what it changed or removed", "its journal is damaged"});
  WGNET_RETURN_IF_ERROR(state_dir_.RemoveJournal(owner));
  return report;
}

Result<UniqueFd> Planner::Lock(std::vector<std::string>& warnings) {
  WGNET_ASSIGN_OR_RETURN(UniqueFd lock, state_dir_.Lock(lock_timeout_));
  WGNET_ASSIGN_OR_RETURN(const Settled settled, Settle());
  if (settled.waits) return WithLeftovers(Unconfirmed(*settled.waits), settled.report);
  for (const auto& report : settled.report.cut_off) warnings.push_back(report.ToString());
  warnings.insert(warnings.end(), settled.report.warnings.begin(), settled.report.warnings.end());
  return lock;
}

Result<RecoveryReport> Planner::RecoverCutOff() {
  const RecoveryReport none;
  if (!state_dir_.HasJournal() && !state_dir_.HasPending()) return none;
  const auto lock = state_dir_.Lock(std::chrono::milliseconds(0));
  if (!lock && lock.error().code == ErrorCode::kBusy) return none;
  if (!lock) return lock.error();
  WGNET_ASSIGN_OR_RETURN(Settled settled, Settle());
  return std::move(settled.report);
}

// ---- what is left of an owner ----

Result<RecoveryReport> Planner::Recover() {
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, state_dir_.Lock(lock_timeout_));
  WGNET_ASSIGN_OR_RETURN(Settled settled, Settle());
  RecoveryReport report = std::move(settled.report);
  if (settled.waits) {
    report.warnings.push_back(Unconfirmed(*settled.waits).message);
    return report;
  }
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, ""));
  std::optional<Error> failed;
  for (const Record& record : records.others) {  // all of them: no owner has no name
    bool any = false;
    const auto plan = [&]() -> Result<PlanData> {
      WGNET_ASSIGN_OR_RETURN(PlanData made, PlanRecovery(record.owner));
      any = ContentsOf(made.before) != ContentsOf(made.after);
      return made;
    };
    const auto done = CarryFresh(plan, nullptr);
    if (!done) {
      if (!failed) failed = WithLeftovers(done.error(), report);
      continue;
    }
    if (any) report.owners.push_back({record.owner, done->steps});
    report.warnings.insert(report.warnings.end(), done->warnings.begin(), done->warnings.end());
  }
  if (failed) return *std::move(failed);
  WGNET_RETURN_IF_ERROR(ForgetStaleDns(report));
  return report;
}

// What is on record is an owner's, and an interface that is there may need it.
Status Planner::ForgetStaleDns(RecoveryReport& report) {
  DnsSystem* const dns = transport_->dns();
  if (dns == nullptr) return {};
  WGNET_ASSIGN_OR_RETURN(const bool any, dns->ForgetEarlierBoots());
  if (any) report.warnings.push_back("name servers from before the last boot are taken away");
  WGNET_ASSIGN_OR_RETURN(const auto places, dns->List());
  WGNET_ASSIGN_OR_RETURN(const auto records, state_dir_.Load());
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot links, ReadLinks(reader));
  for (const DnsPlace& place : places) {
    if (IsOnRecord(place, records) || HasLink(place, links)) continue;
    WGNET_RETURN_IF_ERROR(dns->Remove(place));
    report.warnings.push_back(fmt::format("the name servers of {}, which is gone, are taken away",
                                          QuoteForMessage(place.label)));
  }
  return {};
}

// Takes a part of what the owner has away. `part` tells it from the links that there are.
template <class Part>
Result<PlanData> Planner::PlanRemoval(const std::string& owner, const Part& part) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner));
  Reader reader(client_, netlink::ExtraMode::kKeep);
  const auto generation = reader.NftGeneration();
  WGNET_ASSIGN_OR_RETURN(const Facts facts, GatherFacts(Node(), records.own, {}, reader, nullptr));
  Parting parting = part(records.own, facts.links);
  PlanData plan{.before = records.own, .after = records.own, .others = DigestOf(records.others)};
  if (!parting.any) return plan;
  plan.after = std::move(parting.kept);
  WGNET_RETURN_IF_ERROR(RemoveAll(parting.left_behind, ScopeOf({}, records.own, facts),
                                  records.others, generation, reader, plan));
  return plan;
}

Result<PlanData> Planner::PlanRecovery(const std::string& owner) {
  return PlanRemoval(owner, PartFromLost);
}

Result<Planner::Done> Planner::RemoveWaiting(const Journal& journal) {
  const Record& waiting = journal.confirmation->waiting;
  const auto part = [&](const Record& own, std::span<const kernel::Link> links) {
    return Parting{.left_behind = WithoutLost(waiting, links),
                   .kept = Without(own, waiting),
                   .any = !waiting.objects.empty()};
  };
  return CarryFresh([&] { return PlanRemoval(journal.owner, part); }, nullptr);
}

// ---- what is nobody's ----

Result<PlanData> Planner::PlanCleanup() {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  Reader reader(client_, netlink::ExtraMode::kKeep);
  const auto generation = reader.NftGeneration();
  std::vector<Record> all = records.others;
  all.push_back(records.own);
  WGNET_ASSIGN_OR_RETURN(const Record unowned, FindUnowned(all, reader));
  WGNET_ASSIGN_OR_RETURN(const Facts facts, GatherFacts(Node(), unowned, {}, reader, nullptr));
  PlanData plan{.before = records.own, .after = records.own, .others = DigestOf(records.others)};
  WGNET_RETURN_IF_ERROR(
      RemoveAll(unowned, ScopeOf({}, unowned, facts), all, generation, reader, plan));
  return plan;
}

Result<Planner::Done> Planner::CleanUp() {
  return CarryFresh([&] { return PlanCleanup(); }, nullptr);
}

}  // namespace wgnet::plan
