// SPDX-License-Identifier: MIT OR Apache-2.0
// Settings under /proc/sys: what an edit writes, in order, and the commands that do the same.
#include "src/kernel/sysctl.h"

#include <gtest/gtest.h>

#include "tests/support/sandbox.h"

namespace wgnet::kernel {
namespace {

Sysctl SysctlOf(const char* name, const char* value,
                std::optional<std::vector<SysctlSetting>> footprint = std::nullopt) {
  Sysctl sysctl;
  sysctl.name = name;
  sysctl.value = value;
  sysctl.footprint = std::move(footprint);
  return sysctl;
}

Commands CommandsFor(const Sysctl& sysctl) {
  return CommandsOf(Edit<Sysctl>{Verb::kChange, sysctl, sysctl},
                    [](const SecretKey&) { return std::string(); });
}

std::string WritesFor(const Sysctl& sysctl) {
  std::string text;
  for (const auto& [name, value] : WritesOf({Verb::kChange, sysctl, sysctl})) {
    text += name.str() + "=" + value.str() + " ";
  }
  return text;
}

TEST(SysctlTest, AnEditWritesItsValueAndThenItsFootprint) {
  EXPECT_EQ(WritesFor(SysctlOf("net/ipv4/ip_forward", "1")), "net/ipv4/ip_forward=1 ");
  EXPECT_EQ(WritesFor(SysctlOf("net/ipv4/ip_forward", "1", std::vector<SysctlSetting>{})),
            "net/ipv4/ip_forward=1 ");
  const Sysctl moved =
      SysctlOf("net/ipv4/ip_forward", "0",
               {{{"net/ipv4/conf/b/forwarding", "1"}, {"net/ipv4/conf/a/forwarding", "0"}}});
  EXPECT_EQ(WritesFor(moved),
            "net/ipv4/ip_forward=0 net/ipv4/conf/b/forwarding=1 net/ipv4/conf/a/forwarding=0 ");
  EXPECT_EQ(CommandsFor(moved),
            (Commands{"sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.conf.b.forwarding=1",
                      "sysctl -w net.ipv4.conf.a.forwarding=0"}));
}

// sysctl(8) takes a dot in a name with slashes for a part of it.
TEST(SysctlTest, NamesWithDotsKeepTheirSlashes) {
  EXPECT_EQ(CommandsFor(SysctlOf("net/ipv4/conf/eth0.100/rp_filter", "2")),
            Commands{"sysctl -w net/ipv4/conf/eth0.100/rp_filter=2"});
}

TEST(SysctlTest, NamesAreQuotedForAShell) {
  EXPECT_EQ(CommandsFor(SysctlOf("net/ipv4/conf/$(id)/rp_filter", "2")),
            Commands{"sysctl -w 'net.ipv4.conf.$(id).rp_filter=2'"});
}

TEST(SysctlTest, TheLongestNameFits) {
  const std::string name = "net/ipv6/conf/" + std::string(15, 'a') + "/" + std::string(66, 'b');
  ASSERT_EQ(name.size(), SysctlName::kMost);
  EXPECT_EQ(SysctlName(name).str(), name);
}

TEST(SysctlTest, TheNameIsTheKeyAndTheFootprintIsNotCompared) {
  const Sysctl one = SysctlOf("a/b", "1");
  EXPECT_TRUE(netlink::SameKey(one, SysctlOf("a/b", "2")));
  EXPECT_FALSE(netlink::SameKey(one, SysctlOf("a/c", "1")));
  EXPECT_TRUE(netlink::Holds(one, SysctlOf("a/b", "1", {{{"c", "1"}}})));
  EXPECT_FALSE(netlink::Holds(one, SysctlOf("a/b", "2")));
}

TEST(SysctlTest, JsonHasTheFootprintByName) {
  JsonWriter out(false);
  out.Object([&] {
    netlink::WriteJsonMembers(SysctlOf("a/b", "1", {{{"c", "1"}, {"d", "0"}}}), Secrets::kHide,
                              out);
  });
  EXPECT_EQ(out.text(), R"({"name":"a/b","value":"1","footprint":{"c":"1","d":"0"}})");
}

// The commands, run by sysctl(8) itself.
TEST(SysctlTest, TheCommandsWriteWhatTheySay) {
  EXPECT_EQ(testing::InNewNamespace([] {
              std::string problems;
              for (const char* name : {"net/ipv4/ip_forward", "net/ipv4/conf/lo/rp_filter"}) {
                for (const char* value : {"1", "0"}) {
                  const auto command = CommandsFor(SysctlOf(name, value)).front();
                  problems += testing::Shell(command + " >/dev/null");
                  const auto now = testing::Shell(std::string("cat /proc/sys/") + name);
                  if (now != std::string(value) + "\n") problems += command + " made it " + now;
                }
              }
              return problems;
            }),
            "");
}

}  // namespace
}  // namespace wgnet::kernel
