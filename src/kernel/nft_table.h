// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of nftables: NFT_MSG_NEWTABLE.
#ifndef WGNET_KERNEL_NFT_TABLE_H_
#define WGNET_KERNEL_NFT_TABLE_H_

#include "src/kernel/nft.h"

namespace wgnet::kernel {

struct NftTable {
  std::optional<nft::TableFamily> family;
  std::optional<NftName> name;
  std::optional<FixedString<128>> comment;
};

Commands CommandsOf(const Edit<NftTable>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftTable> {
  using NftTable = kernel::NftTable;
  using Header = nfgenmsg;
  static constexpr std::string_view kName = "nft_table";
  static constexpr kernel::Bus kBus = kernel::Bus::kNetfilter;
  static constexpr int kNftNew = NFT_MSG_NEWTABLE, kNftDelete = NFT_MSG_DELTABLE,
                       kNftGet = NFT_MSG_GETTABLE;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      netlink::Header<kernel::NftFamily>("family", "", &NftTable::family, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_TABLE_NAME, "name", "", &NftTable::name, Role::kKey),
      Attr<kernel::NftComment>(NFTA_TABLE_USERDATA, "comment", "comment", &NftTable::comment,
                               Role::kInitial)};
};

#endif  // WGNET_KERNEL_NFT_TABLE_H_
