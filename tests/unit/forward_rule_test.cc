// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/forward_rule.h"

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

TEST(ForwardRuleTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<ForwardRule>({
      {ForwardRule().Between("", "eth0"), "ForwardRule.Between", "\"\""},
      {ForwardRule().Between("wg0", "*"), "ForwardRule.Between", "\"*\""},
      {ForwardRule().Between("wg0", "a/b"), "ForwardRule.Between", "\"a/b\""},
      {ForwardRule().Between("wg0:", "eth0"), "ForwardRule.Between", "\"wg0:\""},
  });
}

TEST(ForwardRuleTest, TheFirstMistakeStaysAndTheOtherNameStillCounts) {
  const ForwardRule rule = ForwardRule().Between("a/b", "a:b").Between("wg0", "eth*");
  ASSERT_TRUE(rule.error());
  EXPECT_NE(rule.error()->message.find("a/b"), std::string::npos);
  EXPECT_EQ(rule.one(), "wg0");
  EXPECT_EQ(rule.other(), "eth*");
}

TEST(ForwardRuleTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<ForwardRule>(
      ForwardRule().Between("wg0", "eth0"), {
                                                {"one", ForwardRule().Between("wg1", "eth0")},
                                                {"other", ForwardRule().Between("wg0", "eth1")},
                                            });
}

TEST(ForwardRuleTest, TheOrderOfTheNamesCounts) {
  EXPECT_FALSE(ForwardRule().Between("a", "b") == ForwardRule().Between("b", "a"));
}

}  // namespace
}  // namespace wgnet
