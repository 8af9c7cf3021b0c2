// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_names.h"

namespace wgnet::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wgnet::testing::FakeResolver;
using wgnet::testing::Found;
using wgnet::testing::NoSuchName;
using wgnet::testing::NotNow;

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOther = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

Node WithEndpoints(std::vector<const char*> endpoints) {
  Interface interface("wg0");
  uint8_t key[32] = {};
  for (const char* endpoint : endpoints) {
    ++key[0];
    interface.AddPeer(Peer(PublicKey(key)).Endpoint(endpoint));
  }
  return Node().Add(interface);
}

TEST(FactsTest, APatternFitsByItsStem) {
  struct Case {
    const char* name;
    const char* pattern;
    bool fits;
  };
  const Case kCases[] = {
      {"eth0", "eth0", true},   {"eth0", "eth*", true},  {"eth", "eth*", true},
      {"eth10", "eth1*", true}, {"eth0", "eth", false},  {"eth0", "th*", false},
      {"weth0", "eth*", false}, {"eth0", "ETH*", false}, {"e*h0", "e*h0", true},
      {"exh0", "e*h0", false},  {"e*h0", "e*h*", true},  {"exh0", "e*h*", false},
      {"", "eth*", false},
  };
  for (const auto& [name, pattern, fits] : kCases) {
    EXPECT_EQ(MatchesPattern(name, pattern), fits) << name << " " << pattern;
  }
}

TEST(FactsTest, EveryHostIsLookedUpOnce) {
  FakeResolver resolver;
  resolver.answers = {{"a.example", {Found({"192.0.2.7", "192.0.2.8"})}},
                      {"b.example", {Found({"192.0.2.9"})}}};
  const auto hosts =
      ResolveHosts(WithEndpoints({"a.example:1", "b.example:1", "a.example:2", "[fe80::1%eth0]:1"}),
                   {.resolver = &resolver});
  ASSERT_TRUE(hosts.ok()) << hosts.error();
  EXPECT_THAT(resolver.asked, ElementsAre(ElementsAre("a.example", "b.example")));
  EXPECT_THAT(hosts->at("a.example").addresses, ElementsAre(Ip("192.0.2.7"), Ip("192.0.2.8")));
  EXPECT_THAT(hosts->at("fe80::1").addresses, ElementsAre(Ip("fe80::1")));
}

TEST(FactsTest, AHostWithoutAddressIsNamedWithItsPeer) {
  const Node node = Node().Add(
      Interface("wg0").AddPeer(Peer(kKey)).AddPeer(Peer(kOther).Endpoint("nowhere.example:1")));
  FakeResolver resolver;
  for (const HostAnswer& answer : {NoSuchName(), NotNow(), Found({})}) {
    resolver.answers["nowhere.example"] = {answer};
    LookUpOptions options{.resolver = &resolver, .retries = 0};
    const auto hosts = ResolveHosts(node, options);
    ASSERT_FALSE(hosts.ok());
    EXPECT_EQ(hosts.error().code, ErrorCode::kUnresolved);
    EXPECT_THAT(hosts.error().message, HasSubstr("nowhere.example"));
    EXPECT_THAT(hosts.error().message, HasSubstr(answer.reason));
    EXPECT_EQ(hosts.error().where,
              "Interface(\"wg0\").Peer(\"" + std::string(kOther) + "\").Endpoint");
    options.unresolved = UnresolvedEndpoint::kLater;
    EXPECT_TRUE(ResolveHosts(node, options).ok());
  }
}

TEST(FactsTest, ANodeWithoutEndpointsAsksNobody) {
  EXPECT_THAT(*ResolveHosts(Node(), {}), IsEmpty());
  EXPECT_THAT(*ResolveHosts(Node().Add(Interface("wg0").AddPeer(Peer(kKey))), {}), IsEmpty());
}

TEST(FactsTest, ASettingIsANumberOrUnknown) {
  Facts facts;
  facts.settings = {{"a", "1"}, {"b", "-1"}, {"c", ""}, {"d", "1 2"}, {"e", "2147483648"}};
  EXPECT_EQ(facts.Setting("a"), 1);
  for (const char* name : {"b", "c", "d", "e", "f"}) EXPECT_EQ(facts.Setting(name), std::nullopt);
}

TEST(FactsTest, LinksAreFoundByNameAndIndex) {
  Facts facts;
  kernel::Link link;
  link.name = FixedString<15>("eth0");
  link.index = 7;
  facts.links.push_back(link);
  EXPECT_EQ(facts.FindLink("eth0"), &facts.links[0]);
  EXPECT_EQ(facts.FindLink(7u), &facts.links[0]);
  EXPECT_EQ(facts.FindLink("eth"), nullptr);
  EXPECT_EQ(facts.FindLink(8u), nullptr);
}

}  // namespace
}  // namespace wgnet::plan
