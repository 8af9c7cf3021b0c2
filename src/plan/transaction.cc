// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/transaction.h"

#include <fmt/format.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <new>

#include "src/base/try.h"
#include "src/plan/explain.h"
#include "src/plan/kernel_error.h"
#include "src/plan/pending.h"
#include "src/plan/undo_sender.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;
using netlink::Bus;

constexpr int kUndoRounds = 3;

// The kernel's answer to a delete of what is not there.
bool SaysGone(const Op& op, int error_number) {
  return op.verb == Verb::kDelete && (error_number == ESRCH || error_number == ENOENT ||
                                      error_number == EADDRNOTAVAIL || error_number == ENODEV);
}

bool IsWireguard(const Op& op) { return kernel::BusOf(op.object) == Bus::kGeneric; }

// What refuses may have done a part.
bool MayBeHalfDone(const Op& op) {
  return IsWireguard(op) || kernel::BusOf(op.object) == Bus::kDns;
}

bool IsOptional(const Op& op) {
  const auto* setting = std::get_if<kernel::DnsSetting>(&op.object);
  return setting != nullptr && !setting->required.value_or(true);
}

Reader::Sizes SizesOf(const std::vector<Op>& ops) {
  Reader::Sizes sizes;
  for (const Op& op : ops) {
    for (const kernel::Object* object : {&op.object, &op.before}) {
      const auto* peer = std::get_if<kernel::WgPeer>(object);
      if (peer == nullptr || !peer->allowed_ips) continue;
      sizes.allowed_ips = std::max(sizes.allowed_ips, peer->allowed_ips->size());
    }
    sizes.sets += std::holds_alternative<kernel::NftSet>(op.object);
    sizes.elements += std::holds_alternative<kernel::NftElement>(op.object);
  }
  return sizes;
}

Error NoResolver() {
  return {.code = ErrorCode::kDns,
          .message = "there is no resolver that could be told of name servers",
          .hint = "leave the name servers out"};
}

// An allowed IP that is given to a peer is taken from the one that has it. Calls
// on_robbed(robber, robbed) for ops on peers that lose one before their own turn.
template <class OnRobbed>
void FindRobbers(const std::vector<Op>& ops, const OnRobbed& on_robbed) {
  std::map<std::pair<uint32_t, Prefix>, size_t> givers;
  for (size_t i = 0; i < ops.size(); ++i) {
    const auto* peer = std::get_if<kernel::WgPeer>(&ops[i].object);
    const auto* before = std::get_if<kernel::WgPeer>(&ops[i].image());
    if (peer == nullptr) continue;
    if (ops[i].verb != Verb::kAdd && before->allowed_ips) {
      for (const Prefix& ip : *before->allowed_ips) {
        const auto giver = givers.find({peer->dev->index, ip});
        if (giver != givers.end()) on_robbed(giver->second, i);
      }
    }
    if (ops[i].verb == Verb::kDelete || !peer->allowed_ips) continue;
    for (const Prefix& ip : *peer->allowed_ips) givers.emplace(std::pair(peer->dev->index, ip), i);
  }
}

}  // namespace

Transaction::Transaction(const PlanData& plan, netlink::Client& client)
    : ops_(plan.ops),
      hooks_(plan.hooks),
      nft_generation_(plan.nft_generation),
      client_(client),
      reader_(client, netlink::ExtraMode::kDrop),
      tracker_(plan.ops),
      steps_(plan.ops.size()) {
  FindRobbers(ops_, [&](size_t robber, size_t robbed) { steps_[robbed].robbed_by = robber; });
}

Transaction::~Transaction() = default;

Result<kernel::EncodeContext> Transaction::MakeContext() {
  kernel::EncodeContext context;
  if (std::any_of(ops_.begin(), ops_.end(), IsWireguard)) {
    WGNET_ASSIGN_OR_RETURN(context.wireguard_family, reader_.GenericFamily(WG_GENL_NAME));
    if (context.wireguard_family == 0) {
      return Error{.code = ErrorCode::kModuleMissing,
                   .message = "this kernel has no WireGuard",
                   .hint = std::string(kNoWireguardHint),
                   .command = FirstCommandOf(*std::find_if(ops_.begin(), ops_.end(), IsWireguard))};
    }
  }
  return context;
}

// That of the ruleset that was read; none where the first batch comes behind hooks, which may
// change the ruleset, or behind the loss of sessions, which others' changes must not cost.
std::optional<uint32_t> Transaction::GenerationToExpect() const {
  const auto first = std::find_if(ops_.begin(), ops_.end(), [](const Op& op) {
    return kernel::BusOf(op.object) == Bus::kNetfilter;
  });
  const auto index = static_cast<size_t>(first - ops_.begin());
  const bool behind_hooks = std::any_of(
      hooks_.begin(), hooks_.end(), [&](const HookStep& hook) { return hook.before_op <= index; });
  const bool behind_loss =
      std::any_of(ops_.begin(), first, [](const Op& op) { return LosesState(op.phase); });
  return behind_hooks || behind_loss ? std::nullopt : nft_generation_;
}

Status Transaction::Prepare() {
  WGNET_ASSIGN_OR_RETURN(const kernel::EncodeContext context, MakeContext());
  WGNET_RETURN_IF_ERROR(reader_.Read(tracker_.scope(), tracker_));
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (!ops_[op].undo_only && !tracker_.IsAtStart(op)) return Stale(op);
  }
  WGNET_ASSIGN_OR_RETURN(waves_, Waves::Encode(ops_, GenerationToExpect(), context, client_));
  parts_.reserve(ops_.size() + 2);
  reader_.Reserve(SizesOf(ops_));
  return {};
}

Status Transaction::PrepareBack(size_t begun, bool answered) {
  cut_off_ = !answered;
  WGNET_ASSIGN_OR_RETURN(const kernel::EncodeContext context, MakeContext());
  WGNET_ASSIGN_OR_RETURN(waves_, Waves::Encode(ops_, std::nullopt, context, client_));
  parts_.reserve(ops_.size() + 2);
  reader_.Reserve(SizesOf(ops_));
  for (size_t op = 0; op < begun; ++op) {
    steps_[op].answer = answered ? Answer::kAcknowledged : Answer::kUnknown;
  }
  return {};
}

Result<RollbackReport> Transaction::TakeBack() {
  Rollback(false);
  if (state_known_) return Report();
  return Error{.code = ErrorCode::kRollbackIncomplete,
               .message = "a transaction was cut off, and the kernel cannot be read",
               .hint = "run `wgnet recover` as root",
               .steps = static_cast<int>(ops_.size()),
               .rollback = Report()};
}

Status Transaction::Run(StateDir::Pending& record, StateDir::OpenJournal& journal,
                        std::optional<std::chrono::nanoseconds> confirm_within) {
  if (CarryOut(record, journal, confirm_within)) return {};
  Rollback(true);
  if (!IsOver()) journal.LeaveToTakeBack();
  return Failure();
}

// Hooks and resolvers take memory, and so does what they say when they fail.
bool Transaction::CarryOut(StateDir::Pending& record, StateDir::OpenJournal& journal,
                           std::optional<std::chrono::nanoseconds> confirm_within) {
  const uint64_t begin = MarkFor({}).changed;
  try {
    return SendWaves(journal) && Verify(ops_.size()) && RunHooks(ops_.size()) &&
           Commit(record, journal, confirm_within, begin);
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
    return false;
  }
}

// A kept journal without the record is one of a transaction that was cut off. What a peer does from
// the first message on may come of the change.
bool Transaction::Commit(StateDir::Pending& record, StateDir::OpenJournal& journal,
                         std::optional<std::chrono::nanoseconds> confirm_within, uint64_t begin) {
  if (confirm_within) {
    PendingMark mark = MarkFor(*confirm_within);
    mark.changed = begin;
    journal_error_ = journal.Keep(mark);
  }
  if (journal_error_ != 0) return false;
  commit_error_ = record.Commit();
  if (commit_error_ != 0) return false;
  if (confirm_within) journal.Release();
  return true;
}

// ---- forward ----

bool Transaction::SendWaves(StateDir::OpenJournal& journal) {
  bool verified = false;
  for (const Wave& wave : waves_->waves()) {
    if (!RunHooks(wave.first_op)) return false;
    if (!verified && LosesState(ops_[wave.first_op].phase)) {
      verified = true;
      if (!Verify(wave.first_op)) return false;
    }
    journal_error_ = journal.Mark(wave.last_op);
    if (journal_error_ != 0 || !SendWave(wave)) return false;
  }
  return true;
}

bool Transaction::RunHooks(size_t next) {
  const auto run = [&](const Process& process) { return client_.transport().Run(process); };
  while (hook_done_ && next_hook_ < hooks_.size() && hooks_[next_hook_].before_op <= next) {
    hook_done_ = RunHook(hooks_[next_hook_++], run);
  }
  return hook_done_.ok();
}

bool Transaction::SendWave(const Wave& wave) {
  switch (wave.bus) {
    case Bus::kSysctl:
      return SendSettings(wave);
    case Bus::kDns:
      return TellResolver(wave);
    default:
      return SendMessages(wave);
  }
}

size_t Transaction::FirstSent(const Wave& wave) const {
  size_t op = wave.first_op;
  while (op + 1 < wave.last_op && ops_[op].undo_only) ++op;
  return op;
}

bool Transaction::SendMessages(const Wave& wave) {
  if (wave.bytes.empty()) {  // devices that go with their links
    for (size_t op = wave.first_op; op < wave.last_op; ++op) {
      steps_[op].answer = Answer::kAcknowledged;
    }
    return true;
  }
  auto& bytes = const_cast<SecretBuffer&>(wave.bytes);  // the flag of the last message is set
  const iovec part = PartOf(bytes, 0, bytes.size());
  for (size_t op = wave.first_op; op < wave.last_op; ++op) steps_[op].answer = Answer::kUnknown;
  int gone = 0;
  const auto outcome = client_.Change(wave.bus, {&part, 1}, MessageAt(bytes, wave.last_message),
                                      [&](const netlink::KernelError& error) {
                                        const auto op = waves_->OpOf(error.sequence);
                                        if (op && MayBeGone(*op, error)) {
                                          ++gone;
                                        } else if (op && steps_[*op].error.error_number == 0) {
                                          steps_[*op].answer = Answer::kRefused;
                                          steps_[*op].error = error;
                                        } else if (!op) {
                                          batch_error_ = error;
                                        }
                                      });
  if (outcome.send_error != 0) batch_error_.error_number = outcome.send_error;
  if (batch_error_.error_number != 0) batch_op_ = FirstSent(wave);
  const bool known = outcome.acknowledged && !outcome.lost;
  const bool all = outcome.errors == gone;
  const bool whole = all || wave.bus == Bus::kRoute;  // others stop, or undo all
  const bool none = outcome.errors != 0 && wave.bus == Bus::kNetfilter;
  for (size_t op = wave.first_op; op < wave.last_op; ++op) {
    if (steps_[op].answer != Answer::kUnknown) continue;
    if (known && whole) steps_[op].answer = Answer::kAcknowledged;
    if (none) steps_[op].answer = Answer::kNotSent;
  }
  return known && all;
}

// A hook may have removed what it had made before, and somebody else what is his; verification
// tells whether it has gone.
bool Transaction::MayBeGone(size_t op, const netlink::KernelError& error) const {
  return (next_hook_ > 0 || ops_[op].foreign) && kernel::BusOf(ops_[op].object) == Bus::kRoute &&
         SaysGone(ops_[op], error.error_number);
}

bool Transaction::SendSettings(const Wave& wave) {
  for (size_t op = wave.first_op; op < wave.last_op; ++op) {
    const int error = waves_->WriteSettings(op, false);
    steps_[op].answer = error == 0 ? Answer::kAcknowledged : Answer::kRefused;
    steps_[op].error.error_number = error;
    if (error != 0) return false;
  }
  return true;
}

Status Transaction::Tell(const Op& op) {
  DnsSystem* const system = client_.transport().dns();
  const auto& setting = *std::get_if<kernel::DnsSetting>(&op.object);
  if (system == nullptr) return NoResolver();
  if (op.verb == Verb::kDelete) return system->Remove(kernel::PlaceOf(setting));
  return system->Write(kernel::PlaceOf(setting), kernel::ConfigOf(setting));
}

bool Transaction::TellResolver(size_t op) {
  steps_[op].answer = Answer::kUnknown;
  const Status told = Tell(ops_[op]);
  if (told) {
    steps_[op].answer = Answer::kAcknowledged;
    return true;
  }
  if (!IsOptional(ops_[op])) {
    steps_[op].answer = Answer::kRefused;
    dns_error_ = told.error();
    return false;
  }
  warnings_.push_back(told.error().ToString());
  UndoDns(op);
  steps_[op].answer = Answer::kRefused;
  steps_[op].given_up = true;
  return true;
}

bool Transaction::TellResolver(const Wave& wave) {
  for (size_t op = wave.first_op; op < wave.last_op; ++op) {
    if (!TellResolver(op)) return false;
  }
  return true;
}

bool Transaction::ReadState() {
  try {
    state_known_ = reader_.Read(tracker_.scope(), tracker_).ok();
  } catch (const std::bad_alloc&) {  // an object is larger than any before
    state_known_ = false;
    out_of_memory_ = true;
  }
  return state_known_;
}

bool Transaction::Verify(size_t end) {
  if (!ReadState()) return false;
  for (size_t op = 0; op < end; ++op) {
    if (ops_[op].undo_only || tracker_.IsDone(op) || steps_[op].given_up) continue;
    const bool is_lost_later = ops_[op].foreign && end < ops_.size();
    if (is_lost_later || HasGoneByItself(op)) continue;
    mismatch_ = op;
    return false;
  }
  return true;
}

// ---- back ----

void Transaction::Rollback(bool is_first) {
  for (int round = 0; round < kUndoRounds; ++round) {
    if (ReadState() && round == 0) GiveUpOthersRoutes(is_first);
    bool needed = false;
    for (size_t op = 0; op < ops_.size(); ++op) needed = needed || NeedsUndo(op);
    if (!needed) return;
    UndoOnce();
  }
  ReadState();
}

// Whether an IPv4 address has been made that takes the route along when it goes.
bool Transaction::HasMadeAddressBeside(const kernel::Object& object) const {
  const auto* route = std::get_if<kernel::Route>(&object);
  for (size_t op = 0; route != nullptr && op < ops_.size(); ++op) {
    const auto* address = std::get_if<kernel::Address>(&ops_[op].object);
    if (address == nullptr || address->local->is_v6()) continue;
    if (!kernel::LeadsThrough(*route, address->dev->index)) continue;
    if (ops_[op].verb == Verb::kAdd && !MadeNothing(op) && tracker_.IsDone(op)) return true;
  }
  return false;
}

// Where no address goes, no route goes along. What is gone while the address stands has been
// removed by its owner; without the address it may be a rollback that was cut off.
void Transaction::GiveUpOthersRoutes(bool is_first) {
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (!ops_[op].undo_only) continue;
    const bool goes = HasMadeAddressBeside(ops_[op].object);
    const bool is_gone = tracker_.IsGone(op);
    steps_[op].given_up = is_gone ? goes || is_first : !goes;
  }
}

// An object that is there though making it was refused is somebody else's.
bool Transaction::MadeNothing(size_t op) const {
  const Answer answer = steps_[op].answer;
  return (answer == Answer::kNotSent && !IsRobbed(op)) || steps_[op].given_up ||
         (answer == Answer::kRefused && ops_[op].verb == Verb::kAdd && !MayBeHalfDone(ops_[op]));
}

bool Transaction::IsRobbed(size_t op) const {
  const auto robber = steps_[op].robbed_by;
  return robber && steps_[*robber].answer != Answer::kNotSent;
}

// A link that somebody was bringing back when he ended: it has its number and its name.
bool Transaction::IsHalfMade(size_t op) const {
  return cut_off_ && ops_[op].verb == Verb::kDelete &&
         std::holds_alternative<kernel::Link>(ops_[op].object) && tracker_.IsOther(op);
}

// The object may be in a state that no op leaves: the op was done in part, or taken back while
// another of the same object was not.
bool Transaction::MayHavePart(size_t op) const {
  return MayBeHalfDone(ops_[op]) || (ops_[op].verb == Verb::kChange && tracker_.HasSeveral(op));
}

// What was done is taken back where the object is still as it was left: else somebody else changed
// it meanwhile. What was refused, or taken back in vain, may be half done: WireGuard keeps a part
// of a peer, a setting moves others, a resolver's program ends in the middle, and what should have
// gone or changed may have gone along with something else.
bool Transaction::NeedsUndo(size_t op) const {
  const Step& step = steps_[op];
  if (MadeNothing(op)) return false;
  if (!state_known_) return !step.undone;
  const bool done = tracker_.IsDone(op);
  if (step.answer == Answer::kAcknowledged || ops_[op].undo_only) {
    if (!step.undone) return done;
    return !tracker_.IsAtStart(op) && (done || MayHavePart(op));
  }
  const bool wireguard = IsWireguard(ops_[op]);
  if (wireguard && ops_[op].verb == Verb::kChange && !step.undone) return true;
  if (tracker_.IsAtStart(op)) return false;
  if (IsHalfMade(op)) return !step.undone;
  return done || tracker_.IsGone(op) || (MayHavePart(op) && tracker_.IsOther(op));
}

bool Transaction::IsTakenBack(size_t op) const {
  return MadeNothing(op) || (state_known_ && tracker_.IsAtStart(op));
}

bool Transaction::IsForeign(size_t op) const {
  return state_known_ && !steps_[op].undone && tracker_.IsOther(op);
}

// Whether nothing is left that could be taken back later.
bool Transaction::IsOver() const {
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (!IsTakenBack(op) && !IsForeign(op) && !HasGoneByItself(op)) return false;
  }
  return true;
}

// A setting goes with its interface.
bool Transaction::HasGoneByItself(size_t op) const {
  return state_known_ && std::holds_alternative<kernel::Sysctl>(ops_[op].object) &&
         tracker_.IsGone(op);
}

// What fails shows in the next reading.
void Transaction::UndoDns(size_t op) {
  try {
    for (const Op& inverse : InverseOf(ops_[op])) static_cast<void>(Tell(inverse));
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
  }
}

bool Transaction::RemakeLink(const Part& part) {
  SecretBuffer& bytes = waves_->undo_bytes(Bus::kRoute);
  nlmsghdr& message = MessageAt(bytes, part.begin);
  const iovec first = PartOf(bytes, part.begin, part.begin + NLMSG_ALIGN(message.nlmsg_len));
  const auto outcome =
      client_.Change(Bus::kRoute, {&first, 1}, message, [](const netlink::KernelError&) {});
  return outcome.acknowledged && outcome.errors == 0;
}

// Sends the inverses of all ops that need it, the last op's first.
void Transaction::UndoOnce() {
  UndoSender sender(*waves_, client_, parts_);
  for (size_t op = ops_.size(); op-- > 0;) {
    if (!NeedsUndo(op)) continue;
    const Bus bus = kernel::BusOf(ops_[op].object);
    steps_[op].undone = true;
    if (bus == Bus::kSysctl) {
      sender.Flush();
      waves_->WriteSettings(op, true);
      continue;
    }
    if (bus == Bus::kDns) {
      sender.Flush();
      UndoDns(op);
      continue;
    }
    Part part = waves_->UndoOf(op);
    if (part.begin == part.end) continue;
    if (ops_[op].verb == Verb::kDelete && std::holds_alternative<kernel::Link>(ops_[op].object)) {
      sender.Flush();
      if (!IsHalfMade(op) && !RemakeLink(part)) continue;
      part.begin += NLMSG_ALIGN(MessageAt(waves_->undo_bytes(bus), part.begin).nlmsg_len);
      if (part.begin == part.end) continue;
    }
    sender.Add(bus, part);
  }
  sender.Flush();
}

}  // namespace wgnet::plan
