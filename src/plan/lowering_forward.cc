// SPDX-License-Identifier: MIT OR Apache-2.0
// Forwarding: rules that accept packets, and the settings that have the kernel forward them.
#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

namespace nft = kernel::nft;

void AcceptBothWays(const ForwardRule& rule, NftDraft& nft) {
  for (const auto& [from, to] :
       {std::pair(rule.one(), rule.other()), std::pair(rule.other(), rule.one())}) {
    nft.AddRule(kForwardChain, {nft::MatchInterface{nft::Direction::kIn, from},
                                nft::MatchInterface{nft::Direction::kOut, to}, nft::Verdict{true}});
  }
}

bool UsesIpv6(const Node& node) {
  return std::any_of(node.interfaces().begin(), node.interfaces().end(), [](const auto& i) {
    return std::any_of(i.addresses().begin(), i.addresses().end(),
                       [](const Prefix& address) { return address.is_v6(); });
  });
}

void SwitchOnIpv4(const std::string& pattern, Draft& draft, std::set<std::string>& own) {
  bool found = false;
  for (const auto& [name, dev] : draft.own_links()) {
    if (!MatchesPattern(name, pattern)) continue;
    own.insert(name);
    found = true;
  }
  for (const kernel::Link& link : draft.facts().links) {
    if (!MatchesPattern(link.name->view(), pattern)) continue;
    found = true;
    if (draft.IsOwn(link)) continue;
    draft.Claim("net/ipv4/conf/" + link.name->str() + "/forwarding", "1");
  }
  if (!found) {
    draft.Warn(fmt::format(
        "no interface fits {}: forwarding is switched on when the node is applied again after "
        "one has appeared",
        QuoteForMessage(pattern)));
  }
}

// IPv6 forwards as a whole or not at all. Switching it on moves every interface's setting, and
// drops routes learned from router advertisements unless accept_ra is 2. A link that forwarded
// before has ignored them, and goes on so.
void SwitchOnIpv6(Draft& draft) {
  const Facts& facts = draft.facts();
  const std::string all = "net/ipv6/conf/all/forwarding";
  if (!facts.Setting(all)) return;  // a kernel without IPv6
  std::vector<kernel::SysctlName> footprint = {"net/ipv6/conf/default/forwarding"};
  for (const kernel::Link& link : facts.links) {
    if (draft.IsOwn(link)) continue;
    const std::string conf = "net/ipv6/conf/" + link.name->str();
    const std::string forwarding = conf + "/forwarding";
    if (facts.Setting(forwarding)) footprint.emplace_back(forwarding);
    if (link.group == kernel::kLinkGroup) continue;  // a tunnel has no router that advertises
    const std::string accept_ra = conf + "/accept_ra";
    const bool forwarded = facts.Setting(forwarding) != 0 && !draft.CameAfter(all, forwarding);
    const bool accepts = facts.Setting(accept_ra) == 1 && !forwarded;
    if (accepts || draft.IsClaimed(accept_ra)) draft.Claim(accept_ra, "2");
  }
  draft.Claim(all, "1", footprint);
}

// An accept of ours cannot overrule a drop of another base chain on the same hook.
void WarnOfForeignDrops(Draft& draft) {
  for (const kernel::NftChain& chain : draft.facts().base_chains) {
    if (chain.hook->number != NF_INET_FORWARD || chain.policy != NF_DROP) continue;
    if (chain.table->view() == TableNameOf(draft.owner())) continue;
    draft.Warn(fmt::format(
        "the chain {} of the nftables table {} {} drops what none of its own rules accepts: "
        "forwarding needs a rule there",
        chain.name->view(), kernel::NftFamily::Text(*chain.family), chain.table->view()));
  }
}

}  // namespace

std::set<std::string> LowerForwardRules(Draft& draft, NftDraft& nft) {
  std::set<std::string> own;
  for (const ForwardRule& rule : draft.node().forward_rules()) {
    AcceptBothWays(rule, nft);
    SwitchOnIpv4(rule.one(), draft, own);
    SwitchOnIpv4(rule.other(), draft, own);
    if (UsesIpv6(draft.node())) SwitchOnIpv6(draft);
  }
  if (!draft.node().forward_rules().empty()) WarnOfForeignDrops(draft);
  return own;
}

}  // namespace wgnet::plan::lowering
