// SPDX-License-Identifier: MIT OR Apache-2.0
// The owner's nftables tables, while they are put together.
#ifndef WGNET_PLAN_LOWERING_NFT_H_
#define WGNET_PLAN_LOWERING_NFT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/kernel/nft_set.h"
#include "src/plan/lowering_draft.h"

namespace wgnet::plan::lowering {

class NftDraft {
 public:
  /// A base chain.
  struct Place {
    kernel::nft::TableFamily family;
    std::string_view chain;
    std::string_view type;
    uint32_t hook;
    int32_t priority;
    uint32_t policy = NF_ACCEPT;
  };

  explicit NftDraft(std::string_view owner) : owner_(owner) {}

  /// Makes a chain, unless there is one.
  void AddChain(const Place& place) { ChainAt(place); }
  /// Appends a rule to a chain, which is made with its first rule.
  void AddRule(const Place& place, std::vector<kernel::nft::Expression> rule);
  /// A set of addresses, in the table for both families.
  void AddSet(const std::string& name, Family family, const std::vector<Prefix>& prefixes);

  /// Hands all over: tables, sets, elements, chains with their rules.
  Status MoveTo(Draft& draft);

 private:
  struct Chain {
    Place place;
    std::vector<kernel::NftRule> rules;
  };

  Chain& ChainAt(const Place& place);
  kernel::NftTable TableObject(kernel::nft::TableFamily family) const;
  kernel::NftChain ChainObject(Chain chain) const;

  std::string owner_;
  std::map<kernel::nft::TableFamily, std::vector<Chain>> tables_;
  std::vector<kernel::NftSet> sets_;
  std::vector<kernel::NftElement> elements_;
};

/// Where rules of two parts meet: they decide on forwarded packets, in their order.
inline constexpr NftDraft::Place kForwardChain = {kernel::nft::TableFamily::kInet, "forward",
                                                  "filter", NF_INET_FORWARD, -1};

}  // namespace wgnet::plan::lowering

#endif  // WGNET_PLAN_LOWERING_NFT_H_
