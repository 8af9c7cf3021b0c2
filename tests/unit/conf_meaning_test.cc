// SPDX-License-Identifier: MIT OR Apache-2.0
// What files mean, as nodes.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wgnet/conf.h"

namespace wgnet {
namespace {

using Grammar = ConfFile::Grammar;
using HookPhase = ConfFile::HookPhase;

constexpr char kKey[] = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr char kOwnPublicKey[] = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";
constexpr char kLaptop[] = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr char kPhone[] = "6gn6eAF9wVq/Lvx1tK5RlEXjKtPjNfSx6XtJnM3aDHA=";
constexpr char kShared[] = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

ConfFile MustParse(std::string_view text, Grammar grammar = Grammar::kWgQuick) {
  auto file = ConfFile::Parse(text, "wg0.conf", grammar);
  if (!file) ADD_FAILURE() << file.error() << "\n" << text;
  return file ? *std::move(file) : *ConfFile::Parse("", "");
}

struct Meaning {
  std::string text;
  Interface want;
};

std::string InInterface(std::string_view lines) { return "[Interface]\n" + std::string(lines); }

std::string PeerSection(std::string_view key, std::string_view lines) {
  return "[Peer]\nPublicKey = " + std::string(key) + "\n" + std::string(lines) + "\n";
}

std::string InPeer(std::string_view lines) { return PeerSection(kLaptop, lines); }

Interface Wg0() { return Interface("wg0"); }
Interface WithPeer(Peer peer) { return Wg0().AddPeer(std::move(peer)); }
Peer Laptop() { return Peer(kLaptop); }
Peer Phone() { return Peer(kPhone); }

void ExpectMeaning(const Meaning& row, Grammar grammar) {
  SCOPED_TRACE(::testing::PrintToString(row.text));
  const ConfFile file = MustParse(row.text, grammar);
  const auto node = file.ToNode("wg0");
  ASSERT_TRUE(node.ok()) << node.error();
  EXPECT_TRUE(*node == Node().Add(row.want))
      << node->ToJson(Secrets::kReveal) << Node().Add(row.want).ToJson(Secrets::kReveal);
  EXPECT_TRUE(node->Check().ok());
  EXPECT_EQ(file.ToString(), row.text);
}

std::vector<Meaning> GrammarOfWg() {
  return {
      {"", Wg0()},
      {"\n\n# nothing\n", Wg0()},
      {"[Interface]", Wg0()},
      {InInterface("ListenPort = 51820"), Wg0().ListenPort(51820)},
      {InInterface("ListenPort=51820"), Wg0().ListenPort(51820)},
      {InInterface(" \t ListenPort \t = \v51820 \f "), Wg0().ListenPort(51820)},
      {InInterface("Listen Port = 51 820"), Wg0().ListenPort(51820)},
      {InInterface("LISTENport = 51820"), Wg0().ListenPort(51820)},
      {InInterface("ListenPort = 51820 # comment"), Wg0().ListenPort(51820)},
      {InInterface("ListenPort = 51820#PrivateKey = x"), Wg0().ListenPort(51820)},
      {InInterface("#ListenPort = 51820"), Wg0()},
      {"[Interface]\r\nListenPort = 51820\r\n\r\n", Wg0().ListenPort(51820)},
      {"[interFACE]\nListenPort = 51820", Wg0().ListenPort(51820)},
      {" [ Inter face ] # a\nListenPort = 51820", Wg0().ListenPort(51820)},
      {InInterface("ListenPort = 0"), Wg0().ListenPort(0)},
      {InInterface("ListenPort = 00051820"), Wg0().ListenPort(51820)},
      {InInterface("ListenPort = domain"), Wg0().ListenPort(53)},
      {InInterface("ListenPort = 1\nListenPort = 2"), Wg0().ListenPort(2)},
      {InInterface("ListenPort = 1\n[Interface]\nFwMark = 3\nListenPort = 2"),
       Wg0().ListenPort(2).FwMark(3)},
      {InPeer("") + InInterface("ListenPort = 2"), Wg0().ListenPort(2).AddPeer(Laptop())},
      {InInterface("PrivateKey = " + std::string(kKey)), Wg0().PrivateKey(kKey)},
      {InInterface("PrivateKey = kGZzt/CU2MVg q19ffXB2YMDSr6WIhlkdlL1MOeGH700 ="),
       Wg0().PrivateKey(kKey)},
      {InInterface("PrivateKey = " + std::string(43, 'A') + "="), Wg0().PrivateKey(SecretKey())},
      {InInterface("FwMark = off"), Wg0().FwMark(0)},
      {InInterface("FwMark = OFF"), Wg0().FwMark(0)},
      {InInterface("FwMark = 0"), Wg0().FwMark(0)},
      {InInterface("FwMark = 51820"), Wg0().FwMark(51820)},
      {InInterface("FwMark = 010"), Wg0().FwMark(10)},
      {InInterface("FwMark = 0xca6c"), Wg0().FwMark(0xca6c)},
      {InInterface("FwMark = 0xCA6C"), Wg0().FwMark(0xca6c)},
      {InInterface("FwMark = 4294967295"), Wg0().FwMark(UINT32_MAX)},
  };
}

std::vector<Meaning> PeersOfWg() {
  return {
      {InPeer(""), WithPeer(Laptop())},
      {"[PEER]\npublickey=" + std::string(kLaptop), WithPeer(Laptop())},
      {PeerSection(kPhone, "PublicKey = " + std::string(kLaptop)), WithPeer(Laptop())},
      {InPeer("PresharedKey = " + std::string(kShared)), WithPeer(Laptop().PresharedKey(kShared))},
      {InPeer("AllowedIPs = 10.0.0.2"), WithPeer(Laptop().AllowedIp("10.0.0.2/32"))},
      {InPeer("AllowedIPs = fd00::2"), WithPeer(Laptop().AllowedIp("fd00::2/128"))},
      {InPeer("Allowed IPs = 10.0.0.2/32 , ::/0"),
       WithPeer(Laptop().AllowedIp("10.0.0.2/32").AllowedIp("::/0"))},
      {InPeer("AllowedIPs = 10.0.0.2/32\nAllowedIPs = ::/0"),
       WithPeer(Laptop().AllowedIp("10.0.0.2/32").AllowedIp("::/0"))},
      {InPeer("AllowedIPs = 10.0.0.2/024"), WithPeer(Laptop().AllowedIp("10.0.0.0/24"))},
      {InPeer("AllowedIPs = 10.0.0.2/24"), WithPeer(Laptop().AllowedIp("10.0.0.0/24"))},
      {InPeer("AllowedIPs = 10.0.0.0/24, 10.0.0.1/24"),
       WithPeer(Laptop().AllowedIp("10.0.0.0/24"))},
      {InPeer("AllowedIPs = +10.0.0.0/24, + ::/0"),
       WithPeer(Laptop().AllowedIp("10.0.0.0/24").AllowedIp("::/0"))},
      {InPeer("AllowedIPs = ::ffff:1.2.3.4/128"), WithPeer(Laptop().AllowedIp("::ffff:102:304"))},
      {InPeer("Endpoint = 192.0.2.1:51820"), WithPeer(Laptop().Endpoint("192.0.2.1:51820"))},
      {InPeer("Endpoint = [fd00::1]:51820"), WithPeer(Laptop().Endpoint("[fd00::1]:51820"))},
      {InPeer("Endpoint = fd00::1:51820"), WithPeer(Laptop().Endpoint("[fd00::1]:51820"))},
      {InPeer("Endpoint = [fe80::1%eth0]:51820"),
       WithPeer(Laptop().Endpoint("[fe80::1%eth0]:51820"))},
      {InPeer("Endpoint = vpn.example.com : domain"),
       WithPeer(Laptop().Endpoint("vpn.example.com:53"))},
      {InPeer("Endpoint = a:1\nEndpoint = b:2"), WithPeer(Laptop().Endpoint("b:2"))},
      {InPeer("PersistentKeepalive = 25"), WithPeer(Laptop().PersistentKeepalive(25))},
      {InPeer("PersistentKeepalive = 025"), WithPeer(Laptop().PersistentKeepalive(25))},
      {InPeer("PersistentKeepalive = Off"), WithPeer(Laptop().PersistentKeepalive(0))},
      {InPeer("") + PeerSection(kPhone, ""), Wg0().AddPeer(Laptop()).AddPeer(Phone())},
      {PeerSection(kPhone, "") + InPeer(""), Wg0().AddPeer(Phone()).AddPeer(Laptop())},
  };
}

// Two sections of one peer are two updates, in order (wg(8), addconf).
std::vector<Meaning> PeersGivenTwice() {
  const std::string first =
      InPeer("AllowedIPs = 10.0.0.2/32\nPersistentKeepalive = 5\nEndpoint = a:1");
  const Peer left = Laptop().PersistentKeepalive(5).Endpoint("a:1");
  return {
      {first + InPeer("AllowedIPs = 10.0.0.3/32"), WithPeer(Peer(left).AllowedIp("10.0.0.3/32"))},
      {first + InPeer(""), WithPeer(left)},
      {first + InPeer("PersistentKeepalive = 0\nPresharedKey = " + std::string(kShared)),
       WithPeer(Peer(left).PersistentKeepalive(0).PresharedKey(kShared))},
      {first + InPeer("AllowedIPs = +10.0.0.3/32"),
       WithPeer(Peer(left).AllowedIp("10.0.0.2/32").AllowedIp("10.0.0.3/32"))},
      {first + InPeer("AllowedIPs = +10.0.0.3/32, ::/0"),
       WithPeer(Peer(left).AllowedIp("10.0.0.2").AllowedIp("10.0.0.3").AllowedIp("::/0"))},
      {first + InPeer("AllowedIPs = +10.0.0.3/32\nAllowedIPs = ::/0"),
       WithPeer(Peer(left).AllowedIp("10.0.0.3/32").AllowedIp("::/0"))},
      {first + PeerSection(kPhone, "AllowedIPs = ::/0") + InPeer("Endpoint = b:2"),
       Wg0().AddPeer(Peer(left).Endpoint("b:2")).AddPeer(Phone().AllowedIp("::/0"))},
      {first + InPeer("") + PeerSection(kPhone, "AllowedIPs = 10.0.0.2/32"),
       Wg0().AddPeer(left).AddPeer(Phone().AllowedIp("10.0.0.2/32"))},
  };
}

std::vector<Meaning> GrammarOfWgQuick() {
  return {
      {InInterface("Address = 10.0.0.1/24"), Wg0().Address("10.0.0.1/24")},
      {InInterface("Address = 10.0.0.1"), Wg0().Address("10.0.0.1/32")},
      {InInterface("Address = fd00::1"), Wg0().Address("fd00::1/128")},
      {InInterface("Address = 10.0.0.1/255.255.255.0"), Wg0().Address("10.0.0.1/24")},
      {InInterface("aDDress=10.0.0.1/24,fd00::1/64 10.0.1.1 ,, 10.0.2.1,"),
       Wg0().Address("10.0.0.1/24").Address("fd00::1/64").Address("10.0.1.1").Address("10.0.2.1")},
      {InInterface("Address = 10.0.0.1/24\nAddress = fd00::1/64 # two"),
       Wg0().Address("10.0.0.1/24").Address("fd00::1/64")},
      {InInterface("Address = 10.0.0.1/24, 10.0.0.1/32\nAddress = 10.0.0.1/24"),
       Wg0().Address("10.0.0.1/24").Address("10.0.0.1/32")},
      {InInterface("Address ="), Wg0()},
      {InInterface("Address = # 10.0.0.1"), Wg0()},
      {InInterface("MTU = 1420"), Wg0().Mtu(1420)},
      {InInterface("MTU = 1420\nmtu = 1380"), Wg0().Mtu(1380)},
      {InInterface("MTU = 1420\nMTU ="), Wg0()},
      {InInterface("MTU = 1000\nAddress = 10.0.0.1"), Wg0().Mtu(1000).Address("10.0.0.1")},
      {InInterface("MTU = 1280\nAddress = fd00::1"), Wg0().Mtu(1280).Address("fd00::1")},
      {InInterface("Table = auto"), Wg0().Table(RouteTable::Auto())},
      {InInterface("Table = off"), Wg0().Table(RouteTable::Off())},
      {InInterface("Table = 1234"), Wg0().Table(RouteTable::Number(1234))},
      {InInterface("Table = 0x10"), Wg0().Table(RouteTable::Number(16))},
      {InInterface("Table = main"), Wg0().Table(RouteTable::Number(254))},
      {InInterface("Table ="), Wg0()},
      {InInterface("Table = off\nTable ="), Wg0()},
      {InInterface("Table = off\nTABLE = 7"), Wg0().Table(RouteTable::Number(7))},
      {InInterface("DNS = \nSaveConfig = true\nPostUp = a\nPreUp ="), Wg0()},
      {InInterface("MTU = 1420\n") + InPeer("") + InInterface("Address = 10.0.0.1"),
       Wg0().Mtu(1420).Address("10.0.0.1").AddPeer(Laptop())},
  };
}

TEST(ConfMeaningTest, GrammarOfWg) {
  for (const Meaning& row : GrammarOfWg()) {
    ExpectMeaning(row, Grammar::kWg);
    ExpectMeaning(row, Grammar::kWgQuick);
  }
}

TEST(ConfMeaningTest, PeersOfWg) {
  for (const Meaning& row : PeersOfWg()) {
    ExpectMeaning(row, Grammar::kWg);
    ExpectMeaning(row, Grammar::kWgQuick);
  }
}

TEST(ConfMeaningTest, PeersGivenTwice) {
  for (const Meaning& row : PeersGivenTwice()) ExpectMeaning(row, Grammar::kWg);
}

TEST(ConfMeaningTest, GrammarOfWgQuick) {
  for (const Meaning& row : GrammarOfWgQuick()) ExpectMeaning(row, Grammar::kWgQuick);
}

// The kernel passes over a peer with the interface's own key.
TEST(ConfMeaningTest, ThePeerThatIsTheInterfaceIsLeftOut) {
  const std::string peers =
      InPeer("AllowedIPs = 10.0.0.2/32") + PeerSection(kOwnPublicKey, "AllowedIPs = 10.0.0.2/32");
  ExpectMeaning({peers + InInterface("PrivateKey = " + std::string(kKey)),
                 Wg0().PrivateKey(kKey).AddPeer(Laptop().AllowedIp("10.0.0.2/32"))},
                Grammar::kWgQuick);
  EXPECT_FALSE(ConfFile::Parse(peers, "wg0.conf").ok()) << "without the key it is just a peer";
}

TEST(ConfMeaningTest, ANameThatNoInterfaceCanHaveIsAnError) {
  const auto node = MustParse("[Interface]").ToNode("a/b");
  ASSERT_FALSE(node.ok());
  EXPECT_EQ(node.error().where, "Interface.Name");
}

TEST(ConfMeaningTest, Dns) {
  const ConfFile file = MustParse(
      "[Interface]\nDNS = 1.1.1.1, corp.example fd00::53,,\ndns=~. #x\nDNS =\nDNS = 9.9.9.9");
  ConfFile::Dns want;
  want.servers = {{*IpAddress::Parse("1.1.1.1"), {2, 7}},
                  {*IpAddress::Parse("fd00::53"), {2, 29}},
                  {*IpAddress::Parse("9.9.9.9"), {5, 7}}};
  want.search = {{*DomainName::Parse("corp.example"), {2, 16}}, {DomainName(), {3, 5}}};
  EXPECT_EQ(file.dns(), want);
  EXPECT_EQ(MustParse("[Interface]").dns(), ConfFile::Dns());
  const Node node = *file.ToNode("wg0");
  ASSERT_EQ(node.dns().size(), 1u);
  EXPECT_EQ(node.dns()[0], Dns("wg0")
                               .Server("1.1.1.1")
                               .Server("fd00::53")
                               .Server("9.9.9.9")
                               .SearchDomain("corp.example")
                               .SearchDomain("~."));
  EXPECT_EQ(*file.ToNode("wg0", false), Node().Add(Interface("wg0")));
}

TEST(ConfMeaningTest, Hooks) {
  const ConfFile file = MustParse(
      "[Interface]\r\nPostUp = iptables -A # %i\r\n PREUP=a=b;  c \t\r\n# PreUp = no\n"
      "PostDown = #\nPreDown =\nPreDown = \\\nPostUp = $(x) \"y\" 'z'");
  const std::vector<ConfFile::Hook> want = {{HookPhase::kPostUp, "iptables -A # %i", 2},
                                            {HookPhase::kPreUp, "a=b;  c", 3},
                                            {HookPhase::kPostDown, "#", 5},
                                            {HookPhase::kPreDown, "\\", 7},
                                            {HookPhase::kPostUp, "$(x) \"y\" 'z'", 8}};
  EXPECT_EQ(file.hooks(), want);
}

TEST(ConfMeaningTest, SaveConfig) {
  EXPECT_FALSE(MustParse("[Interface]").save_config());
  EXPECT_TRUE(MustParse("[Interface]\nSaveConfig = true").save_config());
  EXPECT_TRUE(MustParse("[Interface]\nsaveconfig = TRUE # yes").save_config());
  EXPECT_FALSE(MustParse("[Interface]\nSaveConfig = true\nSaveConfig = False").save_config());
}

struct Warning {
  std::string text;
  std::vector<std::string> want;
};

TEST(ConfMeaningTest, Warnings) {
  const Warning rows[] = {
      {InInterface("ListenPort = 1\nAddress = 10.0.0.1/24\n") + InPeer("AllowedIPs = ::/0"), {}},
      {InPeer("AllowedIPs = ::/0, 10.0.0.1/24"),
       {"wg0.conf:3:20: AllowedIPs: 10.0.0.1/24 has host bits set and is taken as 10.0.0.0/24"}},
      {InInterface("ListenPort = 1\nListen Port = 2"),
       {"wg0.conf:3:1: ListenPort takes the place of line 2"}},
      {InInterface("ListenPort = 1\n[Interface]\nListenPort = 2"),
       {"wg0.conf:4:1: ListenPort takes the place of line 2"}},
      {InPeer("Endpoint = a:1\nEndpoint = b:1\n") + PeerSection(kPhone, "Endpoint = c:1"),
       {"wg0.conf:4:1: Endpoint takes the place of line 3"}},
      {InInterface("MTU = 1420\nMTU = 1400"), {"wg0.conf:3:1: MTU takes the place of line 2"}},
      {InInterface("Address = 10.0.0.1\nAddress = 10.0.0.1/32"),
       {"wg0.conf:3:11: Address: 10.0.0.1/32 stands twice"}},
      {InPeer("AllowedIPs = ::/0") + InPeer("Endpoint = a:1"),
       {"wg0.conf:4:1: the peer of line 1 stands here again, and its AllowedIPs there do not "
        "hold"}},
      {InPeer("AllowedIPs = ::/0") + InPeer("AllowedIPs = +10.0.0.0/8"),
       {"wg0.conf:4:1: the peer of line 1 stands here again"}},
      {InInterface("PrivateKey = " + std::string(kKey) + "\n") + PeerSection(kOwnPublicKey, ""),
       {"wg0.conf:3:1: the peer is this interface itself, and is passed over"}},
  };
  for (const Warning& row : rows) EXPECT_EQ(MustParse(row.text).warnings(), row.want) << row.text;
}

}  // namespace
}  // namespace wgnet
