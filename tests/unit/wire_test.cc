// SPDX-License-Identifier: MIT OR Apache-2.0
// Wire types: one value as an attribute's payload, as a part of the family header, and as text.
#include "src/netlink/wire.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include "src/kernel/link.h"
#include "src/kernel/nft_chain.h"
#include "src/kernel/route.h"
#include "src/kernel/rule.h"
#include "src/kernel/wg_peer.h"
#include "tests/support/wire_text.h"

namespace wgnet::netlink {
namespace {

using testing::BytesOfHex;
using testing::HexOf;

IpAddress ParseIp(std::string_view text) { return *IpAddress::Parse(text); }
Prefix ParsePrefix(std::string_view text) { return *Prefix::Parse(text); }

// The value as attribute 5, header and all.
template <class Wire>
std::vector<std::byte> Put(const typename Wire::Value& value) {
  SecretBuffer bytes;
  uint32_t sequence = 1;
  MessageWriter out(bytes, sequence);
  out.Begin(0, 0, uint32_t{0});
  Wire::Put(out, 5, value);
  EXPECT_TRUE(out.ok());
  const auto attributes = bytes.bytes().subspan(20);
  return {attributes.begin(), attributes.end()};
}

template <class Wire>
std::string PayloadHex(const typename Wire::Value& value) {
  std::string hex;
  ForEachAttribute(Put<Wire>(value), [&](uint16_t, Bytes payload) { hex = HexOf(payload); });
  return hex;
}

// What comes back; nothing where the payload is refused.
template <class Wire>
std::optional<typename Wire::Value> GetHex(std::string_view hex) {
  std::optional<typename Wire::Value> value;
  if (!GetValue<Wire>(BytesOfHex(hex), value)) return std::nullopt;
  return value;
}

template <class Wire>
void ExpectRoundTrip(const typename Wire::Value& value, std::string_view hex) {
  EXPECT_EQ(PayloadHex<Wire>(value), hex);
  EXPECT_EQ(GetHex<Wire>(hex), value);
}

TEST(WireTest, NumbersAreInHostOrderAndThoseOfNftablesInNetworkOrder) {
  ExpectRoundTrip<U8>(0xab, "ab");
  ExpectRoundTrip<U16>(0x0102, "02 01");
  ExpectRoundTrip<U32>(0x01020304, "04 03 02 01");
  ExpectRoundTrip<U64>(1, "01 00 00 00 00 00 00 00");
  ExpectRoundTrip<HexU32>(UINT32_MAX, "ff ff ff ff");
  ExpectRoundTrip<BigU32>(0x01020304, "01 02 03 04");
  ExpectRoundTrip<BigS32>(-300, "ff ff fe d4");
  ExpectRoundTrip<BigS32>(INT32_MIN, "80 00 00 00");
}

template <class Wire>
void ExpectOnlySize(size_t size) {
  for (size_t length = 0; length <= 70; ++length) {
    const std::vector<std::byte> payload(length);
    std::optional<typename Wire::Value> value;
    EXPECT_EQ(GetValue<Wire>(payload, value), length == size) << length;
  }
}

TEST(WireTest, PayloadsOfAnotherSizeAreRefused) {
  ExpectOnlySize<U8>(1);
  ExpectOnlySize<U16>(2);
  ExpectOnlySize<U32>(4);
  ExpectOnlySize<U64>(8);
  ExpectOnlySize<BigU32>(4);
  ExpectOnlySize<BigS32>(4);
  ExpectOnlySize<PublicKeyWire>(32);
  ExpectOnlySize<SecretKeyWire>(32);
  ExpectOnlySize<kernel::LinkIndex>(4);
  ExpectOnlySize<kernel::HandshakeTimeWire>(16);
}

TEST(WireTest, NumbersHaveTheFieldsOwnWords) {
  EXPECT_EQ(kernel::Table::Text(RT_TABLE_MAIN), "main");
  EXPECT_EQ(kernel::Table::Text(51820), "51820");
  EXPECT_EQ(kernel::Scope::Text(RT_SCOPE_LINK), "link");
  EXPECT_EQ(kernel::Scope::Text(7), "7");
  EXPECT_EQ(kernel::Protocol::Text(RTPROT_DHCP), "dhcp");
  EXPECT_EQ(kernel::RouteType::Text(RTN_BLACKHOLE), "blackhole");
  EXPECT_EQ(kernel::NftPolicy::Text(NF_DROP), "drop");
  EXPECT_EQ(HexU32::Text(0xca6c), "0xca6c");
  EXPECT_EQ(NonZero<U32>::Text(0), "");
  EXPECT_EQ(NonZero<U32>::Text(50), "50");
}

TEST(WireTest, StringsEndAtTheirZeroAndAreBounded) {
  using Four = String<4>;
  EXPECT_EQ(HexOf(Put<Four>("ab")), "07 00 05 00 61 62 00 00");
  EXPECT_EQ(GetHex<Four>("61 62 00")->view(), "ab");
  EXPECT_EQ(GetHex<Four>("61 62")->view(), "ab");
  EXPECT_EQ(GetHex<Four>("61 00 62 63 64 65 66")->view(), "a");
  EXPECT_EQ(GetHex<Four>("61 62 63 64 00")->view(), "abcd");
  EXPECT_EQ(GetHex<Four>("")->view(), "");
  EXPECT_FALSE(GetHex<Four>("61 62 63 64 65"));
}

TEST(WireTest, AddressesAreOfEitherFamilyAndNothingElse) {
  ExpectRoundTrip<Ip>(ParseIp("192.0.2.1"), "c0 00 02 01");
  ExpectRoundTrip<Ip>(ParseIp("fd00::1"), "fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01");
  for (const size_t size : {0, 1, 3, 5, 8, 15, 17, 20}) {
    std::optional<IpAddress> address;
    EXPECT_FALSE(GetValue<Ip>(std::vector<std::byte>(size), address)) << size;
  }
}

TEST(WireTest, SecretsHaveNoText) {
  std::array<uint8_t, 32> bytes{1};
  EXPECT_EQ(SecretKeyWire::Text(SecretKey(bytes)), "(hidden)");
  EXPECT_EQ(SecretKeyWire::Text(SecretKey()), "(none)");
  EXPECT_EQ(PayloadHex<SecretKeyWire>(SecretKey(bytes)).substr(0, 5), "01 00");
}

TEST(WireTest, NestedValuesStandAloneAndOtherThingsInTheNestAreIgnored) {
  using Kind = Nested<1, String<31>>;
  EXPECT_EQ(HexOf(Put<Kind>("wg")), "0c 00 05 80 07 00 01 00 77 67 00 00");
  EXPECT_EQ(GetHex<Kind>("08 00 02 00 01 02 03 04 07 00 01 00 77 67 00 00")->view(), "wg");
  EXPECT_FALSE(GetHex<Kind>("08 00 02 00 01 02 03 04"));
  EXPECT_FALSE(GetHex<Kind>("09 00 01 00 77 67 00 00"));  // longer than its nest
  EXPECT_FALSE((GetHex<Nested<1, U32>>("06 00 01 00 77 67 00 00")));
}

TEST(WireTest, ANestWithoutTheValueIsSound) {
  std::optional<FixedString<31>> kind;
  EXPECT_TRUE((GetValue<Nested<1, String<31>>>(BytesOfHex("08 00 02 00 01 02 03 04"), kind)));
  EXPECT_FALSE(kind);
}

// ---- in the family header ----

using RouteDst = HeaderPrefix<&rtmsg::rtm_dst_len, &rtmsg::rtm_family>;

std::optional<Prefix> ThroughHeader(const Prefix& prefix) {
  rtmsg header{};
  RouteDst::PutHeader(header, prefix);
  std::optional<Prefix> back;
  RouteDst::GetHeader(header, back);
  const auto attribute = Put<RouteDst>(prefix);
  ForEachAttribute(attribute,
                   [&](uint16_t, Bytes payload) { EXPECT_TRUE(RouteDst::Get(payload, *back)); });
  return back;
}

TEST(WireTest, APrefixIsAnAttributeAndTwoFieldsOfTheHeader) {
  for (const char* text : {"0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "10.1.2.3/24", "::/0",
                           "fd00::/64", "fd00::1/128"}) {
    EXPECT_EQ(ThroughHeader(ParsePrefix(text)), ParsePrefix(text)) << text;
  }
  EXPECT_TRUE(Put<RouteDst>(ParsePrefix("0.0.0.0/0")).empty());
  EXPECT_TRUE(Put<RouteDst>(ParsePrefix("::/0")).empty());
}

TEST(WireTest, TheFamilyIsKnownOrUnset) {
  using RuleFamily = HeaderFamily<&fib_rule_hdr::family>;
  for (int number = 0; number < 256; ++number) {
    fib_rule_hdr header{};
    header.family = static_cast<uint8_t>(number);
    std::optional<Family> family;
    RuleFamily::GetHeader(header, family);
    EXPECT_EQ(family.has_value(), number == AF_INET || number == AF_INET6) << number;
    if (!family) continue;
    fib_rule_hdr back{};
    RuleFamily::PutHeader(back, *family);
    EXPECT_EQ(back.family, number);
  }
  EXPECT_EQ(RuleFamily::Text(Family::kIpv4), "inet");
  EXPECT_EQ(RuleFamily::Text(Family::kIpv6), "inet6");
}

TEST(WireTest, AFlagOfTheHeaderLeavesItsOtherBits) {
  rtmsg header{};
  header.rtm_flags = RTM_F_NOTIFY;
  kernel::Onlink::PutHeader(header, false);
  EXPECT_EQ(header.rtm_flags, unsigned{RTM_F_NOTIFY});
  kernel::Onlink::PutHeader(header, true);
  EXPECT_EQ(header.rtm_flags, unsigned{RTM_F_NOTIFY | RTNH_F_ONLINK});
  std::optional<bool> onlink;
  kernel::Onlink::GetHeader(header, onlink);
  EXPECT_EQ(onlink, true);
  EXPECT_EQ(kernel::Onlink::Text(true), "onlink");
  EXPECT_EQ(kernel::Onlink::Text(false), "");
}

TEST(WireTest, UpIsAFlagAndTheMaskThatChangesIt) {
  ifinfomsg header{};
  kernel::LinkUp::PutHeader(header, false);
  EXPECT_EQ(header.ifi_flags, 0u);
  EXPECT_EQ(header.ifi_change, unsigned{IFF_UP});
  kernel::LinkUp::PutHeader(header, true);
  EXPECT_EQ(header.ifi_flags, unsigned{IFF_UP});
}

TEST(WireTest, TablesAbove255StandInTheAttributeAlone) {
  for (const uint32_t table : {0u, 1u, 254u, 255u, 256u, 51820u, UINT32_MAX}) {
    rtmsg route{};
    fib_rule_hdr rule{};
    kernel::RouteTable::PutHeader(route, table);
    kernel::RuleTable::PutHeader(rule, table);
    EXPECT_EQ(route.rtm_table, table < 256 ? table : 0u);
    EXPECT_EQ(rule.table, table < 256 ? table : 0u);
  }
}

// ---- wires of kernel objects ----

TEST(WireTest, AValueOfInetConfIsReadFromTheArrayOfADump) {
  using Forwarding = kernel::InetConf<IPV4_DEVCONF_FORWARDING>;
  using Second = kernel::InetConf<2>;
  const char* dump = "14 00 02 00 10 00 01 00 07 00 00 00 08 00 00 00 09 00 00 00";
  EXPECT_EQ(GetHex<Forwarding>(dump), 7u);
  EXPECT_EQ(GetHex<Second>(dump), 8u);
  EXPECT_FALSE(GetHex<kernel::InetConf<4>>(dump));  // an older kernel's array is shorter
  EXPECT_EQ(GetHex<Forwarding>("04 00 0a 00 0c 00 02 00 08 00 01 00 07 00 00 00"), 7u);
  EXPECT_FALSE(GetHex<Forwarding>("0c 00 0a 00 08 00 01 00 07 00 00 00"));  // of IPv6
  EXPECT_FALSE(GetHex<Forwarding>("ff 00 02 00 08 00 01 00 07 00 00 00"));
}

TEST(WireTest, EndpointsAreSockaddrs) {
  using Endpoint = kernel::SocketAddressWire;
  ExpectRoundTrip<Endpoint>({ParseIp("192.0.2.1"), 51820},
                            "02 00 ca 6c c0 00 02 01 00 00 00 00 00 00 00 00");
  ExpectRoundTrip<Endpoint>({ParseIp("fe80::1"), 443, 3},
                            "0a 00 01 bb 00 00 00 00 fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                            "01 03 00 00 00");
  EXPECT_FALSE(GetHex<Endpoint>("0a 00 ca 6c c0 00 02 01 00 00 00 00 00 00 00 00"));
  EXPECT_FALSE(GetHex<Endpoint>("02 00 ca 6c c0 00 02 01"));
  EXPECT_FALSE(GetHex<Endpoint>(""));
}

TEST(WireTest, EndpointsAreTextThatWgTakes) {
  using Endpoint = kernel::SocketAddressWire;
  EXPECT_EQ(Endpoint::Text({ParseIp("192.0.2.1"), 51820}), "192.0.2.1:51820");
  EXPECT_EQ(Endpoint::Text({ParseIp("fd00::1"), 51820}), "[fd00::1]:51820");
  EXPECT_EQ(Endpoint::Text({ParseIp("fe80::1"), 443, 3}), "[fe80::1%3]:443");
}

TEST(WireTest, HandshakesAreSecondsAndNanoseconds) {
  using Time = kernel::HandshakeTimeWire;
  const auto time = GetHex<Time>("02 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00");
  EXPECT_EQ(time, (kernel::HandshakeTime{2, 5}));
  EXPECT_EQ(Time::Text(*time), "2.000000005");
}

TEST(WireTest, AHookIsANumberAndASignedPriority) {
  ExpectRoundTrip<kernel::NftHookWire>({NF_INET_FORWARD, -1},
                                       "08 00 01 00 00 00 00 02 08 00 02 00 ff ff ff ff");
  EXPECT_EQ(kernel::NftHookWire::Text({NF_INET_FORWARD, -1}), "hook forward priority -1");
  EXPECT_EQ(kernel::NftHookWire::Text({9, 0}), "hook 9 priority 0");
  EXPECT_FALSE(GetHex<kernel::NftHookWire>("06 00 01 00 00 00 00 00"));
}

TEST(WireTest, CommentsAreTheFirstOfTheirKindInUserdata) {
  using Comment = kernel::NftComment;
  EXPECT_EQ(PayloadHex<Comment>("ab"), "00 03 61 62 00");
  EXPECT_EQ(GetHex<Comment>("00 03 61 62 00")->view(), "ab");
  EXPECT_EQ(GetHex<Comment>("01 02 ff ff 00 02 61 00")->view(), "a");
  EXPECT_EQ(GetHex<Comment>("00 02 61 62")->view(), "ab");
  const FixedString<128> longest(std::string(128, 'a'));
  EXPECT_EQ(GetHex<Comment>(PayloadHex<Comment>(longest)), longest);
}

// Others may keep there what they like: it is no comment, and no error.
TEST(WireTest, ForeignUserdataIsSoundAndHasNoComment) {
  for (const char* hex : {"", "00", "00 05 61", "07 01 61", "ff ff ff ff", "00 ff"}) {
    std::optional<FixedString<128>> comment;
    EXPECT_TRUE(GetValue<kernel::NftComment>(BytesOfHex(hex), comment)) << hex;
    EXPECT_FALSE(comment) << hex;
  }
  std::string too_long = "00 82";
  for (int i = 0; i < 130; ++i) too_long += " 61";
  EXPECT_FALSE(GetHex<kernel::NftComment>(too_long));
}

TEST(WireTest, FamiliesOfTablesAreWords) {
  using kernel::nft::TableFamily;
  EXPECT_EQ(kernel::NftFamily::Text(TableFamily::kInet), "inet");
  EXPECT_EQ(kernel::NftFamily::Text(TableFamily::kIpv4), "ip");
  EXPECT_EQ(kernel::NftFamily::Text(TableFamily::kIpv6), "ip6");
  EXPECT_EQ(kernel::NftFamily::Text(static_cast<TableFamily>(7)), "7");  // bridge
  nfgenmsg header{};
  kernel::NftFamily::PutHeader(header, TableFamily::kIpv6);
  EXPECT_EQ(header.nfgen_family, AF_INET6);
}

}  // namespace
}  // namespace wgnet::netlink
