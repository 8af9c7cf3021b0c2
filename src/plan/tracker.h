// SPDX-License-Identifier: MIT OR Apache-2.0
// Tells from a dump which ops of a plan the kernel has done. This is how a plan is checked before
// it starts, verified when it is done, and sorted out when it broke.
#ifndef WGNET_PLAN_TRACKER_H_
#define WGNET_PLAN_TRACKER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "src/plan/op.h"
#include "src/plan/reader.h"

namespace wgnet::plan {

class Tracker final : public ObjectVisitor {
 public:
  /// The ops must outlive the tracker.
  explicit Tracker(std::span<const Op> ops);
  ~Tracker() override;

  /// What to read for it.
  const Scope& scope() const { return scope_; }

  void Restart() override;
  void Visit(const kernel::Object& object) override;
  void VisitRule(const kernel::NftRule& rule) override;

  /// After a reading: the object of this op is as it was before all ops of the plan, or as it is
  /// to be after the last of them, or as it is right after this one or a later one.
  bool IsAtStart(size_t op) const;
  bool IsAtEnd(size_t op) const;
  bool IsDone(size_t op) const;
  /// Neither before nor after any op: half done, or somebody else's doing.
  bool IsOther(size_t op) const;
  /// Several ops change it, each a part: it may have some of them.
  bool HasSeveral(size_t op) const;
  /// It is not there.
  bool IsGone(size_t op) const;

 private:
  struct Track;
  struct Index;
  // The object's states, in order; null: it is not there.
  const kernel::Object* StateOf(const Track& track, size_t state) const;
  uint32_t Matches(const Track& track) const;
  bool IsBeside(const kernel::Object& object, const Track& track) const;
  void AddToScope(const kernel::Object& object);

  std::span<const Op> ops_;
  Scope scope_;
  std::vector<Track> tracks_;
  std::vector<uint32_t> track_of_;     // by op
  std::vector<uint32_t> position_of_;  // by op: which of its track's ops it is
  std::unique_ptr<Index> index_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_TRACKER_H_
