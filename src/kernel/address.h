// SPDX-License-Identifier: MIT OR Apache-2.0
// An interface's address: RTM_NEWADDR (rtnetlink(7), linux/if_addr.h).
#ifndef WGNET_KERNEL_ADDRESS_H_
#define WGNET_KERNEL_ADDRESS_H_

#include <linux/if_addr.h>

#include <optional>

#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

struct Address {
  std::optional<Prefix> local;
  std::optional<IpAddress> peer;  // unset where it equals `local`
  std::optional<LinkRef> dev;
  std::optional<uint8_t> scope;
  std::optional<uint32_t> flags;  // IFA_F_*
  std::optional<uint8_t> protocol;
  netlink::Extra extra;
};

/// The kernel gives the index in the header; the request, too.
struct AddressDev {
  using Value = LinkRef;
  static void PutHeader(ifaddrmsg& header, const LinkRef& link) { header.ifa_index = link.index; }
  static void GetHeader(const ifaddrmsg& header, std::optional<LinkRef>& link) {
    link = LinkRef{header.ifa_index, {}};
  }
  static std::string Text(const LinkRef& link) { return LinkIndex::Text(link); }
};

/// The address is sent whatever its prefix length is.
struct LocalPrefix : netlink::HeaderPrefix<&ifaddrmsg::ifa_prefixlen, &ifaddrmsg::ifa_family> {
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const Prefix& prefix) {
    netlink::Ip::Put(out, attribute, prefix.address());
  }
};

Commands CommandsOf(const Edit<Address>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::Address> {
  using Address = kernel::Address;
  using Header = ifaddrmsg;
  static constexpr std::string_view kName = "address";
  static constexpr kernel::Bus kBus = kernel::Bus::kRoute;
  static constexpr uint16_t kNew = RTM_NEWADDR, kDelete = RTM_DELADDR, kGet = RTM_GETADDR;
  static constexpr uint16_t kChangeFlags = NLM_F_REPLACE;
  static constexpr bool kChangeWhole = true;
  static constexpr bool kDeleteWhole = false;
  // IFA_PROTO is 5.18 and newer; older kernels accept it and forget it.
  static constexpr auto kRows =
      std::tuple{Attr<kernel::LocalPrefix>(IFA_LOCAL, "local", "", &Address::local, Role::kKey),
                 Attr<Ip>(IFA_ADDRESS, "peer", "peer", &Address::peer),
                 netlink::Header<kernel::AddressDev>("dev", "dev", &Address::dev, Role::kKey),
                 netlink::Header<InHeader<&ifaddrmsg::ifa_scope, kernel::Scope>>("scope", "scope",
                                                                                 &Address::scope),
                 Attr<HexU32>(IFA_FLAGS, "flags", kNoWord, &Address::flags, Role::kInitial),
                 Attr<U8>(IFA_PROTO, "protocol", kNoWord, &Address::protocol, Role::kInitial)};
  static constexpr bool Replays(uint16_t attribute) {
    return attribute == IFA_LABEL || attribute == IFA_BROADCAST || attribute == IFA_CACHEINFO ||
           attribute == IFA_RT_PRIORITY;
  }
  /// Without it, the kernel takes any IPv4 address of the same digits, whatever its length is
  /// (inet_rtm_deladdr in net/ipv4/devinet.c, 6.18).
  static void PutForDelete(const Address& address, netlink::MessageWriter& out) {
    if (address.local->is_v6()) return;
    Ip::Put(out, IFA_ADDRESS, address.peer.value_or(address.local->address()));
  }
  /// IPv6 gives IFA_LOCAL only where there is a peer.
  static void Normalize(Address& address) {
    if (!address.peer) return;
    if (address.local->address() == IpAddress::Any(address.local->family())) {
      address.local = Prefix(*address.peer, address.local->length());
    }
    if (address.local->address() == *address.peer) address.peer.reset();
  }
};

#endif  // WGNET_KERNEL_ADDRESS_H_
