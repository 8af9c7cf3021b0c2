// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/lowering.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <map>
#include <set>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/kernel/nft_backend.h"
#include "src/plan/object_list.h"

namespace wgnet::plan {
namespace {

namespace nft = kernel::nft;
using kernel::LinkRef;

constexpr std::string_view kQuickPrefix = "wg-quick:";
constexpr int kOverhead = 80;  // outer IPv6 header, UDP, WireGuard's own; wg-quick's figure
constexpr int kDefaultMtu = 1500;
constexpr int kIpv6MinimumMtu = 1280;              // RFC 8200, section 5
constexpr uint32_t kLowestTunnelPriority = 32765;  // just before the main table's rule
constexpr uint32_t kLowestPrefixPriority = 31999;
constexpr uint32_t kIpv6Metric = 1024;  // what the kernel makes of none

// Bits that no known user of marks takes: below 16, above and between Cilium's, Kubernetes' and
// wg-quick's 51820.
constexpr uint32_t kArrivalBits[] = {1u << 12, 1u << 13, 1u << 28, 1u << 29, 1u << 30, 1u << 31};

constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

nft::TableFamily TableFamilyOf(Family family) {
  return family == Family::kIpv6 ? nft::TableFamily::kIpv6 : nft::TableFamily::kIpv4;
}

// A full tunnel, said or implied.
struct Tunnel {
  const Interface* interface;
  LinkRef dev;
  std::vector<Family> families;
  PolicyRoute::Mark mark;
  uint32_t table = 0;
  uint32_t priority = 0;  // of the not-mark rule; the suppress rule has the one before
};

std::string PlaceOf(const Interface& interface) {
  return "Interface(" + QuoteForMessage(interface.name()) + ")";
}

std::string PlaceOf(const PolicyRoute& route) {
  return "PolicyRoute(" + QuoteForMessage(route.interface()) + ")";
}

class Lowering {
 public:
  Lowering(const Node& node, const Facts& facts, const Record& own, std::span<const Record> others)
      : node_(node), facts_(facts), own_(own), others_(others) {
    for (const kernel::Link& link : facts.links) next_index_ = std::max(next_index_, *link.index);
  }

  Result<Desired> Run() {
    if (node_.empty()) return desired_;
    WGNET_RETURN_IF_ERROR(FindLinks());
    WGNET_RETURN_IF_ERROR(ChooseTunnels());
    LowerTunnelChains();
    WGNET_RETURN_IF_ERROR(LowerNatAndForward());
    if (!tables_.empty() && !nft::BackendAvailable()) return NoNftables();
    EmitTables();
    for (const Interface& interface : node_.interfaces()) {
      WGNET_RETURN_IF_ERROR(LowerInterface(interface));
    }
    for (const PolicyRoute& route : node_.policy_routes()) {
      if (!route.is_full_tunnel()) WGNET_RETURN_IF_ERROR(LowerPrefixRoute(route));
    }
    LowerTunnelRoutes();
    for (auto& [place, rule] : rules_) {
      objects_.From(std::move(place));
      objects_.Add(std::move(rule));
    }
    WGNET_ASSIGN_OR_RETURN(desired_.objects, objects_.TakeDistinct());
    return std::move(desired_);
  }

 private:
  static Error NoNftables() {
    return {.code = ErrorCode::kNotSupported,
            .message = "the node needs nftables, and this build of wgnet has none",
            .where = "Node",
            .hint = "build with WGNET_NFT=libnftnl"};
  }

  // ---- choices that stay ----

  static bool Holds(const std::vector<Allocation>& allocations, std::string_view kind,
                    uint32_t value) {
    return std::any_of(allocations.begin(), allocations.end(), [&](const Allocation& allocation) {
      return allocation.value == value && allocation.name.starts_with(kind);
    });
  }

  bool IsAllocated(std::string_view kind, uint32_t value) const {
    return Holds(desired_.allocations, kind, value) || Holds(own_.allocations, kind, value) ||
           std::any_of(others_.begin(), others_.end(),
                       [&](const Record& other) { return Holds(other.allocations, kind, value); });
  }

  // The value that `what` has already, or the first candidate that `is_free`; `next` gives the one
  // after.
  template <class Next, class IsFree>
  std::optional<uint32_t> Allocate(std::string_view kind, std::string_view what, uint32_t first,
                                   const Next& next, const IsFree& is_free) {
    const std::string name = fmt::format("{} of {}", kind, what);
    for (const Allocation& known : desired_.allocations) {
      if (known.name == name) return known.value;
    }
    std::optional<uint32_t> value = own_.FindAllocation(name);
    for (std::optional<uint32_t> candidate = first; !value && candidate;
         candidate = next(*candidate)) {
      if (!IsAllocated(kind, *candidate) && is_free(*candidate)) value = candidate;
    }
    if (value) desired_.allocations.push_back({name, *value});
    return value;
  }

  static std::optional<uint32_t> CountUp(uint32_t value) { return value + 1; }

  bool IsFreePriority(uint32_t priority) const {
    return std::none_of(facts_.rules.begin(), facts_.rules.end(),
                        [&](const kernel::Rule& rule) { return rule.priority == priority; });
  }

  // ---- links ----

  const kernel::Link* FindRecorded(uint32_t index) const {
    for (const kernel::Object& object : own_.objects) {
      const auto* known = std::get_if<kernel::Link>(&object);
      if (known != nullptr && known->index == index) return known;
    }
    return nullptr;
  }

  Status FindLinks() {
    for (const Interface& interface : node_.interfaces()) {
      const kernel::Link* link = facts_.FindLink(interface.name());
      if (link == nullptr) {
        links_[interface.name()] = {++next_index_, interface.name()};
        continue;
      }
      if (FindRecorded(*link->index) == nullptr) {
        return Error{
            .code = ErrorCode::kNameTaken,
            .message = fmt::format("an interface {} exists, and is not {}'s",
                                   QuoteForMessage(interface.name()), QuoteForMessage(own_.owner)),
            .where = PlaceOf(interface),
            .hint = "remove it, or choose another name"};
      }
      links_[interface.name()] = link->ref();
    }
    return {};
  }

  Result<LinkRef> LinkOf(const std::string& name, std::string_view where) const {
    if (const auto own = links_.find(name); own != links_.end()) return own->second;
    if (const kernel::Link* link = facts_.FindLink(name)) return link->ref();
    return Error{.code = ErrorCode::kNotFound,
                 .message = "there is no interface " + QuoteForMessage(name),
                 .where = std::string(where),
                 .hint = "name one of the node's, or one that exists"};
  }

  // ---- full tunnels ----

  const PolicyRoute* FindFullTunnel(const std::string& interface) const {
    for (const PolicyRoute& route : node_.policy_routes()) {
      if (route.is_full_tunnel() && route.interface() == interface) return &route;
    }
    return nullptr;
  }

  static std::vector<Family> DefaultRouteFamilies(const Interface& interface) {
    std::vector<Family> families;
    // wg-quick comes to ::/0 first.
    for (const Family family : {Family::kIpv6, Family::kIpv4}) {
      for (const Peer& peer : interface.peers()) {
        for (const Prefix& ip : peer.allowed_ips()) {
          if (ip.is_default() && ip.family() == family) AddOnce(families, family);
        }
      }
    }
    return families;
  }

  static RouteTable TableOf(const Interface& interface) {
    return interface.table().value_or(RouteTable::Auto());
  }

  Status ChooseTunnels() {
    for (const PolicyRoute& route : node_.policy_routes()) {
      if (!route.is_full_tunnel() || links_.contains(route.interface())) continue;
      return Error{.code = ErrorCode::kInvalidArgument,
                   .message = "the interface is not one of the node's",
                   .where = PlaceOf(route),
                   .hint = "a full tunnel goes into a WireGuard interface of the same node"};
    }
    for (const Interface& interface : node_.interfaces()) {
      const PolicyRoute* said = FindFullTunnel(interface.name());
      std::vector<Family> families = DefaultRouteFamilies(interface);
      if (said == nullptr &&
          (TableOf(interface).kind() != RouteTable::Kind::kAuto || families.empty())) {
        continue;
      }
      if (families.empty()) families = {Family::kIpv6, Family::kIpv4};
      Tunnel tunnel{&interface, links_.at(interface.name()), families, {}};
      WGNET_RETURN_IF_ERROR(ChooseNumbers(said, tunnel));
      tunnels_.push_back(tunnel);
    }
    return {};
  }

  Status ChooseNumbers(const PolicyRoute* said, Tunnel& tunnel) {
    const std::string& name = tunnel.interface->name();
    const auto& own_mark = tunnel.interface->fwmark();
    if (said != nullptr && said->fwmark()) {
      if (own_mark && *own_mark != said->fwmark()->value) {
        return Error{.code = ErrorCode::kInvalidArgument,
                     .message = "the interface and its full tunnel have different marks",
                     .where = "PolicyRoute(" + QuoteForMessage(name) + ").FwMark",
                     .hint = "say FwMark once"};
      }
      tunnel.mark = *said->fwmark();
    } else if (own_mark.value_or(0) != 0) {
      tunnel.mark = {*own_mark, UINT32_MAX};
    } else {
      tunnel.mark = {*Allocate("mark", name, kFirstTunnelMark, CountUp,
                               [&](uint32_t mark) { return facts_.IsFreeTable(mark); }),
                     UINT32_MAX};
    }
    tunnel.table = said != nullptr && said->table() ? *said->table() : tunnel.mark.value;
    tunnel.priority = said != nullptr && said->priority()
                          ? *said->priority()
                          : AllocatePriorityPair(tunnel.interface->name());
    return {};
  }

  uint32_t AllocatePriorityPair(const std::string& name) {
    const auto down = [](uint32_t priority) {
      return priority > 3 ? std::optional(priority - 2) : std::nullopt;
    };
    return Allocate("priority", name, kLowestTunnelPriority, down,
                    [&](uint32_t priority) {
                      return IsFreePriority(priority) && IsFreePriority(priority - 1);
                    })
        .value_or(kLowestTunnelPriority);
  }

  // Addresses of the tunnel are accepted from the tunnel only; replies to its packets get its mark
  // back, so that they pass a strict reverse path filter.
  void LowerTunnelChains() {
    for (const Tunnel& tunnel : tunnels_) {
      for (const Family family : tunnel.families) {
        const auto table = TableFamilyOf(family);
        for (const Prefix& address : tunnel.interface->addresses()) {
          if (address.family() != family) continue;
          Rules(table, "preraw", "filter", NF_INET_PRE_ROUTING, -300)
              .push_back({nft::MatchInterface{nft::Direction::kIn, tunnel.interface->name(), true},
                          nft::MatchAddress{nft::Side::kDestination, Prefix(address.address())},
                          nft::MatchSourceNotLocal{}, nft::Verdict{false}});
        }
        const auto [value, mask] = tunnel.mark;
        Rules(table, "premangle", "filter", NF_INET_PRE_ROUTING, -150)
            .push_back({nft::MatchUdp{}, nft::MatchMark{nft::MarkOf::kConnection, value, mask},
                        nft::MergeMark{nft::MarkOf::kPacket, value, mask}});
        Rules(table, "postmangle", "filter", NF_INET_POST_ROUTING, -150)
            .push_back({nft::MatchUdp{}, nft::MatchMark{nft::MarkOf::kPacket, value, mask},
                        nft::MergeMark{nft::MarkOf::kConnection, value, mask}});
      }
    }
  }

  // The route first, then the suppress rules, and last the rules that switch over.
  void LowerTunnelRoutes() {
    for (const Tunnel& tunnel : tunnels_) {
      objects_.From(PlaceOf(*tunnel.interface));
      for (const Family family : tunnel.families) {
        AddRoute(Prefix(IpAddress::Any(family), 0), tunnel.dev, tunnel.table);
      }
      if (std::find(tunnel.families.begin(), tunnel.families.end(), Family::kIpv4) !=
          tunnel.families.end()) {
        ClaimSourceValidMark();
      }
    }
    for (const Tunnel& tunnel : tunnels_) {
      for (const Family family : tunnel.families) {
        kernel::Rule suppress = MakeRule(family, tunnel.priority - 1, RT_TABLE_MAIN);
        suppress.suppress_prefixlength = 0;
        rules_.emplace_back(PlaceOf(*tunnel.interface), suppress);
      }
    }
    for (const Tunnel& tunnel : tunnels_) {
      for (const Family family : tunnel.families) {
        kernel::Rule not_mark = MakeRule(family, tunnel.priority, tunnel.table);
        not_mark.invert = true;
        not_mark.fwmark = tunnel.mark.value;
        not_mark.fwmask = tunnel.mark.mask;
        rules_.emplace_back(PlaceOf(*tunnel.interface), not_mark);
      }
    }
  }

  // Only a strict reverse path filter asks for it, and then only on that link: the setting changes
  // what other users of marks see. The kernel takes the greater rp_filter of the link's and "all",
  // and either src_valid_mark.
  void ClaimSourceValidMark() {
    const bool for_all = facts_.Setting("net/ipv4/conf/all/src_valid_mark").value_or(0) != 0;
    const int all = facts_.Setting("net/ipv4/conf/all/rp_filter").value_or(0);
    for (const kernel::Link& link : facts_.links) {
      const int effective = std::max(all, static_cast<int>(link.rp_filter.value_or(0)));
      if (effective != 1 || link.name->view() == "lo" || links_.contains(link.name->str()))
        continue;
      const std::string name = "net/ipv4/conf/" + link.name->str() + "/src_valid_mark";
      if (!for_all || IsClaimed(name)) Claim(name, "1", {});
    }
  }

  // A setting that an owner has already changed, this one or another, no longer tells whether it
  // has to be.
  bool IsClaimed(const std::string& name) const {
    return own_.FindClaim(name) != nullptr ||
           std::any_of(others_.begin(), others_.end(),
                       [&](const Record& other) { return other.FindClaim(name) != nullptr; });
  }

  static kernel::Rule MakeRule(Family family, uint32_t priority, uint32_t table) {
    kernel::Rule rule;
    rule.family = family;
    rule.priority = priority;
    rule.invert = false;
    rule.action = FR_ACT_TO_TBL;
    rule.table = table;
    rule.protocol = kernel::kProtocol;
    return rule;
  }

  // ---- interfaces ----

  Status LowerInterface(const Interface& interface) {
    const LinkRef dev = links_.at(interface.name());
    objects_.From(PlaceOf(interface));
    AddLink(interface, dev);
    AddDevice(interface, dev);
    for (const Peer& peer : interface.peers()) AddPeer(peer, dev);
    for (const Prefix& address : interface.addresses()) AddAddress(address, dev);
    AddRoutes(interface, dev);
    // The module clears it when a link comes up; then it is ours to put back.
    Claim("net/ipv4/conf/all/send_redirects", "0", {});
    return {};
  }

  void AddLink(const Interface& interface, const LinkRef& dev) {
    kernel::Link link;
    link.name = dev.name;
    link.index = dev.index;
    link.kind = FixedString<31>(WG_GENL_NAME);
    link.mtu = MtuOf(interface);
    link.group = kernel::kLinkGroup;
    link.alias = FixedString<255>(AliasOf(own_.owner));
    link.forwarding = ForwardingOf(dev);
    link.up = true;
    objects_.Add(std::move(link));
  }

  // A link that once forwarded is given what the kernel gives new links; one that never did is left
  // alone.
  std::optional<uint32_t> ForwardingOf(const LinkRef& dev) const {
    if (forwarding_.contains(dev.name.str())) return 1;
    const kernel::Link* before = FindRecorded(dev.index);
    if (before == nullptr || !before->forwarding) return std::nullopt;
    return static_cast<uint32_t>(facts_.Setting("net/ipv4/conf/default/forwarding").value_or(0));
  }

  // wg-quick's rule: the smallest of the ways to the endpoints, else the default route's, less 80.
  uint32_t MtuOf(const Interface& interface) const {
    if (interface.mtu()) return *interface.mtu();
    std::optional<uint32_t> smallest;
    for (const Peer& peer : interface.peers()) {
      if (!peer.endpoint()) continue;
      const auto path = facts_.paths.find(peer.endpoint()->ToString());
      if (path == facts_.paths.end() || !path->second.mtu) continue;
      smallest = std::min(smallest.value_or(UINT32_MAX), *path->second.mtu);
    }
    const uint32_t outer = smallest.value_or(facts_.default_route_mtu.value_or(kDefaultMtu));
    const bool v6 = std::any_of(interface.addresses().begin(), interface.addresses().end(),
                                [](const Prefix& address) { return address.is_v6(); });
    const int inner = static_cast<int>(outer) - kOverhead;
    return static_cast<uint32_t>(std::max(inner, v6 ? kIpv6MinimumMtu : 68));
  }

  uint32_t DeviceMark(const Interface& interface) const {
    for (const Tunnel& tunnel : tunnels_) {
      if (tunnel.interface == &interface) return tunnel.mark.value;
    }
    return interface.fwmark().value_or(0);
  }

  void AddDevice(const Interface& interface, const LinkRef& dev) {
    kernel::WgDevice device;
    device.dev = dev;
    device.private_key = interface.private_key().value_or(SecretKey()).Clamped();
    device.listen_port = interface.listen_port();
    device.fwmark = DeviceMark(interface);
    objects_.Add(std::move(device));
  }

  void AddPeer(const Peer& peer, const LinkRef& dev) {
    kernel::WgPeer lowered;
    lowered.dev = dev;
    lowered.public_key = peer.public_key();
    lowered.preshared_key = peer.preshared_key().value_or(SecretKey());
    if (peer.endpoint()) lowered.endpoint = facts_.paths.at(peer.endpoint()->ToString()).address;
    lowered.keepalive = peer.persistent_keepalive().value_or(0);
    lowered.allowed_ips = peer.allowed_ips();
    kernel::NormalizeAllowedIps(*lowered.allowed_ips);
    objects_.Add(std::move(lowered));
  }

  void AddAddress(const Prefix& prefix, const LinkRef& dev) {
    kernel::Address address;
    address.local = prefix;
    address.dev = dev;
    address.scope = RT_SCOPE_UNIVERSE;
    address.protocol = kernel::kProtocol;
    objects_.Add(std::move(address));
  }

  void AddRoute(const Prefix& dst, const LinkRef& dev, uint32_t table) {
    kernel::Route route;
    route.type = RTN_UNICAST;
    route.dst = dst;
    route.tos = 0;
    route.dev = dev;
    route.table = table;
    route.protocol = kernel::kProtocol;
    route.scope = dst.is_v6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    route.metric = dst.is_v6() ? kIpv6Metric : 0;
    objects_.Add(std::move(route));
  }

  // The longest prefixes first, as wg-quick does.
  void AddRoutes(const Interface& interface, const LinkRef& dev) {
    const RouteTable table = TableOf(interface);
    if (table.kind() == RouteTable::Kind::kOff) return;
    const bool automatic = table.kind() == RouteTable::Kind::kAuto;
    std::vector<Prefix> prefixes;
    for (const Peer& peer : interface.peers()) {
      prefixes.insert(prefixes.end(), peer.allowed_ips().begin(), peer.allowed_ips().end());
    }
    std::sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
      return a.length() != b.length() ? a.length() > b.length() : a > b;
    });
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    for (const Prefix& prefix : prefixes) {
      if (automatic && (prefix.is_default() || IsConnected(interface, prefix))) continue;
      AddRoute(prefix, dev, automatic ? uint32_t{RT_TABLE_MAIN} : table.number());
    }
  }

  // Whether the kernel makes a route in the main table that covers the prefix by itself. An IPv4
  // /32 gets none there.
  static bool IsConnected(const Interface& interface, const Prefix& prefix) {
    return std::any_of(interface.addresses().begin(), interface.addresses().end(),
                       [&](const Prefix& address) {
                         return address.Contains(prefix) && (address.is_v6() || !address.is_host());
                       });
  }

  // ---- prefixes with tables of their own ----

  Status LowerPrefixRoute(const PolicyRoute& route) {
    WGNET_ASSIGN_OR_RETURN(const LinkRef dev, LinkOf(route.interface(), PlaceOf(route)));
    const uint32_t table = ChooseTable(route);
    kernel::Rule rule = MakeRule(route.to()->family(), ChoosePriority(route), table);
    if (!route.to()->is_default()) rule.to = route.to();
    if (route.from() && !route.from()->is_default()) rule.from = route.from();
    if (route.in_interface()) rule.iif = FixedString<IFNAMSIZ - 1>(*route.in_interface());
    if (route.fwmark()) {
      rule.fwmark = route.fwmark()->value;
      rule.fwmask = route.fwmark()->mask;
    }
    objects_.From(PlaceOf(route));
    AddRoute(*route.to(), dev, table);
    rules_.emplace_back(PlaceOf(route), std::move(rule));
    return {};
  }

  // One for all that go to the same prefix through the same link.
  uint32_t ChooseTable(const PolicyRoute& route) {
    if (route.table()) return *route.table();
    return *Allocate("table", route.to()->ToString() + " " + route.interface(), kFirstPrefixTable,
                     CountUp, [&](uint32_t number) { return facts_.IsFreeTable(number); });
  }

  uint32_t ChoosePriority(const PolicyRoute& route) {
    if (route.priority()) return *route.priority();
    std::string what = route.to()->ToString() + " " + route.interface();
    if (route.from()) what += " from " + route.from()->ToString();
    if (route.in_interface()) what += " iif " + *route.in_interface();
    if (route.fwmark()) {
      what += fmt::format(" fwmark {:#x}/{:#x}", route.fwmark()->value, route.fwmark()->mask);
    }
    const auto down = [](uint32_t priority) {
      return priority > 1 ? std::optional(priority - 1) : std::nullopt;
    };
    return Allocate("priority", what, kLowestPrefixPriority, down,
                    [&](uint32_t number) { return IsFreePriority(number); })
        .value_or(kLowestPrefixPriority);
  }

  // ---- NAT and forwarding ----

  Status LowerNatAndForward() {
    for (size_t i = 0; i < node_.nat_rules().size(); ++i) {
      WGNET_RETURN_IF_ERROR(LowerNatRule(node_.nat_rules()[i], i));
    }
    for (const ForwardRule& rule : node_.forward_rules()) LowerForwardRule(rule);
    if (!node_.forward_rules().empty()) WarnOfForeignDrops();
    return {};
  }

  Status LowerNatRule(const NatRule& rule, size_t number) {
    std::vector<nft::Expression> start;
    if (rule.in_interface()) {
      WGNET_ASSIGN_OR_RETURN(const uint32_t bit, ArrivalMark(*rule.in_interface()));
      start.push_back(nft::MatchMark{nft::MarkOf::kPacket, bit, bit});
    }
    std::vector<nft::Expression> end;
    if (rule.out_interface()) {
      end.push_back(nft::MatchInterface{nft::Direction::kOut, *rule.out_interface()});
    }
    end.push_back(nft::Masquerade{});
    for (const auto& sources : SourceMatches(rule, number)) {
      std::vector<nft::Expression> expressions = start;
      expressions.insert(expressions.end(), sources.begin(), sources.end());
      expressions.insert(expressions.end(), end.begin(), end.end());
      Rules(nft::TableFamily::kInet, "postrouting", "nat", NF_INET_POST_ROUTING, 100)
          .push_back(std::move(expressions));
    }
    return {};
  }

  // One match for each family; several prefixes of a family become a set.
  std::vector<std::vector<nft::Expression>> SourceMatches(const NatRule& rule, size_t number) {
    std::vector<std::vector<nft::Expression>> matches;
    if (rule.sources().empty()) return {{}};
    for (const Family family : kFamilies) {
      std::vector<Prefix> prefixes;
      for (const Prefix& source : rule.sources()) {
        if (source.family() == family) prefixes.push_back(source);
      }
      if (prefixes.size() == 1) {
        matches.push_back({nft::MatchAddress{nft::Side::kSource, prefixes.front()}});
      } else if (!prefixes.empty()) {
        const std::string set =
            fmt::format("sources-{}-{}", number, family == Family::kIpv6 ? "v6" : "v4");
        AddSet(set, family, prefixes);
        matches.push_back({nft::MatchAddressSet{nft::Side::kSource, family, set}});
      }
    }
    return matches;
  }

  void AddSet(const std::string& name, Family family, const std::vector<Prefix>& prefixes) {
    kernel::NftSet set;
    set.family = nft::TableFamily::kInet;
    set.table = kernel::NftName(TableNameOf(own_.owner));
    set.name = kernel::NftName(name);
    set.flags = NFT_SET_INTERVAL;
    set.key_type = family == Family::kIpv6 ? kernel::kNftIpv6Type : kernel::kNftIpv4Type;
    set.key_length = family == Family::kIpv6 ? 16 : 4;
    set.userdata = kernel::NftAddressSetUserdata();
    for (const kernel::AddressRange& range : kernel::MergePrefixes(prefixes)) {
      kernel::NftElement element;
      element.family = set.family;
      element.table = set.table;
      element.set = set.name;
      element.range = range;
      elements_.push_back(element);
    }
    sets_.push_back(set);
    tables_[nft::TableFamily::kInet];
  }

  // The bit that packets get which arrive on such an interface; one for each pattern.
  Result<uint32_t> ArrivalMark(const std::string& pattern) {
    if (const auto known = arrival_marks_.find(pattern); known != arrival_marks_.end()) {
      return known->second;
    }
    const auto next = [](uint32_t bit) {
      const auto* at = std::find(std::begin(kArrivalBits), std::end(kArrivalBits), bit);
      return at + 1 < std::end(kArrivalBits) ? std::optional(*(at + 1)) : std::nullopt;
    };
    const auto bit = Allocate("arrival bit", pattern, kArrivalBits[0], next, [&](uint32_t mask) {
      return std::none_of(facts_.rules.begin(), facts_.rules.end(), [&](const auto& rule) {
        return rule.protocol != kernel::kProtocol && rule.fwmask != UINT32_MAX &&
               (rule.fwmask.value_or(0) & mask) != 0;
      });
    });
    if (!bit) {
      return Error{.code = ErrorCode::kConflict,
                   .message = "no bit of the packet mark is free",
                   .where = "NatRule.InInterface",
                   .hint = "masquerade by Source instead"};
    }
    arrival_marks_[pattern] = *bit;
    Rules(nft::TableFamily::kInet, "forward", "filter", NF_INET_FORWARD, -1)
        .push_back({nft::MatchInterface{nft::Direction::kIn, pattern},
                    nft::MergeMark{nft::MarkOf::kPacket, *bit, *bit}});
    return *bit;
  }

  void LowerForwardRule(const ForwardRule& rule) {
    for (const auto& [from, to] :
         {std::pair(rule.one(), rule.other()), std::pair(rule.other(), rule.one())}) {
      Rules(nft::TableFamily::kInet, "forward", "filter", NF_INET_FORWARD, -1)
          .push_back({nft::MatchInterface{nft::Direction::kIn, from},
                      nft::MatchInterface{nft::Direction::kOut, to}, nft::Verdict{true}});
    }
    for (const std::string& pattern : {rule.one(), rule.other()}) SwitchOnForwarding(pattern);
    if (UsesIpv6()) ClaimIpv6Forwarding();
  }

  bool UsesIpv6() const {
    return std::any_of(node_.interfaces().begin(), node_.interfaces().end(), [](const auto& i) {
      return std::any_of(i.addresses().begin(), i.addresses().end(),
                         [](const Prefix& address) { return address.is_v6(); });
    });
  }

  void SwitchOnForwarding(const std::string& pattern) {
    bool found = false;
    for (const auto& [name, dev] : links_) {
      if (!MatchesPattern(name, pattern)) continue;
      forwarding_.insert(name);
      found = true;
    }
    for (const kernel::Link& link : facts_.links) {
      if (!MatchesPattern(link.name->view(), pattern)) continue;
      found = true;
      if (links_.contains(link.name->str())) continue;
      Claim("net/ipv4/conf/" + link.name->str() + "/forwarding", "1", {});
    }
    if (!found) {
      desired_.warnings.push_back(fmt::format(
          "no interface fits {}: forwarding is switched on when the node is applied again after "
          "one has appeared",
          QuoteForMessage(pattern)));
    }
  }

  // IPv6 forwards as a whole or not at all. Switching it on moves every interface's setting, and
  // drops routes learned from router advertisements unless accept_ra is 2.
  void ClaimIpv6Forwarding() {
    const std::string all = "net/ipv6/conf/all/forwarding";
    if (!facts_.Setting(all)) return;  // a kernel without IPv6
    std::vector<kernel::SysctlName> footprint = {"net/ipv6/conf/default/forwarding"};
    for (const kernel::Link& link : facts_.links) {
      if (links_.contains(link.name->str())) continue;
      const std::string conf = "net/ipv6/conf/" + link.name->str();
      if (facts_.Setting(conf + "/forwarding")) footprint.emplace_back(conf + "/forwarding");
      if (link.group == kernel::kLinkGroup) continue;  // a tunnel has no router that advertises
      const std::string accept_ra = conf + "/accept_ra";
      if (facts_.Setting(accept_ra) == 1 || IsClaimed(accept_ra)) Claim(accept_ra, "2", {});
    }
    Claim(all, "1", footprint);
  }

  // An accept of ours cannot overrule a drop of another base chain on the same hook.
  void WarnOfForeignDrops() {
    for (const kernel::NftChain& chain : facts_.base_chains) {
      if (chain.hook->number != NF_INET_FORWARD || chain.policy != NF_DROP) continue;
      desired_.warnings.push_back(fmt::format(
          "the chain {} of the nftables table {} {} drops what none of its own rules accepts: "
          "forwarding needs a rule there",
          chain.name->view(), kernel::NftFamily::Text(*chain.family), chain.table->view()));
    }
  }

  void Claim(std::string name, std::string_view value,
             const std::vector<kernel::SysctlName>& footprint) {
    const kernel::SysctlName key(name);
    for (const auto& known : desired_.settings) {
      if (known.setting.name == key) return;
    }
    desired_.settings.push_back({{key, kernel::SysctlText(value)}, footprint});
  }

  // ---- nftables ----

  using RuleList = std::vector<std::vector<nft::Expression>>;
  struct Chain {
    std::string name;
    std::string type;
    kernel::NftHook hook;
    RuleList rules;
  };

  // The rules of a chain, which is made at the first call.
  RuleList& Rules(nft::TableFamily family, const std::string& name, const std::string& type,
                  uint32_t hook, int32_t priority) {
    auto& chains = tables_[family];
    for (Chain& chain : chains) {
      if (chain.name == name) return chain.rules;
    }
    chains.push_back({name, type, {hook, priority}, {}});
    return chains.back().rules;
  }

  void EmitTables() {
    for (const auto& [family, chains] : tables_) {
      kernel::NftTable table;
      table.family = family;
      table.name = kernel::NftName(TableNameOf(own_.owner));
      table.comment = FixedString<128>(AliasOf(own_.owner));
      objects_.Add(table);
    }
    for (auto& set : sets_) objects_.Add(std::move(set));
    for (auto& element : elements_) objects_.Add(std::move(element));
    for (const auto& [family, chains] : tables_) {
      for (const Chain& chain : chains) EmitChain(family, chain);
    }
  }

  void EmitChain(nft::TableFamily family, const Chain& chain) {
    kernel::NftChain lowered;
    lowered.family = family;
    lowered.table = kernel::NftName(TableNameOf(own_.owner));
    lowered.name = kernel::NftName(chain.name);
    lowered.type = FixedString<31>(chain.type);
    lowered.hook = chain.hook;
    lowered.policy = NF_ACCEPT;
    lowered.rules.emplace();
    for (const auto& expressions : chain.rules) {
      lowered.rules->push_back(kernel::MakeRule(expressions));
    }
    objects_.Add(std::move(lowered));
  }

  const Node& node_;
  const Facts& facts_;
  const Record& own_;
  std::span<const Record> others_;
  Desired desired_;
  uint32_t next_index_ = 0;
  std::map<std::string, LinkRef> links_;  // of the node's interfaces
  std::vector<Tunnel> tunnels_;
  std::map<nft::TableFamily, std::vector<Chain>> tables_;
  std::vector<kernel::NftSet> sets_;
  std::vector<kernel::NftElement> elements_;
  ObjectList objects_;
  std::vector<std::pair<std::string, kernel::Rule>> rules_;  // with their places; added last: they
                                                             // switch over
  std::map<std::string, uint32_t> arrival_marks_;
  std::set<std::string> forwarding_;  // own interfaces that forward
};

bool IsOwnerByte(char c) {
  constexpr std::string_view kOthers = "_.@+=-";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != kOthers.npos;
}

}  // namespace

Result<Desired> Lower(const Node& node, const Facts& facts, const Record& own,
                      std::span<const Record> others) {
  WGNET_RETURN_IF_ERROR(node.Check());
  return Lowering(node, facts, own, others).Run();
}

Status CheckOwner(std::string_view owner) {
  std::string_view name = owner;
  if (name.starts_with(kQuickPrefix)) name.remove_prefix(kQuickPrefix.size());
  if (name.empty() || owner.size() > 64 || name.front() == '.' ||
      !std::all_of(name.begin(), name.end(), IsOwnerByte)) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "not an owner's name: " + QuoteForMessage(owner),
                 .where = "owner",
                 .hint = "1 to 64 letters, digits and _.@+=-, not beginning with a dot"};
  }
  return {};
}

std::string TableNameOf(std::string_view owner) {
  if (owner.starts_with(kQuickPrefix)) {
    return "wg-quick-" + std::string(owner.substr(kQuickPrefix.size()));
  }
  return "wgnet-" + std::string(owner);
}

std::string AliasOf(std::string_view owner) { return "wgnet:" + std::string(owner); }

}  // namespace wgnet::plan
