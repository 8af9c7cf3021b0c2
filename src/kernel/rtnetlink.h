// SPDX-License-Identifier: MIT OR Apache-2.0
// What links, addresses, routes and rules have in common: rtnetlink(7).
#ifndef WGNET_KERNEL_RTNETLINK_H_
#define WGNET_KERNEL_RTNETLINK_H_

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "src/kernel/edit.h"

namespace wgnet::kernel {

/// A link, by its index; the name is for printing only.
struct LinkRef {
  uint32_t index = 0;
  FixedString<IFNAMSIZ - 1> name;
  bool operator==(const LinkRef& other) const { return index == other.index; }
};

/// The number that marks routes, rules and addresses as wgnet's (rtm_protocol, FRA_PROTOCOL,
/// IFA_PROTO). Not registered in /etc/iproute2/rt_protos.
inline constexpr uint8_t kProtocol = 87;

/// The link group of wgnet's links: "wgnt".
inline constexpr uint32_t kLinkGroup = 0x77676e74;

inline const netlink::Name kProtocolNames[] = {{RTPROT_KERNEL, "kernel"},
                                               {RTPROT_BOOT, "boot"},
                                               {RTPROT_STATIC, "static"},
                                               {RTPROT_RA, "ra"},
                                               {RTPROT_DHCP, "dhcp"}};
inline const netlink::Name kScopeNames[] = {{RT_SCOPE_UNIVERSE, "global"},
                                            {RT_SCOPE_SITE, "site"},
                                            {RT_SCOPE_LINK, "link"},
                                            {RT_SCOPE_HOST, "host"},
                                            {RT_SCOPE_NOWHERE, "nowhere"}};
inline const netlink::Name kTableNames[] = {
    {RT_TABLE_DEFAULT, "default"}, {RT_TABLE_MAIN, "main"}, {RT_TABLE_LOCAL, "local"}};

using Protocol = netlink::Named<netlink::U8, kProtocolNames>;
using Scope = netlink::Named<netlink::U8, kScopeNames>;
using Table = netlink::Named<netlink::U32, kTableNames>;

struct LinkIndex {
  using Value = LinkRef;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const LinkRef& link) {
    out.Put(attribute, link.index);
  }
  static bool Get(netlink::Bytes payload, LinkRef& link) {
    return netlink::ReadExact(payload, link.index);
  }
  static std::string Text(const LinkRef& link) {
    return link.name.empty() ? "if" + std::to_string(link.index) : link.name.str();
  }
};

/// "ip link" or "ip -6 link".
inline std::string IpCommand(Family family, std::string_view rest) {
  return std::string(family == Family::kIpv6 ? "ip -6 " : "ip ") + std::string(rest);
}

/// One message, or for a new object with later stages one for each.
template <class Object>
void Encode(const Edit<Object>& edit, const EncodeContext&,
            netlink::MessageWriter& out) requires requires {
  netlink::Schema<Object>::kNew;
}
{
  using Schema = netlink::Schema<Object>;
  const auto put = [&](uint16_t type, uint16_t flags, const auto& wanted) {
    const auto sent = [&](const auto& row) {
      if constexpr (requires { Schema::Omits(edit.object, row.attribute); }) {
        if (Schema::Omits(edit.object, row.attribute)) return false;
      }
      return wanted(row);
    };
    typename Schema::Header header{};
    netlink::EncodeHeader(edit.object, header, sent);
    out.Begin(type, flags, header);
    netlink::EncodeAttributes(edit.object, out, sent);
  };
  switch (edit.verb) {
    case Verb::kDelete:
      put(Schema::kDelete, 0, WantedRows(edit));
      if constexpr (requires { Schema::PutForDelete(edit.object, out); }) {
        Schema::PutForDelete(edit.object, out);
      }
      return;
    case Verb::kChange:
      put(Schema::kNew, Schema::kChangeFlags, WantedRows(edit));
      if constexpr (Schema::kChangeWhole) out.PutRaw(edit.object.extra);
      return;
    case Verb::kAdd:
      put(Schema::kNew, NLM_F_CREATE | NLM_F_EXCL, WantedRows(edit));
      if constexpr (requires { edit.object.extra; }) out.PutRaw(edit.object.extra);
      for (const auto stage : {netlink::Stage::kAfter, netlink::Stage::kLast}) {
        if (!HasStage(edit.object, stage)) continue;
        const auto later = RowsOfStage(stage);
        put(Schema::kNew, Schema::kChangeFlags,
            [&](const auto& row) { return row.role == netlink::Role::kKey || later(row); });
      }
  }
}

}  // namespace wgnet::kernel

template <>
struct std::hash<wgnet::kernel::LinkRef> {
  size_t operator()(const wgnet::kernel::LinkRef& link) const noexcept { return link.index; }
};

#endif  // WGNET_KERNEL_RTNETLINK_H_
