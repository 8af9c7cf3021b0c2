// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/interface.h"

#include <fmt/format.h>

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

constexpr std::string_view kKey = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kPeerKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";

Interface Wg0() { return Interface("wg0"); }

TEST(InterfaceTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<Interface>({
      {Interface(""), "Interface.Name", "not an interface name: \"\""},
      {Interface("a/b"), "Interface.Name", "\"a/b\""},
      {Interface("wg%d"), "Interface.Name", "\"wg%d\""},
      {Interface("eth0:1"), "Interface.Name", "\"eth0:1\""},
      {Interface("a b"), "Interface.Name", "\"a b\""},
      {Interface("a\nb"), "Interface.Name", "\"a\\x0ab\""},
      {Interface(std::string_view("a\0b", 3)), "Interface.Name", "\"a\\x00b\""},
      {Interface("wg*"), "Interface.Name", "\"wg*\""},
      {Interface("."), "Interface.Name", "\".\""},
      {Interface(".."), "Interface.Name", "\"..\""},
      {Interface("0123456789abcdef"), "Interface.Name", "0123456789abcdef"},
      {Wg0().PrivateKey("short"), "Interface(\"wg0\").PrivateKey", "key"},
      {Wg0().ListenPort(-1), "Interface(\"wg0\").ListenPort", "-1"},
      {Wg0().ListenPort(65536), "Interface(\"wg0\").ListenPort", "65536"},
      {Wg0().Address("10.0.0.256"), "Interface(\"wg0\").Address", "10.0.0.256"},
      {Wg0().Address("10.0.0.1/33"), "Interface(\"wg0\").Address", "33"},
      {Wg0().Mtu(67), "Interface(\"wg0\").Mtu", "67"},
      {Wg0().Mtu(65536), "Interface(\"wg0\").Mtu", "65536"},
      {Wg0().Table("0"), "Interface(\"wg0\").Table", "\"0\""},
      {Wg0().MtuOverhead("60"), "Interface(\"wg0\").MtuOverhead", "\"60\""},
      {Wg0().Table("Auto"), "Interface(\"wg0\").Table", "\"Auto\""},
      {Wg0().Table("4294967296"), "Interface(\"wg0\").Table", "4294967296"},
      {Wg0().Table(RouteTable::Number(0)), "Interface(\"wg0\").Table", "\"0\""},
      {Interface().Mtu(1), "Interface().Mtu", "1"},
  });
}

TEST(InterfaceTest, TheFirstMistakeStaysAndLaterSettersStillCount) {
  const Interface interface = Wg0().ListenPort(70000).Mtu(1).Mtu(1400).Address("x").FwMark(7);
  ASSERT_TRUE(interface.error());
  EXPECT_EQ(interface.error()->where, "Interface(\"wg0\").ListenPort");
  EXPECT_EQ(interface.listen_port(), std::nullopt);
  EXPECT_EQ(interface.mtu(), 1400);
  EXPECT_EQ(interface.fwmark(), 7u);
  EXPECT_TRUE(interface.addresses().empty());
}

TEST(InterfaceTest, AMistakeDoesNotQuoteAKey) {
  const std::string broken = fmt::format("{}!", kKey.substr(0, 43));
  const Interface interface = Wg0().PrivateKey(broken);
  ASSERT_TRUE(interface.error());
  EXPECT_EQ(interface.error()->ToString().find(kKey.substr(0, 8)), std::string::npos);
}

TEST(InterfaceTest, UnsetDiffersFromZero) {
  const Interface bare = Wg0();
  EXPECT_EQ(bare.private_key(), std::nullopt);
  EXPECT_EQ(bare.listen_port(), std::nullopt);
  EXPECT_EQ(bare.fwmark(), std::nullopt);
  EXPECT_EQ(bare.mtu(), std::nullopt);
  EXPECT_EQ(bare.mtu_overhead(), std::nullopt);
  EXPECT_EQ(bare.table(), std::nullopt);
  EXPECT_EQ(Wg0().PrivateKey(SecretKey()).private_key(), SecretKey());
  EXPECT_EQ(Wg0().ListenPort(0).listen_port(), 0);
  EXPECT_EQ(Wg0().FwMark(0).fwmark(), 0u);
  EXPECT_EQ(Wg0().Table("auto").table(), RouteTable::Auto());
  EXPECT_FALSE(Wg0().ListenPort(0) == bare);
  EXPECT_FALSE(Wg0().FwMark(0) == bare);
  EXPECT_FALSE(Wg0().Table("auto") == bare);
  EXPECT_FALSE(Wg0().PrivateKey(SecretKey()) == bare);
}

TEST(InterfaceTest, TheEndsOfEveryRangeAreTaken) {
  EXPECT_EQ(Wg0().ListenPort(65535).listen_port(), 65535);
  EXPECT_EQ(Wg0().FwMark(UINT32_MAX).fwmark(), UINT32_MAX);
  EXPECT_EQ(Wg0().Mtu(68).mtu(), 68);
  EXPECT_EQ(Wg0().Mtu(65535).mtu(), 65535);
  EXPECT_EQ(Wg0().Table("4294967295").table(), RouteTable::Number(UINT32_MAX));
  EXPECT_EQ(Interface("0123456789abcde").name(), "0123456789abcde");
  EXPECT_EQ(Interface("$(id)").name(), "$(id)");
}

TEST(InterfaceTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<Interface>(Wg0(),
                                                {
                                                    {"name", Interface("wg1")},
                                                    {"private_key", Wg0().PrivateKey(kKey)},
                                                    {"listen_port", Wg0().ListenPort(51820)},
                                                    {"fwmark", Wg0().FwMark(51820)},
                                                    {"addresses", Wg0().Address("10.0.0.1/24")},
                                                    {"mtu", Wg0().Mtu(1420)},
                                                    {"mtu_overhead", Wg0().MtuOverhead("exact")},
                                                    {"table", Wg0().Table("off")},
                                                    {"peers", Wg0().AddPeer(Peer(kPeerKey))},
                                                });
}

TEST(InterfaceTest, ListsAddUpAndOtherOptionsAreReplaced) {
  const Interface interface =
      Wg0().Address("10.0.0.1/24").Address("fd00::1/64").Mtu(1300).Mtu(1400);
  EXPECT_EQ(interface.addresses(),
            (std::vector{*Prefix::Parse("10.0.0.1/24"), *Prefix::Parse("fd00::1/64")}));
  EXPECT_EQ(interface.mtu(), 1400);
}

TEST(MtuOverheadTest, ReadsAndWritesItsText) {
  EXPECT_EQ(MtuOverhead::Parse("exact").value(), MtuOverhead::Exact());
  EXPECT_EQ(MtuOverhead::Parse("wg-quick").value(), MtuOverhead());
  EXPECT_EQ(MtuOverhead::Exact().ToString(), "exact");
  EXPECT_EQ(MtuOverhead::WgQuick().ToString(), "wg-quick");
  for (const char* text : {"", "Exact", "80"}) EXPECT_FALSE(MtuOverhead::Parse(text).ok()) << text;
}

TEST(RouteTableTest, ReadsAndWritesItsText) {
  struct Case {
    const char* text;
    RouteTable table;
    const char* out;
  };
  const Case kCases[] = {
      {"auto", RouteTable::Auto(), "auto"},      {"off", RouteTable::Off(), "off"},
      {"main", RouteTable::Number(254), "254"},  {"default", RouteTable::Number(253), "253"},
      {"local", RouteTable::Number(255), "255"}, {"0x10", RouteTable::Number(16), "16"},
      {"1", RouteTable::Number(1), "1"},
  };
  for (const auto& [text, table, out] : kCases) {
    const auto parsed = RouteTable::Parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, table) << text;
    EXPECT_EQ(parsed->ToString(), out);
    EXPECT_EQ(*RouteTable::Parse(out), table);
  }
  for (const char* text : {"", "AUTO", "-1", "0", "0x", "1 ", "4294967296"}) {
    EXPECT_FALSE(RouteTable::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace wgnet
