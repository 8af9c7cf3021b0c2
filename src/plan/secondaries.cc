// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/secondaries.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

using kernel::Address;
using kernel::Verb;

bool IsSecondary(const Address& address) {
  return (address.flags.value_or(0) & IFA_F_SECONDARY) != 0;
}

bool ShareNetwork(const Address& one, const Address& other) {
  return one.dev == other.dev && one.local->Masked() == other.local->Masked();
}

/// The address that an op removes, if it takes others along.
const Address* RemovedPrimary(const Op& op) {
  const auto* address = std::get_if<Address>(&op.object);
  const bool goes = address != nullptr && op.verb == Verb::kDelete && !address->local->is_v6();
  return goes && !IsSecondary(*address) ? address : nullptr;
}

bool RemovesSecondaryOf(const Address& primary, const Op& op) {
  const auto* address = std::get_if<Address>(&op.object);
  return address != nullptr && op.verb == Verb::kDelete && IsSecondary(*address) &&
         ShareNetwork(*address, primary);
}

// One that goes, too, goes before it would go along.
void RemoveSecondariesFirst(std::vector<Op>& ops) {
  for (size_t i = 0; i < ops.size(); ++i) {
    const Address* removed = RemovedPrimary(ops[i]);
    if (removed == nullptr) continue;
    const Address primary = *removed;
    const auto from = ops.begin() + static_cast<ptrdiff_t>(i);
    const auto first = std::stable_partition(
        from, ops.end(), [&](const Op& op) { return RemovesSecondaryOf(primary, op); });
    i += static_cast<size_t>(first - from);
  }
}

void Rescue(const Address& address, size_t primary, std::vector<Op>& ops) {
  Address again = address;
  again.flags.reset();  // the kernel decides anew which is the first
  const Op remove{.verb = Verb::kDelete, .object = address, .phase = Phase::kAddressRemoval};
  const Op add{.verb = Verb::kAdd, .object = again, .phase = Phase::kAddressRemoval};
  ops.insert(ops.begin() + static_cast<ptrdiff_t>(primary), remove);
  ops.push_back(add);
}

void RescueSecondaries(const Snapshot& snapshot, std::vector<Op>& ops) {
  for (size_t i = 0; i < ops.size(); ++i) {
    const Address* removed = RemovedPrimary(ops[i]);
    if (removed == nullptr) continue;
    const Address primary = *removed;
    for (const kernel::Object& object : snapshot.objects()) {
      const auto* address = std::get_if<Address>(&object);
      if (address != nullptr && IsSecondary(*address) && ShareNetwork(*address, primary) &&
          !IsRemoved(ops, object)) {
        Rescue(*address, i, ops);
      }
    }
  }
}

// Whether there is no place for the one before the other has gone.
bool Excludes(const Address& one, const Address& other) {
  if (!one.local->is_v6()) return ShareNetwork(one, other);
  return one.dev == other.dev && one.local->address() == other.local->address();
}

bool HasToWait(const std::vector<Op>& ops, const Op& op) {
  const auto* added = std::get_if<Address>(&op.object);
  if (added == nullptr || op.phase != Phase::kAddress) return false;
  return std::any_of(ops.begin(), ops.end(), [&](const Op& other) {
    const auto* removed = std::get_if<Address>(&other.object);
    return removed != nullptr && other.verb == Verb::kDelete && Excludes(*added, *removed);
  });
}

void PostponeNew(std::vector<Op>& ops) {
  const auto first = std::stable_partition(ops.begin(), ops.end(),
                                           [&](const Op& op) { return !HasToWait(ops, op); });
  std::for_each(first, ops.end(), [](Op& op) { op.phase = Phase::kAddressRemoval; });
}

}  // namespace

void KeepSecondaries(const Snapshot& snapshot, std::vector<Op>& ops) {
  RemoveSecondariesFirst(ops);
  RescueSecondaries(snapshot, ops);
  PostponeNew(ops);
}

}  // namespace wgnet::plan
