// SPDX-License-Identifier: MIT OR Apache-2.0
// What the parts of lowering share: what is known, the numbers that are chosen, and what has been
// lowered so far.
#ifndef WGNET_PLAN_LOWERING_DRAFT_H_
#define WGNET_PLAN_LOWERING_DRAFT_H_

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/plan/facts.h"
#include "src/plan/lowering.h"
#include "src/plan/object_list.h"

namespace wgnet::plan::lowering {

/// How a part of the node is called in errors.
std::string PlaceOf(const Interface& interface);
std::string PlaceOf(const PolicyRoute& route);

RouteTable TableOf(const Interface& interface);

/// A rule of wgnet's that leads to a table.
kernel::Rule RuleInto(uint32_t table, Family family, uint32_t priority);

/// What a rule's priority is allocated as: each family has its own rules.
std::string_view PriorityKind(Family family);

/// Numbers to choose from, the best first.
struct Candidates {
  uint32_t first;
  std::function<std::optional<uint32_t>(uint32_t)> next;
  std::function<bool(uint32_t)> is_free;  // as far as the kernel tells

  /// Tables, and marks that are also tables, from `first` on.
  static Candidates Tables(uint32_t first, const Facts& facts);
};

class Draft {
 public:
  /// All must outlive the draft.
  Draft(const Node& node, const Facts& facts, const Record& own, std::span<const Record> others);

  const Node& node() const { return node_; }
  const Facts& facts() const { return facts_; }
  const std::string& owner() const { return own_.owner; }

  // ---- links ----

  /// Finds the links of the node's interfaces, or says which index a new one gets.
  Status FindLinks();
  const std::map<std::string, kernel::LinkRef>& own_links() const { return links_; }
  bool IsOwn(const kernel::Link& link) const { return links_.contains(link.name->str()); }
  /// An interface of the node, or any other link.
  Result<kernel::LinkRef> LinkOf(const std::string& name, std::string place) const;
  /// The link as it was recorded when the owner's last plan was carried out; null for a new one.
  const kernel::Link* FindRecorded(const kernel::LinkRef& link) const;

  // ---- numbers ----

  /// The number that `what` has already, or the first candidate that no owner has; nothing when
  /// none is left. It stays `what`'s as long as that is in the node.
  std::optional<uint32_t> Allocate(std::string_view kind, std::string_view what,
                                   const Candidates& candidates);
  bool IsFreePriority(Family family, uint32_t priority) const;

  // ---- what comes out ----

  /// What is added from here on comes from this part of the node.
  void From(std::string place) { objects_.From(std::move(place)); }
  void Add(kernel::Object object) { objects_.Add(std::move(object)); }
  /// That a peer gets its endpoint by name.
  void Name(EndpointName name) { desired_.names.push_back(std::move(name)); }
  void AddRoute(const Prefix& dst, const kernel::LinkRef& dev, uint32_t table);
  /// Comes after all else: rules switch over to what stands then.
  void AddRule(std::string place, kernel::Rule rule);
  void Claim(std::string_view name, std::string_view value,
             const std::vector<kernel::SysctlName>& footprint = {});
  /// A setting that an owner has already changed, this one or another, no longer tells whether it
  /// has to be.
  bool IsClaimed(std::string_view name) const;
  /// An owner has changed `name`, which moves `moved`, when there was no `moved` yet.
  bool CameAfter(std::string_view name, std::string_view moved) const;
  void Warn(std::string warning) { desired_.warnings.push_back(std::move(warning)); }

  Result<Desired> Take();

 private:
  uint32_t LastIndex() const;
  bool IsAllocated(std::string_view kind, uint32_t value) const;
  bool IsStated(std::string_view kind, uint32_t value) const;

  const Node& node_;
  const Facts& facts_;
  const Record& own_;
  std::span<const Record> others_;
  std::map<std::string, kernel::LinkRef> links_;
  Desired desired_;  // but for the objects
  ObjectList objects_;
  std::vector<std::pair<std::string, kernel::Rule>> rules_;  // with their places
};

}  // namespace wgnet::plan::lowering

#endif  // WGNET_PLAN_LOWERING_DRAFT_H_
