// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_set.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace wgnet::kernel {
namespace {

// One element of NFTA_SET_ELEM_LIST_ELEMENTS.
struct ElementItem {
  std::optional<IpAddress> key;
  std::optional<uint32_t> flags;
};

}  // namespace
}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::ElementItem> {
  using ElementItem = kernel::ElementItem;
  static constexpr auto kRows =
      std::tuple{Attr<Nested<NFTA_DATA_VALUE, Ip>>(NFTA_SET_ELEM_KEY, "", "", &ElementItem::key),
                 Attr<BigU32>(NFTA_SET_ELEM_FLAGS, "", "", &ElementItem::flags)};
};

namespace wgnet::kernel {
namespace {

// The address behind, or before; wraps around at the end of the address space.
IpAddress Step(const IpAddress& address, bool forward) {
  std::array<uint8_t, 16> bytes{};
  const auto from = address.bytes();
  std::copy(from.begin(), from.end(), bytes.begin());
  for (size_t i = from.size(); i-- > 0;) {
    const uint8_t carry_at = forward ? 0xff : 0x00;
    const bool carries = bytes[i] == carry_at;
    bytes[i] = static_cast<uint8_t>(bytes[i] + (forward ? 1 : -1));
    if (!carries) break;
  }
  return IpAddress(std::span(bytes).first(from.size()));
}

bool IsAny(const IpAddress& address) { return address == IpAddress::Any(address.family()); }

IpAddress LastOf(const Prefix& prefix) {
  std::array<uint8_t, 16> bytes{};
  const auto from = prefix.address().bytes();
  std::copy(from.begin(), from.end(), bytes.begin());
  for (int bit = prefix.length(); bit < prefix.address().bits(); ++bit) {
    const auto at = static_cast<size_t>(bit / 8);
    bytes[at] = static_cast<uint8_t>(bytes[at] | (0x80 >> (bit % 8)));
  }
  return IpAddress(std::span(bytes).first(from.size()));
}

void PutItem(netlink::MessageWriter& out, const ElementItem& item) {
  out.Nest(NFTA_LIST_ELEM,
           [&] { netlink::EncodeAttributes(item, out, [](const auto&) { return true; }); });
}

NftCommand ElementCommand(const NftElement& element, bool deletes) {
  NftCommand command = NftCommandFor(deletes ? "delete element" : "add element", *element.family,
                                     element.table->view(), element.set->view());
  command.Word("{ " + NftRangeWire::Text(*element.range) + " }");
  return command;
}

}  // namespace

std::vector<std::byte> NftAddressSetUserdata() {
  constexpr uint32_t kBigEndian = 2;
  std::array<std::byte, 2 + sizeof kBigEndian> userdata{};
  userdata[1] = std::byte{sizeof kBigEndian};
  std::memcpy(&userdata[2], &kBigEndian, sizeof kBigEndian);
  return {userdata.begin(), userdata.end()};
}

std::vector<AddressRange> MergePrefixes(const std::vector<Prefix>& prefixes) {
  std::vector<AddressRange> ranges;
  ranges.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    ranges.push_back({prefix.Masked().address(), LastOf(prefix)});
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<AddressRange> merged;
  for (const AddressRange& range : ranges) {
    if (!merged.empty()) {
      AddressRange& back = merged.back();
      const IpAddress behind = Step(back.last, true);
      if (range.first <= back.last || (!IsAny(behind) && range.first == behind)) {
        back.last = std::max(back.last, range.last);
        continue;
      }
    }
    merged.push_back(range);
  }
  return merged;
}

bool Exclude(const NftElement& a, const NftElement& b) {
  return a.family == b.family && a.table == b.table && a.set == b.set &&
         a.range->first <= b.range->last && b.range->first <= a.range->last;
}

void NftRangeWire::Put(netlink::MessageWriter& out, uint16_t attribute, const AddressRange& range) {
  out.Nest(attribute, [&] {
    PutItem(out, {range.first, std::nullopt});
    const IpAddress behind = Step(range.last, true);
    // An interval up to the last address has no end.
    if (!IsAny(behind)) PutItem(out, {behind, uint32_t{NFT_SET_ELEM_INTERVAL_END}});
  });
}

std::string NftRangeWire::Text(const AddressRange& range) {
  for (int length = 0; length <= range.first.bits(); ++length) {
    const Prefix prefix(range.first, length);
    if (prefix.Masked().address() == range.first && LastOf(prefix) == range.last) {
      return prefix.is_host() ? range.first.ToString() : prefix.ToString();
    }
  }
  return range.first.ToString() + "-" + range.last.ToString();
}

bool HoldsAddressRanges(const NftSet& set) {
  return set.flags == NFT_SET_INTERVAL &&
         (set.key_type == kNftIpv4Type || set.key_type == kNftIpv6Type);
}

bool ReadBoundaries(const netlink::Message& message, std::vector<NftBoundary>& boundaries) {
  nfgenmsg header;
  netlink::Bytes attributes;
  if (!message.Split(header, attributes)) return false;
  bool sound = true;
  const bool whole = netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes list) {
    if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    sound =
        netlink::ForEachAttribute(
            list,
            [&](uint16_t, netlink::Bytes nest) {
              ElementItem item;
              if (!netlink::DecodeAttributes(nest, netlink::ExtraMode::kDrop, item) || !item.key) {
                sound = false;
                return;
              }
              const bool end = (item.flags.value_or(0) & NFT_SET_ELEM_INTERVAL_END) != 0;
              boundaries.push_back({*item.key, end});
            }) &&
        sound;
  });
  return whole && sound;
}

// Where one interval ends another may begin: the end comes first.
void JoinBoundaries(std::vector<NftBoundary>& boundaries,
                    const std::function<void(const AddressRange&)>& visit) {
  std::sort(boundaries.begin(), boundaries.end(), [](const NftBoundary& a, const NftBoundary& b) {
    return a.address != b.address ? a.address < b.address : a.end && !b.end;
  });
  std::optional<AddressRange> open;
  for (const NftBoundary& boundary : boundaries) {
    if (boundary.end && open) {
      visit({open->first, Step(boundary.address, false)});
      open.reset();
    } else if (!boundary.end) {
      open = AddressRange{boundary.address, LastOf(Prefix(boundary.address, 0))};
    }
  }
  if (open) visit(*open);
}

Commands CommandsOf(const Edit<NftSet>& edit, const netlink::SecretWord&) {
  const NftSet& set = edit.object;
  NftCommand command = NftCommandFor(edit.verb == Verb::kDelete ? "delete set" : "add set",
                                     *set.family, set.table->view(), set.name->view());
  if (edit.verb != Verb::kDelete) {
    command.Word("{ type " + NftType::Text(*set.key_type) + "; flags interval; }");
  }
  return {command.Finish()};
}

Commands CommandsOf(const Edit<NftElement>& edit, const netlink::SecretWord&) {
  return {ElementCommand(edit.object, edit.verb == Verb::kDelete).Finish()};
}

}  // namespace wgnet::kernel
