// SPDX-License-Identifier: MIT OR Apache-2.0
// Masquerading.
#include <fmt/format.h>

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

namespace nft = kernel::nft;
using Expressions = std::vector<nft::Expression>;

// Bits that no known user of marks takes: below 16, above and between Cilium's, Kubernetes' and
// wg-quick's 51820.
constexpr uint32_t kArrivalBits[] = {1u << 12, 1u << 13, 1u << 28, 1u << 29, 1u << 30, 1u << 31};

std::optional<uint32_t> NextArrivalBit(uint32_t bit) {
  const auto* at = std::find(std::begin(kArrivalBits), std::end(kArrivalBits), bit);
  return at + 1 < std::end(kArrivalBits) ? std::optional(*(at + 1)) : std::nullopt;
}

class NatLowering {
 public:
  NatLowering(Draft& draft, NftDraft& nft) : draft_(draft), nft_(nft) {}

  Status Lower(const NatRule& rule, size_t number) {
    Expressions start;
    if (rule.in_interface()) {
      WGNET_ASSIGN_OR_RETURN(const uint32_t bit, ArrivalMark(*rule.in_interface()));
      start.push_back(nft::MatchMark{nft::MarkOf::kPacket, bit, bit});
    }
    Expressions end;
    if (rule.out_interface()) {
      end.push_back(nft::MatchInterface{nft::Direction::kOut, *rule.out_interface()});
    }
    end.push_back(nft::Masquerade{});
    for (const Expressions& sources : SourceMatches(rule, number)) {
      Expressions whole = start;
      whole.insert(whole.end(), sources.begin(), sources.end());
      whole.insert(whole.end(), end.begin(), end.end());
      nft_.AddRule({nft::TableFamily::kInet, "postrouting", "nat", NF_INET_POST_ROUTING, 100},
                   std::move(whole));
    }
    return {};
  }

 private:
  // One match for each family; several prefixes of a family become a set.
  std::vector<Expressions> SourceMatches(const NatRule& rule, size_t number) {
    if (rule.sources().empty()) return {{}};
    std::vector<Expressions> matches;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      std::vector<Prefix> prefixes;
      for (const Prefix& source : rule.sources()) {
        if (source.family() == family) prefixes.push_back(source);
      }
      if (prefixes.size() == 1) {
        matches.push_back({nft::MatchAddress{nft::Side::kSource, prefixes.front()}});
      } else if (!prefixes.empty()) {
        const std::string set =
            fmt::format("sources-{}-{}", number, family == Family::kIpv6 ? "v6" : "v4");
        nft_.AddSet(set, family, prefixes);
        matches.push_back({nft::MatchAddressSet{nft::Side::kSource, family, set}});
      }
    }
    return matches;
  }

  // The bit that packets get which arrive on such an interface; one for each pattern.
  Result<uint32_t> ArrivalMark(const std::string& pattern) {
    if (const auto known = arrival_marks_.find(pattern); known != arrival_marks_.end()) {
      return known->second;
    }
    const auto is_free = [&](uint32_t bit) { return !IsUsedByOthers(bit); };
    const auto bit =
        draft_.Allocate("arrival bit", pattern, {kArrivalBits[0], NextArrivalBit, is_free});
    if (!bit) {
      return Error{.code = ErrorCode::kConflict,
                   .message = "no bit of the packet mark is free",
                   .where = "NatRule.InInterface",
                   .hint = "masquerade by Source instead"};
    }
    arrival_marks_[pattern] = *bit;
    nft_.AddRule(kForwardChain, {nft::MatchInterface{nft::Direction::kIn, pattern},
                                 nft::MergeMark{nft::MarkOf::kPacket, *bit, *bit}});
    return *bit;
  }

  // By a policy rule that looks at this bit and some others.
  bool IsUsedByOthers(uint32_t bit) const {
    const auto& rules = draft_.facts().rules;
    return std::any_of(rules.begin(), rules.end(), [&](const kernel::Rule& rule) {
      return rule.protocol != kernel::kProtocol && rule.fwmask != UINT32_MAX &&
             (rule.fwmask.value_or(0) & bit) != 0;
    });
  }

  Draft& draft_;
  NftDraft& nft_;
  std::map<std::string, uint32_t> arrival_marks_;
};

}  // namespace

Status LowerNatRules(Draft& draft, NftDraft& nft) {
  NatLowering lowering(draft, nft);
  const auto& rules = draft.node().nat_rules();
  for (size_t i = 0; i < rules.size(); ++i) WGNET_RETURN_IF_ERROR(lowering.Lower(rules[i], i));
  return {};
}

}  // namespace wgnet::plan::lowering
