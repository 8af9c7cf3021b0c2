// SPDX-License-Identifier: MIT OR Apache-2.0
// Nodes as JSON: out and in without loss, and every broken document is named by its place.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/world.h"
#include "wgnet/node.h"

namespace wgnet {
namespace {

constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kPsk = "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=";

// Every option of every builder, with values at the ends of their ranges.
Node EveryOption() {
  Node node;
  node.Add(Interface("$(id)\"x\"")
               .PrivateKey(kPrivate)
               .ListenPort(0)
               .FwMark(UINT32_MAX)
               .Address("10.0.0.1/24")
               .Address("fd00::1/64")
               .Mtu(65535)
               .MtuOverhead("exact")
               .Table(RouteTable::Number(UINT32_MAX))
               .AddPeer(Peer(kKey)
                            .PresharedKey(kPsk)
                            .Endpoint("[fe80::1%eth0]:51820")
                            .AllowedIp("0.0.0.0/0")
                            .AllowedIp("::/0")
                            .PersistentKeepalive(65535))
               .AddPeer(Peer(kPsk).Endpoint("name.example:0").PersistentKeepalive(0)));
  node.Add(Interface("off").Table("off").FwMark(0));
  node.Add(Interface("auto").Table("auto").Mtu(68));
  node.Add(PolicyRoute::FullTunnel("auto").FwMark(0x100, 0xff00).Table(1).Priority(2));
  node.Add(PolicyRoute::ForPrefix("::/0", "auto")
               .From("fd00::/8")
               .InInterface("eth0")
               .FwMark(UINT32_MAX)
               .Table(UINT32_MAX)
               .Priority(32765));
  node.Add(NatRule().Source("10.0.0.0/8").Source("fd00::/8").InInterface("a*").OutInterface("b"));
  node.Add(ForwardRule().Between("a*", "b"));
  node.Add(Dns("auto")
               .Server("10.0.0.53")
               .Server("fd00::53")
               .SearchDomain("corp.example")
               .SearchDomain("~.")
               .Exclusive(true)
               .Required(true)
               .Backend(DnsBackend::kResolved));
  node.Add(Dns("off").SearchDomain("lan").Exclusive(false).Required(false));
  node.Add(KillSwitch().Tunnel("auto").Tunnel("off"));
  return node;
}

// Visits every option of a builder, and of the builders in it.
template <class Builder>
void ExpectAllSet(const Builder& builder) {
  Builder::VisitOptions(builder, [](std::string_view name, auto, const auto& value) {
    EXPECT_FALSE(value == std::decay_t<decltype(value)>()) << name;
  });
}

TEST(NodeJsonTest, TheTestsNodeHasEveryOption) {
  const Node node = EveryOption();
  ExpectAllSet(node);
  ExpectAllSet(node.interfaces()[0]);
  ExpectAllSet(node.interfaces()[0].peers()[0]);
  ExpectAllSet(node.policy_routes()[1]);
  ExpectAllSet(node.nat_rules()[0]);
  ExpectAllSet(node.forward_rules()[0]);
  ExpectAllSet(*node.kill_switch());
}

TEST(NodeJsonTest, OutAndInIsLossless) {
  const Node nodes[] = {Node(),
                        EveryOption(),
                        testing::ServerNode(),
                        testing::ClientNode(),
                        testing::LargeNode(50),
                        testing::ChangedNode(50)};
  for (const Node& node : nodes) {
    const std::string json = node.ToJson(Secrets::kReveal);
    const auto read = Node::FromJson(json);
    ASSERT_TRUE(read.ok()) << read.error();
    EXPECT_EQ(*read, node) << json;
    EXPECT_EQ(read->ToJson(Secrets::kReveal), json);
  }
}

TEST(NodeJsonTest, KeysAreLeftOutUnlessAskedFor) {
  const Node node = EveryOption();
  const std::string hidden = node.ToJson();
  for (const std::string_view secret : {kPrivate, kPsk.substr(0, 10)}) {
    EXPECT_NE(node.ToJson(Secrets::kReveal).find(secret), std::string::npos);
  }
  EXPECT_EQ(hidden.find(kPrivate), std::string::npos);
  EXPECT_EQ(hidden.find("preshared_key"), std::string::npos);
  EXPECT_EQ(hidden.find("private_key"), std::string::npos);
  const auto read = Node::FromJson(hidden);
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_EQ(read->interfaces()[0].private_key(), std::nullopt);
  EXPECT_EQ(read->ToJson(Secrets::kReveal), hidden);
}

TEST(NodeJsonTest, UnsetDiffersFromZero) {
  const Node bare = Node().Add(Interface("a"));
  const Node zero = Node().Add(Interface("a").ListenPort(0).FwMark(0));
  EXPECT_EQ(*Node::FromJson(bare.ToJson()), bare);
  EXPECT_EQ(*Node::FromJson(zero.ToJson()), zero);
  EXPECT_NE(bare.ToJson(), zero.ToJson());
}

TEST(NodeJsonTest, WhiteSpaceAndOrderDoNotCount) {
  const auto json = nlohmann::json::parse(EveryOption().ToJson(Secrets::kReveal));
  EXPECT_EQ(*Node::FromJson(json.dump()), EveryOption());
  EXPECT_EQ(*Node::FromJson("\n\t " + json.dump(7) + "\r\n"), EveryOption());
}

// ---- broken documents ----

struct Broken {
  std::string text;
  std::string where;
  std::string message;  // a part of it
};

void ExpectBroken(const Broken& broken) {
  SCOPED_TRACE(broken.text.substr(0, 200));
  const auto node = Node::FromJson(broken.text);
  ASSERT_FALSE(node.ok());
  EXPECT_EQ(node.error().code, ErrorCode::kParse);
  EXPECT_EQ(node.error().where, broken.where);
  EXPECT_NE(node.error().message.find(broken.message), std::string::npos) << node.error();
  EXPECT_FALSE(node.error().hint.empty());
}

// The text stands in a document with the schema's name.
std::string Document(std::string_view members) {
  return fmt::format(R"({{"schema": "wgnet/1", {}}})", members);
}

std::string InInterface(std::string_view members) {
  return Document(fmt::format(R"("interfaces": [{{"name": "a"}}, {{{}}}])", members));
}

std::string InPeer(std::string_view members) {
  return InInterface(fmt::format(R"("peers": [{{{}}}])", members));
}

std::string InRoute(std::string_view members) {
  return Document(fmt::format(R"("policy_routes": [{{{}}}])", members));
}

std::string Nested(int levels) {
  std::string text = R"({"schema": "wgnet/1", "x": )";
  text.append(static_cast<size_t>(levels), '[');
  text.append(static_cast<size_t>(levels), ']');
  return text + "}";
}

TEST(NodeJsonTest, AMalformedDocumentIsNamedByLineAndColumn) {
  const std::string text = Node().ToJson();
  const Broken kBroken[] = {
      {"", "1:1", "malformed"},
      {"{", "1:2", "malformed"},
      {"{\"schema\": \"wgnet/1\",\n  x}", "2:3", "malformed"},
      {"{\"schema\": \"wgnet/1\"}\n]", "2:1", "malformed"},
      {"{\"schema\": \"wgnet/1\",}", "1:22", "malformed"},
      {"{\"schema\": \"wgnet\xff/1\"}", "1:18", "malformed"},
      {"{\"schema\": \"wgnet/1\", \"a\": 01}", "1:29", "malformed"},
      {"{\"schema\": \"wgnet/1\"} // done", "1:23", "malformed"},
      {"{\"schema\": \"wgnet/1\", \"a\": NaN}", "1:28", "malformed"},
      {std::string("{\"schema\": \"a\0\"}", 16), "1:14", "malformed"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(Node::FromJson(text.substr(0, size)).ok()) << size;
  }
}

TEST(NodeJsonTest, ADocumentMustSayItsSchema) {
  for (const char* text : {"{}", "[]", "null", "5", "\"wgnet/1\"", R"({"schema": "wgnet/2"})",
                           R"({"schema": 1})", R"({"Schema": "wgnet/1"})"}) {
    ExpectBroken({text, "schema", "wgnet/1"});
  }
}

TEST(NodeJsonTest, AnUnknownMemberIsNamedByItsPath) {
  const Broken kBroken[] = {
      {Document(R"("dnss": 1)"), "dnss", "unknown"},
      {Document(R"("": 1)"), "[\"\"]", "unknown"},
      {Document(R"("a\nb": 1)"), "[\"a\\x0ab\"]", "unknown"},
      {InInterface(R"("mtuu": 1)"), "interfaces[1].mtuu", "unknown"},
      {InInterface(R"("schema": "wgnet/1")"), "interfaces[1].schema", "unknown"},
      {InPeer(R"("endpoint_": 1)"), "interfaces[1].peers[0].endpoint_", "unknown"},
      {InRoute(R"("a.b": 1)"), "policy_routes[0][\"a.b\"]", "unknown"},
      {Document(R"("nat_rules": [{"masquerade": true}])"), "nat_rules[0].masquerade", "unknown"},
      {Document(R"("forward_rules": [{"between": []}])"), "forward_rules[0].between", "unknown"},
      {Document(R"("kill_switch": {"tunnel": []})"), "kill_switch.tunnel", "unknown"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
  const auto node = Node::FromJson(InPeer(R"("key": 1)"));
  EXPECT_NE(node.error().hint.find("public_key, preshared_key, endpoint"), std::string::npos);
}

TEST(NodeJsonTest, AMemberThatStandsTwiceIsNamedByItsPath) {
  const Broken kBroken[] = {
      {R"({"schema": "wgnet/1", "schema": "wgnet/1"})", "schema", "twice"},
      {InInterface(R"("mtu": 1400, "fwmark": 1, "mtu": 1400)"), "interfaces[1].mtu", "twice"},
      {InPeer(R"("endpoint": "a:1", "endpoint": "a:1")"), "interfaces[1].peers[0].endpoint",
       "twice"},
      {Document(R"("a": [[1, 2], [[], {"b": 1, "b": 2}]])"), "a[1][1].b", "twice"},
      {Document(R"("a": [{"b": 1}, {"b": 1}, {"b": {"c": 1}, "b": 1}])"), "a[2].b", "twice"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
}

TEST(NodeJsonTest, HalfOfASurrogatePairIsNamedByItsPath) {
  const Broken kBroken[] = {
      {Document(R"("a": ["\ud83d\ude00", "x\udc8a"])"), "a[1]", "half of a surrogate pair"},
      {Document(R"("a": {"\udc8a": 1})"), R"(a["\xed\xb2\x8a"])", "half of a surrogate pair"},
      {Document(R"("a\ud83d": 1)"), "1:25", "malformed"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
}

TEST(NodeJsonTest, AWrongTypeIsNamedByItsPath) {
  const Broken kBroken[] = {
      {Document(R"("interfaces": {})"), "interfaces", "an object stands where a list"},
      {Document(R"("interfaces": [[]])"), "interfaces[0]", "a list stands where an object"},
      {Document(R"("nat_rules": null)"), "nat_rules", "null stands where a list"},
      {Document(R"("kill_switch": true)"), "kill_switch", "true or false stands where an object"},
      {InInterface(R"("name": 5)"), "interfaces[1].name", "a number stands where a string"},
      {InInterface(R"("mtu": "1400")"), "interfaces[1].mtu", "a string stands where a whole"},
      {InInterface(R"("mtu": 1400.0)"), "interfaces[1].mtu", "a number stands where a whole"},
      {InInterface(R"("mtu": 1e3)"), "interfaces[1].mtu", "a number stands where a whole"},
      {InInterface(R"("fwmark": true)"), "interfaces[1].fwmark", "true or false stands where"},
      {InInterface(R"("table": 5)"), "interfaces[1].table", "a number stands where a string"},
      {InInterface(R"("addresses": "10.0.0.1")"), "interfaces[1].addresses", "where a list"},
      {InInterface(R"("addresses": ["10.0.0.1", 5])"), "interfaces[1].addresses[1]", "a string"},
      {InPeer(R"("allowed_ips": [null])"), "interfaces[1].peers[0].allowed_ips[0]", "null"},
      {InRoute(R"("to": [])"), "policy_routes[0].to", "a list stands where a string"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
}

TEST(NodeJsonTest, AWrongValueIsNamedByItsPath) {
  const Broken kBroken[] = {
      {InInterface(R"("name": "a/b")"), "interfaces[1].name", "not an interface name"},
      {InInterface(R"("name": "a\u0000b")"), "interfaces[1].name", "a\\x00b"},
      {InInterface(R"("listen_port": 65536)"), "interfaces[1].listen_port", "65536"},
      {InInterface(R"("listen_port": -1)"), "interfaces[1].listen_port", "-1"},
      {InInterface(R"("listen_port": 2147483648)"), "interfaces[1].listen_port", "out of range"},
      {InInterface(R"("listen_port": -2147483649)"), "interfaces[1].listen_port", "out of range"},
      {InInterface(R"("fwmark": 4294967296)"), "interfaces[1].fwmark", "out of range"},
      {InInterface(R"("fwmark": -1)"), "interfaces[1].fwmark", "out of range"},
      {InInterface(R"("fwmark": 18446744073709551615)"), "interfaces[1].fwmark", "out of range"},
      {InInterface(R"("addresses": ["a", "b"])"), "interfaces[1].addresses[0]", "\"a\""},
      {InInterface(R"("private_key": "a")"), "interfaces[1].private_key", "key"},
      {InPeer(R"("public_key": "")"), "interfaces[1].peers[0].public_key", "key"},
      {InPeer(R"("endpoint": "a")"), "interfaces[1].peers[0].endpoint", "endpoint"},
      {InPeer(R"("persistent_keepalive": 65536)"), "interfaces[1].peers[0].persistent_keepalive",
       "65536"},
      {InRoute(R"("fwmark": "0")"), "policy_routes[0].fwmark", "zero"},
      {InRoute(R"("table": 254)"), "policy_routes[0].table", "254"},
      {InRoute(R"("priority": 0)"), "policy_routes[0].priority", "0"},
      {Document(R"("nat_rules": [{}, {"source": ["x"]}])"), "nat_rules[1].source[0]", "\"x\""},
      {Document(R"("kill_switch": {"tunnels": ["a", "b*"]})"), "kill_switch.tunnels[1]", "b*"},
      {Document(R"("forward_rules": [{"one": "a", "other": ""}])"), "forward_rules[0].other",
       "not an interface name"},
  };
  for (const Broken& broken : kBroken) ExpectBroken(broken);
}

TEST(NodeJsonTest, AnErrorDoesNotQuoteAKey) {
  const std::string broken(kPrivate.substr(0, 43));
  for (const std::string& text : {InInterface(fmt::format(R"("private_key": "{}")", broken)),
                                  InPeer(fmt::format(R"("preshared_key": "{}")", broken))}) {
    const auto node = Node::FromJson(text);
    ASSERT_FALSE(node.ok());
    EXPECT_EQ(node.error().ToString().find(kPrivate.substr(0, 6)), std::string::npos);
  }
}

TEST(NodeJsonTest, DepthIsBounded) {
  ExpectBroken({Nested(31), "x", "unknown member"});  // the object is the 32nd level
  std::string deepest = "x";
  for (int i = 0; i < 31; ++i) deepest += "[0]";
  ExpectBroken({Nested(32), deepest, "more than 32 levels"});
  const auto deep = Node::FromJson(std::string(1 << 20, '['));
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().message.find("more than 32 levels"), std::string::npos);
}

TEST(NodeJsonTest, SizeIsBounded) {
  const std::string most(64 << 20, ' ');
  ExpectBroken({most + " ", "1:1", "larger than 64 MiB"});
  std::string just = Node().ToJson();
  just.append((64 << 20) - just.size(), ' ');
  EXPECT_EQ(*Node::FromJson(just), Node());
}

}  // namespace
}  // namespace wgnet
