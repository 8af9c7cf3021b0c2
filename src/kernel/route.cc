// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/route.h"

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

Commands CommandsOf(const Edit<Route>& edit, const netlink::SecretWord& secret) {
  constexpr std::string_view kVerbs[] = {"route add", "route replace", "route del"};
  return {IpCommand(edit.object.dst->family(), kVerbs[static_cast<int>(edit.verb)]) +
          netlink::Words(edit.object, secret, [](const auto&) { return true; })};
}

}  // namespace wgnet::kernel
