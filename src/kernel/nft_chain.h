// SPDX-License-Identifier: MIT OR Apache-2.0
// A chain of nftables with its rules, which are one ordered value: NFT_MSG_NEWCHAIN.
#ifndef WGNET_KERNEL_NFT_CHAIN_H_
#define WGNET_KERNEL_NFT_CHAIN_H_

#include "src/kernel/nft_rule.h"

namespace wgnet::kernel {

/// Where a base chain is called.
struct NftHook {
  std::optional<uint32_t> number;  // NF_INET_*
  std::optional<int32_t> priority;
  bool operator==(const NftHook&) const = default;
};

struct NftChain {
  std::optional<nft::TableFamily> family;
  std::optional<NftName> table;
  std::optional<NftName> name;
  std::optional<FixedString<31>> type;  // "filter", "nat", "route"
  std::optional<NftHook> hook;
  std::optional<uint32_t> policy;  // NF_ACCEPT, NF_DROP
  std::optional<std::vector<NftRule>> rules;
  netlink::Extra extra;
};

inline const netlink::Name kNftHookNames[] = {{NF_INET_PRE_ROUTING, "prerouting"},
                                              {NF_INET_LOCAL_IN, "input"},
                                              {NF_INET_FORWARD, "forward"},
                                              {NF_INET_LOCAL_OUT, "output"},
                                              {NF_INET_POST_ROUTING, "postrouting"}};
inline const netlink::Name kNftPolicyNames[] = {{NF_ACCEPT, "accept"}, {NF_DROP, "drop"}};
using NftHookNumber = netlink::Named<netlink::BigU32, kNftHookNames>;
using NftPolicy = netlink::Named<netlink::BigU32, kNftPolicyNames>;

struct NftHookWire {
  using Value = NftHook;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const NftHook& hook);
  static bool Get(netlink::Bytes payload, NftHook& hook);
  static std::string Text(const NftHook& hook);
};

/// The rules are messages of their own; the chain's holds nothing of them.
struct NftRuleList {
  using Value = std::vector<NftRule>;
  static std::string Text(const Value&) { return ""; }
  static void WriteJson(const Value& rules, JsonWriter& out);
};

/// The chain, then its rules. A change of the rules empties the chain and fills it again; all of it
/// is one batch.
void Encode(const Edit<NftChain>& edit, const EncodeContext& context, netlink::MessageWriter& out);

Commands CommandsOf(const Edit<NftChain>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftHook> {
  using NftHook = kernel::NftHook;
  static constexpr auto kRows =
      std::tuple{Attr<kernel::NftHookNumber>(NFTA_HOOK_HOOKNUM, "hook", "hook", &NftHook::number),
                 Attr<BigS32>(NFTA_HOOK_PRIORITY, "priority", "priority", &NftHook::priority)};
};

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftChain> {
  using NftChain = kernel::NftChain;
  using Header = nfgenmsg;
  static constexpr std::string_view kName = "nft_chain";
  static constexpr kernel::Bus kBus = kernel::Bus::kNetfilter;
  static constexpr int kNftGet = NFT_MSG_GETCHAIN;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      netlink::Header<kernel::NftFamily>("family", "", &NftChain::family, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_CHAIN_TABLE, "table", "", &NftChain::table, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_CHAIN_NAME, "name", "", &NftChain::name, Role::kKey),
      Attr<String<31>>(NFTA_CHAIN_TYPE, "type", "type", &NftChain::type),
      Attr<kernel::NftHookWire>(NFTA_CHAIN_HOOK, "hook", "", &NftChain::hook),
      Attr<kernel::NftPolicy>(NFTA_CHAIN_POLICY, "policy", "policy", &NftChain::policy),
      // A dump gives rules by themselves: whoever reads a chain compares them one by one.
      Attr<Context<kernel::NftRuleList>>(kNoAttribute, "rules", kNoWord, &NftChain::rules,
                                         Role::kInitial)};
  static constexpr bool Replays(uint16_t attribute) {
    return attribute == NFTA_CHAIN_FLAGS || attribute == NFTA_CHAIN_USERDATA;
  }
};

#endif  // WGNET_KERNEL_NFT_CHAIN_H_
