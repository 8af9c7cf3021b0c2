// SPDX-License-Identifier: MIT OR Apache-2.0
// Full tunnels: every packet without the tunnel's own mark goes into it.
#include <algorithm>

#include "src/base/try.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

namespace nft = kernel::nft;

constexpr uint32_t kLowestPriority = 32765;  // just before the main table's rule

// ---- choosing ----

const PolicyRoute* FindFullTunnel(const Node& node, const std::string& interface) {
  for (const PolicyRoute& route : node.policy_routes()) {
    if (route.is_full_tunnel() && route.interface() == interface) return &route;
  }
  return nullptr;
}

std::vector<Family> DefaultRouteFamilies(const Interface& interface) {
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

Status CheckFullTunnels(const Draft& draft) {
  for (const PolicyRoute& route : draft.node().policy_routes()) {
    if (!route.is_full_tunnel() || draft.own_links().contains(route.interface())) continue;
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the interface is not one of the node's",
                 .where = PlaceOf(route),
                 .hint = "a full tunnel goes into a WireGuard interface of the same node"};
  }
  return {};
}

Result<PolicyRoute::Mark> ChooseMark(const PolicyRoute* said, const Interface& interface,
                                     Draft& draft) {
  const auto& own_mark = interface.fwmark();
  if (said != nullptr && said->fwmark()) {
    if (own_mark && *own_mark != said->fwmark()->value) {
      return Error{.code = ErrorCode::kInvalidArgument,
                   .message = "the interface and its full tunnel have different marks",
                   .where = PlaceOf(*said) + ".FwMark",
                   .hint = "say FwMark once"};
    }
    return *said->fwmark();
  }
  if (own_mark.value_or(0) != 0) return PolicyRoute::Mark{*own_mark, UINT32_MAX};
  const auto mark =
      draft.Allocate("mark", interface.name(), Candidates::Tables(kFirstTunnelMark, draft.facts()));
  return PolicyRoute::Mark{*mark, UINT32_MAX};
}

uint32_t ChoosePriority(const PolicyRoute* said, const Interface& interface, Family family,
                        Draft& draft) {
  if (said != nullptr && said->priority()) return *said->priority();
  const Candidates pairs = {.first = kLowestPriority,
                            .next =
                                [](uint32_t priority) {
                                  return priority > 3 ? std::optional(priority - 2) : std::nullopt;
                                },
                            .is_free =
                                [&](uint32_t priority) {
                                  return draft.IsFreePriority(family, priority) &&
                                         draft.IsFreePriority(family, priority - 1);
                                }};
  return draft.Allocate(PriorityKind(family), interface.name(), pairs).value_or(kLowestPriority);
}

// ---- lowering ----

// Only a strict reverse path filter asks for it, and then only on that link: the setting changes
// what other users of marks see. The kernel takes the greater rp_filter of the link's and "all",
// and either src_valid_mark.
void ClaimSourceValidMark(Draft& draft) {
  const Facts& facts = draft.facts();
  const bool for_all = facts.Setting("net/ipv4/conf/all/src_valid_mark").value_or(0) != 0;
  const int all = facts.Setting("net/ipv4/conf/all/rp_filter").value_or(0);
  for (const kernel::Link& link : facts.links) {
    const int effective = std::max(all, static_cast<int>(link.rp_filter.value_or(0)));
    if (effective != 1 || link.name->view() == "lo" || draft.IsOwn(link)) continue;
    const std::string name = "net/ipv4/conf/" + link.name->str() + "/src_valid_mark";
    if (!for_all || draft.IsClaimed(name)) draft.Claim(name, "1");
  }
}

void AddRules(std::span<const Tunnel> tunnels, Draft& draft,
              kernel::Rule (*make)(const Tunnel& tunnel, Family family)) {
  for (const Tunnel& tunnel : tunnels) {
    for (const Family family : tunnel.families) {
      draft.AddRule(PlaceOf(*tunnel.interface), make(tunnel, family));
    }
  }
}

kernel::Rule SuppressRule(const Tunnel& tunnel, Family family) {
  kernel::Rule rule = RuleInto(RT_TABLE_MAIN, family, tunnel.priorities.at(family) - 1);
  rule.suppress_prefixlength = 0;
  return rule;
}

kernel::Rule NotMarkRule(const Tunnel& tunnel, Family family) {
  kernel::Rule rule = RuleInto(tunnel.table, family, tunnel.priorities.at(family));
  rule.invert = true;
  rule.fwmark = tunnel.mark.value;
  rule.fwmask = tunnel.mark.mask;
  return rule;
}

void LowerChains(const Tunnel& tunnel, Family family, NftDraft& nft) {
  const auto table = family == Family::kIpv6 ? nft::TableFamily::kIpv6 : nft::TableFamily::kIpv4;
  const NftDraft::Place preraw = {table, "preraw", "filter", NF_INET_PRE_ROUTING, -300};
  nft.AddChain(preraw);
  for (const Prefix& address : tunnel.interface->addresses()) {
    if (address.family() != family) continue;
    nft.AddRule(preraw, {nft::MatchInterface{nft::Direction::kIn, tunnel.interface->name(), true},
                         nft::MatchAddress{nft::Side::kDestination, Prefix(address.address())},
                         nft::MatchSourceNotLocal{}, nft::Verdict{false}});
  }
  const auto [value, mask] = tunnel.mark;
  nft.AddRule({table, "premangle", "filter", NF_INET_PRE_ROUTING, -150},
              {nft::MatchUdp{}, nft::MatchMark{nft::MarkOf::kConnection, value, mask},
               nft::MergeMark{nft::MarkOf::kPacket, value, mask}});
  nft.AddRule({table, "postmangle", "filter", NF_INET_POST_ROUTING, -150},
              {nft::MatchUdp{}, nft::MatchMark{nft::MarkOf::kPacket, value, mask},
               nft::MergeMark{nft::MarkOf::kConnection, value, mask}});
}

}  // namespace

std::vector<Family> FamiliesOfFullTunnel(const Interface& interface) {
  std::vector<Family> families = DefaultRouteFamilies(interface);
  if (families.empty()) families = {Family::kIpv6, Family::kIpv4};
  return families;
}

Result<std::vector<Tunnel>> ChooseTunnels(Draft& draft) {
  WGNET_RETURN_IF_ERROR(CheckFullTunnels(draft));
  std::vector<Tunnel> tunnels;
  for (const Interface& interface : draft.node().interfaces()) {
    const PolicyRoute* said = FindFullTunnel(draft.node(), interface.name());
    const bool implied = TableOf(interface).kind() == RouteTable::Kind::kAuto &&
                         !DefaultRouteFamilies(interface).empty();
    if (said == nullptr && !implied) continue;
    const std::vector<Family> families = FamiliesOfFullTunnel(interface);
    Tunnel tunnel{&interface, draft.own_links().at(interface.name()), families, {}};
    WGNET_ASSIGN_OR_RETURN(tunnel.mark, ChooseMark(said, interface, draft));
    tunnel.table = said != nullptr && said->table() ? *said->table() : tunnel.mark.value;
    for (const Family family : families) {
      tunnel.priorities[family] = ChoosePriority(said, interface, family, draft);
    }
    tunnels.push_back(tunnel);
  }
  return tunnels;
}

void LowerTunnelChains(std::span<const Tunnel> tunnels, NftDraft& nft) {
  for (const Tunnel& tunnel : tunnels) {
    for (const Family family : tunnel.families) LowerChains(tunnel, family, nft);
  }
}

void LowerTunnelRoutes(std::span<const Tunnel> tunnels, Draft& draft) {
  for (const Tunnel& tunnel : tunnels) {
    draft.From(PlaceOf(*tunnel.interface));
    for (const Family family : tunnel.families) {
      draft.AddRoute(Prefix(IpAddress::Any(family), 0), tunnel.dev, tunnel.table);
      if (family == Family::kIpv4) ClaimSourceValidMark(draft);
    }
  }
  AddRules(tunnels, draft, SuppressRule);
  AddRules(tunnels, draft, NotMarkRule);
}

}  // namespace wgnet::plan::lowering
