// SPDX-License-Identifier: MIT OR Apache-2.0
// Which of the kernel's objects are the owner's, and who else is where one of his should stand.
#ifndef WGNET_PLAN_OWNERSHIP_H_
#define WGNET_PLAN_OWNERSHIP_H_

#include <map>
#include <utility>

#include "src/plan/lowering.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {

class Ownership {
 public:
  /// All must outlive it.
  Ownership(const Desired& desired, const Snapshot& snapshot, const Record& own);

  bool IsRecorded(const kernel::Object& object) const { return recorded_.contains(&object); }
  /// The owner's object of this key, as it was recorded; null when there is none.
  const kernel::Object* FindRecorded(const kernel::Object& key) const;
  bool IsWanted(const kernel::Object& object) const { return wanted_.contains(&object); }
  /// What hangs on a link of ours is ours, as far as we want it.
  bool IsOurs(const kernel::Object& object) const;

  /// An error when somebody else is where the wanted object should stand. `found` is what has its
  /// key, or null.
  Status CheckPlace(const kernel::Object& wanted, const kernel::Object* found) const;
  /// A rule that is nobody's, may be taken over, and is the wanted one but for its protocol; null:
  /// there is none.
  const kernel::Object* FindTwin(const kernel::Rule& wanted) const;

 private:
  void FindForeignClaims();
  Status CheckClaims(const kernel::WgPeer& wanted) const;
  const kernel::Object* FindRuleInPlaceOf(const kernel::Rule& wanted) const;

  bool MayTakeOver(const kernel::Object& wanted, const kernel::Object& found) const;

  const Snapshot& snapshot_;
  bool takes_over_twins_;
  kernel::KeySet recorded_;
  kernel::KeySet wanted_;
  std::map<std::pair<uint32_t, Prefix>, PublicKey> foreign_claims_;  // by link and allowed IP
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_OWNERSHIP_H_
