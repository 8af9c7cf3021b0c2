// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/journal.h"

#include <algorithm>
#include <cstring>

#include "src/base/try.h"
#include "src/plan/object_bytes.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;

constexpr std::string_view kMark = "wgnetjnl";
constexpr std::string_view kMagic = "journal.";
constexpr uint32_t kVersion = 3;
constexpr uint8_t kForeign = 1;
constexpr uint8_t kUndoOnly = 2;
static_assert(kMark.size() == JournalMark::kPlace);
static_assert(kMark.size() + sizeof(JournalMark) == PendingMark::kPlace);
constexpr size_t kMarks = PendingMark::kPlace + sizeof(PendingMark);

SecretKey KeyOf(const kernel::Object& object) {
  const auto* device = std::get_if<kernel::WgDevice>(&object);
  const auto* peer = std::get_if<kernel::WgPeer>(&object);
  if (device != nullptr) return device->private_key.value_or(SecretKey());
  return peer != nullptr ? peer->preshared_key.value_or(SecretKey()) : SecretKey();
}

// What is made is taken away, whatever its key is.
bool NeedsKey(const Op& op, bool again) {
  return (again && !KeyOf(op.object).is_zero()) ||
         (op.verb != Verb::kAdd && !KeyOf(op.image()).is_zero());
}

// As it can be made from the journal alone.
kernel::Object Complete(kernel::Object object) {
  auto* chain = std::get_if<kernel::NftChain>(&object);
  if (chain == nullptr || !chain->rules) return object;
  for (kernel::NftRule& rule : *chain->rules) kernel::WriteRaw(rule, *chain->family);
  return object;
}

// A changed object's new key is not written, unless the op may have to be done again; one that
// stays is, for it tells what is to be sent.
void PutOp(const Op& op, bool again, ByteWriter& out) {
  const bool stays = again || (op.verb != Verb::kAdd && KeyOf(op.object) == KeyOf(op.image()));
  out.Put(op.verb);
  out.Put(op.phase);
  out.Put(static_cast<uint8_t>((op.foreign ? kForeign : 0) | (op.undo_only ? kUndoOnly : 0)));
  out.Put(op.slot);
  out.SetContents(stays ? Contents::kWholeAndKeys : Contents::kWhole);
  out.Put(again ? Complete(op.object) : op.object);
  out.SetContents(Contents::kWholeAndKeys);
  if (op.verb == Verb::kChange) out.Put(op.before);
}

void GetOp(ByteReader& in, Op& op) {
  in.Get(op.verb);
  in.Get(op.phase);
  uint8_t flags = 0;
  in.Get(flags);
  op.foreign = (flags & kForeign) != 0;
  op.undo_only = (flags & kUndoOnly) != 0;
  in.Get(op.slot);
  in.Get(op.object);
  if (op.verb == Verb::kChange) in.Get(op.before);
}

void PutConfirmation(const Confirmation& confirmation, ByteWriter& out) {
  out.Put(confirmation.token);
  out.Put(confirmation.persists);
  out.Put(confirmation.issuer.pid);
  out.Put(confirmation.issuer.start_time);
  out.Put(EncodeRecord(confirmation.before));
  out.Put(EncodeRecord(confirmation.waiting));
}

Status GetConfirmation(ByteReader& in, Confirmation& confirmation) {
  in.Get(confirmation.token);
  in.Get(confirmation.persists);
  in.Get(confirmation.issuer.pid);
  in.Get(confirmation.issuer.start_time);
  const std::string_view before = in.Text();
  const std::string_view waiting = in.Text();
  if (!in.ok()) return {};
  WGNET_ASSIGN_OR_RETURN(confirmation.before, DecodeRecord(before));
  WGNET_ASSIGN_OR_RETURN(confirmation.waiting, DecodeRecord(waiting));
  return {};
}

}  // namespace

PendingMark PendingMark::Checked() const {
  PendingMark mark = *this;
  const uint64_t mixed = (deadline * 31 + changed) * 31 + static_cast<uint32_t>(decision);
  mark.check = ~static_cast<uint32_t>(mixed ^ (mixed >> 32));
  return mark;
}

bool NeedsKeys(const Journal& journal) {
  return std::any_of(journal.ops.begin(), journal.ops.end(),
                     [&](const Op& op) { return NeedsKey(op, journal.after.has_value()); });
}

SecretBuffer EncodeJournal(const Journal& journal) {
  ByteWriter body;
  body.Put(journal.owner);
  body.Put(journal.transaction);
  body.Put(journal.had_record);
  body.Put(journal.keeps_record);
  body.Put(static_cast<uint32_t>(journal.ops.size()));
  for (const Op& op : journal.ops) PutOp(op, journal.after.has_value(), body);
  body.Put(journal.confirmation.has_value());
  if (journal.confirmation) PutConfirmation(*journal.confirmation, body);
  body.Put(journal.after.has_value());
  if (journal.after) body.Put(EncodeRecord(*journal.after));
  return SealJournal(body.text(), journal.begun, journal.pending);
}

SecretBuffer SealJournal(std::string_view body, size_t begun, const PendingMark& pending) {
  const JournalMark mark(static_cast<uint32_t>(begun));
  const PendingMark checked = pending.Checked();
  const std::string seal = SealOf(kMagic, kVersion, body);
  SecretBuffer bytes;
  bytes.Append(kMark.data(), kMark.size());
  bytes.Append(&mark, sizeof mark);
  bytes.Append(&checked, sizeof checked);
  bytes.Append(seal.data(), seal.size());
  bytes.Append(body.data(), body.size());
  return bytes;
}

Result<Journal> DecodeJournal(std::string_view bytes) {
  JournalMark mark(0);
  Journal journal;
  if (bytes.size() < kMarks || !bytes.starts_with(kMark)) return Damaged("journal", "no header");
  std::memcpy(&mark, bytes.data() + JournalMark::kPlace, sizeof mark);
  std::memcpy(&journal.pending, bytes.data() + PendingMark::kPlace, sizeof journal.pending);
  bytes.remove_prefix(kMarks);
  WGNET_ASSIGN_OR_RETURN(const std::string_view body, Unseal("journal", kMagic, kVersion, bytes));
  ByteReader in(body, Contents::kWholeAndKeys);
  uint32_t count = 0;
  in.Get(journal.owner);
  in.Get(journal.transaction);
  in.Get(journal.had_record);
  in.Get(journal.keeps_record);
  in.Get(count);
  for (uint32_t i = 0; i < count && in.ok(); ++i) GetOp(in, journal.ops.emplace_back());
  bool has_confirmation = false;
  in.Get(has_confirmation);
  if (has_confirmation) {
    WGNET_RETURN_IF_ERROR(GetConfirmation(in, journal.confirmation.emplace()));
  }
  bool has_after = false;
  in.Get(has_after);
  const std::string_view after = has_after ? in.Text() : "";
  if (!in.ok()) return Damaged("journal", "it ends too early");
  if (has_after) {
    WGNET_ASSIGN_OR_RETURN(journal.after, DecodeRecord(after));
  }
  const bool torn = mark.complement != ~mark.begun || mark.begun > count;
  journal.begun = torn ? count : mark.begun;
  if (journal.pending.Checked().check != journal.pending.check) {
    journal.pending.decision = Decision::kTakenBack;
  }
  return journal;
}

}  // namespace wgnet::plan
