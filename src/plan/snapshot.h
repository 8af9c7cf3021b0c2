// SPDX-License-Identifier: MIT OR Apache-2.0
// Kernel objects as they were read, to look up by key.
#ifndef WGNET_PLAN_SNAPSHOT_H_
#define WGNET_PLAN_SNAPSHOT_H_

#include <deque>
#include <memory>
#include <span>

#include "src/plan/reader.h"

namespace wgnet::plan {

class Snapshot final : public ObjectVisitor {
 public:
  Snapshot();
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot() override;

  /// What is expected and not found is looked for a second time: a part of an answer can be lost.
  static Result<Snapshot> Read(const Scope& scope, Reader& reader,
                               std::span<const kernel::Object> expected = {});

  /// The object of the same key, or null.
  const kernel::Object* Find(const kernel::Object& key) const;
  /// Gives rules their texts, which the kernel does not know, from an owner's chains.
  void NameRules(std::span<const kernel::Object> recorded);

  /// In the order of reading.
  const std::deque<kernel::Object>& objects() const;

  void Restart() override;
  void Visit(const kernel::Object& object) override;
  void VisitRule(const kernel::NftRule& rule) override;

 private:
  struct Contents;  // moving a deque allocates
  void NameLinks();

  std::unique_ptr<Contents> contents_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_SNAPSHOT_H_
