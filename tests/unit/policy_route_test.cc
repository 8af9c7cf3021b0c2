// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/policy_route.h"

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

PolicyRoute Full() { return PolicyRoute::FullTunnel("wg0"); }
PolicyRoute Part() { return PolicyRoute::ForPrefix("10.0.0.0/8", "wg0"); }

std::string Where(std::string_view setter) { return "PolicyRoute(\"wg0\")." + std::string(setter); }

TEST(PolicyRouteTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<PolicyRoute>({
      {PolicyRoute::FullTunnel(""), "PolicyRoute().Interface", "\"\""},
      {PolicyRoute::FullTunnel("wg*"), "PolicyRoute().Interface", "\"wg*\""},
      {PolicyRoute::ForPrefix("10.0.0.0/33", "wg0"), Where("To"), "33"},
      {PolicyRoute::ForPrefix("x", "wg0"), Where("To"), "\"x\""},
      {Full().To(""), Where("To"), "\"\""},
      {Part().From("10.0.0"), Where("From"), "10.0.0"},
      {Part().InInterface("eth*"), Where("InInterface"), "eth*"},
      {Part().FwMark(0), Where("FwMark"), "mark"},
      {Part().FwMark(0x100, 0xff), Where("FwMark"), "mask"},
      {Part().FwMark(1, 0), Where("FwMark"), "mask"},
      {Part().FwMarkText(""), Where("FwMark"), "\"\""},
      {Part().FwMarkText("1/"), Where("FwMark"), "\"1/\""},
      {Part().FwMarkText("0x100000000"), Where("FwMark"), "0x100000000"},
      {Part().FwMarkText("0/0xff"), Where("FwMark"), "mark"},
      {Part().Table(0), Where("Table"), "0"},
      {Part().Table(253), Where("Table"), "253"},
      {Part().Table(254), Where("Table"), "254"},
      {Part().Table(255), Where("Table"), "255"},
      {Part().Priority(0), Where("Priority"), "0"},
      {Part().Priority(32766), Where("Priority"), "32766"},
      {Full().Priority(1), Where("Priority"), "1"},
  });
}

TEST(PolicyRouteTest, TheFirstMistakeStaysAndLaterSettersStillCount) {
  const PolicyRoute route = Part().Table(254).Priority(0).Table(7);
  ASSERT_TRUE(route.error());
  EXPECT_EQ(route.error()->where, Where("Table"));
  EXPECT_EQ(route.table(), 7u);
  EXPECT_EQ(route.priority(), std::nullopt);
}

TEST(PolicyRouteTest, NothingButTheInterfaceIsSet) {
  const PolicyRoute full = Full();
  EXPECT_TRUE(full.is_full_tunnel());
  EXPECT_FALSE(Part().is_full_tunnel());
  EXPECT_EQ(full.interface(), "wg0");
  EXPECT_EQ(full.from(), std::nullopt);
  EXPECT_EQ(full.in_interface(), std::nullopt);
  EXPECT_EQ(full.fwmark(), std::nullopt);
  EXPECT_EQ(full.table(), std::nullopt);
  EXPECT_EQ(full.priority(), std::nullopt);
}

TEST(PolicyRouteTest, TheEndsOfEveryRangeAreTaken) {
  using Mark = PolicyRoute::Mark;
  EXPECT_EQ(Part().FwMark(UINT32_MAX).fwmark(), (Mark{UINT32_MAX, UINT32_MAX}));
  EXPECT_EQ(Part().FwMark(1, 1).fwmark(), (Mark{1, 1}));
  EXPECT_EQ(Part().FwMarkText("0x100/0xff00").fwmark(), (Mark{0x100, 0xff00}));
  EXPECT_EQ(Part().FwMarkText("51820").fwmark(), (Mark{51820, UINT32_MAX}));
  EXPECT_EQ(Part().Table(1).table(), 1u);
  EXPECT_EQ(Part().Table(252).table(), 252u);
  EXPECT_EQ(Part().Table(256).table(), 256u);
  EXPECT_EQ(Part().Table(UINT32_MAX).table(), UINT32_MAX);
  EXPECT_EQ(Part().Priority(1).priority(), 1u);
  EXPECT_EQ(Part().Priority(32765).priority(), 32765u);
  EXPECT_EQ(Full().Priority(2).priority(), 2u);
}

TEST(PolicyRouteTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<PolicyRoute>(
      Part(), {
                  {"interface", PolicyRoute::ForPrefix("10.0.0.0/8", "wg1")},
                  {"to", PolicyRoute::ForPrefix("10.0.0.0/9", "wg0")},
                  {"from", Part().From("10.0.0.0/8")},
                  {"in_interface", Part().InInterface("eth0")},
                  {"fwmark", Part().FwMark(1)},
                  {"table", Part().Table(1)},
                  {"priority", Part().Priority(1)},
              });
}

TEST(PolicyRouteTest, HostBitsAreCleared) {
  EXPECT_EQ(PolicyRoute::ForPrefix("10.1.2.3/8", "wg0"), Part());
  EXPECT_EQ(PolicyRoute::ForPrefix(*Prefix::Parse("10.1.2.3/8"), "wg0"), Part());
  EXPECT_EQ(Full().To("10.1.2.3/8"), Part());
  EXPECT_EQ(Part().From("10.1.2.3/8"), Part().From(*Prefix::Parse("10.0.0.0/8")));
}

}  // namespace
}  // namespace wgnet
