// SPDX-License-Identifier: MIT OR Apache-2.0
// What a dump says becomes the form that is compared: links, addresses, routes and rules as kernels
// report them. The bytes are those of a Linux 6.18 dump.
#include <gtest/gtest.h>

#include "tests/support/object_cases.h"
#include "tests/support/wire_text.h"

namespace wgnet::kernel {
namespace {

using netlink::ExtraMode;
using testing::BytesOfHex;
using testing::HexOf;
using testing::ParseIp;
using testing::ParsePrefix;

template <class Object>
Object Decode(std::string_view hex, ExtraMode mode = ExtraMode::kDrop) {
  Object object;
  const auto payload = BytesOfHex(hex);
  EXPECT_TRUE(netlink::DecodeMessage({{}, payload}, mode, object)) << hex;
  return object;
}

// ---- addresses ----

TEST(AddressTest, AnIpv4AddressReportsItsOwnAsItsPeer) {
  const auto address = Decode<Address>(
      "02 18 80 00 07 00 00 00 "
      "08 00 01 00 0a 0d 0d 01 08 00 02 00 0a 0d 0d 01 08 00 08 00 80 00 00 00 05 00 0b 00 57 00 "
      "00 00");
  EXPECT_EQ(address.local, ParsePrefix("10.13.13.1/24"));
  EXPECT_FALSE(address.peer);
  EXPECT_EQ(address.dev->index, 7u);
  EXPECT_EQ(address.scope, RT_SCOPE_UNIVERSE);
  EXPECT_EQ(address.flags, uint32_t{IFA_F_PERMANENT});
  EXPECT_EQ(address.protocol, kProtocol);
}

TEST(AddressTest, AnIpv4PeerIsKept) {
  const auto address =
      Decode<Address>("02 20 80 00 07 00 00 00 08 00 01 00 0a 63 00 02 08 00 02 00 0a 63 00 01");
  EXPECT_EQ(address.local, ParsePrefix("10.99.0.1/32"));
  EXPECT_EQ(address.peer, ParseIp("10.99.0.2"));
}

TEST(AddressTest, AnIpv6AddressReportsNoLocalOne) {
  const auto address = Decode<Address>(
      "0a 40 80 00 07 00 00 00 14 00 01 00 fd 00 00 01 00 00 00 00 00 00 00 00 00 00 00 01");
  EXPECT_EQ(address.local, ParsePrefix("fd00:1::1/64"));
  EXPECT_FALSE(address.peer);
}

TEST(AddressTest, AnIpv6PeerIsKept) {
  const auto address = Decode<Address>(
      "0a 80 80 00 07 00 00 00 14 00 01 00 fd 00 00 01 00 00 00 00 00 00 00 00 00 00 00 02 "
      "14 00 02 00 fd 00 00 01 00 00 00 00 00 00 00 00 00 00 00 01");
  EXPECT_EQ(address.local, ParsePrefix("fd00:1::1/128"));
  EXPECT_EQ(address.peer, ParseIp("fd00:1::2"));
}

TEST(AddressTest, LabelsBroadcastsAndLifetimesAreReplayedAndOtherThingsAreNot) {
  using Schema = netlink::Schema<Address>;
  for (uint16_t type = 0; type < 32; ++type) {
    EXPECT_EQ(Schema::Replays(type), type == IFA_LABEL || type == IFA_BROADCAST ||
                                         type == IFA_CACHEINFO || type == IFA_RT_PRIORITY)
        << type;
  }
}

TEST(AddressTest, TheSameAddressOfAnotherLinkOrLengthIsAnotherObject) {
  Address address;
  address.local = ParsePrefix("10.0.0.1/24");
  address.dev = testing::Wg0();
  Address other = address;
  other.protocol = 3;
  other.scope = RT_SCOPE_LINK;
  EXPECT_TRUE(netlink::SameKey(address, other));
  other.local = ParsePrefix("10.0.0.1/25");
  EXPECT_FALSE(netlink::SameKey(address, other));
  other.local = address.local;
  other.dev = LinkRef{8, "wg0"};
  EXPECT_FALSE(netlink::SameKey(address, other)) << "a link is its number";
}

// ---- routes ----

TEST(RouteTest, AnIpv4RouteWithoutAMetricHasMetric0) {
  const auto route = Decode<Route>(
      "02 08 00 00 fe 57 fd 01 00 00 00 00 08 00 0f 00 fe 00 00 00 08 00 01 00 0a 00 00 00 "
      "08 00 04 00 07 00 00 00");
  EXPECT_EQ(route.dst, ParsePrefix("10.0.0.0/8"));
  EXPECT_EQ(route.metric, 0u);
  EXPECT_EQ(route.table, uint32_t{RT_TABLE_MAIN});
  EXPECT_EQ(route.protocol, kProtocol);
  EXPECT_EQ(route.scope, RT_SCOPE_LINK);
  EXPECT_EQ(route.type, RTN_UNICAST);
  EXPECT_EQ(route.onlink, false);
  EXPECT_FALSE(route.gateway);
}

TEST(RouteTest, TheTableIsReadFromItsAttribute) {
  const auto route = Decode<Route>(
      "02 00 00 00 fc 57 fd 01 00 00 00 00 08 00 0f 00 6c ca 00 00 08 00 04 00 07 00 00 00");
  EXPECT_EQ(route.table, 51820u) << "the header has RT_TABLE_COMPAT";
  EXPECT_EQ(route.dst, ParsePrefix("0.0.0.0/0"));
}

TEST(RouteTest, AnIpv6DefaultRouteHasItsFamily) {
  const auto route = Decode<Route>(
      "0a 00 00 00 fe 57 00 01 00 00 00 00 08 00 0f 00 fe 00 00 00 08 00 06 00 00 04 00 00");
  EXPECT_EQ(route.dst, ParsePrefix("::/0"));
  EXPECT_EQ(route.metric, 1024u);
}

TEST(RouteTest, MetricsAreKeptAndTheMtuIsReadFromThem) {
  const char* hex =
      "02 00 00 00 fe 57 fd 01 04 00 00 00 08 00 0f 00 fe 00 00 00 0c 00 08 00 08 00 02 00 14 05 "
      "00 00";
  const auto route = Decode<Route>(hex, ExtraMode::kKeep);
  EXPECT_EQ(route.onlink, true);
  EXPECT_EQ(HexOf(route.extra), "0c 00 08 00 08 00 02 00 14 05 00 00");
  EXPECT_EQ(RouteMtu(route), 1300u);
  EXPECT_FALSE(RouteMtu(Decode<Route>(hex)));
  EXPECT_FALSE(RouteMtu(Route()));
}

TEST(RouteTest, MetricsWithoutAnMtuOrWithABadOneHaveNone) {
  Route route;
  for (const char* extra :
       {"04 00 08 00", "0c 00 08 00 08 00 03 00 14 05 00 00", "0c 00 08 00 ff 00 02 00 14 05 00 00",
        "0c 00 09 00 08 00 02 00 14 05 00 00"}) {
    route.extra = BytesOfHex(extra);
    EXPECT_FALSE(RouteMtu(route)) << extra;
  }
}

TEST(RouteTest, TheKeyIsWhatTheKernelTellsRoutesApartBy) {
  const auto decode = [](const char* tail) {
    return Decode<Route>(std::string("02 08 00 00 fe 57 fd 01 00 00 00 00 08 00 01 00 0a 00 00 00 "
                                     "08 00 0f 00 fe 00 00 00 ") +
                         tail);
  };
  const Route route = decode("08 00 04 00 07 00 00 00");
  EXPECT_TRUE(netlink::SameKey(route, decode("08 00 04 00 08 00 00 00"))) << "the link";
  EXPECT_TRUE(netlink::SameKey(route, decode("08 00 06 00 00 00 00 00"))) << "a metric of 0";
  EXPECT_FALSE(netlink::SameKey(route, decode("08 00 06 00 01 00 00 00"))) << "a metric";
  Route other = route;
  other.protocol = RTPROT_STATIC;
  EXPECT_TRUE(netlink::SameKey(route, other)) << "the protocol";
  other.tos = 16;
  EXPECT_FALSE(netlink::SameKey(route, other)) << "the type of service";
}

// ---- rules ----

// As the kernel dumps the rule of `ip rule add not fwmark 0xca6c lookup 51820`.
TEST(RuleTest, WhatTheKernelReportsForNothingIsUnset) {
  const auto rule = Decode<Rule>(
      "02 00 00 00 00 00 00 01 02 00 00 00 08 00 0f 00 6c ca 00 00 08 00 0e 00 ff ff ff ff "
      "08 00 06 00 fc 7f 00 00 08 00 0a 00 6c ca 00 00 08 00 10 00 ff ff ff ff 05 00 15 00 57 00 "
      "00 00");
  Rule expected;
  expected.family = Family::kIpv4;
  expected.priority = 32764;
  expected.invert = true;
  expected.fwmark = 0xca6c;
  expected.fwmask = 0xffffffff;
  expected.action = FR_ACT_TO_TBL;
  expected.table = 51820;
  expected.protocol = kProtocol;
  EXPECT_TRUE(netlink::SameKey(rule, expected));
  EXPECT_EQ(netlink::HashKey(rule), netlink::HashKey(expected));
}

TEST(RuleTest, TheFirstRuleHasNoPriorityAttribute) {
  const auto rule = Decode<Rule>(
      "0a 00 00 00 ff 00 00 01 00 00 00 00 08 00 0f 00 ff 00 00 00 05 00 15 00 02 00 00 00");
  EXPECT_EQ(rule.priority, 0u);
  EXPECT_EQ(rule.family, Family::kIpv6);
  EXPECT_FALSE(rule.from);
  EXPECT_FALSE(rule.to);
  EXPECT_EQ(rule.invert, false);
}

TEST(RuleTest, PrefixesOfLength0AreUnsetAndOthersStay) {
  const auto rule = Decode<Rule>(
      "02 10 18 00 fe 00 00 01 00 00 00 00 08 00 02 00 0a 01 02 00 08 00 01 00 0a 02 00 00");
  EXPECT_EQ(rule.from, ParsePrefix("10.1.2.0/24"));
  EXPECT_EQ(rule.to, ParsePrefix("10.2.0.0/16"));
}

TEST(RuleTest, ASuppressedPrefixLengthOf0IsNotNothing) {
  const auto rule = Decode<Rule>("02 00 00 00 fe 00 00 01 00 00 00 00 08 00 0e 00 00 00 00 00");
  EXPECT_EQ(rule.suppress_prefixlength, 0u);
}

TEST(RuleTest, EveryMemberTellsRulesApart) {
  netlink::ForEachRow<Rule>(
      [](const auto& row) { EXPECT_EQ(row.role, netlink::Role::kKey) << row.json; });
}

TEST(RuleTest, AttributesThatNoRowKnowsAreAllKept) {
  const auto rule = Decode<Rule>(
      "02 00 00 00 fe 00 00 01 00 00 00 00 0c 00 14 00 e8 03 00 00 d0 07 00 00 05 00 63 00 01",
      ExtraMode::kKeep);
  EXPECT_EQ(HexOf(rule.extra), "0c 00 14 00 e8 03 00 00 d0 07 00 00 05 00 63 00 01 00 00 00");
}

// ---- links ----

TEST(LinkTest, ADumpIsReadIntoWhatIsComparedAndTheRestOfTheLinkIsNotReplayed) {
  const auto link = Decode<Link>(
      "00 00 fe ff 07 00 00 00 d1 00 01 00 00 00 00 00 08 00 03 00 77 67 30 00 "
      "08 00 0d 00 e8 03 00 00 05 00 10 00 00 00 00 00 08 00 04 00 8c 05 00 00 "
      "08 00 1b 00 74 6e 67 77 10 00 12 00 0c 00 01 00 64 75 6d 6d 79 00 00 00 "
      "07 00 14 00 61 62 00 00",
      ExtraMode::kKeep);
  EXPECT_EQ(link.name->view(), "wg0");
  EXPECT_EQ(link.index, 7u);
  EXPECT_EQ(link.mtu, 1420u);
  EXPECT_EQ(link.group, kLinkGroup);
  EXPECT_EQ(link.kind->view(), "dummy");
  EXPECT_EQ(link.alias->view(), "ab");
  EXPECT_EQ(link.up, true);
  EXPECT_FALSE(link.forwarding);
  EXPECT_EQ(HexOf(link.extra), "08 00 0d 00 e8 03 00 00") << "the length of the queue, no more";
}

TEST(LinkTest, TheGroupSpellsWgnt) {
  const char text[] = {kLinkGroup >> 24, kLinkGroup >> 16 & 0xff, kLinkGroup >> 8 & 0xff,
                       kLinkGroup & 0xff};
  EXPECT_EQ(std::string_view(text, 4), "wgnt");
}

TEST(LinkTest, AReferenceIsTheNumberAndTheNameIsForPrinting) {
  EXPECT_EQ((LinkRef{7, "wg0"}), (LinkRef{7, ""}));
  EXPECT_NE((LinkRef{7, "wg0"}), (LinkRef{8, "wg0"}));
  EXPECT_EQ(LinkIndex::Text({7, "wg0"}), "wg0");
  EXPECT_EQ(LinkIndex::Text({7, ""}), "if7");
}

// ---- any object ----

TEST(ObjectTest, LinkOfIsTheLinkThatAnObjectHangsOn) {
  for (const auto& [pair, shown] : testing::AllObjectCases()) {
    for (const auto& one : shown.cases) {
      const LinkRef* link = LinkOf(one.object);
      const bool hangs = pair.first == "address" || pair.first == "wireguard" ||
                         pair.first == "peer" || pair.first == "dns" ||
                         (pair.first == "route" && one.name != "one without a link");
      EXPECT_EQ(link != nullptr, hangs) << pair.first << ": " << one.name;
      if (link != nullptr) {
        EXPECT_EQ(link->index, 7u);
      }
    }
  }
}

TEST(ObjectTest, AttributesAreNamedAsInJson) {
  EXPECT_EQ(AttributeName(Route(), RTA_GATEWAY), "gateway");
  EXPECT_EQ(AttributeName(Route(), RTA_METRICS), "");
  EXPECT_EQ(AttributeName(WgDevice(), WGDEVICE_A_LISTEN_PORT), "listen_port");
  EXPECT_EQ(AttributeName(Link(), IFLA_AF_SPEC), "forwarding");
}

TEST(ObjectTest, BusesAndHeadersAreThoseOfTheProtocol) {
  EXPECT_EQ(BusOf(Link()), Bus::kRoute);
  EXPECT_EQ(BusOf(WgPeer()), Bus::kGeneric);
  EXPECT_EQ(BusOf(NftElement()), Bus::kNetfilter);
  EXPECT_EQ(BusOf(Sysctl()), Bus::kSysctl);
  EXPECT_EQ(HeaderSizeOf(Link()), 16u);
  EXPECT_EQ(HeaderSizeOf(Address()), 8u);
  EXPECT_EQ(HeaderSizeOf(Route()), 12u);
  EXPECT_EQ(HeaderSizeOf(Rule()), 12u);
  EXPECT_EQ(HeaderSizeOf(WgDevice()), 4u);
  EXPECT_EQ(HeaderSizeOf(NftChain()), 4u);
  EXPECT_EQ(HeaderSizeOf(Sysctl()), 0u);
}

TEST(ObjectTest, MapsByKeyFindWhatDiffersInValuesOnly) {
  Sysctl before;
  before.name = "a";
  before.value = "1";
  Sysctl after = before;
  after.value = "2";
  const Object a(before);
  const Object b(after);
  EXPECT_TRUE(KeyEqual()(a, b));
  EXPECT_TRUE(KeyEqual()(&a, &b));
  EXPECT_EQ(KeyHash()(a), KeyHash()(&b));
  EXPECT_FALSE(Holds(a, b));
}

}  // namespace
}  // namespace wgnet::kernel
