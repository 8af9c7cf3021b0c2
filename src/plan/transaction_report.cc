// SPDX-License-Identifier: MIT OR Apache-2.0
// What a transaction says of itself: why it failed, and what is left of it.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "src/plan/explain.h"
#include "src/plan/kernel_error.h"
#include "src/plan/transaction.h"

namespace wgnet::plan {
namespace {

// A device goes with its link, by no command of its own.
std::string NameOf(const Op& op) {
  const std::string command = FirstCommandOf(op);
  return command.empty() ? AddCommandOf(op.object) : command;
}

// Whether taking the op back makes a peer anew: what lives in it does not come back.
bool RemakesPeer(const Op& op) {
  return std::holds_alternative<kernel::WgPeer>(op.object) &&
         (op.verb == kernel::Verb::kDelete || InverseOf(op).size() > 1);
}

}  // namespace

Error Transaction::Stale(size_t op) const {
  return {.code = ErrorCode::kStale,
          .message = "the kernel is not as it was when the plan was made",
          .hint = "make a new plan",
          .step = static_cast<int>(op + 1),
          .steps = static_cast<int>(ops_.size()),
          .command = FirstCommandOf(ops_[op])};
}

// Of a message with several ops, the first that was not done.
std::optional<size_t> Transaction::FailedOp() const {
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (steps_[op].answer == Answer::kRefused && !steps_[op].given_up) return op;
  }
  if (batch_op_) return batch_op_;
  if (mismatch_) return mismatch_;
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (steps_[op].answer == Answer::kUnknown && !ops_[op].undo_only) return op;
  }
  return std::nullopt;
}

void Transaction::DescribeAttribute(size_t op, Error& error) const {
  const auto& kernel_error = steps_[op].error;
  const netlink::Bytes message = waves_->MessageOf(kernel_error.sequence);
  const size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(kernel::HeaderSizeOf(ops_[op].object));
  if (kernel_error.offset < start || kernel_error.offset >= message.size()) return;
  const std::byte* at = message.data() + kernel_error.offset;
  netlink::ForEachAttribute(message.subspan(start), [&](uint16_t type, netlink::Bytes payload) {
    if (payload.data() - sizeof(nlattr) <= at && at < payload.data() + payload.size()) {
      error.kernel_attribute = std::string(kernel::AttributeName(ops_[op].object, type));
    }
  });
}

// A new device's port is taken when its link comes up, and that step does not say which.
void Transaction::NamePort(size_t op, Error& error) const {
  const kernel::LinkRef* link = kernel::LinkOf(ops_[op].object);
  const auto* changed = std::get_if<kernel::Link>(&ops_[op].object);
  const uint32_t index = changed != nullptr ? changed->index.value_or(0) : link->index;
  for (const Op& other : ops_) {
    const auto* device = std::get_if<kernel::WgDevice>(&other.object);
    if (device == nullptr || device->dev->index != index || !device->listen_port) continue;
    error.message = fmt::format("{} (UDP port {})", error.message, *device->listen_port);
    return;
  }
}

Error Transaction::Failure() const {
  Error error{.code = ErrorCode::kKernel};
  const auto op = FailedOp();
  if (!hook_done_) {
    error = hook_done_.error();
  } else if (commit_error_ != 0 || journal_error_ != 0) {
    error.code = ErrorCode::kState;
    error.error_number = commit_error_ != 0 ? commit_error_ : journal_error_;
    error.message =
        fmt::format("cannot write the {}: {}", commit_error_ != 0 ? "record" : "journal",
                    std::strerror(error.error_number));
    error.hint = "see that the state directory can be written to";
  } else if (dns_error_) {
    error = *dns_error_;
  } else if (op && steps_[*op].answer == Answer::kRefused) {
    error = ChangeError(ops_[*op].verb, ops_[*op].object, steps_[*op].error);
    DescribeAttribute(*op, error);
    if (error.code == ErrorCode::kPortInUse) NamePort(*op, error);
  } else if (batch_op_) {
    error = ChangeError(ops_[*op].verb, ops_[*op].object, batch_error_);
  } else if (out_of_memory_) {
    error.code = ErrorCode::kNoMemory;
    error.message = "memory ran out";
  } else if (mismatch_) {
    error.code = ErrorCode::kVerify;
    error.message = "the kernel took the step, but is not as planned after it";
    error.hint = "something else may be changing the same objects";
  } else {
    error.message = "the kernel's answer was lost";
    error.hint = "try again; smaller nodes need smaller answers";
    error.error_number = ENOBUFS;
  }
  if (op && commit_error_ == 0 && journal_error_ == 0 && hook_done_) {
    error.step = static_cast<int>(*op + 1);
    error.command = FirstCommandOf(ops_[*op]);
  }
  // Whoever plans again at once runs hooks a second time.
  if (next_hook_ > 0 && error.code == ErrorCode::kStale) error.code = ErrorCode::kKernel;
  error.steps = static_cast<int>(ops_.size());
  error.rollback = Report();
  if (!error.rollback->complete()) {
    error.message = fmt::format("{} ({})", error.message, ErrorCodeName(error.code));
    error.code = ErrorCode::kRollbackIncomplete;
  }
  return error;
}

RollbackReport Transaction::Report() const {
  RollbackReport report;
  for (size_t op = 0; op < ops_.size(); ++op) {
    const Step& step = steps_[op];
    if (MadeNothing(op) || HasGoneByItself(op)) continue;
    if (IsTakenBack(op)) {
      if (!step.undone) continue;
      ++report.undone;
      if (RemakesPeer(ops_[op]))
        report.lossy.push_back("the session of: " + FirstCommandOf(ops_[op]));
    } else if (!state_known_) {
      report.leftovers.push_back({NameOf(ops_[op]), "the kernel could not be read"});
    } else if (IsForeign(op)) {
      report.leftovers.push_back({NameOf(ops_[op]), "somebody else changed it meanwhile"});
    } else {
      report.leftovers.push_back({NameOf(ops_[op]), "the kernel did not take it back"});
    }
  }
  return report;
}

}  // namespace wgnet::plan
