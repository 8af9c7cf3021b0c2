// SPDX-License-Identifier: MIT OR Apache-2.0
// A route: RTM_NEWROUTE (rtnetlink(7), linux/rtnetlink.h).
#ifndef WGNET_KERNEL_ROUTE_H_
#define WGNET_KERNEL_ROUTE_H_

#include <optional>

#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

struct Route {
  std::optional<uint8_t> type;  // RTN_*
  std::optional<Prefix> dst;
  std::optional<Prefix> from;  // IPv6 only
  std::optional<uint8_t> tos;
  std::optional<IpAddress> gateway;
  std::optional<LinkRef> dev;
  std::optional<uint32_t> table;
  std::optional<uint8_t> protocol;  // RTPROT_*
  std::optional<uint8_t> scope;     // RT_SCOPE_*
  std::optional<IpAddress> source;
  std::optional<uint32_t> metric;
  std::optional<bool> onlink;
  netlink::Extra extra;
};

inline const netlink::Name kRouteTypeNames[] = {
    {RTN_UNICAST, "unicast"},         {RTN_LOCAL, "local"},         {RTN_BROADCAST, "broadcast"},
    {RTN_ANYCAST, "anycast"},         {RTN_MULTICAST, "multicast"}, {RTN_BLACKHOLE, "blackhole"},
    {RTN_UNREACHABLE, "unreachable"}, {RTN_PROHIBIT, "prohibit"},   {RTN_THROW, "throw"}};
using RouteType = netlink::Named<netlink::U8, kRouteTypeNames>;

inline constexpr std::string_view kOnlinkWord = "onlink", kNotOnlinkWord = "";
using Onlink = netlink::HeaderFlag<&rtmsg::rtm_flags, RTNH_F_ONLINK, kOnlinkWord, kNotOnlinkWord>;

/// Tables above 255 do not fit into the header; RTA_TABLE holds all.
struct RouteTable : Table {
  static void PutHeader(rtmsg& header, uint32_t table) {
    header.rtm_table = static_cast<uint8_t>(table < 256 ? table : RT_TABLE_UNSPEC);
  }
};

/// Asks of a route for packets with this mark.
inline void PutLookupMark(uint32_t mark, netlink::MessageWriter& out) {
  if (mark != 0) out.Put(RTA_MARK, mark);
}

/// Every header has a length; 0 is none.
struct SourcePrefix : netlink::HeaderPrefix<&rtmsg::rtm_src_len, &rtmsg::rtm_family> {
  static void GetHeader(const rtmsg& header, std::optional<Prefix>& prefix) {
    if (header.rtm_src_len > 0) HeaderPrefix::GetHeader(header, prefix);
  }
};

/// The number of the nexthop object that the route leads to, if it has one (ip-nexthop(8)).
std::optional<uint32_t> NexthopOf(const Route& route);

/// One of its ways. A route of a nexthop object has none of its own.
struct Path {
  uint32_t link = 0;
  std::optional<IpAddress> gateway;
  bool onlink = false;
};
std::vector<Path> PathsOf(const Route& route);

/// Whether one of its ways leads through this link.
bool LeadsThrough(const Route& route, uint32_t link);

/// Takes from what is replayed the attributes that are the nexthop object's.
void DropNexthopsOwn(Route& route);

/// RTAX_MTU of a route, if it has one.
std::optional<uint32_t> RouteMtu(const Route& route);

Commands CommandsOf(const Edit<Route>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::Route> {
  using Route = kernel::Route;
  using Header = rtmsg;
  static constexpr std::string_view kName = "route";
  static constexpr kernel::Bus kBus = kernel::Bus::kRoute;
  static constexpr uint16_t kNew = RTM_NEWROUTE, kDelete = RTM_DELROUTE, kGet = RTM_GETROUTE;
  static constexpr uint16_t kChangeFlags = NLM_F_REPLACE;
  static constexpr bool kChangeWhole = true;
  static constexpr bool kDeleteWhole = true;  // a foreign route of the same key then stays
  static constexpr auto kRows = std::tuple{
      netlink::Header<InHeader<&rtmsg::rtm_type, kernel::RouteType>>("type", "", &Route::type),
      Attr<HeaderPrefix<&rtmsg::rtm_dst_len, &rtmsg::rtm_family>>(RTA_DST, "dst", "", &Route::dst,
                                                                  Role::kKey),
      Attr<kernel::SourcePrefix>(RTA_SRC, "from", "from", &Route::from, Role::kKey),
      netlink::Header<InHeader<&rtmsg::rtm_tos, NonZero<U8>>>("tos", "tos", &Route::tos,
                                                              Role::kKey),
      Attr<Ip>(RTA_GATEWAY, "gateway", "via", &Route::gateway),
      Attr<kernel::LinkIndex>(RTA_OIF, "dev", "dev", &Route::dev),
      Attr<kernel::RouteTable>(RTA_TABLE, "table", "table", &Route::table, Role::kKey),
      netlink::Header<InHeader<&rtmsg::rtm_protocol, kernel::Protocol>>("protocol", "proto",
                                                                        &Route::protocol),
      netlink::Header<InHeader<&rtmsg::rtm_scope, kernel::Scope>>("scope", "scope", &Route::scope),
      Attr<Ip>(RTA_PREFSRC, "source", "src", &Route::source),
      Attr<NonZero<U32>>(RTA_PRIORITY, "metric", "metric", &Route::metric, Role::kKey),
      netlink::Header<kernel::Onlink>("onlink", "", &Route::onlink)};
  static constexpr bool Replays(uint16_t attribute) { return attribute != RTA_CACHEINFO; }
  /// What the nexthop object has, the kernel takes from nobody else.
  static bool Omits(const Route& route, uint16_t attribute) {
    return (attribute == RTA_GATEWAY || attribute == RTA_OIF) && kernel::NexthopOf(route);
  }
  static void PutForDelete(const Route& route, netlink::MessageWriter& out) {
    if (const auto nexthop = kernel::NexthopOf(route)) out.Put(RTA_NH_ID, *nexthop);
  }
  /// An IPv6 route that is given no metric gets 1024; IPv4 reports none for 0.
  static void Normalize(Route& route) {
    if (!route.metric) route.metric = 0;
    if (kernel::NexthopOf(route)) kernel::DropNexthopsOwn(route);
  }
};

#endif  // WGNET_KERNEL_ROUTE_H_
