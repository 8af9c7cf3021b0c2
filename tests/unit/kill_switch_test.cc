// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/kill_switch.h"

#include "tests/unit/builder_table.h"

namespace wgnet {
namespace {

TEST(KillSwitchTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<KillSwitch>({
      {KillSwitch().Tunnel(""), "KillSwitch.Tunnel", "\"\""},
      {KillSwitch().Tunnel("wg*"), "KillSwitch.Tunnel", "\"wg*\""},
      {KillSwitch().Tunnel("a/b"), "KillSwitch.Tunnel", "\"a/b\""},
      {KillSwitch().Tunnel("0123456789abcdef"), "KillSwitch.Tunnel", "abcdef"},
  });
}

TEST(KillSwitchTest, TheFirstMistakeStaysAndLaterTunnelsStillCount) {
  const KillSwitch kill_switch = KillSwitch().Tunnel("a/b").Tunnel("a:b").Tunnel("wg0");
  ASSERT_TRUE(kill_switch.error());
  EXPECT_NE(kill_switch.error()->message.find("a/b"), std::string::npos);
  EXPECT_EQ(kill_switch.tunnels(), std::vector<std::string>{"wg0"});
}

TEST(KillSwitchTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<KillSwitch>(KillSwitch(),
                                                 {{"tunnels", KillSwitch().Tunnel("wg0")}});
}

}  // namespace
}  // namespace wgnet
