// SPDX-License-Identifier: MIT OR Apache-2.0
// Tables and marks that somebody else uses.
#include "src/plan/risk.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>

#include <algorithm>

#include "src/kernel/nft_mark.h"

namespace wgnet::plan {
namespace {

using kernel::Object;

struct Stated {
  std::string where;
  uint32_t number = 0;
};

std::string PlaceOf(const Interface& interface) {
  return fmt::format("Interface(\"{}\")", interface.name());
}

// The tables of the kernel's own are everybody's.
std::vector<Stated> StatedTables(const Node& node) {
  std::vector<Stated> tables;
  const auto add = [&](std::string where, uint32_t table) {
    if (table != 0 && (table < RT_TABLE_DEFAULT || table > RT_TABLE_LOCAL)) {
      tables.push_back({std::move(where), table});
    }
  };
  for (const Interface& interface : node.interfaces()) {
    if (interface.table()) add(PlaceOf(interface) + ".Table", interface.table()->number());
  }
  for (const PolicyRoute& route : node.policy_routes()) {
    if (route.table()) add("PolicyRoute.Table", *route.table());
  }
  return tables;
}

std::vector<Stated> StatedMarks(const Node& node) {
  std::vector<Stated> marks;
  for (const Interface& interface : node.interfaces()) {
    if (interface.fwmark().value_or(0) == 0) continue;
    marks.push_back({PlaceOf(interface) + ".FwMark", *interface.fwmark()});
  }
  for (const PolicyRoute& route : node.policy_routes()) {
    if (route.fwmark()) marks.push_back({"PolicyRoute.FwMark", route.fwmark()->value});
  }
  return marks;
}

// And those that the plan has chosen.
std::vector<Stated> MarksOf(const Node& node, const PlanData& plan) {
  std::vector<Stated> marks = StatedMarks(node);
  for (const Op& op : plan.ops) {
    const auto* device = std::get_if<kernel::WgDevice>(&op.object);
    if (device == nullptr || op.verb == kernel::Verb::kDelete) continue;
    const uint32_t mark = device->fwmark.value_or(0);
    const bool is_stated = std::any_of(marks.begin(), marks.end(),
                                       [&](const Stated& stated) { return stated.number == mark; });
    if (mark == 0 || is_stated) continue;
    marks.push_back({fmt::format("Interface(\"{}\")", device->dev->name.view()), mark});
  }
  return marks;
}

// What is neither the owner's before the plan, nor after it, and stays.
class Foreign {
 public:
  explicit Foreign(const PlanData& plan) {
    Know(plan.before);
    Know(plan.after);
    for (const Op& op : plan.ops) known_.insert(&op.image());
  }
  void Know(const Record& record) {
    for (const Object& object : record.objects) known_.insert(&object);
  }

  template <class T>
  const T* Get(const Object& object) const {
    const T* typed = std::get_if<T>(&object);
    return typed != nullptr && !known_.contains(&object) ? typed : nullptr;
  }

 private:
  kernel::KeySet known_;
};

std::optional<std::string> RouteIn(const Stated& table, const Foreign& foreign,
                                   const Snapshot& snapshot) {
  for (const Object& object : snapshot.objects()) {
    const auto* route = foreign.Get<kernel::Route>(object);
    if (route == nullptr || route->table != table.number) continue;
    return fmt::format("{}: the table {} has routes of somebody else, such as: {}", table.where,
                       table.number, AddCommandOf(object));
  }
  return std::nullopt;
}

// As ip-rule(8) compares. What looks for packets without a mark does not look for this one.
bool LooksFor(const kernel::Rule& rule, uint32_t mark) {
  return rule.fwmark.value_or(0) != 0 &&
         ((*rule.fwmark ^ mark) & rule.fwmask.value_or(UINT32_MAX)) == 0;
}

std::optional<std::string> UseOf(const Stated& mark, const Foreign& foreign,
                                 const Snapshot& snapshot, std::span<const Record> others) {
  for (const Object& object : snapshot.objects()) {
    const auto* rule = foreign.Get<kernel::Rule>(object);
    if (rule == nullptr || !LooksFor(*rule, mark.number)) continue;
    return fmt::format("{}: somebody else uses the mark {:#x}: {}", mark.where, mark.number,
                       AddCommandOf(object));
  }
  for (const Record& other : others) {
    for (const Object& object : other.objects) {
      const auto* device = std::get_if<kernel::WgDevice>(&object);
      if (device == nullptr || device->fwmark != mark.number) continue;
      return fmt::format("{}: {} of {} has the mark {:#x}, too", mark.where,
                         device->dev->name.view(), other.owner, mark.number);
    }
  }
  return std::nullopt;
}

// Who uses one of these marks.
class MarkUsers final : public ObjectVisitor {
 public:
  MarkUsers(std::span<const Stated> marks, const Foreign& foreign, const Snapshot& links)
      : marks_(marks), foreign_(foreign), links_(links) {}

  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

  void Restart() override { warnings_.clear(); }

  void Visit(const Object& object) override {
    const auto* device = std::get_if<kernel::WgDevice>(&object);
    if (device == nullptr) return;
    kernel::Link key;
    key.index = device->dev->index;
    const Object* link = links_.Find(key);
    for (const Stated& mark : marks_) {
      if (link == nullptr || device->fwmark != mark.number) continue;
      AddOnce(warnings_, fmt::format("{}: {} has the mark {:#x}, too", mark.where,
                                     std::get<kernel::Link>(*link).name->view(), mark.number));
    }
  }

  void VisitRule(const kernel::NftRule& rule) override {
    if (!rule.raw || !IsForeign(rule)) return;
    for (const kernel::nft::MarkUse& use : kernel::nft::MarkUsesOf(*rule.raw)) {
      for (const Stated& mark : marks_) {
        if (!Concerns(use, mark.number)) continue;
        AddOnce(warnings_,
                fmt::format("{}: somebody else uses the mark {:#x}: a rule of the "
                            "nftables chain {} {} {} {}",
                            mark.where, mark.number, kernel::NftFamily::Text(*rule.family),
                            rule.table->view(), rule.chain->view(), TextOf(use)));
      }
    }
  }

 private:
  bool IsForeign(const kernel::NftRule& rule) const {
    kernel::NftTable table;
    table.family = rule.family;
    table.name = rule.table;
    return foreign_.Get<kernel::NftTable>(table) != nullptr;
  }

  std::span<const Stated> marks_;
  const Foreign& foreign_;
  const Snapshot& links_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> FindSharedNumbers(const Node& node, const PlanData& plan,
                                           const Snapshot& snapshot,
                                           std::span<const Record> others) {
  std::vector<std::string> warnings;
  const Foreign foreign(plan);
  for (const Stated& table : StatedTables(node)) {
    if (auto warning = RouteIn(table, foreign, snapshot)) AddOnce(warnings, *warning);
  }
  for (const Stated& mark : StatedMarks(node)) {
    if (auto warning = UseOf(mark, foreign, snapshot, others)) AddOnce(warnings, *warning);
  }
  return warnings;
}

std::vector<std::string> FindSharedMarks(const Node& node, const PlanData& plan,
                                         const Snapshot& snapshot, std::span<const Record> others,
                                         Reader& reader) {
  const std::vector<Stated> marks = MarksOf(node, plan);
  if (marks.empty()) return {};
  Foreign foreign(plan);
  for (const Record& other : others) foreign.Know(other);
  Scope rules;
  rules.nft_rules = true;
  Scope devices;
  for (const Object& object : snapshot.objects()) {
    const auto* link = foreign.Get<kernel::Link>(object);
    if (link == nullptr || !link->kind || link->kind->view() != WG_GENL_NAME) continue;
    devices.devices.push_back(*link->index);
  }
  std::vector<std::string> warnings;
  for (const Scope& scope : {rules, devices}) {
    MarkUsers users(marks, foreign, snapshot);
    if (!reader.Read(scope, users)) continue;
    for (std::string& warning : users.TakeWarnings()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace wgnet::plan
