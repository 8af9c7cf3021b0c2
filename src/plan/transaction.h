// SPDX-License-Identifier: MIT OR Apache-2.0
// Carries a plan out: all of it, or none of it.
#ifndef WGNET_PLAN_TRANSACTION_H_
#define WGNET_PLAN_TRANSACTION_H_

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "src/plan/plan_data.h"
#include "src/plan/reader.h"
#include "src/plan/state_dir.h"
#include "src/plan/tracker.h"
#include "src/plan/waves.h"
#include "wgnet/error.h"

namespace wgnet::plan {

class Transaction {
 public:
  /// The plan must outlive the transaction.
  Transaction(const PlanData& plan, netlink::Client& client);
  ~Transaction();

  /// Checks that the kernel is still as the ops expect it, and encodes and reserves all that
  /// carrying them out and taking them back can need.
  Status Prepare();

  /// Sends the waves, runs the hooks, verifies, and commits the record. On a failure everything is
  /// taken back, and the error says what was left. Allocates nothing until then, but for hooks and
  /// for the resolver.
  /// With a time to confirm it in, the journal is kept; and also when not all could be taken back,
  /// for whoever comes next.
  Status Run(StateDir::Pending& record, StateDir::OpenJournal& journal,
             std::optional<std::chrono::nanoseconds> confirm_within = {});

  /// For a plan whose first `begun` ops another process may have sent before it ended, or has, and
  /// got answers: encodes what takes them back. And takes back those that were done; an error: it
  /// cannot be known which.
  Status PrepareBack(size_t begun, bool answered);
  Result<RollbackReport> TakeBack();

  /// What was not done, and did not have to be.
  std::vector<std::string>& warnings() { return warnings_; }

 private:
  enum class Answer : uint8_t { kNotSent, kAcknowledged, kRefused, kUnknown };
  struct Step {
    Answer answer = Answer::kNotSent;
    bool undone = false;
    bool given_up = false;            // it was optional, and was not done, or is not to be
    std::optional<size_t> robbed_by;  // an op before that takes allowed IPs from its peer
    netlink::KernelError error;
  };

  Result<kernel::EncodeContext> MakeContext();
  std::optional<uint32_t> GenerationToExpect() const;
  bool SendWaves(StateDir::OpenJournal& journal);
  bool SendWave(const Wave& wave);
  bool SendMessages(const Wave& wave);
  size_t FirstSent(const Wave& wave) const;
  bool SendSettings(const Wave& wave);
  bool TellResolver(const Wave& wave);
  bool TellResolver(size_t op);
  Status Tell(const Op& op);
  bool MayBeGone(size_t op, const netlink::KernelError& error) const;
  // Runs those that come before op `next` and have not run yet; false when one failed.
  bool RunHooks(size_t next);
  // Whether all ops before `end` have been done, by a dump.
  bool Verify(size_t end);
  // Whether all was done and is on record.
  bool CarryOut(StateDir::Pending& record, StateDir::OpenJournal& journal,
                std::optional<std::chrono::nanoseconds> confirm_within);
  bool Commit(StateDir::Pending& record, StateDir::OpenJournal& journal,
              std::optional<std::chrono::nanoseconds> confirm_within, uint64_t begin);
  // The first one: nothing has been taken back yet.
  void Rollback(bool is_first);
  bool HasMadeAddressBeside(const kernel::Object& route) const;
  void GiveUpOthersRoutes(bool is_first);
  void UndoOnce();
  void UndoDns(size_t op);
  bool MadeNothing(size_t op) const;
  bool HasGoneByItself(size_t op) const;
  bool IsRobbed(size_t op) const;
  bool IsHalfMade(size_t op) const;
  bool MayHavePart(size_t op) const;
  bool NeedsUndo(size_t op) const;
  // After a rollback: the op was not done, or is taken back; or its object is somebody else's now.
  bool IsTakenBack(size_t op) const;
  bool IsForeign(size_t op) const;
  bool IsOver() const;
  // Sends the message of `part` that makes a link again; true if it did.
  bool RemakeLink(const Part& part);
  bool ReadState();

  Error Stale(size_t op) const;
  Error Failure() const;
  RollbackReport Report() const;
  std::optional<size_t> FailedOp() const;
  void DescribeAttribute(size_t op, Error& error) const;
  void NamePort(size_t op, Error& error) const;

  const std::vector<Op>& ops_;
  const std::vector<HookStep>& hooks_;
  std::optional<uint32_t> nft_generation_;
  netlink::Client& client_;
  Reader reader_;
  Tracker tracker_;
  std::unique_ptr<Waves> waves_;
  std::vector<Step> steps_;
  std::vector<iovec> parts_;
  bool state_known_ = false;
  bool out_of_memory_ = false;
  bool cut_off_ = false;            // another process carried the plan out
  std::optional<size_t> mismatch_;  // the op that verification did not find done
  size_t next_hook_ = 0;
  Status hook_done_;  // of the one before the next
  int journal_error_ = 0;
  int commit_error_ = 0;
  netlink::KernelError batch_error_;  // of a message that belongs to no op
  std::optional<size_t> batch_op_;    // the first of what it is about
  std::optional<Error> dns_error_;
  std::vector<std::string> warnings_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_TRANSACTION_H_
