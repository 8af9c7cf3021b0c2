// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/netlink/codec.h"

namespace wgnet::kernel {

std::optional<uint32_t> RouteMtu(const Route& route) {
  std::optional<uint32_t> mtu;
  netlink::ForEachAttribute(route.extra, [&](uint16_t type, netlink::Bytes metrics) {
    if (type != RTA_METRICS) return;
    netlink::ForEachAttribute(metrics, [&](uint16_t metric, netlink::Bytes payload) {
      if (metric == RTAX_MTU) netlink::GetValue<netlink::U32>(payload, mtu);
    });
  });
  return mtu;
}

std::optional<uint32_t> NexthopOf(const Route& route) {
  std::optional<uint32_t> nexthop;
  netlink::ForEachAttribute(route.extra, [&](uint16_t type, netlink::Bytes payload) {
    if (type == RTA_NH_ID) netlink::GetValue<netlink::U32>(payload, nexthop);
  });
  return nexthop;
}

std::vector<Path> PathsOf(const Route& route) {
  std::vector<Path> paths;
  if (NexthopOf(route)) return paths;
  if (route.dev) paths.push_back({route.dev->index, route.gateway, route.onlink.value_or(false)});
  netlink::ForEachAttribute(route.extra, [&](uint16_t type, netlink::Bytes bytes) {
    rtnexthop header;
    while (type == RTA_MULTIPATH && bytes.size() >= sizeof header) {
      std::memcpy(&header, bytes.data(), sizeof header);
      if (header.rtnh_len < sizeof header || header.rtnh_len > bytes.size()) return;
      Path& path = paths.emplace_back();
      path.link = static_cast<uint32_t>(header.rtnh_ifindex);
      path.onlink = (header.rtnh_flags & RTNH_F_ONLINK) != 0;
      const auto attributes = bytes.first(header.rtnh_len).subspan(sizeof header);
      netlink::ForEachAttribute(attributes, [&](uint16_t each, netlink::Bytes payload) {
        if (each == RTA_GATEWAY) netlink::GetValue<netlink::Ip>(payload, path.gateway);
      });
      bytes = bytes.subspan(std::min<size_t>(RTNH_ALIGN(header.rtnh_len), bytes.size()));
    }
  });
  return paths;
}

bool LeadsThrough(const Route& route, uint32_t link) {
  const std::vector<Path> paths = PathsOf(route);
  return std::any_of(paths.begin(), paths.end(),
                     [&](const Path& path) { return path.link == link; });
}

// Beside its number they are refused (rtm_to_fib_config in net/ipv4/fib_frontend.c, 6.18).
void DropNexthopsOwn(Route& route) {
  constexpr uint16_t kOwn[] = {RTA_MULTIPATH, RTA_VIA, RTA_ENCAP, RTA_ENCAP_TYPE, RTA_NEWDST};
  const netlink::Extra all = std::exchange(route.extra, {});
  netlink::ForEachAttribute(all, [&](uint16_t type, netlink::Bytes payload) {
    if (std::find(std::begin(kOwn), std::end(kOwn), type) != std::end(kOwn)) return;
    netlink::KeepExtra(type, payload, route);
  });
}

Commands CommandsOf(const Edit<Route>& edit, const netlink::SecretWord& secret) {
  constexpr std::string_view kVerbs[] = {"route add", "route replace", "route del"};
  const Route& route = edit.object;
  std::string words = netlink::Words(route, secret, [&](const auto& row) {
    return !netlink::Schema<Route>::Omits(route, row.attribute);
  });
  if (const auto nexthop = NexthopOf(route)) words += fmt::format(" nhid {}", *nexthop);
  return {IpCommand(route.dst->family(), kVerbs[static_cast<int>(edit.verb)]) + words};
}

}  // namespace wgnet::kernel
