// SPDX-License-Identifier: MIT OR Apache-2.0
// What a plan warns of: that it cuts the connection by which the caller is logged in, and that a
// table or a mark is somebody else's, too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/userspace_world.h"
#include "tests/support/watching.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kDefaultRoutes[] =
    "ip route add default via 192.168.5.254 && "
    "ip -6 address add 2001:db8::1/64 dev eth0 nodad && "
    "ip -6 route add default via 2001:db8::fe";

SshConnection Ssh(const char* client, const char* server = "192.168.5.1") {
  return {*IpAddress::Parse(client), *IpAddress::Parse(server)};
}

struct Case {
  std::string name;
  Node before;
  Node after;
  SshConnection ssh;
  std::string warning;  // empty: none
};
std::ostream& operator<<(std::ostream& out, const Case& each) { return out << each.name; }

Interface Tunnel(const char* allowed_ip) {
  return Interface("wg0")
      .PrivateKey(TestKey("own"))
      .Address("10.9.0.1/24")
      .AddPeer(Peer(TestKey("peer").Public()).AllowedIp(allowed_ip).Endpoint("192.168.5.9:1"));
}

Node With(const Interface& interface) { return Node().Add(interface); }

// "" or what is wrong with the warnings of a plan.
std::string Warns(const Case& each) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    const std::string routes = Shell(kDefaultRoutes);
    if (!routes.empty()) return routes;
    Host host("owner", state.path());
    if (const Status done = host.Apply(each.before); !done) return done.error().ToString();
    host.planner().WarnOfCut(each.ssh);
    const auto plan = host.Plan(each.after);
    if (!plan) return plan.error().ToString();
    std::string told;
    for (const std::string& warning : plan->warnings) {
      if (warning.find("SSH") != warning.npos) told += warning;
    }
    if (each.warning.empty()) return told;
    return told.find(each.warning) != told.npos ? "" : "told: " + told;
  });
}

class Cut : public ::testing::TestWithParam<Case> {};

TEST_P(Cut, IsTold) { EXPECT_EQ(Warns(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(
    , Cut,
    ::testing::Values(
        Case{"FullTunnel",
             {},
             With(Tunnel("0.0.0.0/0")),
             Ssh("203.0.113.9"),
             "it goes through eth0, and would go through wg0"},
        Case{"FullTunnelOfTheOtherFamily", {}, With(Tunnel("::/0")), Ssh("203.0.113.9"), ""},
        Case{"FullTunnelV6",
             {},
             With(Tunnel("::/0")),
             Ssh("2001:db9::9", "2001:db8::1"),
             "it goes through eth0, and would go through wg0"},
        Case{"ClientOnTheLink", {}, With(Tunnel("0.0.0.0/0")), Ssh("192.168.5.7"), ""},
        Case{"RouteToTheClient",
             {},
             With(Tunnel("203.0.113.0/24")),
             Ssh("203.0.113.9"),
             "would go through wg0"},
        Case{"RouteElsewhere", {}, With(Tunnel("203.0.112.0/24")), Ssh("203.0.113.9"), ""},
        Case{"AddressOfTheClientsNetwork",
             {},
             With(Interface("wg0").PrivateKey(TestKey("own")).Address("203.0.113.1/24")),
             Ssh("203.0.113.9"),
             "would go through wg0"},
        Case{"TunnelGoes",
             With(Tunnel("10.9.0.0/24")),
             {},
             Ssh("10.9.0.2", "10.9.0.1"),
             "the address 10.9.0.1 goes"},
        Case{"AddressGetsAnotherLength", With(Tunnel("fd09::2/128").Address("fd09::1/64")),
             With(Tunnel("fd09::2/128").Address("fd09::1/128")), Ssh("fd09::2", "fd09::1"), ""},
        Case{"PeerGoes", With(Tunnel("10.9.0.0/24")),
             With(Interface("wg0").PrivateKey(TestKey("own")).Address("10.9.0.1/24")),
             Ssh("10.9.0.2", "10.9.0.1"), "its peer of wg0 goes"},
        Case{"PeerMovesAside", With(Tunnel("10.9.0.0/24")), With(Tunnel("10.9.0.2/32")),
             Ssh("10.9.0.2", "10.9.0.1"), ""},
        Case{"KillSwitch",
             {},
             With(Tunnel("10.9.0.0/24")).Add(KillSwitch()),
             Ssh("203.0.113.9"),
             "the kill switch does not let it out"},
        Case{"RuleForTheClient",
             {},
             With(Tunnel("10.9.0.0/24"))
                 .Add(PolicyRoute::ForPrefix("203.0.113.0/24", "wg0").From("192.168.5.1/32")),
             Ssh("203.0.113.9"),
             "would go through wg0"},
        Case{"RuleForOthers",
             {},
             With(Tunnel("10.9.0.0/24"))
                 .Add(PolicyRoute::ForPrefix("203.0.113.0/24", "wg0").From("192.168.6.0/24")),
             Ssh("203.0.113.9"),
             ""},
        Case{"AnotherHosts", {}, With(Tunnel("0.0.0.0/0")), Ssh("203.0.113.9", "192.168.7.7"), ""}),
    ::testing::PrintToStringParamName());

// ---- numbers of somebody else's ----

std::string FirstWarning(Host& host, const Node& node) {
  const auto plan = host.Plan(node);
  if (!plan) return plan.error().ToString();
  return plan->warnings.empty() ? "none" : plan->warnings.front();
}

TEST(SharedNumber, IsTold) {
  EXPECT_EQ(InNewNamespace([]() -> std::string {
              const TemporaryDirectory state;
              MakeUplink("eth0", "192.168.5.1/24");
              Host host("owner", state.path());
              Host other("other", state.path());
              const Node table = With(Tunnel("10.8.0.0/24").Table("700"));
              const Node mark = With(Tunnel("10.8.0.0/24").FwMark(0x77));
              EXPECT_EQ(FirstWarning(host, table), "none");
              EXPECT_EQ(FirstWarning(host, mark), "none");
              EXPECT_EQ(Shell("ip route add 198.51.100.0/24 dev eth0 table 700 && "
                              "ip rule add fwmark 0x77 lookup 900"),
                        "");
              EXPECT_THAT(FirstWarning(host, table),
                          HasSubstr("the table 700 has routes of somebody else, such as: ip route "
                                    "add unicast 198.51.100.0/24"));
              EXPECT_THAT(FirstWarning(host, mark),
                          HasSubstr("somebody else uses the mark 0x77: ip rule add priority"));
              EXPECT_EQ(Shell("ip rule del fwmark 0x77 lookup 900"), "");
              Interface theirs("wg7");
              theirs.PrivateKey(TestKey("theirs")).FwMark(0x77);
              if (const Status done = other.Apply(With(theirs)); !done) {
                return done.error().ToString();
              }
              EXPECT_THAT(FirstWarning(host, mark), HasSubstr("wg7 of other has the mark 0x77"));
              return "";
            }),
            "");
}

std::string MarkOfADevice() {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  const std::string said = Shell(
      "{ ip link add wg9 type wireguard || wireguard-go wg9; } >/dev/null 2>&1;"
      "wg set wg9 fwmark 0x77");
  if (!said.empty()) return said;
  auto session = OpenSession(state.path());
  if (!session) return session.error().ToString();
  const auto plan = session->Plan(With(Tunnel("10.8.0.0/24").FwMark(0x77)));
  if (!plan) return plan.error().ToString();
  EXPECT_THAT(plan->warnings(),
              ElementsAre("Interface(\"wg0\").FwMark: wg9 has the mark 0x77, too"));
  return "";
}

TEST(SharedNumber, OfADeviceThatIsOnNoRecordIsTold) {
  EXPECT_EQ(InUserspaceWorld(MarkOfADevice), "");
}

// Kubernetes drops what has the bit 0x8000, and a full tunnel has 51820 for its mark.
std::string ChosenMark() {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  const std::string said = Shell(
      "nft add table ip t; nft add chain ip t c; nft add rule ip t c meta mark and 0x8000 == "
      "0x8000 "
      "drop");
  if (!said.empty()) return said;
  Host host("owner", state.path());
  return FirstWarning(host, With(Tunnel("0.0.0.0/0")));
}

TEST(SharedNumber, OneThatIsChosenIsTold) {
  EXPECT_EQ(InNewNamespace(ChosenMark),
            "Interface(\"wg0\"): somebody else uses the mark 0xca6c: a rule of the nftables chain "
            "ip t c looks for 0x8000/0x8000");
}

struct Rule {
  std::string name;
  std::string command;
  std::string use;  // what is told of it; empty: nothing
};
std::ostream& operator<<(std::ostream& out, const Rule& rule) { return out << rule.name; }

class RuleWithMark : public ::testing::TestWithParam<Rule> {};

TEST_P(RuleWithMark, IsToldWhereItConcernsOurs) {
  EXPECT_EQ(InNewNamespace([]() -> std::string {
              const TemporaryDirectory state;
              MakeUplink("eth0", "192.168.5.1/24");
              const std::string said =
                  Shell("nft add table ip t; nft add chain ip t c; " + GetParam().command);
              if (!said.empty()) return said;
              Host host("owner", state.path());
              const Node node = With(Tunnel("10.8.0.0/24").FwMark(0xca6c)).Add(KillSwitch());
              const std::string told = FirstWarning(host, node);
              const std::string begin =
                  "Interface(\"wg0\").FwMark: somebody else uses the mark 0xca6c: a rule of the "
                  "nftables chain ip ";
              const bool is_it = GetParam().use.empty()
                                     ? told == "none"
                                     : told.starts_with(begin) && told.ends_with(GetParam().use);
              if (!is_it) return "told: " + told;
              // Its own rules are nobody else's.
              if (const Status done = host.Apply(node); !done) return done.error().ToString();
              Shell("nft flush chain ip t c; iptables-nft -t mangle -F OUTPUT");
              return FirstWarning(host, With(Tunnel("10.9.0.0/24").FwMark(0xca6c)));
            }),
            "none");
}

INSTANTIATE_TEST_SUITE_P(
    , RuleWithMark,
    ::testing::Values(
        Rule{"Bits", "nft add rule ip t c meta mark and 0x4000 == 0x4000 accept",
             "t c looks for 0x4000/0x4000"},
        Rule{"OtherBits", "nft add rule ip t c meta mark and 0xff0000 == 0x80000 accept", ""},
        Rule{"All", "nft add rule ip t c meta mark 0xca6c drop", "t c looks for 0xca6c"},
        Rule{"AnotherMark", "nft add rule ip t c meta mark 0xca6d drop", ""},
        Rule{"AnyBit", "nft add rule ip t c meta mark and 0xf != 0 accept",
             "t c looks for any bit of 0xf"},
        Rule{"AnyMark", "nft add rule ip t c meta mark != 0 accept", ""},
        Rule{"NotOne", "nft add rule ip t c meta mark != 0x4000 accept", ""},
        Rule{"Sets", "nft add rule ip t c meta mark set 0xca6c", "t c sets 0xca6c"},
        Rule{"SetsABit", "nft add rule ip t c meta mark set meta mark or 0x4000", ""},
        Rule{"ThenState", "nft add rule ip t c meta mark 1 ct state new accept", ""},
        Rule{"Greater", "nft add rule ip t c meta mark \\> 0x4000 accept", ""},
        Rule{"OfAConnection", "nft add rule ip t c ct mark 0xca6c meta mark set ct mark", ""},
        Rule{"Iptables", "iptables-nft -t mangle -A OUTPUT -m mark --mark 0x4000/0x4000 -j ACCEPT",
             "mangle OUTPUT looks for 0x4000/0x4000"},
        Rule{"IptablesSets", "iptables-nft -t mangle -A OUTPUT -j MARK --set-mark 0xca6c",
             "mangle OUTPUT sets 0xca6c"}),
    ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wgnet::testing
