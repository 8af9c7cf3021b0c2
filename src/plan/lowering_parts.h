// SPDX-License-Identifier: MIT OR Apache-2.0
// What each part of a node becomes. lowering.cc calls the parts in their order.
#ifndef WGNET_PLAN_LOWERING_PARTS_H_
#define WGNET_PLAN_LOWERING_PARTS_H_

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "src/plan/lowering_draft.h"
#include "src/plan/lowering_nft.h"

namespace wgnet::plan::lowering {

/// A full tunnel, said by a PolicyRoute or implied by a peer that has a default route.
struct Tunnel {
  const Interface* interface;
  kernel::LinkRef dev;
  std::vector<Family> families;
  PolicyRoute::Mark mark;
  uint32_t table = 0;
  std::map<Family, uint32_t>
      priorities;  // of the not-mark rules; each suppress rule has the one before
};

/// Those of the default routes among the allowed IPs, or both.
std::vector<Family> FamiliesOfFullTunnel(const Interface& interface);
/// Finds the full tunnels, and gives each its numbers.
Result<std::vector<Tunnel>> ChooseTunnels(Draft& draft);
/// Addresses of a tunnel are accepted from the tunnel only; replies to its packets get its mark
/// back, so that they pass a strict reverse path filter.
void LowerTunnelChains(std::span<const Tunnel> tunnels, NftDraft& nft);
/// Their routes first, then the suppress rules, and last the rules that switch over.
void LowerTunnelRoutes(std::span<const Tunnel> tunnels, Draft& draft);

/// A rule and a route, in a table of their own, for a prefix.
Status LowerPrefixRoute(const PolicyRoute& route, Draft& draft);

/// Nothing leaves in clear. `marks` are those of the interfaces that have one.
Status LowerKillSwitch(const std::map<std::string, PolicyRoute::Mark>& marks, Draft& draft,
                       NftDraft& nft);

/// Masquerading.
Status LowerNatRules(Draft& draft, NftDraft& nft);

/// Returns the node's interfaces that forward IPv4; other links are claimed.
std::set<std::string> LowerForwardRules(Draft& draft, NftDraft& nft);

/// The link with all that hangs on it, and its routes but for a full tunnel's.
void LowerInterface(const Interface& interface, std::optional<uint32_t> mark, bool forwards,
                    Draft& draft);

/// What the resolver is told.
Status LowerDns(const Dns& dns, Draft& draft);

}  // namespace wgnet::plan::lowering

#endif  // WGNET_PLAN_LOWERING_PARTS_H_
