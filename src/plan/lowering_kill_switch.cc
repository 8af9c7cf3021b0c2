// SPDX-License-Identifier: MIT OR Apache-2.0
// The kill switch: two chains that drop what none of their rules accepts. A drop is final, whatever
// other base chains accept.
#include <fmt/format.h>
#include <linux/wireguard.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

namespace nft = kernel::nft;

// Before whatever changes marks. Not the output hook: what is routed anew there, as somebody's rule
// has set a mark, still has the name of the link by which it was to leave first.
constexpr NftDraft::Place kLeaving = {nft::TableFamily::kInet, "kill-switch", "filter",
                                      NF_INET_POST_ROUTING,    -300,          NF_DROP};
// What is forwarded passes both chains, so that it is let out by none of the rules for packets that
// this machine sends itself.
constexpr NftDraft::Place kForwarded = {
    nft::TableFamily::kInet, "kill-switch-forward", "filter", NF_INET_FORWARD, -300, NF_DROP};

constexpr std::string_view kPlace = "KillSwitch.Tunnel";

// RFC 4861: from router solicitations to redirects, which no router has passed on.
constexpr nft::MatchIcmpv6Types kNeighborDiscovery = {133, 137};
constexpr nft::MatchHopLimit kFromTheLink = {255};

class KillSwitchLowering {
 public:
  KillSwitchLowering(Draft& draft, NftDraft& nft) : draft_(draft), nft_(nft) {}

  void LetOut(const std::string& tunnel) {
    const nft::MatchInterface leaves{nft::Direction::kOut, tunnel};
    const nft::MatchInterface arrived{nft::Direction::kIn, tunnel};
    for (const NftDraft::Place& place : {kForwarded, kLeaving}) {
      Accept(place, {leaves});
      Accept(place, {arrived, nft::MatchReply{}});
    }
  }

  void LetOutMarked(const PolicyRoute::Mark& mark) {
    Accept(kLeaving,
           {nft::MatchUdp{}, nft::MatchMark{nft::MarkOf::kPacket, mark.value, mark.mask}});
  }

  void KnowEndpoints(const Interface& interface) {
    for (const Peer& peer : interface.peers()) {
      const Facts::Path* path = draft_.facts().PathTo(interface, peer);
      if (path == nullptr) continue;
      const auto& [address, port, scope] = path->address;
      endpoints_[{port, address.family()}].push_back(Prefix(address));
    }
  }

  // One set for each port and family, so that an endpoint more is one element more.
  void LetOutToEndpoints() {
    for (const auto& [at, addresses] : endpoints_) {
      const auto [port, family] = at;
      const std::string set =
          fmt::format("endpoints-{}-{}", port, family == Family::kIpv6 ? "v6" : "v4");
      nft_.AddSet(set, family, addresses);
      Accept(kLeaving,
             {nft::MatchAddressSet{nft::Side::kDestination, family, set}, nft::MatchUdpPort{port}});
    }
  }

  void LetOutTheRest() {
    Accept(kLeaving, {nft::MatchInterface{nft::Direction::kOut, "lo"}});
    Accept(kLeaving, {kNeighborDiscovery, kFromTheLink});
  }

 private:
  void Accept(const NftDraft::Place& place, std::vector<nft::Expression> rule) {
    rule.push_back(nft::Verdict{true});
    nft_.AddRule(place, std::move(rule));
  }

  Draft& draft_;
  NftDraft& nft_;
  std::map<std::pair<uint16_t, Family>, std::vector<Prefix>> endpoints_;
};

const Interface* FindInterface(const Node& node, const std::string& name) {
  const auto& all = node.interfaces();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& i) { return i.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> TunnelsOf(const Node& node) {
  std::vector<std::string> tunnels;
  for (const std::string& name : node.kill_switch()->tunnels()) AddOnce(tunnels, name);
  if (!tunnels.empty()) return tunnels;
  for (const Interface& interface : node.interfaces()) tunnels.push_back(interface.name());
  return tunnels;
}

// An uplink that is named by mistake would let everything out.
Status CheckForeign(const std::string& name, Draft& draft) {
  const kernel::Link* link = draft.facts().FindLink(name);
  if (link != nullptr && (!link->kind || link->kind->view() != WG_GENL_NAME)) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = QuoteForMessage(name) + " is no WireGuard interface",
                 .where = std::string(kPlace),
                 .hint = "name the tunnels that packets may leave by"};
  }
  draft.Warn(fmt::format("{}: the interface {} is not in the node: its endpoints are not let out",
                         kPlace, QuoteForMessage(name)));
  return {};
}

}  // namespace

Status LowerKillSwitch(const std::map<std::string, PolicyRoute::Mark>& marks, Draft& draft,
                       NftDraft& nft) {
  const Node& node = draft.node();
  if (!node.kill_switch()) return {};
  nft.AddChain(kForwarded);
  KillSwitchLowering lowering(draft, nft);
  lowering.LetOutTheRest();
  for (const std::string& tunnel : TunnelsOf(node)) {
    lowering.LetOut(tunnel);
    const Interface* interface = FindInterface(node, tunnel);
    const auto mark = marks.find(tunnel);
    if (interface == nullptr) {
      WGNET_RETURN_IF_ERROR(CheckForeign(tunnel, draft));
    } else if (mark != marks.end()) {
      lowering.LetOutMarked(mark->second);
    } else {
      lowering.KnowEndpoints(*interface);
    }
  }
  lowering.LetOutToEndpoints();
  return {};
}

}  // namespace wgnet::plan::lowering
