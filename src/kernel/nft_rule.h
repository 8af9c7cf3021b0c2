// SPDX-License-Identifier: MIT OR Apache-2.0
// A rule of nftables: NFT_MSG_NEWRULE. Rules are no objects of their own: a chain's rules are one
// ordered value.
#ifndef WGNET_KERNEL_NFT_RULE_H_
#define WGNET_KERNEL_NFT_RULE_H_

#include "src/kernel/nft.h"

namespace wgnet::kernel {

struct NftRule {
  std::optional<nft::TableFamily> family;
  std::optional<NftName> table;
  std::optional<NftName> chain;
  std::optional<FixedString<128>> comment;
  std::optional<std::vector<std::byte>> raw;  // expressions, as a dump gave them
  netlink::Extra extra;
  std::vector<nft::Expression> expressions;  // of a rule that we make
  nft::RuleText text;                        // empty: read from the kernel, and not known

  /// By the hash in the comment, where both have one.
  bool operator==(const NftRule& other) const;
};

/// A rule with the hash of its text as its comment: "wgnet:" and 16 hexadecimal digits.
NftRule MakeRule(std::vector<nft::Expression> expressions);

/// Whether MakeRule made it, by its comment.
bool IsMade(const NftRule& rule);

/// Whether a rule that was read looks something up in a set that was made for it alone.
bool HasNamelessSet(const NftRule& rule);

/// Appends the rule to a chain.
void EncodeRule(const NftRule& rule, nft::TableFamily family, const NftName& table,
                const NftName& chain, netlink::MessageWriter& out);

/// Gives a rule that we make its expressions as a dump will: bytes that stand for themselves.
void WriteRaw(NftRule& rule, nft::TableFamily family);

/// Removes every rule of a chain.
void EncodeFlush(nft::TableFamily family, const NftName& table, const NftName& chain,
                 netlink::MessageWriter& out);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftRule> {
  using NftRule = kernel::NftRule;
  using Header = nfgenmsg;
  static constexpr int kNftGet = NFT_MSG_GETRULE;
  static constexpr auto kRows = std::tuple{
      netlink::Header<kernel::NftFamily>("family", "", &NftRule::family, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_RULE_TABLE, "table", "", &NftRule::table, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_RULE_CHAIN, "chain", "", &NftRule::chain, Role::kKey),
      Attr<kernel::Blob>(NFTA_RULE_EXPRESSIONS, "expressions", kNoWord, &NftRule::raw),
      Attr<kernel::NftComment>(NFTA_RULE_USERDATA, "comment", "comment", &NftRule::comment)};
  static constexpr bool Replays(uint16_t attribute) { return attribute == NFTA_RULE_COMPAT; }
};

#endif  // WGNET_KERNEL_NFT_RULE_H_
