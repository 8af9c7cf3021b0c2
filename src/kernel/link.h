// SPDX-License-Identifier: MIT OR Apache-2.0
// A network interface: RTM_NEWLINK (rtnetlink(7), linux/if_link.h).
#ifndef WGNET_KERNEL_LINK_H_
#define WGNET_KERNEL_LINK_H_

#include <linux/if_link.h>
#include <linux/ip.h>

#include <optional>

#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

struct Link {
  std::optional<FixedString<IFNAMSIZ - 1>> name;
  std::optional<uint32_t> index;
  std::optional<uint32_t> mtu;
  std::optional<uint32_t> group;
  std::optional<FixedString<31>> kind;
  std::optional<FixedString<255>> alias;
  std::optional<uint32_t> forwarding;      // net.ipv4.conf.NAME.forwarding
  std::optional<uint32_t> rp_filter;       // net.ipv4.conf.NAME.rp_filter
  std::optional<uint32_t> src_valid_mark;  // net.ipv4.conf.NAME.src_valid_mark
  std::optional<bool> up;
  netlink::Extra extra;

  LinkRef ref() const { return {index.value_or(0), name.value_or("")}; }
};

/// A value of net.ipv4.conf.NAME: an array in a dump, an attribute of its own in a request.
template <int Conf>
struct InetConf {
  using Value = uint32_t;
  static constexpr bool kNumber = true;
  static constexpr bool kIsConf = true;  // in JSON it has the setting's name
  static void Put(netlink::MessageWriter& out, uint16_t attribute, uint32_t value) {
    out.Nest(attribute, [&] {
      out.Nest(AF_INET, [&] { out.Nest(IFLA_INET_CONF, [&] { out.Put(Conf, value); }); });
    });
  }
  static bool GetInto(netlink::Bytes payload, std::optional<uint32_t>& value) {
    return netlink::ForEachAttribute(payload, [&](uint16_t family, netlink::Bytes af) {
      if (family != AF_INET) return;
      netlink::ForEachAttribute(af, [&](uint16_t type, netlink::Bytes array) {
        constexpr size_t kAt = (Conf - 1) * sizeof(uint32_t);
        if (type != IFLA_INET_CONF || array.size() < kAt + sizeof(uint32_t)) return;
        netlink::ReadExact(array.subspan(kAt, sizeof(uint32_t)), value.emplace());
      });
    });
  }
  static std::string Text(uint32_t value) { return std::to_string(value); }
};

struct LinkUp {
  using Value = bool;
  static void PutHeader(ifinfomsg& header, bool up) {
    header.ifi_change |= IFF_UP;
    if (up) header.ifi_flags |= IFF_UP;
  }
  static void GetHeader(const ifinfomsg& header, std::optional<bool>& up) {
    up = (header.ifi_flags & IFF_UP) != 0;
  }
  static std::string Text(bool up) { return up ? "up" : "down"; }
};

/// Asks a dump of links to leave out their counters.
inline void PutNoStatistics(netlink::MessageWriter& out) {
  out.Put(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
}

Commands CommandsOf(const Edit<Link>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::Link> {
  using Link = kernel::Link;
  using Header = ifinfomsg;
  static constexpr std::string_view kName = "link";
  static constexpr kernel::Bus kBus = kernel::Bus::kRoute;
  static constexpr uint16_t kNew = RTM_NEWLINK, kDelete = RTM_DELLINK, kGet = RTM_GETLINK;
  static constexpr uint16_t kChangeFlags = 0;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  // The kernel ignores an alias, and refuses IFLA_AF_SPEC, in the message that makes a link.
  static constexpr auto kRows = std::tuple{
      Attr<String<IFNAMSIZ - 1>>(IFLA_IFNAME, "name", "dev", &Link::name),
      netlink::Header<InHeader<&ifinfomsg::ifi_index, U32>>("index", "index", &Link::index,
                                                            Role::kKey),
      Attr<U32>(IFLA_MTU, "mtu", "mtu", &Link::mtu),
      Attr<U32>(IFLA_GROUP, "group", "group", &Link::group),
      Attr<Nested<IFLA_INFO_KIND, String<31>>>(IFLA_LINKINFO, "kind", "type", &Link::kind),
      Attr<String<255>>(IFLA_IFALIAS, "alias", "alias", &Link::alias, Role::kValue, Stage::kAfter),
      Attr<kernel::InetConf<IPV4_DEVCONF_FORWARDING>>(
          IFLA_AF_SPEC, "forwarding", kNoWord, &Link::forwarding, Role::kValue, Stage::kLast),
      Attr<kernel::InetConf<IPV4_DEVCONF_RP_FILTER>>(IFLA_AF_SPEC, "rp_filter", kNoWord,
                                                     &Link::rp_filter, Role::kObserved),
      Attr<kernel::InetConf<IPV4_DEVCONF_SRC_VMARK>>(IFLA_AF_SPEC, "src_valid_mark", kNoWord,
                                                     &Link::src_valid_mark, Role::kObserved),
      netlink::Header<kernel::LinkUp>("up", "", &Link::up, Role::kValue, Stage::kLast)};
  /// Of a link without an alias none is told; an empty one takes it away.
  static void Normalize(Link& link) {
    if (!link.alias) link.alias.emplace();
  }
  /// Most of what a dump holds is read-only; these are settings that a new link takes.
  static constexpr bool Replays(uint16_t attribute) {
    return attribute == IFLA_TXQLEN || attribute == IFLA_NUM_TX_QUEUES ||
           attribute == IFLA_NUM_RX_QUEUES || attribute == IFLA_MASTER;
  }
};

#endif  // WGNET_KERNEL_LINK_H_
