// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/adoption.h"

#include <fmt/format.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <unordered_set>

#include "src/base/try.h"
#include "src/kernel/attribute_change.h"
#include "src/plan/lowering_draft.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {
namespace {

using kernel::Object;

constexpr int64_t kSessionSeconds = 180;  // REJECT_AFTER_TIME of the WireGuard protocol

std::vector<kernel::Link> LinksOf(const Snapshot& snapshot) {
  std::vector<kernel::Link> links;
  for (const Object& object : snapshot.objects()) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) links.push_back(*link);
  }
  return links;
}

bool Has(const Record& record, uint32_t index) {
  return std::any_of(record.objects.begin(), record.objects.end(), [&](const Object& object) {
    const auto* link = std::get_if<kernel::Link>(&object);
    return link != nullptr && link->index == index;
  });
}

// ---- what wg-quick makes of one interface ----

class Tunnel {
 public:
  Tunnel(const kernel::Link& link, const Snapshot& snapshot) : link_(link), snapshot_(snapshot) {}

  /// What has to be read, besides links and rules.
  static void AddToScope(const kernel::Link& link, Scope& scope) {
    scope.address_links.push_back(*link.index);
    scope.route_links.push_back(*link.index);
    scope.devices.push_back(*link.index);
    for (const auto family : {kernel::nft::TableFamily::kIpv4, kernel::nft::TableFamily::kIpv6}) {
      scope.nft_tables.push_back({family, TableName(link)});
    }
  }

  void AddTo(Record& record) {
    FindMarkAndAllowedIps();
    for (const Object& object : snapshot_.objects()) {
      if (IsMade(object)) record.objects.push_back(AsStated(object));
    }
    AddNumbers(record);
  }

 private:
  static kernel::NftName TableName(const kernel::Link& link) {
    return kernel::NftName("wg-quick-" + link.name->str());
  }

  // Keys, and a mark that is not a full tunnel's, may as well be a hook's.
  Object AsStated(Object object) const {
    kernel::TakeSecrets(object);
    auto* device = std::get_if<kernel::WgDevice>(&object);
    const auto is_its_rule = [&](const kernel::Rule& rule) { return IsNotMarkRule(rule); };
    if (device != nullptr && !HasRule(is_its_rule)) device->fwmark.reset();
    return object;
  }

  bool IsOn(const kernel::LinkRef* dev) const {
    return dev != nullptr && dev->index == link_.index;
  }

  void FindMarkAndAllowedIps() {
    for (const Object& object : snapshot_.objects()) {
      if (!IsOn(kernel::LinkOf(object))) continue;
      if (const auto* device = std::get_if<kernel::WgDevice>(&object)) {
        mark_ = device->fwmark.value_or(0);
      } else if (const auto* peer = std::get_if<kernel::WgPeer>(&object)) {
        allowed_ips_.insert(peer->allowed_ips->begin(), peer->allowed_ips->end());
      }
    }
  }

  bool IsMade(const Object& object) const {
    if (const auto* link = std::get_if<kernel::Link>(&object)) return link->index == link_.index;
    if (const auto* rule = std::get_if<kernel::Rule>(&object)) return IsMadeRule(*rule);
    if (const auto* table = std::get_if<kernel::NftTable>(&object))
      return IsMadeTable(*table->name);
    if (const auto* chain = std::get_if<kernel::NftChain>(&object)) {
      return IsMadeTable(*chain->table);
    }
    if (!IsOn(kernel::LinkOf(object))) return false;
    if (const auto* route = std::get_if<kernel::Route>(&object)) return IsMadeRoute(*route);
    const auto* address = std::get_if<kernel::Address>(&object);
    return address == nullptr || address->protocol.value_or(0) == 0;  // else the kernel's own
  }

  bool IsMadeTable(const kernel::NftName& name) const { return name == TableName(link_); }

  bool IsMadeRoute(const kernel::Route& route) const {
    return route.type == RTN_UNICAST && route.protocol == RTPROT_BOOT && !route.gateway &&
           allowed_ips_.contains(*route.dst);
  }

  static bool IsPlain(const kernel::Rule& rule) {
    return rule.action == FR_ACT_TO_TBL && rule.protocol.value_or(0) == 0 && !rule.from &&
           !rule.to && !rule.iif && !rule.oif && rule.extra.empty();
  }

  // What has the mark is WireGuard's own, and goes outside.
  bool IsNotMarkRule(const kernel::Rule& rule) const {
    return mark_ != 0 && IsPlain(rule) && rule.invert == true && rule.fwmark == mark_ &&
           rule.table == mark_;
  }

  static bool IsSuppressRule(const kernel::Rule& rule) {
    return IsPlain(rule) && rule.invert != true && !rule.fwmark && rule.table == RT_TABLE_MAIN &&
           rule.suppress_prefixlength == 0u;
  }

  // Suppress rules look alike for all tunnels: this one's is where the kernel has put it.
  bool IsMadeRule(const kernel::Rule& rule) const {
    if (IsNotMarkRule(rule)) return true;
    return IsSuppressRule(rule) && HasRule([&](const kernel::Rule& other) {
             return IsNotMarkRule(other) && other.family == rule.family &&
                    other.priority == *rule.priority + 1;
           });
  }

  template <class Wanted>
  bool HasRule(const Wanted& wanted) const {
    return std::any_of(snapshot_.objects().begin(), snapshot_.objects().end(),
                       [&](const Object& object) {
                         const auto* rule = std::get_if<kernel::Rule>(&object);
                         return rule != nullptr && wanted(*rule);
                       });
  }

  // A family's rules stay where they are, if there is room for a pair.
  std::optional<uint32_t> PriorityOfRules(Family family) const {
    std::optional<uint32_t> priority;
    for (const Object& object : snapshot_.objects()) {
      const auto* rule = std::get_if<kernel::Rule>(&object);
      if (rule == nullptr || rule->family != family || !IsNotMarkRule(*rule)) continue;
      if (priority && priority != rule->priority) return std::nullopt;
      priority = rule->priority;
    }
    if (!priority || *priority == 0) return std::nullopt;
    const bool taken = HasRule([&](const kernel::Rule& rule) {
      return rule.family == family && !IsMadeRule(rule) &&
             (rule.priority == *priority || rule.priority == *priority - 1);
    });
    return taken ? std::nullopt : priority;
  }

  void AddNumbers(Record& record) const {
    const auto add = [&](std::string_view kind, uint32_t value) {
      std::string name = fmt::format("{} of {}", kind, link_.name->view());
      std::erase_if(record.allocations, [&](const Allocation& old) { return old.name == name; });
      record.allocations.push_back({std::move(name), value});
    };
    if (mark_ != 0) add("mark", mark_);
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      if (const auto priority = PriorityOfRules(family)) {
        add(lowering::PriorityKind(family), *priority);
      }
    }
  }

  const kernel::Link& link_;
  const Snapshot& snapshot_;
  uint32_t mark_ = 0;
  std::unordered_set<Prefix> allowed_ips_;
};

}  // namespace

Result<Record> Adopt(std::span<const std::string> interfaces, Record own,
                     std::span<const Record> others, Reader& reader) {
  if (interfaces.empty()) return own;
  Scope scope;
  scope.links = scope.rules = true;
  WGNET_ASSIGN_OR_RETURN(const Snapshot before, Snapshot::Read(scope, reader));
  const std::vector<kernel::Link> links = LinksOf(before);
  const Record alive = WithoutLost(own, links);
  std::vector<kernel::Link> chosen;
  for (const kernel::Link& link : links) {
    const bool named =
        std::find(interfaces.begin(), interfaces.end(), link.name->view()) != interfaces.end();
    if (!named || !link.kind || link.kind->view() != WG_GENL_NAME) continue;
    const bool theirs = std::any_of(others.begin(), others.end(), [&](const Record& other) {
      return Has(WithoutLost(other, links), *link.index);
    });
    if (theirs || Has(alive, *link.index)) continue;
    chosen.push_back(link);
    Tunnel::AddToScope(link, scope);
  }
  if (chosen.empty()) return own;
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Read(scope, reader));
  own = alive;
  for (const kernel::Link& link : chosen) Tunnel(link, snapshot).AddTo(own);
  return own;
}

std::vector<std::string> KeepLiveEndpoints(const Desired& desired, int64_t now, Record& own) {
  kernel::KeySet wanted;
  for (const Object& object : desired.objects) wanted.insert(&object);
  std::vector<std::string> warnings;
  for (Object& object : own.objects) {
    auto* peer = std::get_if<kernel::WgPeer>(&object);
    // Of a peer that was not just read, no handshake is known.
    if (peer == nullptr || !peer->endpoint || !peer->last_handshake) continue;
    if (now - peer->last_handshake->seconds >= kSessionSeconds) continue;
    const auto found = wanted.find(&object);
    if (found == wanted.end()) continue;
    const auto& endpoint = std::get_if<kernel::WgPeer>(*found)->endpoint;
    if (!endpoint || endpoint == peer->endpoint) continue;
    warnings.push_back(
        fmt::format("the peer {} of {} is in a session at {}, which stays its endpoint",
                    peer->public_key->ToString(), peer->dev->name.view(),
                    kernel::SocketAddressWire::Text(*peer->endpoint)));
    peer->endpoint = endpoint;
  }
  return warnings;
}

}  // namespace wgnet::plan
