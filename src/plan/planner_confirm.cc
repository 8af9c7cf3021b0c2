// SPDX-License-Identifier: MIT OR Apache-2.0
// The part of Planner that deals with changes that have to be confirmed.
#include <fmt/format.h>
#include <poll.h>
#include <sodium.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "src/base/no_memory.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/pending.h"
#include "src/plan/planner.h"

namespace wgnet::plan {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortest{100};
constexpr milliseconds kLongest = std::chrono::hours(7 * 24);
constexpr milliseconds kRetry{1000};
constexpr int kMostFailures = 60;  // of a guardian; then it is left to the next session

std::string NewToken() {
  std::array<uint8_t, 8> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::string token;
  for (const uint8_t byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

Status CheckTime(milliseconds within) {
  if (within >= kShortest && within <= kLongest) return {};
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = fmt::format("{} ms is no time to confirm a change in", within.count()),
               .where = "ConfirmOptions.within",
               .hint = "give 100 ms to 7 days"};
}

Status CheckCanWait(const PlanData& plan) {
  if (plan.of_device || !plan.hooks.empty()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = plan.of_device ? "a change of one device is not on record, and could "
                                             "not be taken back later"
                                           : "what hooks do could not be taken back later",
                 .where = "ConfirmOptions",
                 .hint = plan.of_device ? "apply a node" : "apply it without hooks"};
  }
  return {};
}

Error NothingWaits() {
  return {.code = ErrorCode::kNotFound,
          .message = "no change waits to be confirmed",
          .hint = "it has been confirmed, or taken back, or never was"};
}

Error TooLate(const RollbackReport& rollback) {
  Error error{.code = ErrorCode::kNotFound,
              .message = "the time to confirm the change is over: it is taken back",
              .hint = "apply it again"};
  if (!rollback.complete()) error.rollback = rollback;
  return error;
}

Status CheckToken(const Journal& journal, std::string_view token) {
  const Confirmation& confirmation = *journal.confirmation;
  const bool own = token.empty() && confirmation.issuer == ProcessId::Own();
  if (own || token == confirmation.token) return {};
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = fmt::format("that is not the token of the change of {} that waits",
                                      QuoteForMessage(journal.owner)),
               .where = "token",
               .hint = "it was told when the change was made"};
}

// When a change is to be looked at again.
class Alarm {
 public:
  // Counts the time that the machine sleeps.
  Alarm() : timer_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {}

  bool ok() const { return timer_.ok(); }

  // Not set: the change is not done yet.
  void Set(uint64_t deadline) {
    itimerspec when = {};
    when.it_value.tv_sec = static_cast<time_t>(deadline / 1'000'000'000u);
    when.it_value.tv_nsec = static_cast<long>(deadline % 1'000'000'000u);
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  // Waits for it, for a change in the directory, or for the process's end.
  void Wait(const UniqueFd& directory, const UniqueFd* process) const {
    pollfd fds[] = {{timer_.get(), POLLIN, 0},
                    {directory.get(), POLLIN, 0},
                    {process != nullptr ? process->get() : -1, POLLIN, 0}};
    const bool blind = process != nullptr && !process->ok();
    poll(fds, std::size(fds), blind ? static_cast<int>(kRetry.count()) : -1);
    char events[4096];
    while (read(directory.get(), events, sizeof events) > 0) {
    }
  }

 private:
  UniqueFd timer_;
};

}  // namespace

// ---- making such a change ----

Result<Planner::Done> Planner::CarryPending(const PlanData& plan, const ConfirmOptions& options) {
  WGNET_RETURN_IF_ERROR(CheckTime(options.within));
  WGNET_RETURN_IF_ERROR(CheckCanWait(plan));
  PartedPlan parted = PartForConfirmation(plan, options.revoke);
  if (plan.remake) {
    parted.at_once.remake = [&](Planner& by) -> Result<PlanData> {
      WGNET_ASSIGN_OR_RETURN(const PlanData made, plan.remake(by));
      return PartForConfirmation(made, options.revoke).at_once;
    };
  }
  const ToConfirm confirm{.confirmation = Confirmation{.token = NewToken(),
                                                       .persists = options.persist,
                                                       .issuer = ProcessId::Own(),
                                                       .before = plan.before,
                                                       .waiting = std::move(parted.waiting)},
                          .within = options.within};
  // Made now: once the change is done, nothing may keep its token from the caller.
  PendingChange pending{.owner = plan.after.owner,
                        .token = options.persist ? confirm.confirmation->token : "",
                        .left = options.within,
                        .changed = std::chrono::system_clock::now(),
                        .persists = options.persist};
  WGNET_ASSIGN_OR_RETURN(Done done, CarryOut(parted.at_once, confirm));
  done.pending = std::move(pending);
  return done;
}

Status Planner::StartGuardian() { return guardian_ ? Start(*guardian_, *transport_) : Status(); }

Result<std::optional<PendingChange>> Planner::Pending() const {
  WGNET_ASSIGN_OR_RETURN(const auto pending, state_dir_.LoadPending());
  if (pending.empty()) return std::optional<PendingChange>();
  return std::optional(ChangeOf(pending.front()));
}

// ---- ending such a change ----

Result<Planner::Decided> Planner::Decide(std::string_view token) {
  WGNET_ASSIGN_OR_RETURN(UniqueFd lock, state_dir_.Lock(lock_timeout_));
  WGNET_ASSIGN_OR_RETURN(Settled settled, Settle());
  if (!settled.waits) {
    for (const auto& ended : settled.report.cut_off) {
      if (ended.unconfirmed) return TooLate(ended.rollback);
    }
    return NothingWaits();
  }
  WGNET_RETURN_IF_ERROR(CheckToken(*settled.waits, token));
  return Decided{std::move(lock), *std::move(settled.waits)};
}

// Whatever becomes of what waited: it is on record, and the owner's next plan removes it.
Result<Planner::Done> Planner::FinishConfirmed(const Journal& journal) {
  auto removed = CatchNoMemory([&] { return RemoveWaiting(journal); });
  WGNET_RETURN_IF_ERROR(state_dir_.RemovePending(journal.owner));
  return removed;
}

Result<Planner::Done> Planner::Confirm(std::string_view token) {
  WGNET_ASSIGN_OR_RETURN(Decided decided, Decide(token));
  decided.journal.pending.decision = Decision::kConfirmed;
  WGNET_RETURN_IF_ERROR(state_dir_.MarkPending(decided.journal.owner, decided.journal.pending));
  return FinishConfirmed(decided.journal);
}

Result<RollbackReport> Planner::TakeBack(std::string_view token) {
  WGNET_ASSIGN_OR_RETURN(const Decided decided, Decide(token));
  return TakeBackPending(decided.journal, state_dir_, client_);
}

Status Planner::Extend(milliseconds within, std::string_view token) {
  WGNET_RETURN_IF_ERROR(CheckTime(within));
  WGNET_ASSIGN_OR_RETURN(const Decided decided, Decide(token));
  PendingMark mark = decided.journal.pending;
  mark.deadline = MarkFor(within).deadline;
  return state_dir_.MarkPending(decided.journal.owner, mark);
}

// ---- guarding it ----

Result<GuardReport> Planner::Guard(const std::function<void()>& on_ready) {
  WGNET_ASSIGN_OR_RETURN(const UniqueFd directory, state_dir_.Watch());
  WGNET_ASSIGN_OR_RETURN(auto journal, FindUnconfirmed(state_dir_));
  if (!journal) return NothingWaits();
  const GuardReport decided{.owner = journal->owner, .rollback = {}};
  const uint64_t transaction = journal->transaction;
  const UniqueFd issuer = journal->confirmation->issuer.Open();
  Alarm alarm;
  if (!alarm.ok()) {
    return Error{.code = ErrorCode::kIo,
                 .message = fmt::format("timerfd: {}", std::strerror(errno)),
                 .error_number = errno};
  }
  int failures = 0;
  if (on_ready) on_ready();
  while (journal && journal->transaction == transaction) {
    if (IsDecided(*journal)) {
      auto rollback = SettleDecided(decided.owner);
      if (rollback && *rollback) return GuardReport{decided.owner, *std::move(rollback)};
      if (!rollback && ++failures == kMostFailures) return rollback.error();
      if (!rollback) std::this_thread::sleep_for(kRetry);
    } else {
      alarm.Set(journal->pending.deadline);
      alarm.Wait(directory, EndsWithIssuer(*journal) ? &issuer : nullptr);
    }
    WGNET_ASSIGN_OR_RETURN(journal, FindUnconfirmed(state_dir_));
  }
  return decided;
}

// Nothing: somebody else was at work, or had already done it, or it was confirmed.
Result<std::optional<RollbackReport>> Planner::SettleDecided(const std::string& owner) {
  const std::optional<RollbackReport> none;
  const auto lock = state_dir_.Lock(kRetry);
  if (!lock && lock.error().code == ErrorCode::kBusy) return none;
  if (!lock) return lock.error();
  WGNET_ASSIGN_OR_RETURN(const Settled settled, Settle());
  for (const auto& each : settled.report.cut_off) {
    if (each.owner == owner) return std::optional(each.rollback);
  }
  return none;
}

}  // namespace wgnet::plan
