// SPDX-License-Identifier: MIT OR Apache-2.0
// The part of Planner that has plans carried out.
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/planner.h"
#include "src/plan/records.h"
#include "src/plan/transaction.h"

namespace wgnet::plan {
namespace {

constexpr int kMostAttempts = 5;

Error StaleRecord(std::string_view whose) {
  return {.code = ErrorCode::kStale,
          .message = fmt::format("another plan of {} was applied since this one was made", whose),
          .where = "Plan",
          .hint = "make a new plan"};
}

Error StaleKernel() {
  return {.code = ErrorCode::kStale,
          .message = "the kernel is not as it was when the plan was made",
          .where = "Plan",
          .hint = "make a new plan"};
}

// What could be planned before, and cannot be now.
Error StaleBy(const Error& error) {
  if (error.code != ErrorCode::kConflict && error.code != ErrorCode::kNameTaken) return error;
  Error stale = StaleKernel();
  stale.message += ": " + error.message;
  stale.where = error.where;
  return stale;
}

// While it lives. Where that cannot be had, the checks of the ops are left.
class Noticing {
 public:
  explicit Noticing(netlink::Transport& transport) : transport_(transport) {
    static_cast<void>(transport.StartNoticing());
  }
  ~Noticing() { transport_.StopNoticing(); }
  Noticing(const Noticing&) = delete;
  Noticing& operator=(const Noticing&) = delete;

 private:
  netlink::Transport& transport_;
};

uint64_t NewNumber() {
  uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

Record Numbered(Record record, uint64_t transaction) {
  record.transaction = transaction;
  return record;
}

size_t CountSteps(const std::vector<Op>& ops) {
  return static_cast<size_t>(
      std::count_if(ops.begin(), ops.end(), [](const Op& op) { return !op.undo_only; }));
}

// Before it is carried out, for afterwards nothing may fail.
Result<PlanData> WithWarnings(Result<PlanData> plan, const std::vector<std::string>& warnings) {
  if (plan) plan->warnings.insert(plan->warnings.begin(), warnings.begin(), warnings.end());
  return plan;
}

// Room for what resolvers may say while the plan is carried out: then it is too late to fail.
void ReserveForResolvers(const std::vector<Op>& ops, std::vector<std::string>& warnings) {
  const auto told = std::count_if(ops.begin(), ops.end(), [](const Op& op) {
    return kernel::BusOf(op.object) == netlink::Bus::kDns;
  });
  warnings.reserve(warnings.size() + static_cast<size_t>(told));
}

}  // namespace

Result<Planner::Done> Planner::Apply(const PlanData& plan, const ConfirmOptions* confirm) {
  if (plan.of_device) return Carry(plan, confirm);
  std::vector<std::string> warnings;
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, Lock(warnings));
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  if (ContentsOf(records.own) != ContentsOf(plan.before)) {
    return StaleRecord("this owner");
  }
  if (DigestOf(records.others) != plan.others) return StaleRecord("another owner");
  if (!plan.remake) return Carry(*WithWarnings(plan, warnings), confirm);
  const auto remake = [&]() -> Result<PlanData> {
    auto made = plan.remake(*this);
    if (!made) return StaleBy(made.error());
    if (!SameSteps(*made, plan)) return StaleKernel();
    made->remake = plan.remake;
    made->warnings = plan.warnings;
    return WithWarnings(std::move(made), warnings);
  };
  return CarryFresh(remake, confirm);
}

Result<Planner::Done> Planner::Apply(const Node& node, const Hosts& hosts, const Hooks& hooks,
                                     const ConfirmOptions* confirm) {
  std::vector<std::string> warnings;
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, Lock(warnings));
  const auto make_plan = [&] { return WithWarnings(PlanToCarry(node, hosts, hooks), warnings); };
  return CarryFresh(make_plan, confirm);
}

Result<Planner::Done> Planner::Keep(uint64_t number, const Node& node, const Hosts& hosts) {
  std::vector<std::string> warnings;
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, Lock(warnings));
  const Hooks hooks;
  const auto make_plan = [&]() -> Result<PlanData> {
    auto plan = WithWarnings(PlanToCarry(node, hosts, hooks), warnings);
    if (!plan || plan->before.node_number == number) return plan;
    return Error{.code = ErrorCode::kStale,
                 .message = "another node of this owner was applied meanwhile",
                 .where = "Watch",
                 .hint = "this one is kept no more, unless that goes back"};
  };
  return CarryFresh(make_plan, nullptr);
}

Result<PlanData> Planner::PlanToCarry(const Node& node, const Hosts& hosts, const Hooks& hooks) {
  WGNET_ASSIGN_OR_RETURN(PlanData plan, MakePlan(node, hosts, hooks, Risks::kTold));
  plan.remake = [&](Planner& by) { return by.MakePlan(node, hosts, hooks, Risks::kLeft); };
  return plan;
}

Result<Planner::Done> Planner::Apply(const DeviceUpdate& update, const Hosts& hosts) {
  return CarryFresh([&] { return Plan(update, hosts); }, nullptr);
}

Result<Planner::Done> Planner::Apply(const Reresolve& reresolve, const Hosts& hosts) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  UniqueFd lock;
  std::vector<std::string> warnings;
  if (!records.own.objects.empty()) {
    WGNET_ASSIGN_OR_RETURN(lock, Lock(warnings));
  }
  const auto make_plan = [&]() -> Result<PlanData> {
    WGNET_ASSIGN_OR_RETURN(PlanData plan, Plan(reresolve, hosts));
    if (!plan.of_device && !lock.ok()) {  // the owner has got something since
      WGNET_ASSIGN_OR_RETURN(lock, Lock(warnings));
      WGNET_ASSIGN_OR_RETURN(plan, Plan(reresolve, hosts));
    }
    return WithWarnings(std::move(plan), warnings);
  };
  return CarryFresh(make_plan, nullptr);
}

Result<Planner::Done> Planner::CarryFresh(const Make& make_plan, const ConfirmOptions* confirm) {
  for (int attempt = 1;; ++attempt) {
    const Noticing noticing(*transport_);
    WGNET_ASSIGN_OR_RETURN(PlanData plan, make_plan());
    auto done = Carry(plan, confirm);
    if (done) return done;
    const bool again = done.error().code == ErrorCode::kStale && attempt < kMostAttempts;
    if (!again) return done.error();
  }
}

Result<Planner::Done> Planner::Carry(const PlanData& plan, const ConfirmOptions* confirm) {
  const bool same_node = plan.before.node_number == plan.after.node_number;
  if (plan.ops.empty() && same_node && ContentsOf(plan.before) == ContentsOf(plan.after)) {
    return Done{.warnings = plan.warnings,
                .node_number = plan.before.node_number,
                .objects = plan.before.objects.size()};
  }
  return confirm != nullptr ? CarryPending(plan, *confirm) : CarryOut(plan, {});
}

Result<Planner::Done> Planner::CarryOut(const PlanData& plan, const ToConfirm& confirm) {
  const uint64_t number = NewNumber();
  Done done{.steps = CountSteps(plan.ops),
            .warnings = plan.warnings,
            .node_number = plan.after.node_number,
            .objects = plan.after.objects.size()};
  ReserveForResolvers(plan.ops, done.warnings);
  WGNET_ASSIGN_OR_RETURN(StateDir::Pending record, PrepareRecord(plan, number));
  const UniqueFd device_lock = plan.of_device ? LockIfFree() : UniqueFd();
  WGNET_ASSIGN_OR_RETURN(StateDir::OpenJournal journal,
                         plan.of_device ? JournalOfDevice(plan, number, device_lock)
                                        : BeginJournal(plan, number, confirm.confirmation));
  Transaction transaction(plan, client_);
  WGNET_RETURN_IF_ERROR(transaction.Prepare());
  WGNET_RETURN_IF_ERROR(CheckFresh(plan));
  if (confirm.confirmation) WGNET_RETURN_IF_ERROR(StartGuardian());
  WGNET_RETURN_IF_ERROR(transaction.Run(record, journal, confirm.within));
  if (plan.of_device) {
    static_cast<void>(journal.Mark(0));  // no record says that it is done
  }
  for (std::string& warning : transaction.warnings()) done.warnings.push_back(std::move(warning));
  return done;
}

// Whatever has changed since the plan was made, it must be what would be done now. Thousands of
// foreign routes may change in a second, and make no difference.
Status Planner::CheckFresh(const PlanData& plan) {
  if (!transport_->StopNoticing() || !plan.remake) return {};
  WGNET_ASSIGN_OR_RETURN(const PlanData now, plan.remake(*this));
  return SameSteps(now, plan) ? Status() : Status(StaleKernel());
}

Result<StateDir::Pending> Planner::PrepareRecord(const PlanData& plan, uint64_t number) const {
  if (plan.of_device) return StateDir::Pending::Nothing();
  return state_dir_.Prepare(Numbered(plan.after, number));
}

Result<StateDir::OpenJournal> Planner::BeginJournal(
    const PlanData& plan, uint64_t number, const std::optional<Confirmation>& confirmation) const {
  Journal journal{.owner = plan.after.owner,
                  .transaction = number,
                  .had_record = !plan.before.empty(),
                  .keeps_record = !plan.after.empty(),
                  .ops = plan.ops,
                  .confirmation = confirmation};
  const bool forward = direction_ == RecoveryDirection::kForward;
  const bool has_end = !plan.of_device && !confirmation && plan.hooks.empty();
  if (forward && has_end) journal.after = Numbered(plan.after, number);
  return state_dir_.Begin(journal);
}

UniqueFd Planner::LockIfFree() const {
  auto lock = state_dir_.Lock(std::chrono::milliseconds(0));
  return lock ? *std::move(lock) : UniqueFd();
}

// A program that a transaction runs may update a device, and so may one where nothing can be
// written, or another's journal was left: then there is none.
StateDir::OpenJournal Planner::JournalOfDevice(const PlanData& plan, uint64_t number,
                                               const UniqueFd& lock) const {
  if (!lock.ok() || state_dir_.HasJournal()) return StateDir::OpenJournal::Nothing();
  auto journal = BeginJournal(plan, number, std::nullopt);
  return journal ? *std::move(journal) : StateDir::OpenJournal::Nothing();
}

}  // namespace wgnet::plan
