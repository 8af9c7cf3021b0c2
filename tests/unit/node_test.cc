// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/node.h"

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

Interface Wg0() { return Interface("wg0"); }
Peer ThePeer() { return Peer(kKey); }

std::string PeerAt(std::string_view key, std::string_view rest) {
  return "Interface(\"wg0\").Peer(\"" + std::string(key) + "\")" + std::string(rest);
}

struct Broken {
  Node node;
  std::string where;
  std::string message;  // a part of it
};

void ExpectBroken(const std::vector<Broken>& table) {
  for (const auto& [node, where, message] : table) {
    SCOPED_TRACE(where + ": " + message);
    const Status status = node.Check();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(status.error().where, where);
    EXPECT_NE(status.error().message.find(message), std::string::npos) << status.error();
    EXPECT_FALSE(status.error().hint.empty());
  }
}

TEST(NodeTest, ChecksInterfacesAndPeers) {
  const std::string own = SecretKey::Parse(kPrivate)->Public().ToString();
  ExpectBroken({
      {Node().Add(Wg0().Mtu(1)), "Interface(\"wg0\").Mtu", "out of range"},
      {Node().Add(Interface()), "Interface", "no name"},
      {Node().Add(Interface("a/b")), "Interface.Name", "not an interface name"},
      {Node().Add(Wg0()).Add(Wg0().Mtu(1400)), "Interface(\"wg0\")", "two interfaces"},
      {Node().Add(Wg0().ListenPort(7)).Add(Interface("wg1").ListenPort(7)),
       "Interface(\"wg1\").ListenPort", "port 7"},
      {Node().Add(Wg0().Address("fd00::1/64").Mtu(1279)), "Interface(\"wg0\").Mtu", "1280"},
      {Node().Add(Wg0().AddPeer(ThePeer().AllowedIp("::/0")).Mtu(1279)), "Interface(\"wg0\").Mtu",
       "1280"},
      {Node().Add(Wg0().Mtu(1279)).Add(PolicyRoute::ForPrefix("fd00::/8", "wg0")),
       "Interface(\"wg0\").Mtu", "1280"},
      {Node().Add(Wg0().Mtu(1279)).Add(PolicyRoute::FullTunnel("wg0")), "Interface(\"wg0\").Mtu",
       "1280"},
      {Node().Add(Wg0().Address("10.0.0.1/24").Address("10.0.0.1/24")),
       "Interface(\"wg0\").Address", "10.0.0.1/24 is given twice"},
      {Node().Add(Wg0().AddPeer(ThePeer().Endpoint("x"))), PeerAt(kKey, ".Endpoint"),
       "not an endpoint"},
      {Node().Add(Wg0().AddPeer(Peer("x"))), "Interface(\"wg0\").Peer().PublicKey", "key"},
      {Node().Add(Wg0().AddPeer(Peer())), "Interface(\"wg0\").AddPeer", "no public key"},
      {Node().Add(Wg0().AddPeer(ThePeer()).AddPeer(ThePeer())), PeerAt(kKey, ""), "given twice"},
      {Node().Add(Wg0().PrivateKey(kPrivate).AddPeer(Peer(own))), PeerAt(own, ""),
       "interface's own"},
      {Node().Add(Wg0()
                      .AddPeer(ThePeer().AllowedIp("10.0.0.0/8"))
                      .AddPeer(Peer(kOther).AllowedIp("10.9.9.9/8"))),
       PeerAt(kOther, ".AllowedIp"), "10.0.0.0/8 belongs to the peer " + std::string(kKey)},
  });
}

TEST(NodeTest, ChecksPolicyRoutesAndRules) {
  const auto full = [] { return PolicyRoute::FullTunnel("wg0"); };
  const auto part = [] { return PolicyRoute::ForPrefix("10.0.0.0/8", "wg0"); };
  const std::string route = "PolicyRoute(\"wg0\")";
  ExpectBroken({
      {Node().Add(part().Table(0)), route + ".Table", "not a table"},
      {Node().Add(PolicyRoute()), "PolicyRoute(\"\")", "no interface"},
      {Node().Add(full().From("10.0.0.0/8")), route, "full tunnel"},
      {Node().Add(full().InInterface("eth0")), route, "full tunnel"},
      {Node().Add(part().From("fd00::/64")), route + ".From", "different families"},
      {Node().Add(full()).Add(full().Table(7)), route, "two full tunnels"},
      {Node().Add(part()).Add(part()), route, "given twice"},
      {Node().Add(NatRule().Source("x")), "NatRule.Source", "not an address"},
      {Node().Add(NatRule()), "NatRule", "masquerade everything"},
      {Node().Add(ForwardRule().Between("wg0", "")), "ForwardRule.Between", "not an interface"},
      {Node().Add(ForwardRule()), "ForwardRule", "names no interfaces"},
      {Node().Add(KillSwitch().Tunnel("a/b")), "KillSwitch.Tunnel", "not an interface"},
      {Node().Add(KillSwitch()).Add(KillSwitch()), "KillSwitch", "two kill switches"},
  });
}

TEST(NodeTest, TakesWhatOnlyLooksWrong) {
  const Node nodes[] = {
      Node(),
      Node().Add(Wg0()),
      Node().Add(Wg0().Mtu(68)),
      Node().Add(Wg0().AddPeer(ThePeer().AllowedIp("::/0")).Table("off").Mtu(1279)),
      Node().Add(Wg0().Address("fd00::1/64").Mtu(1280)),
      Node().Add(Wg0().Address("10.0.0.1/24").Address("10.0.0.1/25")),
      Node().Add(Wg0().AddPeer(ThePeer().AllowedIp("10.0.0.0/8").AllowedIp("10.0.0.0/8"))),
      Node()
          .Add(Wg0().AddPeer(ThePeer().AllowedIp("10.0.0.0/8")))
          .Add(Interface("wg1").AddPeer(ThePeer().AllowedIp("10.0.0.0/8"))),
      Node().Add(Wg0()
                     .AddPeer(ThePeer().AllowedIp("10.0.0.0/8"))
                     .AddPeer(Peer(kOther).AllowedIp("10.0.0.0/9"))),
      Node().Add(Wg0().ListenPort(0)).Add(Interface("wg1").ListenPort(0)),
      Node().Add(PolicyRoute::FullTunnel("a")).Add(PolicyRoute::FullTunnel("b")),
      Node().Add(NatRule().InInterface("wg0")),
      Node().Add(KillSwitch()),
      Node().Add(KillSwitch().Tunnel("wg0").Tunnel("wg0")),
  };
  for (const Node& node : nodes) {
    const Status status = node.Check();
    EXPECT_TRUE(status.ok()) << node.ToJson() << status.error();
  }
}

TEST(NodeTest, EveryPartCompares) {
  const std::vector<std::pair<std::string, Node>> kParts = {
      {"interfaces", Node().Add(Wg0())},
      {"policy_routes", Node().Add(PolicyRoute::FullTunnel("wg0"))},
      {"nat_rules", Node().Add(NatRule())},
      {"forward_rules", Node().Add(ForwardRule())},
      {"dns", Node().Add(Dns("wg0"))},
      {"kill_switch", Node().Add(KillSwitch())},
  };
  std::vector<std::string> names;
  for (const auto& [name, node] : kParts) {
    names.push_back(name);
    EXPECT_FALSE(node == Node()) << name;
    EXPECT_FALSE(node.empty()) << name;
    EXPECT_EQ(node, Node(node)) << name;
  }
  EXPECT_EQ(names, testing::OptionNames<Node>());
  EXPECT_TRUE(Node().empty());
}

TEST(NodeTest, TheOrderOfPartsCounts) {
  const Interface a("a");
  const Interface b("b");
  EXPECT_FALSE(Node().Add(a).Add(b) == Node().Add(b).Add(a));
}

}  // namespace
}  // namespace wgnet
