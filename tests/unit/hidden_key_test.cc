// SPDX-License-Identifier: MIT OR Apache-2.0
// A key that stands where none belongs: in every setter, in every member of a JSON document and as
// the name of one. The mistake is told, the key is not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/netlink/network_namespace.h"
#include "src/plan/lowering.h"
#include "wgnet/conf.h"
#include "wgnet/node.h"

namespace wgnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kKeys[] = {
    "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=", "+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=",
    "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0="};

// The ways in which a key gets into a value by mistake.
std::vector<std::string> Spellings(std::string_view key) {
  const std::string whole(key);
  return {whole,
          whole.substr(0, 43),
          whole.substr(1),
          " " + whole + "\n",
          "PrivateKey = " + whole,
          "\"" + whole + "\"",
          whole + "/24",
          whole + ":51820",
          "[" + whole + "]:51820",
          "10.0.0.1/" + whole,
          "192.0.2.1:" + whole,
          "0x1/" + whole,
          whole + "*",
          std::string(60, ' ') + whole};
}

bool ShowsKey(std::string_view shown, std::string_view key) {
  constexpr size_t kPiece = 6;  // shorter ones may stand there by chance
  for (size_t i = 0; i + kPiece <= key.size(); ++i) {
    if (shown.find(key.substr(i, kPiece)) != shown.npos) return true;
  }
  return false;
}

// How many mistakes were looked at.
size_t mistakes = 0;

void ExpectHidden(const Error& error, std::string_view key) {
  ++mistakes;
  EXPECT_FALSE(ShowsKey(error.ToString(), key)) << error;
  EXPECT_FALSE(ShowsKey(error.ToJson(), key)) << error;
}

template <class Try>
void ForEachSpelling(const Try& try_one) {
  for (const std::string_view key : kKeys) {
    for (const std::string& value : Spellings(key)) {
      SCOPED_TRACE(value);
      try_one(key, value);
    }
  }
}

// Calls every setter that takes a text. One for keys may take the value.
template <class Builder>
void TrySetters(std::string_view key, const std::string& value) {
  Builder unused;
  Builder::VisitOptions(unused, [&](std::string_view name, auto setter, const auto&) {
    if constexpr (std::is_invocable_v<decltype(setter), Builder&, std::string_view>) {
      SCOPED_TRACE(name);
      Builder builder;
      std::invoke(setter, builder, std::string_view(value));
      EXPECT_TRUE(builder.error() || name.ends_with("_key"));
      if (builder.error()) ExpectHidden(*builder.error(), key);
    }
  });
}

TEST(HiddenKeyTest, NoSetterShowsIt) {
  mistakes = 0;
  ForEachSpelling([](std::string_view key, const std::string& value) {
    TrySetters<Interface>(key, value);
    TrySetters<Peer>(key, value);
    TrySetters<PolicyRoute>(key, value);
    TrySetters<NatRule>(key, value);
    TrySetters<ForwardRule>(key, value);
  });
  fmt::print("{} mistakes\n", mistakes);
  EXPECT_GT(mistakes, 13 * std::size(kKeys) * Spellings(kKeys[0]).size());
}

TEST(HiddenKeyTest, NoNameShowsIt) {
  ForEachSpelling([](std::string_view key, const std::string& value) {
    if (const auto owner = plan::CheckOwner(value); !owner) ExpectHidden(owner.error(), key);
    const auto location = ConfFile::Locate(value);
    if (!location) ExpectHidden(location.error(), key);
    const auto netns = netlink::NetworkNamespace::Open(value);
    ASSERT_FALSE(netns);
    ExpectHidden(netns.error(), key);
  });
}

// Every option of every builder.
Json WholeDocument() {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey(SecretKey::GeneratePrivate())
               .ListenPort(1)
               .FwMark(1)
               .Address("10.0.0.1/24")
               .Mtu(1400)
               .Table("off")
               .AddPeer(Peer(SecretKey::GeneratePrivate().Public())
                            .PresharedKey(SecretKey::GeneratePreshared())
                            .Endpoint("192.0.2.1:1")
                            .AllowedIp("10.0.0.2/32")
                            .PersistentKeepalive(25)));
  node.Add(PolicyRoute::ForPrefix("10.0.0.0/8", "wg0")
               .From("10.1.0.0/16")
               .InInterface("eth0")
               .FwMark(1)
               .Table(1)
               .Priority(1));
  node.Add(NatRule().Source("10.0.0.0/8").InInterface("a*").OutInterface("b"));
  node.Add(ForwardRule().Between("a*", "b"));
  return Json::parse(node.ToJson(Secrets::kReveal));
}

void ExpectHiddenIn(const Json& document, bool must_fail, std::string_view key) {
  const auto node = Node::FromJson(document.dump());
  EXPECT_TRUE(!node || !must_fail) << document;
  if (!node) ExpectHidden(node.error(), key);
}

// Puts the value in the place of each value of the document, and beside it as a member or an item.
void TryPlaces(const Json& document, const Json::json_pointer& at, std::string_view key,
               const std::string& value) {
  const Json& here = document[at];
  const std::string name = at.empty() ? "" : at.back();
  Json changed = document;
  changed[at] = value;
  ExpectHiddenIn(changed, !name.ends_with("_key"), key);
  if (here.is_object()) {
    changed = document;
    changed[at][value] = 1;
    ExpectHiddenIn(changed, true, key);
    for (const auto& [member, unused] : here.items()) TryPlaces(document, at / member, key, value);
  } else if (here.is_array()) {
    changed = document;
    changed[at].push_back(value);
    ExpectHiddenIn(changed, true, key);
    for (size_t i = 0; i < here.size(); ++i) TryPlaces(document, at / i, key, value);
  }
}

TEST(HiddenKeyTest, NoMemberOfADocumentShowsIt) {
  mistakes = 0;
  const Json document = WholeDocument();
  ForEachSpelling([&](std::string_view key, const std::string& value) {
    TryPlaces(document, Json::json_pointer(), key, value);
    const auto text = Node::FromJson(value);
    ASSERT_FALSE(text);
    ExpectHidden(text.error(), key);
  });
  fmt::print("{} mistakes\n", mistakes);
  EXPECT_GT(mistakes, document.flatten().size() * std::size(kKeys) * Spellings(kKeys[0]).size());
}

}  // namespace
}  // namespace wgnet
