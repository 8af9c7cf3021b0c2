// SPDX-License-Identifier: MIT OR Apache-2.0
// An interface: the link, what makes it a WireGuard device, addresses and routes.
#include <linux/wireguard.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "src/base/mtu.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

using kernel::LinkRef;

// An outer header, UDP and WireGuard's own.
constexpr int kIpv4Overhead = 20 + 8 + 32;
constexpr int kIpv6Overhead = 40 + 8 + 32;
constexpr int kDefaultMtu = 1500;

int OverheadOf(const Interface& interface, const IpAddress& endpoint) {
  const bool exact = interface.mtu_overhead() == MtuOverhead::Exact();
  return exact && !endpoint.is_v6() ? kIpv4Overhead : kIpv6Overhead;
}

// wg-quick's rule: the smallest of the ways to the endpoints, else the default route's, less what
// is around a packet.
int ComputedMtu(const Interface& interface, const Facts& facts) {
  std::optional<int> inner;
  for (const Peer& peer : interface.peers()) {
    const Facts::Path* path = facts.PathTo(interface, peer);
    if (path == nullptr || !path->mtu) continue;
    const int fits = static_cast<int>(*path->mtu) - OverheadOf(interface, path->address.address);
    inner = std::min(inner.value_or(fits), fits);
  }
  if (!inner) {
    inner = static_cast<int>(facts.default_route_mtu.value_or(kDefaultMtu)) - kIpv6Overhead;
  }
  return *inner;
}

// A smaller one than IPv6 has to have would take IPv6 off a link that is up.
uint32_t MtuOf(const Interface& interface, const LinkRef& dev, Draft& draft) {
  if (interface.mtu()) return *interface.mtu();
  const int computed = ComputedMtu(interface, draft.facts());
  const kernel::Link* const now = draft.facts().FindLink(dev.index);
  const bool has_ipv6 =
      now != nullptr && now->mtu.value_or(0) >= static_cast<uint32_t>(kIpv6MinimumMtu);
  if (!has_ipv6 && !NeedsIpv6(draft.node(), interface)) {
    return static_cast<uint32_t>(std::max(computed, kIpv4MinimumMtu));
  }
  if (computed < kIpv6MinimumMtu) {
    draft.Warn(
        fmt::format("{}: packets of more than {} bytes do not fit into the way to its peers, "
                    "but {} is the least that IPv6 takes",
                    PlaceOf(interface), computed, kIpv6MinimumMtu));
  }
  return static_cast<uint32_t>(std::max(computed, kIpv6MinimumMtu));
}

// A link that once forwarded is given what the kernel gives new links; one that never did is left
// alone.
std::optional<uint32_t> ForwardingOf(const LinkRef& dev, bool forwards, const Draft& draft) {
  if (forwards) return 1;
  const kernel::Link* before = draft.FindRecorded(dev);
  if (before == nullptr || !before->forwarding) return std::nullopt;
  const auto by_default = draft.facts().Setting("net/ipv4/conf/default/forwarding");
  return static_cast<uint32_t>(by_default.value_or(0));
}

void AddLink(const Interface& interface, const LinkRef& dev, bool forwards, Draft& draft) {
  kernel::Link link;
  link.name = dev.name;
  link.index = dev.index;
  link.kind = FixedString<31>(WG_GENL_NAME);
  link.mtu = MtuOf(interface, dev, draft);
  link.group = kernel::kLinkGroup;
  link.alias = FixedString<255>(AliasOf(draft.owner()));
  link.forwarding = ForwardingOf(dev, forwards, draft);
  link.up = true;
  draft.Add(std::move(link));
}

// What is not stated may be set by somebody else, such as a hook.
void AddDevice(const Interface& interface, const LinkRef& dev, std::optional<uint32_t> mark,
               Draft& draft) {
  kernel::WgDevice device;
  device.dev = dev;
  if (interface.private_key()) device.private_key = interface.private_key()->Clamped();
  device.listen_port = interface.listen_port();
  device.fwmark = mark;
  draft.Add(std::move(device));
}

void AddPeer(const Interface& interface, const Peer& peer, const LinkRef& dev, Draft& draft) {
  kernel::WgPeer lowered;
  lowered.dev = dev;
  lowered.public_key = peer.public_key();
  lowered.preshared_key = peer.preshared_key();
  if (const Facts::Path* path = draft.facts().PathTo(interface, peer)) {
    lowered.endpoint = path->address;
    if (HasName(*peer.endpoint())) {
      draft.Name({dev.index, peer.public_key(), peer.endpoint()->ToString()});
    }
  }
  lowered.keepalive = peer.persistent_keepalive().value_or(0);
  lowered.allowed_ips = peer.allowed_ips();
  kernel::NormalizeAllowedIps(*lowered.allowed_ips);
  draft.Add(std::move(lowered));
}

// Of an IPv6 address the kernel takes no scope, and says its own (inet6_fill_ifaddr in
// net/ipv6/addrconf.c, 6.18).
uint8_t ScopeOf(const Prefix& prefix) {
  constexpr std::pair<std::string_view, uint8_t> kScopes[] = {
      {"fe80::/10", RT_SCOPE_LINK}, {"fec0::/10", RT_SCOPE_SITE}, {"::1/128", RT_SCOPE_HOST}};
  for (const auto& [network, scope] : kScopes) {
    if (Prefix::Parse(network)->Contains(Prefix(prefix.address()))) return scope;
  }
  return RT_SCOPE_UNIVERSE;
}

void AddAddress(const Prefix& prefix, const LinkRef& dev, Draft& draft) {
  kernel::Address address;
  address.local = prefix;
  address.dev = dev;
  address.scope = ScopeOf(prefix);
  address.protocol = kernel::kProtocol;
  draft.Add(std::move(address));
}

// Whether the kernel makes a route in the main table that covers the prefix by itself. An IPv4
// /32 gets none there.
bool IsConnected(const Interface& interface, const Prefix& prefix) {
  return std::any_of(interface.addresses().begin(), interface.addresses().end(),
                     [&](const Prefix& address) {
                       return address.Contains(prefix) && (address.is_v6() || !address.is_host());
                     });
}

// The longest prefixes first, as wg-quick does.
std::vector<Prefix> SortedPrefixes(const Interface& interface) {
  std::vector<Prefix> prefixes;
  for (const Peer& peer : interface.peers()) {
    prefixes.insert(prefixes.end(), peer.allowed_ips().begin(), peer.allowed_ips().end());
  }
  std::sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
    return a.length() != b.length() ? a.length() > b.length() : a > b;
  });
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

void AddRoutes(const Interface& interface, const LinkRef& dev, Draft& draft) {
  const RouteTable table = TableOf(interface);
  if (table.kind() == RouteTable::Kind::kOff) return;
  const bool automatic = table.kind() == RouteTable::Kind::kAuto;
  for (const Prefix& prefix : SortedPrefixes(interface)) {
    if (automatic && (prefix.is_default() || IsConnected(interface, prefix))) continue;
    draft.AddRoute(prefix, dev, automatic ? uint32_t{RT_TABLE_MAIN} : table.number());
  }
}

}  // namespace

void LowerInterface(const Interface& interface, std::optional<uint32_t> mark, bool forwards,
                    Draft& draft) {
  const LinkRef dev = draft.own_links().at(interface.name());
  draft.From(PlaceOf(interface));
  AddLink(interface, dev, forwards, draft);
  AddDevice(interface, dev, mark, draft);
  for (const Peer& peer : interface.peers()) AddPeer(interface, peer, dev, draft);
  for (const Prefix& address : interface.addresses()) AddAddress(address, dev, draft);
  AddRoutes(interface, dev, draft);
  // The module clears it when a link comes up; then it is ours to put back.
  draft.Claim("net/ipv4/conf/all/send_redirects", "0");
}

}  // namespace wgnet::plan::lowering

namespace wgnet::plan {

bool NeedsIpv6(const Node& node, const Interface& interface) {
  const auto any_v6 = [](const std::vector<Prefix>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [](const Prefix& prefix) { return prefix.is_v6(); });
  };
  const auto leads_v6 = [&](const PolicyRoute& route) {
    if (route.interface() != interface.name()) return false;
    if (route.to()) return route.to()->is_v6();
    const auto families = lowering::FamiliesOfFullTunnel(interface);
    return std::find(families.begin(), families.end(), Family::kIpv6) != families.end();
  };
  const auto& routes = node.policy_routes();
  if (any_v6(interface.addresses())) return true;
  if (std::any_of(routes.begin(), routes.end(), leads_v6)) return true;
  if (lowering::TableOf(interface).kind() == RouteTable::Kind::kOff) return false;
  return std::any_of(interface.peers().begin(), interface.peers().end(),
                     [&](const Peer& peer) { return any_v6(peer.allowed_ips()); });
}

}  // namespace wgnet::plan
