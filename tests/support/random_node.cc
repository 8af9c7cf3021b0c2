// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/random_node.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kMostInterfaces = 3;

// An interface of the node as it is made. `number` tells it from others in names, prefixes, ports.
class Maker {
 public:
  Maker(Random& random, int number, bool may_tunnel)
      : random_(random),
        number_(number),
        may_tunnel_(may_tunnel),
        link_(fmt::format("wg{}", number)) {}

  Interface Make() {
    if (Chance(95)) link_.PrivateKey(TestKey(fmt::format("own {} {}", number_, Pick(3))));
    if (Chance(60)) link_.ListenPort(Chance(10) ? 0 : 51800 + 10 * number_ + Pick(3));
    if (Chance(30)) link_.FwMark(Chance(20) ? 0 : static_cast<uint32_t>(0x4000 + number_));
    AddAddresses();
    if (Chance(40)) link_.Mtu(1280 + Pick(200));
    if (Chance(30)) link_.MtuOverhead(Chance(50) ? MtuOverhead::Exact() : MtuOverhead::WgQuick());
    if (Chance(30)) link_.Table(RandomTable());
    AddPeers();
    return link_;
  }

  bool tunnels() const { return tunnels_; }

 private:
  int Pick(int below) { return testing::Pick(random_, below); }
  bool Chance(int percent) { return testing::Chance(random_, percent); }

  void AddAddresses() {
    for (int i = 0; i < 2; ++i) {
      if (Chance(60)) link_.Address(fmt::format("10.{}.{}.{}/24", 10 + number_, i, 1 + Pick(3)));
      if (Chance(40)) {
        link_.Address(
            fmt::format("fd0{}:{}::{}/{}", number_, i, 1 + Pick(3), Chance(80) ? 64 : 128));
      }
    }
    if (Chance(20)) link_.Address(fmt::format("fe80::{}:{}/64", 10 + number_, 1 + Pick(3)));
    if (Chance(10)) link_.Address(fmt::format("10.{}.0.99/24", 10 + number_));  // a secondary one
    if (Chance(20)) link_.Address(fmt::format("10.{}.9.9", 10 + number_));
  }

  RouteTable RandomTable() {
    const int kind = Pick(3);
    if (kind == 0) return RouteTable::Auto();
    if (kind == 1) return RouteTable::Off();
    return RouteTable::Number(static_cast<uint32_t>(2000 + number_));
  }

  void AddPeers() {
    const int peers = Pick(4);
    for (int i = 0; i < peers; ++i) link_.AddPeer(RandomPeer(i));
  }

  Peer RandomPeer(int which) {
    Peer peer(TestKey(fmt::format("peer {} {} {}", number_, which, Pick(2))).Public());
    if (Chance(40)) peer.PresharedKey(TestKey(fmt::format("psk {}", Pick(3))));
    if (Chance(60)) {
      peer.Endpoint(Chance(80) ? fmt::format("192.168.5.{}:{}", 100 + Pick(50), 51000 + Pick(9))
                               : fmt::format("[2001:db8:5::{}]:51820", 1 + Pick(9)));
    }
    if (Chance(50)) peer.PersistentKeepalive(Chance(20) ? 0 : Pick(60));
    const int prefixes = Pick(4);
    for (int i = 0; i < prefixes; ++i) {
      const int number = 10 * which + i;
      peer.AllowedIp(Chance(60) ? fmt::format("10.{}.{}.0/24", 100 + number_, number)
                                : fmt::format("fd1{}:{}::/64", number_, number));
    }
    if (may_tunnel_ && which == 0 && Chance(70)) {
      tunnels_ = true;
      if (Chance(70)) peer.AllowedIp("0.0.0.0/0");
      if (Chance(50)) peer.AllowedIp("::/0");
    }
    return peer;
  }

  Random& random_;
  const int number_;
  const bool may_tunnel_;
  bool tunnels_ = false;
  Interface link_;
};

PolicyRoute RandomTunnel(Random& random, const Interface& link) {
  PolicyRoute route = PolicyRoute::FullTunnel(link.name());
  if (!link.fwmark() && Chance(random, 50)) {
    const auto mark = static_cast<uint32_t>(0x5000 + 0x100 * Pick(random, 8));
    Chance(random, 50) ? route.FwMark(mark) : route.FwMark(mark, 0xff00);
  }
  if (Chance(random, 50)) route.Table(static_cast<uint32_t>(3000 + Pick(random, 3)));
  if (Chance(random, 50)) route.Priority(static_cast<uint32_t>(900 + 2 * Pick(random, 3)));
  return route;
}

PolicyRoute RandomPolicyRoute(Random& random, int number, const std::string& link) {
  const bool v6 = Chance(random, 30);
  PolicyRoute route = PolicyRoute::ForPrefix(
      v6 ? fmt::format("fd2{}::/48", number) : fmt::format("10.7{}.0.0/16", number), link);
  if (Chance(random, 50)) route.From(v6 ? "fd30::/48" : "10.80.0.0/16");
  if (Chance(random, 30)) route.InInterface("eth0");
  if (Chance(random, 30)) route.FwMark(0x60, 0xf0);
  if (Chance(random, 50)) route.Table(static_cast<uint32_t>(4000 + number));
  if (Chance(random, 50)) route.Priority(static_cast<uint32_t>(1000 + number));
  return route;
}

NatRule RandomNat(Random& random, const std::string& link) {
  NatRule rule = NatRule::Masquerade();
  const int sources = Pick(random, 4);
  for (int i = 0; i < sources; ++i) {
    rule.Source(Chance(random, 70) ? fmt::format("10.{}.0.0/16", 10 + i)
                                   : fmt::format("fd0{}::/32", i));
  }
  if (Chance(random, 30)) rule.InInterface(link);
  if (Chance(random, 50) || sources == 0) rule.OutInterface(Chance(random, 70) ? "eth*" : "eth0");
  return rule;
}

wgnet::Dns RandomDns(Random& random, const std::string& link) {
  wgnet::Dns dns(link);
  if (Chance(random, 80)) dns.Server(fmt::format("10.9.9.{}", 1 + Pick(random, 5)));
  if (Chance(random, 30)) dns.Server("fd99::53");
  if (Chance(random, 50) || dns.servers().empty()) dns.SearchDomain("corp.example");
  if (Chance(random, 30)) dns.Exclusive(Chance(random, 50));
  if (Chance(random, 30)) dns.Required(Chance(random, 50));
  return dns;
}

KillSwitch RandomKillSwitch(Random& random, const std::vector<std::string>& links) {
  KillSwitch kill_switch;
  for (const std::string& link : links) {
    if (Chance(random, 40)) kill_switch.Tunnel(link);
  }
  return kill_switch;
}

}  // namespace

int Pick(Random& random, int below) {
  return static_cast<int>(random() % static_cast<uint64_t>(below));
}

bool Chance(Random& random, int percent) { return Pick(random, 100) < percent; }

Node RandomNode(Random& random) {
  Node node;
  std::vector<std::string> links;
  const int tunnel = Chance(random, 50) ? Pick(random, kMostInterfaces) : -1;
  for (int i = 0; i < kMostInterfaces; ++i) {
    if (!Chance(random, 60)) continue;
    Maker maker(random, i, i == tunnel);
    const Interface link = maker.Make();
    node.Add(link);
    links.push_back(link.name());
    const bool automatic = !link.table() || link.table()->kind() == RouteTable::Kind::kAuto;
    if (maker.tunnels() && automatic && Chance(random, 50)) {
      node.Add(RandomTunnel(random, link));
    }
    if (Chance(random, 30)) node.Add(RandomDns(random, link.name()));
  }
  for (int i = 0; i < 3 && !links.empty(); ++i) {
    const std::string& link =
        links[static_cast<size_t>(Pick(random, static_cast<int>(links.size())))];
    if (Chance(random, 30)) node.Add(RandomPolicyRoute(random, i, link));
    if (Chance(random, 25)) node.Add(RandomNat(random, link));
    if (Chance(random, 25))
      node.Add(ForwardRule().Between(link, Chance(random, 70) ? "eth*" : "eth0"));
  }
  if (Chance(random, 25)) node.Add(RandomKillSwitch(random, links));
  return node;
}

}  // namespace wgnet::testing
