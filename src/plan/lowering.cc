// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/lowering.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan {
namespace {

using lowering::Draft;
using lowering::NftDraft;
using lowering::Tunnel;

constexpr std::string_view kQuickPrefix = "wg-quick:";

using Marks = std::map<std::string, PolicyRoute::Mark>;

// Of the interfaces that have one, by their names.
Marks MarksOf(const Node& node, const std::vector<Tunnel>& tunnels) {
  Marks marks;
  for (const Tunnel& tunnel : tunnels) marks.emplace(tunnel.interface->name(), tunnel.mark);
  for (const Interface& interface : node.interfaces()) {
    const uint32_t mark = interface.fwmark().value_or(0);
    if (mark != 0) marks.emplace(interface.name(), PolicyRoute::Mark{mark, UINT32_MAX});
  }
  return marks;
}

// nftables come first: a flow that starts before its masquerade rule is never masqueraded. Rules
// come last: they switch over.
Result<Desired> LowerParts(Draft& draft) {
  const Node& node = draft.node();
  NftDraft nft(draft.owner());
  WGNET_RETURN_IF_ERROR(draft.FindLinks());
  WGNET_ASSIGN_OR_RETURN(const auto tunnels, lowering::ChooseTunnels(draft));
  const Marks marks = MarksOf(node, tunnels);
  WGNET_RETURN_IF_ERROR(lowering::LowerKillSwitch(marks, draft, nft));
  lowering::LowerTunnelChains(tunnels, nft);
  WGNET_RETURN_IF_ERROR(lowering::LowerNatRules(draft, nft));
  const auto forwarding = lowering::LowerForwardRules(draft, nft);
  WGNET_RETURN_IF_ERROR(nft.MoveTo(draft));
  for (const Interface& interface : node.interfaces()) {
    const bool forwards = forwarding.contains(interface.name());
    const auto mark = marks.find(interface.name());
    lowering::LowerInterface(
        interface, mark == marks.end() ? interface.fwmark() : std::optional(mark->second.value),
        forwards, draft);
  }
  for (const PolicyRoute& route : node.policy_routes()) {
    if (!route.is_full_tunnel()) WGNET_RETURN_IF_ERROR(lowering::LowerPrefixRoute(route, draft));
  }
  lowering::LowerTunnelRoutes(tunnels, draft);
  for (const Dns& dns : node.dns()) WGNET_RETURN_IF_ERROR(lowering::LowerDns(dns, draft));
  return draft.Take();
}

bool IsOwnerByte(char c) {
  constexpr std::string_view kOthers = "_.@+=-";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != kOthers.npos;
}

}  // namespace

Result<Desired> Lower(const Node& node, const Facts& facts, const Record& own,
                      std::span<const Record> others) {
  WGNET_RETURN_IF_ERROR(node.Check());
  if (node.empty()) return Desired();
  Draft draft(node, facts, own, others);
  return LowerParts(draft);
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
