// SPDX-License-Identifier: MIT OR Apache-2.0
// Carries a plan out: all of it, or none of it.
#ifndef WGNET_PLAN_TRANSACTION_H_
#define WGNET_PLAN_TRANSACTION_H_

#include <memory>
#include <optional>
#include <vector>

#include "src/plan/op.h"
#include "src/plan/reader.h"
#include "src/plan/state_dir.h"
#include "src/plan/tracker.h"
#include "src/plan/waves.h"
#include "wgnet/error.h"

namespace wgnet::plan {

class Transaction {
 public:
  /// The ops must outlive the transaction. `nft_generation` is that of the snapshot.
  Transaction(const std::vector<Op>& ops, std::optional<uint32_t> nft_generation,
              netlink::Client& client);
  ~Transaction();

  /// Checks that the kernel is still as the ops expect it, and encodes and reserves all that
  /// carrying them out and taking them back can need.
  Status Prepare();

  /// Sends the waves, verifies, and commits the record. On a failure everything is taken back, and
  /// the error says what was left. Allocates nothing until then.
  Status Run(StateDir::Pending& record);

 private:
  enum class Answer : uint8_t { kNotSent, kAcknowledged, kRefused, kUnknown };
  struct Step {
    Answer answer = Answer::kNotSent;
    bool undone = false;
    netlink::KernelError error;
  };

  bool SendWave(const Wave& wave);
  bool SendMessages(const Wave& wave);
  bool SendSettings(const Wave& wave);
  // Whether all ops before `end` have been done, by a dump.
  bool Verify(size_t end);
  void Rollback();
  void UndoOnce();
  bool MadeNothing(size_t op) const;
  bool NeedsUndo(size_t op) const;
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
  std::optional<uint32_t> nft_generation_;
  netlink::Client& client_;
  Reader reader_;
  Tracker tracker_;
  std::unique_ptr<Waves> waves_;
  std::vector<Step> steps_;
  std::vector<iovec> parts_;
  bool state_known_ = false;
  bool out_of_memory_ = false;
  std::optional<size_t> mismatch_;  // the op that verification did not find done
  int commit_error_ = 0;
  netlink::KernelError batch_error_;  // of a message that belongs to no op
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_TRANSACTION_H_
