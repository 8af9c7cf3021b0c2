// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/lowering_nft.h"

#include "src/kernel/nft_backend.h"

namespace wgnet::plan::lowering {

namespace nft = kernel::nft;

NftDraft::Chain& NftDraft::ChainAt(const Place& place) {
  auto& chains = tables_[place.family];
  for (Chain& chain : chains) {
    if (chain.place.chain == place.chain) return chain;
  }
  return chains.emplace_back(Chain{place, {}});
}

void NftDraft::AddRule(const Place& place, std::vector<nft::Expression> rule) {
  ChainAt(place).rules.push_back(kernel::MakeRule(rule));
}

void NftDraft::AddSet(const std::string& name, Family family, const std::vector<Prefix>& prefixes) {
  kernel::NftSet set;
  set.family = nft::TableFamily::kInet;
  set.table = kernel::NftName(TableNameOf(owner_));
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

Status NftDraft::MoveTo(Draft& draft) {
  if (!tables_.empty() && !nft::BackendAvailable()) {
    return Error{.code = ErrorCode::kNotSupported,
                 .message = "the node needs nftables, and this build of wgnet has none",
                 .where = "Node",
                 .hint = "build with WGNET_NFT=libnftnl"};
  }
  for (const auto& [family, chains] : tables_) draft.Add(TableObject(family));
  for (auto& set : sets_) draft.Add(std::move(set));
  for (auto& element : elements_) draft.Add(std::move(element));
  for (auto& [family, chains] : tables_) {
    for (Chain& chain : chains) draft.Add(ChainObject(std::move(chain)));
  }
  return {};
}

kernel::NftTable NftDraft::TableObject(nft::TableFamily family) const {
  kernel::NftTable table;
  table.family = family;
  table.name = kernel::NftName(TableNameOf(owner_));
  table.comment = FixedString<128>(AliasOf(owner_));
  return table;
}

kernel::NftChain NftDraft::ChainObject(Chain chain) const {
  kernel::NftChain object;
  object.family = chain.place.family;
  object.table = kernel::NftName(TableNameOf(owner_));
  object.name = kernel::NftName(chain.place.chain);
  object.type = FixedString<31>(chain.place.type);
  object.hook = kernel::NftHook{chain.place.hook, chain.place.priority};
  object.policy = chain.place.policy;
  object.rules = std::move(chain.rules);
  return object;
}

}  // namespace wgnet::plan::lowering
