// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "src/base/mtu.h"
#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;

constexpr uint8_t kKernelLinkLocal = 2;  // IFAPROT_KERNEL_LL

using KeySet = std::unordered_set<const Object*, kernel::KeyHash, kernel::KeyEqual>;

// Where an op that makes or keeps an object stands.
Phase AddPhase(const Object& object) {
  struct Visitor {
    Phase operator()(const kernel::Link&) const { return Phase::kLink; }
    Phase operator()(const kernel::WgDevice&) const { return Phase::kDevice; }
    Phase operator()(const kernel::WgPeer&) const { return Phase::kPeer; }
    Phase operator()(const kernel::Address&) const { return Phase::kAddress; }
    Phase operator()(const kernel::Route&) const { return Phase::kRoute; }
    Phase operator()(const kernel::Rule&) const { return Phase::kRule; }
    Phase operator()(const kernel::Sysctl&) const { return Phase::kSetting; }
    Phase operator()(const kernel::NftTable&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftChain&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftSet&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftElement&) const { return Phase::kNftAdd; }
  };
  return std::visit(Visitor(), object);
}

// Where an op that removes it stands.
Phase RemovalPhase(Phase added) {
  switch (added) {
    case Phase::kNftAdd:
      return Phase::kNftRemoval;
    case Phase::kDevice:
      return Phase::kDeviceRemoval;
    case Phase::kLink:
      return Phase::kLinkRemoval;
    case Phase::kPeer:
      return Phase::kPeerRemoval;
    case Phase::kAddress:
      return Phase::kAddressRemoval;
    case Phase::kRoute:
      return Phase::kRouteRemoval;
    case Phase::kRule:
      return Phase::kRuleRemoval;
    default:
      return Phase::kSettingRemoval;
  }
}

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

// The first of the old rules and the new ones, such that both are in it in their order.
std::vector<kernel::NftRule> Merge(const std::vector<kernel::NftRule>& before,
                                   const std::vector<kernel::NftRule>& after) {
  std::vector<kernel::NftRule> merged = before;
  size_t at = 0;
  for (const kernel::NftRule& rule : after) {
    const auto from = merged.begin() + static_cast<ptrdiff_t>(at);
    auto found = std::find(from, merged.end(), rule);
    if (found == merged.end()) found = merged.insert(from, rule);
    at = static_cast<size_t>(found - merged.begin()) + 1;
  }
  return merged;
}

class Differ {
 public:
  Differ(const Desired& desired, const Snapshot& snapshot, const Record& own,
         std::span<const Record> others)
      : desired_(desired), snapshot_(snapshot), own_(own), others_(others) {
    for (const Object& object : own.objects) owned_.insert(&object);
    for (const Object& object : desired.objects) wanted_.insert(&object);
  }

  Result<Difference> Run() {
    FindForeignClaims();
    ParkPorts();
    for (const Object& object : desired_.objects) WGNET_RETURN_IF_ERROR(Compare(object));
    for (size_t i = own_.objects.size(); i-- > 0;) RemoveUnwanted(own_.objects[i]);
    for (const Object& object : snapshot_.objects()) RemoveLost(object);
    RescueSecondaries();
    PostponeNewSecondaries();
    WGNET_RETURN_IF_ERROR(CompareSettings());
    std::stable_sort(difference_.ops.begin(), difference_.ops.end(), [](const Op& a, const Op& b) {
      return std::pair(a.phase, RemovalRank(a)) < std::pair(b.phase, RemovalRank(b));
    });
    difference_.record.owner = own_.owner;
    difference_.record.objects = desired_.objects;
    difference_.record.allocations = desired_.allocations;
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
      if (device == nullptr || !IsOurs(object) || !GivesPort(*device)) continue;
      kernel::WgDevice parked = *device;
      parked.listen_port = 0;
      PushChange(*device, parked, Phase::kDevice);
      parked_.emplace_back(parked);
    }
  }

  bool GivesPort(const kernel::WgDevice& device) const {
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const Object* object) {
      const auto* wanted = std::get_if<kernel::WgDevice>(object);
      if (wanted == nullptr || wanted->dev == device.dev || !wanted->listen_port) return false;
      const Object* found = snapshot_.Find(*object);
      return *wanted->listen_port != 0 && wanted->listen_port == device.listen_port &&
             (found == nullptr ||
              std::get_if<kernel::WgDevice>(found)->listen_port != wanted->listen_port);
    });
  }

  // The kernel's object, once ports are parked.
  const Object* Find(const Object& key) const {
    for (const Object& parked : parked_) {
      if (kernel::SameKey(parked, key)) return &parked;
    }
    return snapshot_.Find(key);
  }

  // ---- what is wanted ----

  // What hangs on a link of ours is ours, as far as we want it.
  bool IsOurs(const Object& object) const {
    if (owned_.contains(&object)) return true;
    if (!std::holds_alternative<kernel::WgDevice>(object) &&
        !std::holds_alternative<kernel::WgPeer>(object)) {
      return false;
    }
    kernel::Link link;
    link.index = kernel::LinkOf(object)->index;
    const Object key(link);
    return owned_.contains(&key);
  }

  // The allowed IPs of peers that somebody else put on a device of ours.
  void FindForeignClaims() {
    for (const Object& object : snapshot_.objects()) {
      const auto* peer = std::get_if<kernel::WgPeer>(&object);
      if (peer == nullptr || owned_.contains(&object) || wanted_.contains(&object)) continue;
      for (const Prefix& ip : *peer->allowed_ips) {
        foreign_claims_[{peer->dev->index, ip}] = *peer->public_key;
      }
    }
  }

  // WireGuard would take the IP from the other peer without a word.
  Status CheckClaims(const kernel::WgPeer& wanted) const {
    for (const Prefix& ip : *wanted.allowed_ips) {
      const auto claim = foreign_claims_.find({wanted.dev->index, ip});
      if (claim == foreign_claims_.end()) continue;
      return Error{
          .code = ErrorCode::kConflict,
          .message = fmt::format("{} belongs to the peer {} of {}, which is not wgnet's",
                                 ip.ToString(), claim->second.ToString(), wanted.dev->name.view()),
          .where = fmt::format("Peer(\"{}\").AllowedIp", wanted.public_key->ToString()),
          .hint = "remove that peer, or have it in the node"};
    }
    return {};
  }

  Status Compare(const Object& wanted) {
    if (const auto* peer = std::get_if<kernel::WgPeer>(&wanted)) {
      WGNET_RETURN_IF_ERROR(CheckClaims(*peer));
    }
    const Object* found = Find(wanted);
    if (found == nullptr) {
      if (const Object* other = FindRuleInPlaceOf(wanted)) return Conflict(wanted, *other);
      std::visit([&](const auto& typed) { PushAdd(typed); }, wanted);
      return {};
    }
    if (!IsOurs(wanted)) return Conflict(wanted, *found);
    if (LosesIpv6(wanted, *found)) return CannotCutMtu(std::get<kernel::Link>(wanted));
    std::visit([&]<class T>(const T& after) { PushChanges(*std::get_if<T>(found), after); },
               wanted);
    return {};
  }

  // Below the least MTU of IPv6 the kernel takes all of IPv6 off a link: addresses, routes,
  // settings, anybody's; and not all of it can be put back.
  static bool LosesIpv6(const Object& wanted, const Object& found) {
    const auto* after = std::get_if<kernel::Link>(&wanted);
    const auto* before = std::get_if<kernel::Link>(&found);
    return after != nullptr && after->mtu && *after->mtu < kIpv6MinimumMtu &&
           before->mtu.value_or(0) >= kIpv6MinimumMtu;
  }

  static Error CannotCutMtu(const kernel::Link& link) {
    return {.code = ErrorCode::kNotSupported,
            .message = fmt::format("an MTU of {} would take IPv6 off {} while it is up", *link.mtu,
                                   link.name->view()),
            .where = fmt::format("Interface({}).Mtu", QuoteForMessage(link.name->view())),
            .hint = "take the interface down first, or give it an MTU of 1280 or more"};
  }

  // Which of two rules of one priority comes first is an accident.
  const Object* FindRuleInPlaceOf(const Object& wanted) const {
    const auto* rule = std::get_if<kernel::Rule>(&wanted);
    if (rule == nullptr) return nullptr;
    for (const Object& object : snapshot_.objects()) {
      const auto* other = std::get_if<kernel::Rule>(&object);
      if (other != nullptr && other->family == rule->family && other->priority == rule->priority &&
          !owned_.contains(&object)) {
        return &object;
      }
    }
    return nullptr;
  }

  Status Conflict(const Object& wanted, const Object& found) const {
    const auto hidden = [](const SecretKey&) { return std::string("(hidden)"); };
    const auto command = [&](const Object& object) {
      const auto commands = kernel::CommandsOf(Verb::kAdd, object, object, hidden);
      return commands.empty() ? "" : commands.front();
    };
    return Error{.code = ErrorCode::kConflict,
                 .message = fmt::format("somebody else has a {} where one of ours should stand: {}",
                                        kernel::KindOf(wanted), command(found)),
                 .hint = "remove it, or change the node",
                 .command = command(wanted)};
  }

  template <class T>
  void PushAdd(const T& wanted) {
    Push(Verb::kAdd, wanted, AddPhase(wanted));
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
    const Object key(wanted);
    const auto known = owned_.find(&key);
    if (known == owned_.end()) return wanted;
    const T& recorded = *std::get_if<T>(*known);
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

  void PushChanges(const kernel::Link& before, const kernel::Link& wanted) {
    const auto late = kernel::RowsOfStage(netlink::Stage::kLast);
    const kernel::Link made =
        PushPart(before, wanted, Phase::kLinkTag, [&](const auto& row) { return !late(row); });
    PushPart(made, wanted, Phase::kLinkUp, late);
  }

  // A new private key ends all sessions. A new mark comes when rules for it stand; but rules for
  // packets without a mark would lead the device's own into the tunnel, before it has one.
  void PushChanges(const kernel::WgDevice& before, const kernel::WgDevice& wanted) {
    const auto is_key = [](const auto& row) { return row.role == netlink::Role::kSecret; };
    const auto is_mark = [](const auto& row) { return row.stage == netlink::Stage::kSwitch; };
    const auto is_other = [&](const auto& row) { return !is_key(row) && !is_mark(row); };
    const kernel::WgDevice set = PushPart(before, wanted, Phase::kDevice, is_other);
    const Phase phase = before.fwmark.value_or(0) == 0   ? Phase::kDevice
                        : wanted.fwmark.value_or(0) == 0 ? Phase::kMarkRemoval
                                                         : Phase::kMark;
    const kernel::WgDevice marked = PushPart(set, wanted, phase, is_mark);
    PushPart(marked, wanted, Phase::kRekey, is_key);
  }

  // Rules that go are removed last, when nothing needs them any more; until then old and new ones
  // stand together.
  void PushChanges(const kernel::NftChain& before, const kernel::NftChain& wanted) {
    if (before.type != wanted.type || before.hook != wanted.hook) {
      Push(Verb::kDelete, before, Phase::kNftAdd);
      Push(Verb::kAdd, wanted, Phase::kNftAdd);
      return;
    }
    kernel::NftChain merged = wanted;
    merged.rules = Merge(*before.rules, *wanted.rules);
    PushPart(before, merged, Phase::kNftAdd, [](const auto&) { return true; });
    PushPart(merged, wanted, Phase::kNftRemoval, [](const auto&) { return true; });
  }

  // ---- what is not wanted any more ----

  // Somebody may have put his own in its place.
  static bool IsStillOurs(const Object& recorded, const Object& found) {
    const auto* ours = std::get_if<kernel::Route>(&recorded);
    return ours == nullptr || ours->protocol == std::get_if<kernel::Route>(&found)->protocol;
  }

  void RemoveUnwanted(const Object& recorded) {
    if (wanted_.contains(&recorded)) return;
    const Object* found = Find(recorded);
    if (found == nullptr || !IsStillOurs(recorded, *found)) return;
    if (const auto* link = std::get_if<kernel::Link>(found)) lost_links_.push_back(*link->index);
    if (const auto* table = std::get_if<kernel::NftTable>(found)) lost_tables_.push_back(*table);
    const Phase phase = IsInTheWay(*found) ? Phase::kNftRoom : RemovalPhase(AddPhase(*found));
    Push(Verb::kDelete, *found, phase);
  }

  bool IsInTheWay(const Object& found) const {
    const auto* element = std::get_if<kernel::NftElement>(&found);
    return element != nullptr &&
           std::any_of(wanted_.begin(), wanted_.end(), [&](const Object* object) {
             const auto* wanted = std::get_if<kernel::NftElement>(object);
             return wanted != nullptr && kernel::Exclude(*element, *wanted);
           });
  }

  // What others have on a link, or in a table, that goes.
  void RemoveLost(const Object& found) {
    if (owned_.contains(&found) || !GoesAlong(found) || IsKernelsOwn(found)) return;
    Push(Verb::kDelete, found, RemovalPhase(AddPhase(found)));
    difference_.ops.back().foreign = true;
  }

  bool GoesAlong(const Object& found) const {
    if (const kernel::LinkRef* dev = kernel::LinkOf(found)) {
      return std::find(lost_links_.begin(), lost_links_.end(), dev->index) != lost_links_.end();
    }
    return std::visit(
        [&](const auto& typed) {
          if constexpr (requires { typed.table->view(); }) {
            return std::any_of(lost_tables_.begin(), lost_tables_.end(), [&](const auto& table) {
              return table.family == typed.family && table.name == typed.table;
            });
          }
          return false;
        },
        found);
  }

  // The kernel makes these, and removes them, by itself: a set without a name with its rule.
  static bool IsKernelsOwn(const Object& found) {
    const auto* route = std::get_if<kernel::Route>(&found);
    const auto* address = std::get_if<kernel::Address>(&found);
    const auto* set = std::get_if<kernel::NftSet>(&found);
    return (set != nullptr && (set->flags.value_or(0) & NFT_SET_ANONYMOUS) != 0) ||
           (route != nullptr && route->protocol == RTPROT_KERNEL) ||
           (address != nullptr && address->protocol == kKernelLinkLocal) ||
           std::holds_alternative<kernel::WgDevice>(found);
  }

  // When the first IPv4 address of a network goes, the kernel takes the others of that network
  // along. They are removed before, and made again after it.
  void RescueSecondaries() {
    for (size_t i = 0; i < difference_.ops.size(); ++i) {
      const Op& op = difference_.ops[i];
      if (op.phase != Phase::kAddressRemoval || op.verb != Verb::kDelete) continue;
      const auto removed = *std::get_if<kernel::Address>(&difference_.ops[i].object);
      if ((removed.flags.value_or(0) & IFA_F_SECONDARY) != 0 || removed.local->is_v6()) continue;
      for (const Object& object : snapshot_.objects()) {
        const auto* address = std::get_if<kernel::Address>(&object);
        if (address != nullptr && IsSecondaryOf(*address, removed) && IsKept(object)) {
          Rescue(*address, i);
        }
      }
    }
  }

  static bool IsSecondaryOf(const kernel::Address& address, const kernel::Address& primary) {
    return (address.flags.value_or(0) & IFA_F_SECONDARY) != 0 && SharesNetwork(address, primary);
  }

  static bool SharesNetwork(const kernel::Address& one, const kernel::Address& other) {
    return one.dev == other.dev && one.local->Masked() == other.local->Masked();
  }

  // A new IPv4 address of a network whose first one goes would go along with it, too: it waits.
  void PostponeNewSecondaries() {
    auto& ops = difference_.ops;
    const auto first = std::stable_partition(ops.begin(), ops.end(),
                                             [&](const Op& op) { return !GoesWithPrimary(op); });
    for (auto op = first; op != ops.end(); ++op) op->phase = Phase::kAddressRemoval;
  }

  bool GoesWithPrimary(const Op& op) const {
    const auto* added = std::get_if<kernel::Address>(&op.object);
    if (added == nullptr || op.phase != Phase::kAddress || added->local->is_v6()) return false;
    return std::any_of(difference_.ops.begin(), difference_.ops.end(), [&](const Op& other) {
      const auto* removed = std::get_if<kernel::Address>(&other.object);
      return removed != nullptr && other.verb == Verb::kDelete && SharesNetwork(*added, *removed);
    });
  }

  bool IsKept(const Object& object) const {
    return std::none_of(difference_.ops.begin(), difference_.ops.end(), [&](const Op& op) {
      return op.verb == Verb::kDelete && kernel::SameKey(op.object, object);
    });
  }

  void Rescue(const kernel::Address& address, size_t primary) {
    kernel::Address again = address;
    again.flags.reset();  // the kernel decides anew which is the first
    Op remove{.verb = Verb::kDelete, .object = address, .phase = Phase::kAddressRemoval};
    Op add{.verb = Verb::kAdd, .object = again, .phase = Phase::kAddressRemoval};
    const auto at = difference_.ops.begin() + static_cast<ptrdiff_t>(primary);
    difference_.ops.insert(at, remove);
    difference_.ops.push_back(add);
  }

  // ---- settings ----

  static kernel::Sysctl SysctlOf(const kernel::SysctlSetting& setting) {
    kernel::Sysctl sysctl;
    sysctl.name = setting.name;
    sysctl.value = setting.value;
    return sysctl;
  }

  const kernel::Sysctl* FindSetting(const kernel::SysctlName& name) const {
    kernel::Sysctl key;
    key.name = name;
    const Object* found = snapshot_.Find(key);
    return found == nullptr ? nullptr : std::get_if<kernel::Sysctl>(found);
  }

  const Claim* FindClaimOfOthers(const kernel::SysctlName& name) const {
    for (const Record& other : others_) {
      if (const Claim* claim = other.FindClaim(name)) return claim;
    }
    return nullptr;
  }

  Status CompareSettings() {
    for (const auto& wanted : desired_.settings) WGNET_RETURN_IF_ERROR(CompareSetting(wanted));
    for (size_t i = own_.claims.size(); i-- > 0;) ReleaseUnwanted(own_.claims[i]);
    return {};
  }

  Status CompareSetting(const Desired::Setting& wanted) {
    const kernel::Sysctl* found = FindSetting(wanted.setting.name);
    if (found == nullptr) {
      return Error{
          .code = ErrorCode::kNotSupported,
          .message = fmt::format("this kernel has no setting {}", wanted.setting.name.view()),
          .hint = "it may be of a part that this kernel was built without"};
    }
    Claim claim{wanted.setting, *found->value, FootprintOf(wanted)};
    if (const Claim* known = own_.FindClaim(wanted.setting.name)) {
      claim.original = known->original;
      claim.footprint = known->footprint;
    } else if (const Claim* theirs = FindClaimOfOthers(wanted.setting.name)) {
      claim.original = theirs->original;
      claim.footprint = theirs->footprint;
    }
    if (found->value != wanted.setting.value) {
      kernel::Sysctl before = *found;
      before.footprint = FootprintOf(wanted);
      PushChange(before, SysctlOf(wanted.setting), ClaimPhase(wanted.setting.name, false));
    }
    difference_.record.claims.push_back(std::move(claim));
    return {};
  }

  std::vector<kernel::SysctlSetting> FootprintOf(const Desired::Setting& wanted) const {
    std::vector<kernel::SysctlSetting> footprint;
    for (const auto& name : wanted.footprint) {
      if (const kernel::Sysctl* moved = FindSetting(name)) {
        footprint.push_back({name, *moved->value});
      }
    }
    return footprint;
  }

  static Phase ClaimPhase(const kernel::SysctlName& name, bool removal) {
    const bool by_kernel = name.view() == "net/ipv4/conf/all/send_redirects";
    if (removal) return by_kernel ? Phase::kFootprintRemoval : Phase::kSettingRemoval;
    return by_kernel ? Phase::kFootprint : Phase::kSetting;
  }

  // The last owner puts the original back, if nobody else has changed the setting meanwhile.
  void ReleaseUnwanted(const Claim& claim) {
    const auto& name = claim.setting.name;
    const bool wanted =
        std::any_of(desired_.settings.begin(), desired_.settings.end(),
                    [&](const Desired::Setting& setting) { return setting.setting.name == name; });
    const kernel::Sysctl* found = FindSetting(name);
    if (wanted || found == nullptr || FindClaimOfOthers(name) != nullptr) return;
    if (found->value == claim.original) return;
    if (found->value != claim.setting.value) {
      difference_.warnings.push_back(fmt::format("{} is {}, which is not wgnet's value, and stays",
                                                 name.view(), found->value->view()));
      return;
    }
    kernel::Sysctl original = SysctlOf({name, claim.original});
    original.footprint.emplace();
    kernel::Sysctl before = *found;
    before.footprint.emplace();
    for (const kernel::SysctlSetting& moved : claim.footprint) {
      const kernel::Sysctl* now = FindSetting(moved.name);
      if (now == nullptr) continue;
      const bool untouched = now->value == claim.setting.value;
      original.footprint->push_back({moved.name, untouched ? moved.value : *now->value});
      before.footprint->push_back({moved.name, *now->value});
    }
    PushChange(before, original, ClaimPhase(name, true));
  }

  const Desired& desired_;
  const Snapshot& snapshot_;
  const Record& own_;
  std::span<const Record> others_;
  KeySet owned_;
  KeySet wanted_;
  std::map<std::pair<uint32_t, Prefix>, PublicKey> foreign_claims_;  // by link and allowed IP
  std::vector<Object> parked_;
  std::vector<uint32_t> lost_links_;
  std::vector<kernel::NftTable> lost_tables_;
  Difference difference_;
};

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
}

}  // namespace

Scope ScopeOf(const Desired& desired, const Record& own, const Facts& facts) {
  Scope scope;
  scope.links = true;
  scope.rules = true;
  for (const Object& object : desired.objects) AddToScope(object, facts, scope);
  for (const Object& object : own.objects) AddToScope(object, facts, scope);
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
