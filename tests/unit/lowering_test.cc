// SPDX-License-Identifier: MIT OR Apache-2.0
// What each builder becomes, as commands; and where wgnet's result differs from wg-quick's on
// purpose.
#include "src/plan/lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using wgnet::testing::LowerOrDie;
using wgnet::testing::ModelKernel;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";

Interface Wg0() { return Interface("wg0").Mtu(1420); }
Peer ThePeer() { return Peer(kKey); }
Node Only(Interface interface) { return Node().Add(std::move(interface)); }

// The commands that make the objects of a kind.
std::vector<std::string> Commands(const Desired& desired, std::string_view kind) {
  std::vector<std::string> all;
  for (const Object& object : desired.objects) {
    if (kernel::KindOf(object) != kind) continue;
    for (const std::string& command : kernel::CommandsOf(kernel::Verb::kAdd, object, object,
                                                         [](const auto&) { return "KEY"; })) {
      all.push_back(command);
    }
  }
  return all;
}

std::vector<std::string> Settings(const Desired& desired) {
  std::vector<std::string> all;
  for (const auto& [setting, footprint] : desired.settings) {
    all.push_back(setting.name.str() + "=" + setting.value.str());
  }
  return all;
}

struct Case {
  const char* what;
  Node node;
  std::string_view kind;
  std::vector<std::string> commands;
};

void ExpectCases(const std::vector<Case>& cases) {
  const ModelKernel kernel;
  for (const Case& c : cases) {
    EXPECT_EQ(Commands(LowerOrDie(c.node, kernel), c.kind), c.commands) << c.what;
  }
}

TEST(LoweringTest, AnEmptyNodeIsNothing) {
  const Desired desired = LowerOrDie(Node(), ModelKernel());
  EXPECT_TRUE(desired.objects.empty());
  EXPECT_TRUE(desired.settings.empty());
  EXPECT_TRUE(desired.allocations.empty());
}

TEST(LoweringTest, InterfacesBecomeLinksAndDevices) {
  ExpectCases({
      {"a link with its group and alias",
       Only(Wg0()),
       "link",
       {"ip link add dev wg0 index 3 mtu 1420 group 2003267188 type wireguard",
        "ip link set dev wg0 alias wgnet:owner", "ip link set dev wg0 up"}},
      {"no key", Only(Wg0()), "wireguard", {}},
      {"an empty key",
       Only(Wg0().PrivateKey(SecretKey())),
       "wireguard",
       {"wg set wg0 private-key /dev/null"}},
      {"a key", Only(Wg0().PrivateKey(kPrivate)), "wireguard", {"wg set wg0 private-key KEY"}},
      {"a port and a mark",
       Only(Wg0().ListenPort(7).FwMark(9)),
       "wireguard",
       {"wg set wg0 listen-port 7 fwmark 0x9"}},
      {"addresses in their order",
       Only(Wg0().Address("10.0.0.2/24").Address("fd00::1/64")),
       "address",
       {"ip address add 10.0.0.2/24 dev wg0 scope global  # not expressible: protocol 87",
        "ip -6 address add fd00::1/64 dev wg0 scope global  # not expressible: protocol 87"}},
  });
}

TEST(LoweringTest, PeersAreMaskedSortedAndComplete) {
  const auto desired = LowerOrDie(
      Only(Wg0().AddPeer(
          ThePeer().AllowedIp("fd00::1/64").AllowedIp("10.2.0.0/16").AllowedIp("10.1.0.9/16"))),
      ModelKernel());
  for (const Object& object : desired.objects) {
    const auto* peer = std::get_if<kernel::WgPeer>(&object);
    if (peer == nullptr) continue;
    EXPECT_EQ(peer->preshared_key, std::nullopt);
    EXPECT_EQ(peer->keepalive, 0);
    EXPECT_EQ(peer->endpoint, std::nullopt);
    EXPECT_THAT(*peer->allowed_ips,
                ElementsAre(*Prefix::Parse("10.1.0.0/16"), *Prefix::Parse("10.2.0.0/16"),
                            *Prefix::Parse("fd00::/64")));
    return;
  }
  FAIL() << "no peer";
}

std::string Route(std::string_view rest, std::string_view scope = "link") {
  return "ip route add unicast " + std::string(rest) + " proto 87 scope " + std::string(scope);
}

TEST(LoweringTest, AllowedIpsBecomeRoutes) {
  const auto with = [](Interface interface, std::vector<const char*> ips) {
    Peer peer = ThePeer();
    for (const char* ip : ips) peer.AllowedIp(ip);
    return Only(interface.AddPeer(peer));
  };
  ExpectCases({
      {"the longest first",
       with(Wg0(), {"10.0.0.0/8", "10.0.0.1/32", "10.1.0.0/16"}),
       "route",
       {Route("10.0.0.1/32 dev wg0 table main"), Route("10.1.0.0/16 dev wg0 table main"),
        Route("10.0.0.0/8 dev wg0 table main")}},
      {"no route that an address brings",
       with(Wg0().Address("10.0.0.1/24"), {"10.0.0.0/25"}),
       "route",
       {}},
      {"but for an IPv4 /32",
       with(Wg0().Address("10.0.0.1/32"), {"10.0.0.1/32"}),
       "route",
       {Route("10.0.0.1/32 dev wg0 table main")}},
      {"no routes", with(Wg0().Table("off"), {"10.0.0.0/8", "0.0.0.0/0"}), "route", {}},
      {"all into a table",
       with(Wg0().Table("7").Address("10.0.0.1/24"), {"10.0.0.0/25", "0.0.0.0/0"}),
       "route",
       {Route("10.0.0.0/25 dev wg0 table 7"), Route("0.0.0.0/0 dev wg0 table 7")}},
      {"no rules for a table of its own", with(Wg0().Table("7"), {"0.0.0.0/0"}), "rule", {}},
      {"nor nftables", with(Wg0().Table("7"), {"0.0.0.0/0"}), "nft_table", {}},
  });
}

TEST(LoweringTest, ADefaultRouteBecomesAFullTunnel) {
  const Node node = Only(Wg0().Address("10.0.0.2/24").AddPeer(ThePeer().AllowedIp("0.0.0.0/0")));
  ExpectCases({
      {"route", node, "route", {Route("0.0.0.0/0 dev wg0 table 51820")}},
      {"device", node, "wireguard", {"wg set wg0 fwmark 0xca6c"}},
      {"rules",
       node,
       "rule",
       {"ip rule add priority 32764 lookup main suppress_prefixlength 0 protocol 87",
        "ip rule add priority 32765 not fwmark 0xca6c/0xffffffff lookup 51820 protocol 87"}},
  });
}

TEST(LoweringTest, ANumberThatIsStatedIsNotChosen) {
  const auto node = [](uint32_t table, uint32_t priority) {
    return Only(Wg0().AddPeer(ThePeer().AllowedIp("0.0.0.0/0")))
        .Add(PolicyRoute::ForPrefix("10.9.0.0/16", "wg0").Table(table).Priority(priority))
        .Add(PolicyRoute::ForPrefix("10.8.0.0/16", "wg0"));
  };
  const auto commands = Commands(LowerOrDie(node(51820, 31999), ModelKernel()), "rule");
  EXPECT_THAT(commands, Contains(HasSubstr("fwmark 0xca6d/0xffffffff lookup 51821")));
  EXPECT_THAT(commands, Contains(HasSubstr("priority 31999 to 10.9.0.0/16 lookup 51820 ")));
  EXPECT_THAT(commands, Contains(HasSubstr("priority 31998 to 10.8.0.0/16 lookup 52820 ")));
  const auto others = Commands(LowerOrDie(node(52820, 31990), ModelKernel()), "rule");
  EXPECT_THAT(others, Contains(HasSubstr("priority 31999 to 10.8.0.0/16 lookup 52821 ")));
}

TEST(LoweringTest, BothFamiliesOfATunnelGoIpv6First) {
  const auto desired = LowerOrDie(
      Only(Wg0().AddPeer(ThePeer().AllowedIp("0.0.0.0/0").AllowedIp("::/0"))), ModelKernel());
  EXPECT_THAT(Commands(desired, "rule"),
              ElementsAre(HasSubstr("ip -6 rule add priority 32764 lookup main"),
                          HasSubstr("ip rule add priority 32764 lookup main"),
                          HasSubstr("ip -6 rule add priority 32765 not"),
                          HasSubstr("ip rule add priority 32765 not")));
}

// D1: own marks only, and no other bits.
TEST(LoweringTest, MarksOfPacketsAreSavedAndRestoredWithinTheirMask) {
  const Node node = Only(Wg0()).Add(PolicyRoute::FullTunnel("wg0").FwMark(0x100, 0xff00).Table(7));
  const auto chains = Commands(LowerOrDie(node, ModelKernel()), "nft_chain");
  EXPECT_THAT(chains, Contains(HasSubstr("meta l4proto udp ct mark and 0x0000ff00 == 0x00000100 "
                                         "meta mark set meta mark and 0xffff00ff or 0x00000100")));
  EXPECT_THAT(chains, Contains(HasSubstr("meta l4proto udp meta mark and 0x0000ff00 == 0x00000100 "
                                         "ct mark set ct mark and 0xffff00ff or 0x00000100")));
}

// D2: src_valid_mark where a strict reverse path filter asks for it.
TEST(LoweringTest, SrcValidMarkIsSetOnlyForAStrictReversePathFilter) {
  const Node node = Only(Wg0().AddPeer(ThePeer().AllowedIp("0.0.0.0/0")));
  struct Filter {
    const char* all;
    uint32_t link;
    bool set;
  };
  const Filter kFilters[] = {{"0", 0, false}, {"0", 1, true},  {"0", 2, false},
                             {"1", 0, true},  {"1", 2, false}, {"2", 1, false}};
  for (const auto& [all, link, set] : kFilters) {
    ModelKernel kernel;
    kernel.SetSetting("net/ipv4/conf/all/rp_filter", all);
    kernel::Link eth0;
    eth0.index = 2;
    std::get_if<kernel::Link>(kernel.Find(eth0))->rp_filter = link;
    const auto settings = Settings(LowerOrDie(node, kernel));
    EXPECT_EQ(std::count(settings.begin(), settings.end(), "net/ipv4/conf/eth0/src_valid_mark=1"),
              set ? 1 : 0)
        << all << " " << link;
    kernel.SetSetting("net/ipv4/conf/all/src_valid_mark", "1");
    EXPECT_THAT(Settings(LowerOrDie(node, kernel)), Not(Contains(HasSubstr("src_valid_mark"))));
  }
}

TEST(LoweringTest, NoFullTunnelNeedsNoSrcValidMark) {
  ModelKernel kernel;
  kernel.SetSetting("net/ipv4/conf/all/rp_filter", "1");
  EXPECT_THAT(Settings(LowerOrDie(Only(Wg0()), kernel)),
              ElementsAre("net/ipv4/conf/all/send_redirects=0"));
}

// D4: all that is made says whose it is.
TEST(LoweringTest, EveryObjectSaysWhoseItIs) {
  const auto desired = LowerOrDie(wgnet::testing::LargeNode(), ModelKernel());
  for (const Object& object : desired.objects) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) {
      EXPECT_EQ(link->group, kernel::kLinkGroup);
      EXPECT_EQ(link->alias->view(), "wgnet:owner");
    }
    std::visit(
        [](const auto& typed) {
          if constexpr (requires { typed.protocol; }) {
            EXPECT_EQ(typed.protocol, 87);
          }
        },
        object);
    if (const auto* table = std::get_if<kernel::NftTable>(&object)) {
      EXPECT_EQ(table->name->view(), "wgnet-owner");
      EXPECT_EQ(table->comment->view(), "wgnet:owner");
    }
    if (const auto* chain = std::get_if<kernel::NftChain>(&object)) {
      for (const auto& rule : *chain->rules) EXPECT_THAT(rule.comment->str(), HasSubstr("wgnet:"));
    }
  }
}

struct MtuCase {
  const char* what;
  Interface interface;
  std::optional<uint32_t> path;
  std::optional<uint32_t> default_route;
  uint32_t mtu;
};

// D9, and wg-quick's rule for the rest.
TEST(LoweringTest, TheMtuComesFromTheWaysToTheEndpoints) {
  const auto peer = [] { return ThePeer().Endpoint("192.0.2.1:1"); };
  const Interface bare("wg0");
  const MtuCase kCases[] = {
      {"said", Interface("wg0").Mtu(1300).AddPeer(peer()), 9000, 9000, 1300},
      {"of the way", Interface("wg0").AddPeer(peer()), 1500, 9000, 1420},
      {"of a tunnel", Interface("wg0").AddPeer(peer()), 1400, {}, 1320},
      {"of the default route", Interface("wg0").AddPeer(peer()), {}, 9000, 8920},
      {"without an endpoint", bare, {}, 1492, 1412},
      {"without anything", bare, {}, {}, 1420},
      {"small", bare, {}, 576, 496},
      {"never under 68", bare, {}, 100, 68},
      {"never under 1280 with IPv6", Interface("wg0").Address("fd00::1/64"), {}, 1300, 1280},
      {"but it may be more", Interface("wg0").Address("fd00::1/64"), {}, 1400, 1320},
  };
  for (const MtuCase& c : kCases) {
    const Node node = Only(c.interface);
    Facts facts = ModelKernel().FactsFor(node);
    for (auto& [key, path] : facts.paths) path.mtu = c.path;
    facts.default_route_mtu = c.default_route;
    const auto desired = Lower(node, facts, {.owner = "owner"}, {});
    ASSERT_TRUE(desired.ok()) << desired.error();
    for (const Object& object : desired->objects) {
      const auto* link = std::get_if<kernel::Link>(&object);
      EXPECT_TRUE(link == nullptr || link->mtu == c.mtu) << c.what << " " << *link->mtu;
    }
  }
}

TEST(LoweringTest, TheSmallestOfTheWaysCounts) {
  const Node node = Only(Interface("wg0")
                             .AddPeer(ThePeer().Endpoint("192.0.2.1:1"))
                             .AddPeer(Peer(kPrivate).Endpoint("192.0.2.2:1")));
  Facts facts = ModelKernel().FactsFor(node);
  facts.paths[{"wg0", std::string(kPrivate)}].mtu = 1400;
  const auto desired = Lower(node, facts, {.owner = "owner"}, {});
  EXPECT_THAT(Commands(*desired, "link"), Contains(HasSubstr("mtu 1320")));
}

TEST(LoweringTest, TheExactOverheadIsThatOfTheEndpointsFamily) {
  const auto mtu_of = [](std::vector<const char*> endpoints, const char* overhead) {
    Interface interface = Interface("wg0").MtuOverhead(overhead);
    uint8_t key[32] = {};
    for (const char* endpoint : endpoints) {
      ++key[0];
      interface.AddPeer(Peer(PublicKey(key)).Endpoint(endpoint));
    }
    return Commands(LowerOrDie(Only(interface), ModelKernel()), "link").at(0);
  };
  EXPECT_THAT(mtu_of({"192.0.2.1:1"}, "exact"), HasSubstr("mtu 1440"));
  EXPECT_THAT(mtu_of({"192.0.2.1:1"}, "wg-quick"), HasSubstr("mtu 1420"));
  EXPECT_THAT(mtu_of({"[fd00::1]:1"}, "exact"), HasSubstr("mtu 1420"));
  EXPECT_THAT(mtu_of({"192.0.2.1:1", "[fd00::1]:1"}, "exact"), HasSubstr("mtu 1420"));
  EXPECT_THAT(mtu_of({}, "exact"), HasSubstr("mtu 1420"));
}

// D12
TEST(LoweringTest, APrefixOfTwoPeersIsAnErrorBeforeAnythingIsSent) {
  const Node node = Only(Wg0()
                             .AddPeer(ThePeer().AllowedIp("10.0.0.0/8"))
                             .AddPeer(Peer(kPrivate).AllowedIp("10.0.0.0/8")));
  const auto desired = Lower(node, ModelKernel().FactsFor(node), {.owner = "owner"}, {});
  ASSERT_FALSE(desired.ok());
  EXPECT_EQ(desired.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(desired.error().message, HasSubstr("10.0.0.0/8 belongs to the peer"));
}

}  // namespace
}  // namespace wgnet::plan
