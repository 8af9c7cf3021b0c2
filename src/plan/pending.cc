// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/pending.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/cut_off.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;

uint64_t NanosecondsOf(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

// Parts the ops of a plan.
class Parter {
 public:
  Parter(const PlanData& plan, const std::vector<PublicKey>& revoked) : revoked_(revoked) {
    for (const Op& op : plan.ops) {
      const auto* device = std::get_if<kernel::WgDevice>(&op.object);
      if (device != nullptr && op.phase == Phase::kRekey) rekeyed_.insert(device->dev->index);
      const auto* link = std::get_if<kernel::Link>(&op.object);
      if (link != nullptr && op.verb == Verb::kDelete) lost_links_.insert(*link->index);
    }
  }

  // A new key ends all of a device's sessions anyway.
  bool Waits(const Op& op) const {
    if (op.verb != Verb::kDelete || op.foreign) return false;
    if (const auto* peer = std::get_if<kernel::WgPeer>(&op.object)) {
      return !rekeyed_.contains(peer->dev->index) &&
             std::find(revoked_.begin(), revoked_.end(), *peer->public_key) == revoked_.end();
    }
    return std::holds_alternative<kernel::WgDevice>(op.object) ||
           std::holds_alternative<kernel::Link>(op.object);
  }

  // What others have on a link that goes, goes with it; it is looked for again then. But for
  // routes: they go with its last address, and that is not left, since another link may get it.
  bool GoesWithLink(const Op& op) const {
    const kernel::LinkRef* dev = kernel::LinkOf(op.object);
    return op.foreign && dev != nullptr && lost_links_.contains(dev->index) &&
           !std::holds_alternative<kernel::Route>(op.object);
  }

 private:
  const std::vector<PublicKey>& revoked_;
  std::set<uint32_t> rekeyed_;
  std::set<uint32_t> lost_links_;
};

using Giving = std::set<std::pair<uint32_t, Prefix>>;

// The allowed IPs that peers are given, by device.
Giving GivenBy(const std::vector<Op>& ops) {
  Giving given;
  for (const Op& op : ops) {
    const auto* peer = std::get_if<kernel::WgPeer>(&op.object);
    if (peer == nullptr || op.verb == Verb::kDelete || !peer->allowed_ips) continue;
    for (const Prefix& ip : *peer->allowed_ips) given.insert({peer->dev->index, ip});
  }
  return given;
}

// What a peer that waits gives up meanwhile; nothing, if it is to keep all.
std::optional<Op> GivingUp(const kernel::WgPeer& peer, const Giving& given) {
  kernel::WgPeer left = peer;
  std::erase_if(*left.allowed_ips, [&](const Prefix& ip) {
    return given.contains({peer.dev->index, ip});
  });
  if (left.allowed_ips == peer.allowed_ips) return std::nullopt;
  return Op{.verb = Verb::kChange, .object = left, .before = peer, .phase = Phase::kPeer};
}

}  // namespace

PartedPlan PartForConfirmation(const PlanData& plan, const std::vector<PublicKey>& revoked) {
  const Parter parter(plan, revoked);
  PartedPlan parted{.at_once = plan, .waiting = {.owner = plan.after.owner}};
  std::vector<Op>& ops = parted.at_once.ops;
  std::erase_if(ops, [&](const Op& op) { return parter.Waits(op) || parter.GoesWithLink(op); });
  const Giving given = GivenBy(ops);
  std::vector<Op> given_up;
  for (const Op& op : plan.ops) {
    if (!parter.Waits(op)) continue;
    const auto* peer = std::get_if<kernel::WgPeer>(&op.object);
    auto change = peer != nullptr && peer->allowed_ips ? GivingUp(*peer, given) : std::nullopt;
    parted.waiting.objects.push_back(change ? change->object : op.object);
    if (change) given_up.push_back(*std::move(change));
  }
  const auto peers =
      std::find_if(ops.begin(), ops.end(), [](const Op& op) { return op.phase >= Phase::kPeer; });
  ops.insert(peers, given_up.begin(), given_up.end());
  std::vector<Object>& recorded = parted.at_once.after.objects;
  recorded.insert(recorded.end(), parted.waiting.objects.begin(), parted.waiting.objects.end());
  return parted;
}

Record Without(Record record, const Record& waiting) {
  kernel::KeySet keys;
  for (const Object& object : waiting.objects) keys.insert(&object);
  std::erase_if(record.objects, [&](const Object& object) { return keys.contains(&object); });
  return record;
}

PendingMark MarkFor(std::chrono::nanoseconds within) {
  return {.deadline = NanosecondsOf(CLOCK_BOOTTIME) + static_cast<uint64_t>(within.count()),
          .changed = NanosecondsOf(CLOCK_REALTIME)};
}

std::chrono::nanoseconds LeftOf(const Journal& journal) {
  return std::chrono::nanoseconds(
      static_cast<int64_t>(journal.pending.deadline - NanosecondsOf(CLOCK_BOOTTIME)));
}

bool IsDue(const Journal& journal) {
  if (journal.pending.decision != Decision::kNone) {
    return journal.pending.decision == Decision::kTakenBack;
  }
  return (IsDone(journal) && LeftOf(journal).count() <= 0) ||
         (EndsWithIssuer(journal) && !journal.confirmation->issuer.IsAlive());
}

bool IsDecided(const Journal& journal) {
  return journal.pending.decision != Decision::kNone || IsDue(journal);
}

bool IsDone(const Journal& journal) { return journal.pending.deadline != 0; }

bool EndsWithIssuer(const Journal& journal) {
  return !journal.confirmation->persists || !IsDone(journal);
}

PendingChange ChangeOf(const Journal& journal) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  const nanoseconds changed(static_cast<int64_t>(journal.pending.changed));
  return {.owner = journal.owner,
          .left = duration_cast<std::chrono::milliseconds>(LeftOf(journal)),
          .changed = std::chrono::system_clock::time_point(
              duration_cast<std::chrono::system_clock::duration>(changed)),
          .persists = journal.confirmation->persists};
}

Error Unconfirmed(const Journal& journal) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(LeftOf(journal));
  return {
      .code = ErrorCode::kBusy,
      .message = fmt::format(
          "a change of the owner {} waits to be confirmed, for another {} s; process {} made it",
          QuoteForMessage(journal.owner), seconds.count(), journal.confirmation->issuer.pid),
      .hint = "confirm it, or take it back, or wait"};
}

Result<std::optional<Journal>> FindUnconfirmed(const StateDir& state_dir) {
  // In the order in which a journal moves.
  StateDir::Owners damaged;
  WGNET_ASSIGN_OR_RETURN(std::vector<Journal> journals, state_dir.LoadJournals(&damaged));
  WGNET_ASSIGN_OR_RETURN(std::vector<Journal> pending, state_dir.LoadPending(&damaged));
  std::move(pending.begin(), pending.end(), std::back_inserter(journals));
  std::optional<Journal> found;
  for (Journal& journal : journals) {
    if (journal.confirmation) found = std::move(journal);
  }
  return found;
}

Result<RollbackReport> TakeBackPending(const Journal& journal, const StateDir& state_dir,
                                       netlink::Client& client) {
  WGNET_ASSIGN_OR_RETURN(const std::vector<Record> records, state_dir.Load());
  const bool begun_before = journal.pending.decision == Decision::kTakenBack;
  const bool answered = !begun_before && IsCommitted(journal, records);
  PendingMark mark = journal.pending;
  mark.decision = Decision::kTakenBack;
  WGNET_RETURN_IF_ERROR(state_dir.MarkPending(journal.owner, mark));
  WGNET_ASSIGN_OR_RETURN(RollbackReport report, TakeBack(journal, answered, client));
  WGNET_ASSIGN_OR_RETURN(StateDir::Pending record, state_dir.Prepare(journal.confirmation->before));
  if (const int error = record.Commit()) {
    return Error{.code = ErrorCode::kState,
                 .message = "cannot put the record back",
                 .where = "state_dir",
                 .hint = "see that the state directory can be written to",
                 .error_number = error};
  }
  WGNET_RETURN_IF_ERROR(state_dir.RemovePending(journal.owner));
  return report;
}

}  // namespace wgnet::plan
