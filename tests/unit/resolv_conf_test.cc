// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/resolv_conf.h"

#include <gtest/gtest.h>

#include <random>

namespace wgnet::dns {
namespace {

constexpr char kHere[] = "boot-cookie-7";

DnsConfig Config(const std::vector<std::string>& servers, const std::vector<std::string>& domains,
                 bool exclusive = true) {
  DnsConfig config;
  for (const std::string& server : servers) config.servers.push_back(*IpAddress::Parse(server));
  for (const std::string& domain : domains) config.domains.push_back(*DomainName::Parse(domain));
  config.exclusive = exclusive;
  return config;
}

// What a resolver makes of a file: comments do not count.
std::string Effect(std::string_view text) { return LinesOf(ReadLines(text)); }

std::string With(std::optional<std::string_view> text, const std::string& link,
                 const DnsConfig& config) {
  ResolvConf file(text);
  file.Set({kHere, link, config});
  return *file.Text();
}

std::optional<std::string> Without(std::string_view text, const std::string& link) {
  ResolvConf file(text);
  file.Remove(kHere, link);
  return file.Text();
}

constexpr char kDhcp[] =
    "# made by dhcp\nnameserver 192.168.1.1\nsearch home.example\noptions edns0\n";

TEST(ResolvConfTest, ExclusiveServersAreTheOnlyOnes) {
  const std::string text = With(kDhcp, "wg0", Config({"10.0.0.1", "fd00::53"}, {"corp.example"}));
  EXPECT_EQ(Effect(text), "nameserver 10.0.0.1\nnameserver fd00::53\nsearch corp.example\n");
  EXPECT_NE(text.find("\noptions edns0\n"), std::string::npos);
}

TEST(ResolvConfTest, OthersStayBehindWhatIsNotExclusive) {
  const std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {"corp.example"}, false));
  EXPECT_EQ(Effect(text),
            "nameserver 10.0.0.1\nnameserver 192.168.1.1\nsearch corp.example home.example\n");
}

TEST(ResolvConfTest, SearchDomainsAlone) {
  const std::string text = With(kDhcp, "wg0", Config({}, {"corp.example"}, false));
  EXPECT_EQ(Effect(text), "nameserver 192.168.1.1\nsearch corp.example home.example\n");
}

TEST(ResolvConfTest, TheLastLinkComesFirst) {
  std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {"a.example"}));
  text = With(text, "wg1", Config({"10.1.0.1"}, {"b.example"}));
  EXPECT_EQ(Effect(text), "nameserver 10.1.0.1\nnameserver 10.0.0.1\nsearch b.example a.example\n");
  text = *Without(text, "wg0");
  EXPECT_EQ(Effect(text), "nameserver 10.1.0.1\nsearch b.example\n");
  EXPECT_EQ(Without(text, "wg1"), kDhcp);
}

// As it must when a transaction is taken back.
TEST(ResolvConfTest, WhatWentComesBackWhereItWas) {
  std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {"a.example"}));
  text = With(text, "wg1", Config({"10.1.0.1"}, {"b.example"}));
  text = With(text, "wg2", Config({"10.2.0.1"}, {"c.example"}));
  for (const std::string link : {"wg0", "wg1", "wg2"}) {
    const DnsConfig before = ResolvConf(text).Find(kHere, link)->config;
    EXPECT_EQ(With(*Without(text, link), link, before), text);
  }
}

TEST(ResolvConfTest, AChangedLinkStaysWhereItIs) {
  std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {}));
  text = With(text, "wg1", Config({"10.1.0.1"}, {}));
  text = With(text, "wg0", Config({"10.0.0.9"}, {}));
  EXPECT_EQ(Effect(text), "nameserver 10.1.0.1\nnameserver 10.0.0.9\n");
}

TEST(ResolvConfTest, LinesWithoutANumberKeepTheirOrder) {
  const std::string text =
      "# wgnet begin: from here to the end mark, lines are not kept\n"
      "# wgnet link boot-cookie-7 wg1 nameserver 10.1.0.1\n"
      "# wgnet link boot-cookie-7 wg0 order x nameserver 10.0.0.1\n"
      "# wgnet end\n";
  EXPECT_EQ(Effect(With(text, "wg2", Config({"10.2.0.1"}, {}, false))),
            "nameserver 10.2.0.1\nnameserver 10.1.0.1\nnameserver 10.0.0.1\n");
}

TEST(ResolvConfTest, OneThatIsExclusiveLeavesOthersOut) {
  std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {}, false));
  text = With(text, "wg1", Config({"10.1.0.1"}, {}));
  text = With(text, "wg2", Config({"10.2.0.1"}, {}, false));
  EXPECT_EQ(Effect(text), "nameserver 10.1.0.1\n");
}

TEST(ResolvConfTest, TellsWhatEachLinkHas) {
  DnsConfig first = Config({"10.0.0.1", "fe80::1"}, {"a.example", "b.example"});
  DnsConfig second = Config({}, {"c.example"}, false);
  const ResolvConf file(With(With(kDhcp, "wg0", first), "wg1", second));
  ASSERT_NE(file.Find(kHere, "wg0"), nullptr);
  first.order = 1;
  second.order = 2;
  EXPECT_EQ(file.Find(kHere, "wg0")->config, first);
  EXPECT_EQ(file.Find(kHere, "wg1")->config, second);
  EXPECT_EQ(file.Find("another", "wg0"), nullptr);
  EXPECT_EQ(file.Find(kHere, "wg"), nullptr);
}

TEST(ResolvConfTest, AFileOfOursGoesWithTheLastLink) {
  const std::string text = With(std::nullopt, "wg0", Config({"10.0.0.1"}, {}));
  EXPECT_EQ(Effect(text), "nameserver 10.0.0.1\n");
  EXPECT_EQ(Without(text, "wg0"), std::nullopt);
  EXPECT_EQ(Without(text + "nameserver 1.1.1.1\n", "wg0"), "nameserver 1.1.1.1\n");
  EXPECT_EQ(Without(With("", "wg0", Config({"10.0.0.1"}, {})), "wg0"), "");
}

// Another program wrote a file of its own: there is nothing of ours to take back.
TEST(ResolvConfTest, WhatOthersWriteMeanwhileStays) {
  EXPECT_EQ(Without("nameserver 9.9.9.9\n", "wg0"), "nameserver 9.9.9.9\n");
  const std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {"x"}));
  EXPECT_EQ(Without("# of theirs\n" + text + "nameserver 9.9.9.9\n", "wg0"),
            "# of theirs\n" + std::string(kDhcp) + "nameserver 9.9.9.9\n");
}

TEST(ResolvConfTest, WithoutTheEndMarkNothingOfOthersIsLost) {
  std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {}));
  text.erase(text.find("# wgnet end\n"), 12);
  EXPECT_EQ(Without(text, "wg0"), "nameserver 10.0.0.1\n" + std::string(kDhcp));
}

// Somebody may have put a copy of the block into the file.
TEST(ResolvConfTest, MarksThatAreTwiceStandOnceAfterwards) {
  const std::string text = With(kDhcp, "wg0", Config({"10.0.0.1"}, {}));
  for (const std::string& copied : {text + text, "# wgnet off: # wgnet off: #\n" + text}) {
    const std::string once = *ResolvConf(copied).Text();
    EXPECT_EQ(*ResolvConf(once).Text(), once);
  }
}

// The file outlives a boot, and no link does.
TEST(ResolvConfTest, LinksOfAnotherBootGo) {
  ResolvConf file(With(kDhcp, "wg0", Config({"10.0.0.1"}, {})));
  file.Set({"later-cookie-1", "wg0", Config({"10.0.0.2"}, {})});
  file.KeepOnly("later-");
  EXPECT_EQ(Effect(*file.Text()), "nameserver 10.0.0.2\n");
  file.KeepOnly("last-");
  EXPECT_EQ(file.Text(), kDhcp);
}

TEST(ResolvConfTest, ASecondTimeIsTheSame) {
  const DnsConfig config = Config({"10.0.0.1"}, {"corp.example"});
  const std::string once = With(kDhcp, "wg0", config);
  EXPECT_EQ(With(once, "wg0", config), once);
  EXPECT_EQ(*ResolvConf(once).Text(), once);
}

// Whatever stands in a file, and in whatever order links come and go, it comes back byte for byte.
TEST(ResolvConfTest, ComesBackByteForByte) {
  const std::vector<std::string> kLines = {"nameserver 192.0.2.1\n",
                                           "nameserver ::1 # x\n",
                                           "search a b c\n",
                                           "domain d\r\n",
                                           " nameserver 192.0.2.3\n",
                                           "\n",
                                           "; comment\n",
                                           "#nameserver 1.1.1.1\n",
                                           "options ndots:1",
                                           "garbage \x01\xff\n"};
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = random() % 6; i > 0; --i) text += kLines[random() % kLines.size()];
    std::string changed = text;
    std::vector<std::string> links = {"wg0", "$(id)", "corp.vpn"};
    for (const std::string& link : links) {
      changed = With(changed, link, Config({"10.0.0.1"}, {"x"}, random() % 2 == 0));
    }
    std::shuffle(links.begin(), links.end(), random);
    for (const std::string& link : links) changed = *Without(changed, link);
    ASSERT_EQ(changed, text) << "round " << round;
  }
}

}  // namespace
}  // namespace wgnet::dns
