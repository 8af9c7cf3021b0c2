// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/mtu.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/diff_settings.h"
#include "src/plan/last_address.h"
#include "src/plan/ownership.h"
#include "src/plan/secondaries.h"
#include "src/plan/source_address.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;

constexpr uint8_t kKernelLinkLocal = 3;  // IFAPROT_KERNEL_LL

// Chains refer to sets, and all are in a table, whoever made them.
int RemovalRank(const Op& op) {
  if (op.phase != Phase::kNftRemoval) return 0;
  if (std::holds_alternative<kernel::NftTable>(op.object)) return 3;
  if (std::holds_alternative<kernel::NftSet>(op.object)) return 2;
  return std::holds_alternative<kernel::NftElement>(op.object) ? 1 : 0;
}

// The same object with those rows only for which `wanted(row)` holds, and its keys.
template <class T, class Wanted>
T Only(const T& object, const Wanted& wanted) {
  T part;
  netlink::ForEachRow<T>([&](const auto& row) {
    if (row.role == netlink::Role::kKey || wanted(row)) part.*row.member = object.*row.member;
  });
  return part;
}

// The old rules and the new ones, such that both are in it in their order. What somebody else put
// before a rule of ours stays before it.
std::vector<kernel::NftRule> Merge(const std::vector<kernel::NftRule>& before,
                                   const std::vector<kernel::NftRule>& after) {
  std::vector<kernel::NftRule> merged = before;
  size_t at = 0;
  for (const kernel::NftRule& rule : after) {
    const auto from = merged.begin() + static_cast<ptrdiff_t>(at);
    auto found = std::find(from, merged.end(), rule);
    if (found == merged.end()) {
      found = merged.insert(std::find_if(from, found, kernel::IsMade), rule);
    }
    at = static_cast<size_t>(found - merged.begin()) + 1;
  }
  return merged;
}

// Below the least MTU of IPv6 the kernel takes all of IPv6 off a link: addresses, routes,
// settings, anybody's; and not all of it can be put back.
bool LosesIpv6(const Object& wanted, const Object& found) {
  const auto* after = std::get_if<kernel::Link>(&wanted);
  const auto* before = std::get_if<kernel::Link>(&found);
  return after != nullptr && after->mtu && *after->mtu < kIpv6MinimumMtu &&
         before->mtu.value_or(0) >= kIpv6MinimumMtu;
}

Error CannotCutMtu(const kernel::Link& link) {
  return {.code = ErrorCode::kNotSupported,
          .message = fmt::format("an MTU of {} would take IPv6 off {} while it is up", *link.mtu,
                                 link.name->view()),
          .where = fmt::format("Interface({}).Mtu", QuoteForMessage(link.name->view())),
          .hint = "take the interface down first, or give it an MTU of 1280 or more"};
}

bool Contains(const std::vector<kernel::NftRule>& rules, const kernel::NftRule& rule) {
  return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

class Differ {
 public:
  Differ(const Desired& desired, const Snapshot& snapshot, const Record& own,
         std::span<const Record> others)
      : desired_(desired),
        snapshot_(snapshot),
        own_(own),
        others_(others),
        ownership_(desired, snapshot, own) {}

  Result<Difference> Run() {
    ParkPorts();
    ReplaceTables();
    for (const Object& object : desired_.objects) WGNET_RETURN_IF_ERROR(Compare(object));
    for (size_t i = own_.objects.size(); i-- > 0;) RemoveUnwanted(own_.objects[i]);
    for (const Object& object : snapshot_.objects()) RemoveLost(object);
    KeepSecondaries(snapshot_, difference_.ops);
    KeepSources(snapshot_, difference_.ops);
    KeepRoutes(snapshot_, difference_.ops);
    PostponeRoutes();
    WGNET_RETURN_IF_ERROR(DiffSettings(desired_, snapshot_, own_, others_, difference_));
    std::stable_sort(difference_.ops.begin(), difference_.ops.end(), [](const Op& a, const Op& b) {
      return std::pair(a.phase, RemovalRank(a)) < std::pair(b.phase, RemovalRank(b));
    });
    difference_.record.owner = own_.owner;
    difference_.record.objects = desired_.objects;
    difference_.record.allocations = desired_.allocations;
    difference_.record.names = desired_.names;
    return std::move(difference_);
  }

 private:
  void Push(Verb verb, Object object, Phase phase) {
    difference_.ops.push_back({.verb = verb, .object = std::move(object), .phase = phase});
  }

  void PushChange(Object before, Object after, Phase phase) {
    difference_.ops.push_back({.verb = Verb::kChange,
                               .object = std::move(after),
                               .before = std::move(before),
                               .phase = phase});
  }

  // ---- ports ----

  // A port has one socket: a device whose port another is to get takes any other first, also one
  // that goes or changes later.
  void ParkPorts() {
    for (const Object& object : snapshot_.objects()) {
      const auto* device = std::get_if<kernel::WgDevice>(&object);
      if (device == nullptr || !ownership_.IsOurs(object) || !GivesPort(*device)) continue;
      kernel::WgDevice parked = *device;
      parked.listen_port = 0;
      PushChange(*device, parked, Phase::kDevice);
      parked_.emplace_back(parked);
    }
  }

  bool GivesPort(const kernel::WgDevice& device) const {
    return std::any_of(desired_.objects.begin(), desired_.objects.end(), [&](const Object& object) {
      const auto* wanted = std::get_if<kernel::WgDevice>(&object);
      if (wanted == nullptr || wanted->dev == device.dev || !wanted->listen_port) return false;
      const Object* found = snapshot_.Find(object);
      return *wanted->listen_port != 0 && wanted->listen_port == device.listen_port &&
             (found == nullptr ||
              std::get_if<kernel::WgDevice>(found)->listen_port != wanted->listen_port);
    });
  }

  // ---- tables ----

  // The kernel keeps a table's comment: one that is taken over is made anew, in the same batch.
  void ReplaceTables() {
    for (const Object& object : desired_.objects) {
      const auto* wanted = std::get_if<kernel::NftTable>(&object);
      const Object* found = wanted == nullptr ? nullptr : snapshot_.Find(object);
      if (found == nullptr || !ownership_.IsRecorded(object)) continue;
      const auto& table = *std::get_if<kernel::NftTable>(found);
      if (table.comment != wanted->comment) Replace(table);
    }
  }

  void Replace(const kernel::NftTable& table) {
    replaced_tables_.push_back(table);
    std::vector<Op> ops;
    const auto& objects = snapshot_.objects();
    for (auto next = objects.rbegin(); next != objects.rend();
         ++next) {  // so they come back in order
      const Object& object = *next;
      if (!kernel::IsInTable(replaced_tables_.back(), object) || IsKernelsOwn(object)) continue;
      ops.push_back({.verb = Verb::kDelete,
                     .object = object,
                     .phase = Phase::kNftRemoval,
                     .foreign = !ownership_.IsRecorded(object)});
    }
    std::stable_sort(ops.begin(), ops.end(),
                     [](const Op& a, const Op& b) { return RemovalRank(a) < RemovalRank(b); });
    for (Op& op : ops) {
      op.phase = Phase::kNftRoom;
      difference_.ops.push_back(std::move(op));
    }
    Push(Verb::kDelete, table, Phase::kNftRoom);
  }

  // The kernel's object, once ports are parked and tables are replaced.
  const Object* Find(const Object& key) const {
    if (IsReplaced(key)) return nullptr;
    for (const Object& parked : parked_) {
      if (kernel::SameKey(parked, key)) return &parked;
    }
    return snapshot_.Find(key);
  }

  // ---- what is wanted ----

  Status Compare(const Object& wanted) {
    const Object* found = Find(wanted);
    if (found != nullptr && GoesWithItsAddress(*found)) found = nullptr;
    WGNET_RETURN_IF_ERROR(ownership_.CheckPlace(wanted, found));
    if (found == nullptr) {
      std::visit([&](const auto& typed) { PushAdd(typed); }, wanted);
      return {};
    }
    if (LosesIpv6(wanted, *found)) return CannotCutMtu(std::get<kernel::Link>(wanted));
    WGNET_RETURN_IF_ERROR(CheckRulesStay(wanted, *found));
    std::visit([&]<class T>(const T& after) { PushChanges(*std::get_if<T>(found), after); },
               wanted);
    return {};
  }

  // The kernel's own route to the network of addresses that all go.
  bool GoesWithItsAddress(const Object& found) const {
    const auto* route = std::get_if<kernel::Route>(&found);
    if (route == nullptr || route->protocol != RTPROT_KERNEL || !route->dev) return false;
    bool any = false;
    for (const Object& object : snapshot_.objects()) {
      const auto* address = std::get_if<kernel::Address>(&object);
      if (address == nullptr || address->dev != route->dev) continue;
      if (address->local->Masked() != *route->dst) continue;
      if (!ownership_.IsRecorded(object) || ownership_.IsWanted(object)) return false;
      any = true;
    }
    return any;
  }

  // A route in the place of such a one waits until that is gone.
  void PostponeRoutes() {
    std::vector<Op>& ops = difference_.ops;
    const auto first = std::stable_partition(ops.begin(), ops.end(), [&](const Op& op) {
      if (op.verb != Verb::kAdd || !std::holds_alternative<kernel::Route>(op.object)) return true;
      const Object* const found = snapshot_.Find(op.object);
      return found == nullptr || !GoesWithItsAddress(*found);
    });
    std::for_each(first, ops.end(), [](Op& op) { op.phase = Phase::kAddressRemoval; });
  }

  static bool Goes(const kernel::NftRule& rule, const kernel::NftChain& wanted) {
    return kernel::IsMade(rule) && !Contains(*wanted.rules, rule);
  }

  // The kernel forgets a set without a name with its rule, also where that is put back.
  Status CheckRulesStay(const Object& wanted, const Object& found) const {
    const auto* after = std::get_if<kernel::NftChain>(&wanted);
    const auto* before = std::get_if<kernel::NftChain>(&found);
    if (after == nullptr) return {};
    const auto& rules = *before->rules;
    const bool stays_whole =
        Merge(rules, *after->rules) == rules &&
        std::none_of(rules.begin(), rules.end(),
                     [&](const kernel::NftRule& rule) { return Goes(rule, *after); });
    const bool would_lose_one =
        std::any_of(rules.begin(), rules.end(), [](const kernel::NftRule& rule) {
          return kernel::HasNamelessSet(rule) && !kernel::IsMade(rule);
        });
    if (stays_whole || !would_lose_one) return {};
    return Error{.code = ErrorCode::kConflict,
                 .message = fmt::format("a rule of somebody else's in the chain {} of the table {} "
                                        "has a set without a name, and would not outlive a change "
                                        "of the chain",
                                        QuoteForMessage(before->name->view()),
                                        QuoteForMessage(before->table->view())),
                 .hint = "remove it, or give its set a name, or have it in a chain of its own"};
  }

  template <class T>
  void PushAdd(const T& wanted) {
    Push(Verb::kAdd, wanted, AddPhase(wanted));
  }

  // Both stand together for a while: the kernel keeps two rules that differ in their makers.
  void PushAdd(const kernel::Rule& wanted) {
    Push(Verb::kAdd, wanted, AddPhase(wanted));
    if (const Object* twin = ownership_.FindTwin(wanted)) {
      Push(Verb::kDelete, *twin, RemovalPhase(*twin));
    }
  }

  // The kernel ignores a peer with the device's own key.
  void PushAdd(const kernel::WgPeer& wanted) {
    kernel::WgDevice device;
    device.dev = wanted.dev;
    const Object* found = snapshot_.Find(device);
    const bool has_its_key =
        found != nullptr && std::get_if<kernel::WgDevice>(found)->public_key == wanted.public_key;
    Push(Verb::kAdd, wanted, has_its_key ? Phase::kRekey : Phase::kPeer);
  }

  // A new link is tagged when it is known to be ours, and comes up when everything on it stands.
  void PushAdd(const kernel::Link& wanted) {
    const auto at_once = [](const auto& row) { return row.stage == netlink::Stage::kCreate; };
    kernel::Link made = Only(wanted, at_once);
    Push(Verb::kAdd, made, Phase::kLink);
    made = PushPart(made, wanted, Phase::kLinkTag, kernel::RowsOfStage(netlink::Stage::kAfter));
    made.up = false;
    if (wanted.forwarding) made.forwarding = 0;
    PushPart(made, wanted, Phase::kLinkUp, kernel::RowsOfStage(netlink::Stage::kLast));
  }

  // The object without the initial values that were configured before, and are the kernel's now.
  template <class T>
  T WithoutOldInitials(T wanted) const {
    const Object* known = ownership_.FindRecorded(Object(wanted));
    if (known == nullptr) return wanted;
    const T& recorded = *std::get_if<T>(known);
    netlink::ForEachRow<T>([&](const auto& row) {
      if (row.role == netlink::Role::kInitial && wanted.*row.member == recorded.*row.member) {
        (wanted.*row.member).reset();
      }
    });
    return wanted;
  }

  // A change of those rows only for which `wanted(row)` holds, if they differ. Returns the object
  // as it then is.
  template <class T, class Wanted>
  T PushPart(const T& before, const T& after, Phase phase, const Wanted& wanted) {
    bool changed = false;
    T part = Only(after, wanted);
    netlink::ForEachRow<T>([&](const auto& row) {
      changed =
          changed || (row.role != netlink::Role::kKey && netlink::IsChanged(row, before, part));
    });
    if (!changed) return before;
    netlink::Complete(part, before);
    PushChange(before, part, phase);
    return part;
  }

  template <class T>
  void PushChanges(const T& before, const T& wanted) {
    PushPart(before, WithoutOldInitials(wanted), AddPhase(wanted),
             [](const auto&) { return true; });
  }

  // Of one that somebody has put in the place of ours, nothing stays.
  void PushChanges(const kernel::Route& before, const kernel::Route& wanted) {
    if (before.dev == wanted.dev && before.protocol == wanted.protocol) {
      PushPart(before, WithoutOldInitials(wanted), Phase::kRoute, [](const auto&) { return true; });
    } else {
      PushChange(before, wanted, Phase::kRoute);
    }
  }

  void PushChanges(const kernel::WgPeer& before, const kernel::WgPeer& wanted) {
    PushPart(before, WithWithdrawn(WithoutOldInitials(wanted)), Phase::kPeer,
             [](const auto&) { return true; });
  }

  void PushChanges(const kernel::Link& before, const kernel::Link& wanted) {
    const auto late = kernel::RowsOfStage(netlink::Stage::kLast);
    const kernel::Link made =
        PushPart(before, wanted, Phase::kLinkTag, [&](const auto& row) { return !late(row); });
    PushPart(made, wanted, Phase::kLinkUp, late);
  }

  // What the node states no more goes. What it never stated may be somebody else's, and stays.
  kernel::WgDevice WithWithdrawn(kernel::WgDevice wanted) const {
    const Object* known = ownership_.FindRecorded(wanted);
    if (known == nullptr) return wanted;
    const auto& recorded = *std::get_if<kernel::WgDevice>(known);
    if (recorded.private_key && !wanted.private_key) wanted.private_key.emplace();
    if (recorded.fwmark && !wanted.fwmark) wanted.fwmark = 0;
    return wanted;
  }
  kernel::WgPeer WithWithdrawn(kernel::WgPeer wanted) const {
    const Object* known = ownership_.FindRecorded(wanted);
    if (known == nullptr) return wanted;
    const bool had_key = std::get_if<kernel::WgPeer>(known)->preshared_key.has_value();
    if (had_key && !wanted.preshared_key) wanted.preshared_key.emplace();
    return wanted;
  }

  // The kernel chooses a port for 0: it has done so when 0 was wanted before.
  kernel::WgDevice WithoutChosenPort(kernel::WgDevice wanted) const {
    const Object* known = ownership_.FindRecorded(wanted);
    const bool chosen = known != nullptr && wanted.listen_port == uint16_t{0} &&
                        std::get_if<kernel::WgDevice>(known)->listen_port == uint16_t{0};
    if (chosen) wanted.listen_port.reset();
    return wanted;
  }

  // A new private key ends all sessions. A new mark comes when rules for it stand; but rules for
  // packets without a mark would lead the device's own into the tunnel, before it has one.
  void PushChanges(const kernel::WgDevice& before, const kernel::WgDevice& stated) {
    const kernel::WgDevice wanted = WithWithdrawn(stated);
    const auto is_key = [](const auto& row) { return row.role == netlink::Role::kSecret; };
    const auto is_mark = [](const auto& row) { return row.stage == netlink::Stage::kSwitch; };
    const auto is_other = [&](const auto& row) { return !is_key(row) && !is_mark(row); };
    const kernel::WgDevice set =
        PushPart(before, WithoutChosenPort(wanted), Phase::kDevice, is_other);
    const Phase phase = before.fwmark.value_or(0) == 0   ? Phase::kDevice
                        : wanted.fwmark.value_or(0) == 0 ? Phase::kMarkRemoval
                                                         : Phase::kMark;
    const kernel::WgDevice marked = PushPart(set, wanted, phase, is_mark);
    PushPart(marked, wanted, Phase::kRekey, is_key);
  }

  // Rules that go are removed last, when nothing needs them any more; until then old and new ones
  // stand together. Rules of others stay.
  void PushChanges(const kernel::NftChain& before, const kernel::NftChain& wanted) {
    if (before.type != wanted.type || before.hook != wanted.hook) {
      Push(Verb::kDelete, before, Phase::kNftAdd);
      Push(Verb::kAdd, wanted, Phase::kNftAdd);
      return;
    }
    kernel::NftChain merged = wanted;
    merged.rules = Merge(*before.rules, *wanted.rules);
    PushPart(before, merged, Phase::kNftAdd, [](const auto&) { return true; });
    kernel::NftChain left = merged;
    std::erase_if(*left.rules, [&](const kernel::NftRule& rule) { return Goes(rule, wanted); });
    PushPart(merged, left, Phase::kNftRemoval, [](const auto&) { return true; });
  }

  // ---- what is not wanted any more ----

  // Somebody may have put his own in its place.
  static bool IsStillOurs(const Object& recorded, const Object& found) {
    const auto* ours = std::get_if<kernel::Route>(&recorded);
    return ours == nullptr || ours->protocol == std::get_if<kernel::Route>(&found)->protocol;
  }

  void RemoveUnwanted(const Object& recorded) {
    if (ownership_.IsWanted(recorded)) return;
    const Object* found = Find(recorded);
    if (found == nullptr || !IsStillOurs(recorded, *found)) return;
    if (const auto* link = std::get_if<kernel::Link>(found)) lost_links_.push_back(*link->index);
    if (const auto* table = std::get_if<kernel::NftTable>(found)) lost_tables_.push_back(*table);
    const Phase phase = IsInTheWay(*found)              ? Phase::kNftRoom
                        : IsTakenForAWantedRule(*found) ? Phase::kSetting
                                                        : RemovalPhase(*found);
    Push(Verb::kDelete, *found, phase);
    if (const auto* chain = std::get_if<kernel::NftChain>(found)) {
      WarnOfLostRules(*chain, std::get<kernel::NftChain>(recorded));
    }
  }

  void WarnOfLostRules(const kernel::NftChain& chain, const kernel::NftChain& recorded) {
    const auto lost =
        std::count_if(chain.rules->begin(), chain.rules->end(), [&](const auto& rule) {
          return !kernel::IsMade(rule) && !(recorded.rules && Contains(*recorded.rules, rule));
        });
    if (lost == 0) return;
    difference_.warnings.push_back(
        fmt::format("{} of somebody else's in the chain {} of the table {} will be lost with it",
                    lost == 1 ? "a rule" : fmt::format("{} rules", lost),
                    QuoteForMessage(chain.name->view()), QuoteForMessage(chain.table->view())));
  }

  // The kernel takes a rule for another one that has prefixes where it has none (fib4_rule_compare
  // and fib6_rule_compare, 6.18), and so does not add it: the other one goes just before.
  bool IsTakenForAWantedRule(const Object& found) const {
    const auto* rule = std::get_if<kernel::Rule>(&found);
    return rule != nullptr &&
           std::any_of(desired_.objects.begin(), desired_.objects.end(), [&](const Object& object) {
             const auto* wanted = std::get_if<kernel::Rule>(&object);
             if (wanted == nullptr || snapshot_.Find(object) != nullptr) return false;
             kernel::Rule compared = *rule;
             if (!wanted->from) compared.from.reset();
             if (!wanted->to) compared.to.reset();
             return kernel::SameKey(Object(compared), object);
           });
  }

  bool IsInTheWay(const Object& found) const {
    const auto* element = std::get_if<kernel::NftElement>(&found);
    return element != nullptr &&
           std::any_of(desired_.objects.begin(), desired_.objects.end(), [&](const Object& object) {
             const auto* wanted = std::get_if<kernel::NftElement>(&object);
             return wanted != nullptr && kernel::Exclude(*element, *wanted);
           });
  }

  // What others have on a link, or in a table, that goes.
  void RemoveLost(const Object& found) {
    if (ownership_.IsRecorded(found) || !GoesAlong(found) || IsKernelsOwn(found)) return;
    Push(Verb::kDelete, found, RemovalPhase(found));
    difference_.ops.back().foreign = true;
  }

  bool GoesAlong(const Object& found) const {
    const auto* route = std::get_if<kernel::Route>(&found);
    if (route != nullptr && !route->dev) {
      return std::any_of(lost_links_.begin(), lost_links_.end(),
                         [&](uint32_t link) { return kernel::LeadsThrough(*route, link); });
    }
    if (const kernel::LinkRef* dev = kernel::LinkOf(found)) {
      return std::find(lost_links_.begin(), lost_links_.end(), dev->index) != lost_links_.end();
    }
    return std::any_of(
        lost_tables_.begin(), lost_tables_.end(),
        [&](const kernel::NftTable& table) { return kernel::IsInTable(table, found); });
  }

  bool IsReplaced(const Object& object) const {
    return std::any_of(replaced_tables_.begin(), replaced_tables_.end(),
                       [&](const kernel::NftTable& table) {
                         return kernel::IsInTable(table, object) || kernel::SameKey(table, object);
                       });
  }

  // The kernel makes these, and removes them, by itself: a set without a name with its rule.
  static bool IsKernelsOwn(const Object& found) {
    const auto* route = std::get_if<kernel::Route>(&found);
    const auto* address = std::get_if<kernel::Address>(&found);
    const auto* set = std::get_if<kernel::NftSet>(&found);
    return (set != nullptr && kernel::IsAnonymous(*set)) ||
           (route != nullptr && route->protocol == RTPROT_KERNEL) ||
           (address != nullptr && address->protocol == kKernelLinkLocal) ||
           std::holds_alternative<kernel::WgDevice>(found);
  }

  const Desired& desired_;
  const Snapshot& snapshot_;
  const Record& own_;
  std::span<const Record> others_;
  Ownership ownership_;
  std::vector<Object> parked_;
  std::vector<uint32_t> lost_links_;
  std::vector<kernel::NftTable> lost_tables_;
  std::vector<kernel::NftTable> replaced_tables_;
  Difference difference_;
};

// One in the main table may have an address that goes as its source.
bool LosesIpv4Address(const Desired& desired, const Record& own) {
  return std::any_of(own.objects.begin(), own.objects.end(), [&](const Object& object) {
    const auto* address = std::get_if<kernel::Address>(&object);
    if (address == nullptr || address->local->is_v6()) return false;
    return std::none_of(desired.objects.begin(), desired.objects.end(),
                        [&](const Object& wanted) { return kernel::SameKey(wanted, object); });
  });
}

void AddToScope(const Object& object, const Facts& facts, Scope& scope) {
  const auto exists = [&](uint32_t index) { return facts.FindLink(index) != nullptr; };
  if (const auto* link = std::get_if<kernel::Link>(&object); link && exists(*link->index)) {
    AddOnce(scope.address_links, *link->index);
    AddOnce(scope.route_links, *link->index);
    AddOnce(scope.devices, *link->index);
  }
  if (const auto* route = std::get_if<kernel::Route>(&object)) {
    AddOnce(scope.route_tables, {route->dst->family(), *route->table});
  }
  if (const auto* table = std::get_if<kernel::NftTable>(&object)) {
    AddOnce(scope.nft_tables, {*table->family, *table->name});
  }
  if (const auto* setting = std::get_if<kernel::DnsSetting>(&object)) {
    scope.dns.push_back(*setting);
  }
}

}  // namespace

Scope ScopeOf(const Desired& desired, const Record& own, const Facts& facts) {
  Scope scope;
  scope.links = true;
  scope.rules = true;
  for (const Object& object : desired.objects) AddToScope(object, facts, scope);
  for (const Object& object : own.objects) AddToScope(object, facts, scope);
  if (LosesIpv4Address(desired, own)) {
    AddOnce(scope.route_tables, {Family::kIpv4, RT_TABLE_MAIN});
  }
  for (const auto& setting : desired.settings) {
    AddOnce(scope.sysctls, setting.setting.name);
    for (const auto& name : setting.footprint) AddOnce(scope.sysctls, name);
  }
  for (const Claim& claim : own.claims) {
    AddOnce(scope.sysctls, claim.setting.name);
    for (const auto& moved : claim.footprint) AddOnce(scope.sysctls, moved.name);
  }
  return scope;
}

Result<Difference> Diff(const Desired& desired, const Snapshot& snapshot, const Record& own,
                        std::span<const Record> others) {
  return Differ(desired, snapshot, own, others).Run();
}

}  // namespace wgnet::plan
