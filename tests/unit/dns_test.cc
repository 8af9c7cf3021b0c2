// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/dns.h"

#include "tests/unit/builder_table.h"
#include "wgnet/node.h"

namespace wgnet {
namespace {

TEST(DomainNameTest, ReadsWhatDnsAllows) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  const struct {
    std::string text;
    std::string name;
    bool routing_only;
  } kNames[] = {{"corp.example", "corp.example", false},
                {"corp.example.", "corp.example", false},
                {"lan", "lan", false},
                {"_tcp.x-1.EXAMPLE", "_tcp.x-1.EXAMPLE", false},
                {"~corp.example", "corp.example", true},
                {"~.", ".", true},
                {longest, longest, false}};
  for (const auto& [text, name, routing_only] : kNames) {
    const auto domain = DomainName::Parse(text);
    ASSERT_TRUE(domain) << text;
    EXPECT_EQ(domain->name(), name);
    EXPECT_EQ(domain->is_routing_only(), routing_only);
    EXPECT_EQ(*DomainName::Parse(domain->ToString()), *domain);
  }
}

TEST(DomainNameTest, RefusesAllElse) {
  const std::string label(64, 'a');
  const std::string four = std::string(62, 'a') + ".";
  for (const std::string& text :
       {std::string(), std::string("."), std::string("~"), std::string("~~a"), std::string("a..b"),
        std::string(".a"), std::string("a b"), std::string("a\nnameserver 6.6.6.6"),
        std::string("a\0b", 3), std::string("a#b"), std::string("b\xc3\xbc"), std::string("a/b"),
        label, four + four + four + four + "aaa"}) {
    const auto domain = DomainName::Parse(text);
    ASSERT_FALSE(domain) << text;
    EXPECT_EQ(domain.error().code, ErrorCode::kParse);
    EXPECT_EQ(domain.error().ToString().find("nameserver 6.6.6.6\n"), std::string::npos);
    EXPECT_FALSE(domain.error().hint.empty());
  }
}

TEST(DnsTest, AMistakeIsReportedWithItsSetter) {
  testing::ExpectMistakes<Dns>({
      {Dns("a/b"), "Dns", "\"a/b\""},
      {Dns("wg0").Server("10.0.0"), "Dns(\"wg0\").Server", "10.0.0"},
      {Dns("wg0").Server("dns.example"), "Dns(\"wg0\").Server", "dns.example"},
      {Dns("wg0").SearchDomain("a\nb"), "Dns(\"wg0\").SearchDomain", "a\\x0ab"},
      {Dns("wg0").Backend("hosts"), "Dns(\"wg0\").Backend", "hosts"},
  });
}

TEST(DnsTest, EveryOptionCompares) {
  testing::ExpectEveryOptionCompares<Dns>(Dns("wg0"),
                                          {{"interface", Dns("wg1")},
                                           {"servers", Dns("wg0").Server("10.0.0.1")},
                                           {"search_domains", Dns("wg0").SearchDomain("lan")},
                                           {"exclusive", Dns("wg0").Exclusive(false)},
                                           {"required", Dns("wg0").Required(false)},
                                           {"backend", Dns("wg0").Backend(DnsBackend::kFile)}});
}

TEST(DnsTest, ANodeChecksItsInterface) {
  const Interface wg0("wg0");
  const Dns dns = Dns("wg0").Server("10.0.0.1");
  EXPECT_TRUE(Node().Add(dns).Add(wg0).Check());
  const struct {
    Node node;
    std::string message;
  } kBroken[] = {{Node().Add(wg0).Add(Dns("wg1").Server("10.0.0.1")), "no interface of this name"},
                 {Node().Add(wg0).Add(dns).Add(dns), "twice"},
                 {Node().Add(wg0).Add(Dns("wg0")), "neither servers nor search domains"},
                 {Node().Add(wg0).Add(Dns().Server("10.0.0.1")), "no interface of this name"},
                 {Node().Add(wg0).Add(Dns("wg0").Server("x")), "\"x\""}};
  for (const auto& [node, message] : kBroken) {
    const Status checked = node.Check();
    ASSERT_FALSE(checked) << message;
    EXPECT_EQ(checked.error().where.substr(0, 3), "Dns");
    EXPECT_NE(checked.error().message.find(message), std::string::npos) << checked.error();
  }
}

}  // namespace
}  // namespace wgnet
