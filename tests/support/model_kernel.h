// SPDX-License-Identifier: MIT OR Apache-2.0
// A kernel that is a list of objects, so that plans can be made and carried out without one.
#ifndef WGNET_TESTS_SUPPORT_MODEL_KERNEL_H_
#define WGNET_TESTS_SUPPORT_MODEL_KERNEL_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/plan/diff.h"
#include "src/plan/plan_data.h"

namespace wgnet::testing {

class ModelKernel {
 public:
  /// lo and eth0 with an MTU of 1500, the three rules of a new namespace, and the settings that
  /// wgnet reads, as a new kernel has them.
  ModelKernel();

  std::vector<kernel::Object>& objects() { return objects_; }
  const std::vector<kernel::Object>& objects() const { return objects_; }
  kernel::Object* Find(const kernel::Object& key);
  void SetSetting(std::string_view name, std::string_view value);
  std::string Setting(std::string_view name) const;
  /// A link of somebody else's; returns it.
  kernel::Link AddLink(std::string_view name, uint32_t index);

  plan::Facts FactsFor(const Node& node) const;
  /// Shows all that a dump would: the objects, and then the rules of chains.
  template <class Visitor>
  void Dump(Visitor& visitor) const {
    for (const kernel::Object& object : objects_) visitor.Visit(object);
    for (const kernel::Object& object : objects_) {
      const auto* chain = std::get_if<kernel::NftChain>(&object);
      if (chain == nullptr || !chain->rules) continue;
      for (kernel::NftRule rule : *chain->rules) {
        rule.family = chain->family;
        rule.table = chain->table;
        rule.chain = chain->name;
        visitor.VisitRule(rule);
      }
    }
  }
  plan::Snapshot Read() const;
  /// One line for each object, sorted, keys revealed.
  std::string State() const;

  /// "" or why the kernel cannot do it: the object is there already, or is not there.
  std::string Do(const plan::Op& op);

  /// The plan of an owner, by the records of all owners.
  Result<plan::PlanData> Plan(const std::string& owner, const Node& node) const;
  /// Carries a plan out, which must succeed.
  void Apply(const plan::PlanData& plan);
  plan::PlanData Apply(const std::string& owner, const Node& node);
  const plan::Record& RecordOf(const std::string& owner) { return records_[owner]; }

 private:
  std::vector<kernel::Object> objects_;
  std::map<std::string, plan::Record> records_;
};

/// The same facts for tests that need no more than lowering.
plan::Desired LowerOrDie(const Node& node, const ModelKernel& kernel,
                         const plan::Record& own = {.owner = "owner"});

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_MODEL_KERNEL_H_
