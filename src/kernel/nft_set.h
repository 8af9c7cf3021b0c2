// SPDX-License-Identifier: MIT OR Apache-2.0
// A set of addresses, and its elements: NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM. wgnet's sets are
// interval sets; an element is a range of addresses, and the ranges of a set neither overlap nor
// touch.
#ifndef WGNET_KERNEL_NFT_SET_H_
#define WGNET_KERNEL_NFT_SET_H_

#include <functional>
#include <vector>

#include "src/kernel/nft.h"

namespace wgnet::kernel {

struct NftSet {
  std::optional<nft::TableFamily> family;
  std::optional<NftName> table;
  std::optional<NftName> name;
  std::optional<uint32_t> key_type;  // nft's number of the data type
  std::optional<uint32_t> key_length;
  std::optional<uint32_t> flags;                   // NFT_SET_*
  std::optional<std::vector<std::byte>> userdata;  // nft's: how to list the keys
  netlink::Extra extra;
};

/// Both ends belong to it.
struct AddressRange {
  IpAddress first;
  IpAddress last;
  auto operator<=>(const AddressRange&) const = default;
};

struct NftElement {
  std::optional<nft::TableFamily> family;
  std::optional<NftName> table;
  std::optional<NftName> set;
  std::optional<AddressRange> range;
};

/// Whether it is a set as wgnet makes them, whoever made it: only of those are elements read.
bool HoldsAddressRanges(const NftSet& set);

/// The kernel makes such a set with its rule, and removes it with that.
inline bool IsAnonymous(const NftSet& set) {
  return (set.flags.value_or(0) & NFT_SET_ANONYMOUS) != 0;
}

/// Whether the kernel takes only one of them at a time: they overlap in one set.
bool Exclude(const NftElement& a, const NftElement& b);

/// nft's data types of addresses (ipv4_addr, ipv6_addr), which its listings go by.
inline constexpr uint32_t kNftIpv4Type = 7, kNftIpv6Type = 8;
inline const netlink::Name kNftTypeNames[] = {{kNftIpv4Type, "ipv4_addr"},
                                              {kNftIpv6Type, "ipv6_addr"}};
using NftType = netlink::Named<netlink::BigU32, kNftTypeNames>;

/// What nft(8) keeps with a set of addresses: NFTNL_UDATA_SET_KEYBYTEORDER is big-endian.
std::vector<std::byte> NftAddressSetUserdata();

/// The smallest set of ranges with the same addresses, sorted. All of one family.
std::vector<AddressRange> MergePrefixes(const std::vector<Prefix>& prefixes);

/// An interval is written as its first address and, flagged as the end, the one behind its last.
struct NftRangeWire {
  using Value = AddressRange;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const AddressRange& range);
  static std::string Text(const AddressRange& range);
};

/// One end of an interval, as a dump has it.
struct NftBoundary {
  IpAddress address;
  bool end = false;
};

/// Reads the boundaries of one dump message; false when it is malformed.
bool ReadBoundaries(const netlink::Message& message, std::vector<NftBoundary>& boundaries);
/// Visits the intervals of a whole dump in order. Sorts the boundaries.
void JoinBoundaries(std::vector<NftBoundary>& boundaries,
                    const std::function<void(const AddressRange&)>& visit);

Commands CommandsOf(const Edit<NftSet>& edit, const netlink::SecretWord& secret);
Commands CommandsOf(const Edit<NftElement>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct std::hash<wgnet::kernel::AddressRange> {
  size_t operator()(const wgnet::kernel::AddressRange& range) const noexcept {
    const std::hash<wgnet::IpAddress> hash;
    return hash(range.first) * 31 + hash(range.last);
  }
};

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftSet> {
  using NftSet = kernel::NftSet;
  using Header = nfgenmsg;
  static constexpr std::string_view kName = "nft_set";
  static constexpr kernel::Bus kBus = kernel::Bus::kNetfilter;
  static constexpr int kNftNew = NFT_MSG_NEWSET, kNftDelete = NFT_MSG_DELSET,
                       kNftGet = NFT_MSG_GETSET;
  static constexpr uint16_t kNftBatchId = NFTA_SET_ID;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      netlink::Header<kernel::NftFamily>("family", "", &NftSet::family, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_SET_TABLE, "table", "", &NftSet::table, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_SET_NAME, "name", "", &NftSet::name, Role::kKey),
      Attr<BigU32>(NFTA_SET_FLAGS, "flags", "", &NftSet::flags),
      Attr<kernel::NftType>(NFTA_SET_KEY_TYPE, "type", "type", &NftSet::key_type),
      Attr<BigU32>(NFTA_SET_KEY_LEN, "key_length", "", &NftSet::key_length),
      Attr<kernel::Blob>(NFTA_SET_USERDATA, "", kNoWord, &NftSet::userdata, Role::kInitial)};
  static constexpr bool Replays(uint16_t attribute) { return attribute == NFTA_SET_DESC; }
};

template <>
struct wgnet::netlink::Schema<wgnet::kernel::NftElement> {
  using NftElement = kernel::NftElement;
  using Header = nfgenmsg;
  static constexpr std::string_view kName = "nft_element";
  static constexpr kernel::Bus kBus = kernel::Bus::kNetfilter;
  static constexpr int kNftNew = NFT_MSG_NEWSETELEM, kNftDelete = NFT_MSG_DELSETELEM,
                       kNftGet = NFT_MSG_GETSETELEM;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      netlink::Header<kernel::NftFamily>("family", "", &NftElement::family, Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_SET_ELEM_LIST_TABLE, "table", "", &NftElement::table,
                                Role::kKey),
      Attr<kernel::NftNameWire>(NFTA_SET_ELEM_LIST_SET, "set", "", &NftElement::set, Role::kKey),
      Attr<kernel::NftRangeWire>(NFTA_SET_ELEM_LIST_ELEMENTS, "element", "", &NftElement::range,
                                 Role::kKey)};
};

#endif  // WGNET_KERNEL_NFT_SET_H_
