// SPDX-License-Identifier: MIT OR Apache-2.0
// The MTU that is found by itself is that of the way around the node's own links, so it is the same
// before the node stands and after.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/plan/explain.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr char kUplink[] =
    "ip route add default via 192.168.5.254 metric 9; ip -6 addr add 2001:db8:5::1/64 dev eth0 "
    "nodad; "
    "ip -6 route add default via 2001:db8:5::fe metric 9; ";

Interface Tunnel(std::string_view name, std::string_view endpoint,
                 const std::vector<std::string_view>& allowed_ips) {
  Peer peer(SecretKey::GeneratePrivate().Public());
  if (!endpoint.empty()) peer.Endpoint(endpoint);
  for (const auto ip : allowed_ips) peer.AllowedIp(ip);
  return Interface(name).PrivateKey(SecretKey::GeneratePrivate()).AddPeer(peer);
}

Node NodeOf(const std::vector<Interface>& interfaces) {
  Node node;
  for (const Interface& interface : interfaces) node.Add(interface);
  return node;
}

struct Case {
  std::string name;
  std::string setup;  // after an uplink with an MTU of 1500
  std::vector<Node> nodes;
  std::string mtus;  // of the last node's links
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> Cases() {
  const auto in_main = [](std::string_view endpoint, const std::vector<std::string_view>& ips) {
    return Tunnel("wg0", endpoint, ips).Table("main");
  };
  const std::string narrow = "ip route add 192.0.2.0/25 via 192.168.5.253 mtu 1400; ";
  return {
      {"DefaultRouteInMain", kUplink, {NodeOf({in_main("", {"0.0.0.0/0"})})}, "1420"},
      {"DefaultRouteInMainAlone", "", {NodeOf({in_main("", {"0.0.0.0/0"})})}, "1420"},
      {"DefaultRoutesOfHalves",
       kUplink,
       {NodeOf({in_main("", {"0.0.0.0/1", "128.0.0.0/1"})})},
       "1420"},
      {"Ipv6DefaultRouteInMain",
       "ip link set eth0 mtu 1480; " + std::string(kUplink),
       {NodeOf({in_main("", {"::/0"})})},
       "1400"},
      {"EndpointInAllowedIps",
       kUplink + narrow,
       {NodeOf({Tunnel("wg0", "192.0.2.1:1", {"192.0.2.0/26"})})},
       "1320"},
      {"EndpointIsAnAllowedIp",
       kUplink + narrow,
       {NodeOf({Tunnel("wg0", "192.0.2.1:1", {"192.0.2.1/32"})})},
       "1320"},
      {"Ipv6EndpointInAllowedIps",
       kUplink + std::string("ip -6 route add 2001:db8:9::/48 via "
                             "2001:db8:5::fd mtu 1400; "),
       {NodeOf({Tunnel("wg0", "[2001:db8:9::1]:1", {"2001:db8:9::/64"})})},
       "1320"},
      {"EndpointBehindNoOtherRoute",
       "",
       {NodeOf({Tunnel("wg0", "192.0.2.1:1", {"192.0.2.0/26"})})},
       "1420"},
      {"EndpointBehindARefusal",
       kUplink + std::string("ip route add unreachable 192.0.2.0/25; "),
       {NodeOf({Tunnel("wg0", "192.0.2.1:1", {"192.0.2.0/26"})})},
       "1420"},
      {"Ipv6EndpointBehindARefusal",
       kUplink + std::string("ip -6 route add unreachable 2001:db8:9::/48; "),
       {NodeOf({Tunnel("wg0", "[2001:db8:9::1]:1", {"2001:db8:9::/64"})})},
       "1420"},
      {"EndpointInFullTunnel",
       kUplink + narrow,
       {NodeOf({Tunnel("wg0", "192.0.2.1:1", {"0.0.0.0/0", "::/0"})})},
       "1320"},
      {"EndpointBehindAnotherLinkOfTheNode",
       kUplink + narrow,
       {NodeOf({Tunnel("wg0", "192.0.2.200:1", {"192.0.2.0/26"}).Mtu(1280),
                Tunnel("wg1", "192.0.2.1:1", {"10.0.0.0/8"})})},
       "1280 1320"},
      {"LinkUnderAnotherName",
       kUplink,
       {NodeOf({in_main("", {"0.0.0.0/0"})}),
        NodeOf({Tunnel("wg1", "", {"0.0.0.0/0"}).Table("main")})},
       "1420"},
      {"NarrowWay",
       "ip link set eth0 mtu 1300; " + std::string(kUplink),
       {NodeOf({in_main("", {"10.99.0.0/16"})})},
       "1220"},
      {"NarrowWayWithIpv6Routes",
       "ip link set eth0 mtu 1300; " + std::string(kUplink),
       {NodeOf({in_main("", {"10.99.0.0/16", "fd99::/64"})})},
       "1280"},
      {"NarrowWayWithAnIpv6PolicyRoute",
       "ip link set eth0 mtu 1300; " + std::string(kUplink),
       {NodeOf({Tunnel("wg0", "", {"10.99.0.0/16"}).Table("off")})
            .Add(PolicyRoute::ForPrefix("fd99::/64", "wg0"))},
       "1280"},
      {"NarrowWayOfAFullTunnelOfHalves",
       "ip link set eth0 mtu 1300; " + std::string(kUplink),
       {NodeOf({Tunnel("wg0", "", {"0.0.0.0/1", "128.0.0.0/1"}).Table("off")})
            .Add(PolicyRoute::FullTunnel("wg0"))},
       "1280"},
  };
}

std::string MtusOf(const Node& node) {
  std::string mtus;
  for (const Interface& interface : node.interfaces()) {
    mtus += mtus.empty() ? "" : " ";
    mtus += Shell(
        fmt::format("ip -o link show {} | sed -n 's/.* mtu \\([0-9]*\\) .*/\\1/p' | tr -d '\\n'",
                    interface.name()));
  }
  return mtus;
}

class FoundMtu : public ::testing::TestWithParam<Case> {};

TEST_P(FoundMtu, IsTheSameAtEveryApply) {
  const Case& test = GetParam();
  EXPECT_EQ(InNewNamespace([&]() -> std::string {
              MakeUplink("eth0", "192.168.5.1/24");
              std::string told = Shell(test.setup + "true");
              const TemporaryDirectory state;
              Host host("owner", state.path());
              for (const Node& node : test.nodes) {
                if (const Status done = host.Apply(node); !done) return done.error().ToString();
              }
              told += MtusOf(test.nodes.back());
              const auto again = host.Plan(test.nodes.back());
              return told + (again ? plan::Explain(*again) : again.error().ToString());
            }),
            test.mtus);
}

INSTANTIATE_TEST_SUITE_P(, FoundMtu, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

// Less would take IPv6 off a link that is up.
TEST(NarrowedWay, StaysThatOfIpv6WhereTheWayGetsNarrow) {
  EXPECT_EQ(InNewNamespace([&]() -> std::string {
              MakeUplink("eth0", "192.168.5.1/24");
              const TemporaryDirectory state;
              Host host("owner", state.path());
              const Node node = NodeOf({Tunnel("wg0", "192.0.2.1:1", {"10.99.0.0/16"})});
              Shell("ip route add default via 192.168.5.254");
              if (const Status done = host.Apply(node); !done) return Text(done);
              Shell("ip link set eth0 mtu 1340");
              const auto said = host.ApplyAndWarn(node);
              if (!said) return said.error().ToString();
              return MtusOf(node) + (said->empty() ? "" : "\n" + said->front());
            }),
            "1280\nInterface(\"wg0\"): packets of more than 1260 bytes do not fit into the way to "
            "its peers, but 1280 is the least that IPv6 takes");
}

}  // namespace
}  // namespace wgnet::testing
