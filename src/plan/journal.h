// SPDX-License-Identifier: MIT OR Apache-2.0
// What a transaction is about to do, as a file that outlives its process: all that taking it back
// needs. Of keys it holds those of what is changed or removed, for nobody else may have them.
#ifndef WGNET_PLAN_JOURNAL_H_
#define WGNET_PLAN_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/secret_memory.h"
#include "src/plan/op.h"
#include "src/plan/record.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// What becomes of a change that has to be confirmed.
enum class Decision : uint32_t { kNone, kConfirmed, kTakenBack };

/// Until when such a change can be confirmed. It is written over as JournalMark is; one that is
/// torn means that the change is taken back.
struct PendingMark {
  static constexpr long kPlace = 16;
  uint64_t deadline = 0;  // nanoseconds of CLOCK_BOOTTIME; 0: the change is not done yet
  uint64_t changed = 0;   // nanoseconds since 1970, when it was begun
  Decision decision = Decision::kNone;
  uint32_t check = 0;  // of the rest; see Checked

  PendingMark Checked() const;
};

/// What a change has to have that is taken back unless it is confirmed.
struct Confirmation {
  std::string token;
  bool persists = false;  // outlives the process that made it
  ProcessId issuer;
  Record before;   // the owner's, to be put back
  Record waiting;  // what is removed once it is confirmed
};

struct Journal {
  std::string owner;
  uint64_t transaction = 0;   // the record that it ends with has the same
  bool had_record = false;    // whether the owner had a record before
  bool keeps_record = false;  // whether one is left in the end
  std::vector<Op> ops;
  size_t begun = 0;  // so many of them may have been sent
  std::optional<Confirmation> confirmation;
  std::optional<Record> after;  // set: whoever finds it carries it on to this record
  PendingMark pending;
};

/// Whether taking these back needs a key that nobody else has: of what is removed or changed.
bool NeedsKeys(const Journal& journal);

/// A header with a version, the marks and a checksum, then the body.
SecretBuffer EncodeJournal(const Journal& journal);
Result<Journal> DecodeJournal(std::string_view bytes);

/// The header before a body.
SecretBuffer SealJournal(std::string_view body, size_t begun, const PendingMark& pending = {});

/// The mark says how many ops have begun. It is written over, one pwrite(2) of so many bytes at
/// this place, and the checksum does not cover it; one that is torn means all of them.
struct JournalMark {
  static constexpr long kPlace = 8;
  explicit JournalMark(uint32_t begun) : begun(begun), complement(~begun) {}
  uint32_t begun;
  uint32_t complement;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_JOURNAL_H_
