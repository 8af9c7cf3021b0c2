// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/nat_rule.h"

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

TEST(NatRuleTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<NatRule>({
      {NatRule::Masquerade().Source("10.0.0.0/33"), "NatRule.Source", "33"},
      {NatRule::Masquerade().Source("wg0"), "NatRule.Source", "\"wg0\""},
      {NatRule::Masquerade().InInterface(""), "NatRule.InInterface", "\"\""},
      {NatRule::Masquerade().InInterface("*"), "NatRule.InInterface", "\"*\""},
      {NatRule::Masquerade().OutInterface("0123456789abcdef*"), "NatRule.OutInterface", "abcdef"},
      {NatRule::Masquerade().OutInterface("a b"), "NatRule.OutInterface", "\"a b\""},
  });
}

TEST(NatRuleTest, TheFirstMistakeStaysAndLaterSettersStillCount) {
  const NatRule rule = NatRule::Masquerade().Source("x").OutInterface("").OutInterface("eth*");
  ASSERT_TRUE(rule.error());
  EXPECT_EQ(rule.error()->where, "NatRule.Source");
  EXPECT_EQ(rule.out_interface(), "eth*");
}

TEST(NatRuleTest, NothingIsSet) {
  const NatRule rule = NatRule::Masquerade();
  EXPECT_TRUE(rule.sources().empty());
  EXPECT_EQ(rule.in_interface(), std::nullopt);
  EXPECT_EQ(rule.out_interface(), std::nullopt);
  EXPECT_EQ(rule, NatRule());
}

TEST(NatRuleTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<NatRule>(NatRule(),
                                              {
                                                  {"source", NatRule().Source("10.0.0.0/8")},
                                                  {"in_interface", NatRule().InInterface("wg0")},
                                                  {"out_interface", NatRule().OutInterface("wg0")},
                                              });
}

TEST(NatRuleTest, SourcesAddUpAndHostBitsAreCleared) {
  const NatRule rule = NatRule().Source("10.1.2.3/8").Source(*Prefix::Parse("fd00::1/64"));
  EXPECT_EQ(rule.sources(),
            (std::vector{*Prefix::Parse("10.0.0.0/8"), *Prefix::Parse("fd00::/64")}));
}

// A pattern of 14 bytes and its `*` fit into the 16 bytes of a name, with the NUL.
TEST(NatRuleTest, APatternMayBeAsLongAsAName) {
  EXPECT_EQ(NatRule().InInterface("0123456789abcd*").error(), std::nullopt);
  EXPECT_EQ(NatRule().InInterface("0123456789abcde").error(), std::nullopt);
}

}  // namespace
}  // namespace wgnet
