// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using ::testing::HasSubstr;
using wgnet::testing::ModelKernel;

constexpr size_t kVersionAt = 8;

// The record of an owner with every kind of object, with claims, footprints and allocations.
Record Whole() {
  ModelKernel kernel;
  Record record = kernel.Apply("wg-quick:all", wgnet::testing::LargeNode()).after;
  kernel::Sysctl setting;
  setting.name = kernel::SysctlName("net/ipv4/ip_forward");
  setting.value = kernel::SysctlText("1");
  setting.footprint.emplace().push_back({"net/ipv4/conf/all/forwarding", "0"});
  record.objects.emplace_back(setting);
  return record;
}

// A record's objects without what never gets into it.
std::string TextOf(const Object& object) {
  JsonWriter out(false);
  out.Object([&] {
    std::visit(
        [&]<class T>(T typed) {
          if constexpr (requires { typed.private_key; }) typed.private_key.reset();
          if constexpr (requires { typed.preshared_key; }) typed.preshared_key.reset();
          netlink::WriteJsonMembers(typed, Secrets::kReveal, out);
        },
        object);
  });
  return std::string(kernel::KindOf(object)) + out.text();
}

TEST(RecordTest, EveryKindOfObjectComesBack) {
  const Record record = Whole();
  std::set<size_t> kinds;
  for (const Object& object : record.objects) kinds.insert(object.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<Object>);
  const auto read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_EQ(read->owner, record.owner);
  EXPECT_EQ(read->claims, record.claims);
  EXPECT_FALSE(read->claims.empty());
  EXPECT_EQ(read->allocations, record.allocations);
  EXPECT_FALSE(read->allocations.empty());
  ASSERT_EQ(read->objects.size(), record.objects.size());
  for (size_t i = 0; i < record.objects.size(); ++i) {
    EXPECT_EQ(TextOf(read->objects[i]), TextOf(record.objects[i]));
    EXPECT_TRUE(kernel::SameKey(read->objects[i], record.objects[i]));
  }
  EXPECT_EQ(EncodeRecord(*read), EncodeRecord(record));
}

// Every value of every row, also those that lowering does not use.
TEST(RecordTest, EveryRowComesBack) {
  kernel::Route route;
  route.type = RTN_BLACKHOLE;
  route.dst = *Prefix::Parse("fd00::/64");
  route.gateway = *IpAddress::Parse("fe80::1");
  route.dev = kernel::LinkRef{UINT32_MAX, "0123456789abcde"};
  route.source = *IpAddress::Parse("::");
  route.onlink = true;
  kernel::Rule rule;
  rule.family = Family::kIpv6;
  rule.iif = FixedString<15>("eth0");
  rule.oif = FixedString<15>("$(id) \"'");
  rule.suppress_prefixlength = UINT32_MAX;
  kernel::WgPeer peer;
  peer.endpoint = kernel::SocketAddress{*IpAddress::Parse("fe80::1"), 65535, 7};
  peer.allowed_ips.emplace();
  kernel::NftChain chain;
  chain.hook = kernel::NftHook{4, -300};
  chain.rules = {kernel::MakeRule(
      {kernel::nft::MatchInterface{kernel::nft::Direction::kIn, "say \"x\"", false}})};
  const Record record{.owner = "o", .objects = {route, rule, peer, chain, kernel::Link()}};
  const auto read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.error();
  for (size_t i = 0; i < record.objects.size(); ++i) {
    EXPECT_EQ(TextOf(read->objects[i]), TextOf(record.objects[i]));
  }
  const auto& rules = *std::get_if<kernel::NftChain>(&read->objects[3])->rules;
  EXPECT_EQ(rules[0].text.expressible, chain.rules->front().text.expressible);
  EXPECT_EQ(rules[0].comment, chain.rules->front().comment);
}

TEST(RecordTest, AnEmptyRecordComesBack) {
  const auto read = DecodeRecord(EncodeRecord({.owner = "o"}));
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_TRUE(read->empty());
  EXPECT_EQ(read->owner, "o");
}

TEST(RecordTest, TellsWhichKeysWereStated) {
  kernel::WgDevice device;
  kernel::WgPeer peer;
  kernel::WgDevice with_key = device;
  with_key.private_key = wgnet::testing::TestKey("own");
  kernel::WgPeer with_psk = peer;
  with_psk.preshared_key = wgnet::testing::TestKey("psk");
  const auto read =
      DecodeRecord(EncodeRecord({.owner = "o", .objects = {device, with_key, peer, with_psk}}));
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_EQ(std::get<kernel::WgDevice>(read->objects[0]).private_key, std::nullopt);
  EXPECT_EQ(std::get<kernel::WgDevice>(read->objects[1]).private_key, SecretKey());
  EXPECT_EQ(std::get<kernel::WgPeer>(read->objects[2]).preshared_key, std::nullopt);
  EXPECT_EQ(std::get<kernel::WgPeer>(read->objects[3]).preshared_key, SecretKey());
}

TEST(RecordTest, HoldsNoKeys) {
  const std::string bytes = EncodeRecord(Whole());
  size_t keys = 0;
  const auto expect_not_in = [&](const SecretKey& key) {
    const auto raw = key.bytes();
    const std::string_view text(reinterpret_cast<const char*>(raw.data()), raw.size());
    EXPECT_EQ(bytes.find(text.substr(4, 8)), bytes.npos);
    EXPECT_EQ(bytes.find(key.Reveal().substr(4, 8)), bytes.npos);
    ++keys;
  };
  const Node node = wgnet::testing::LargeNode();
  for (const Interface& interface : node.interfaces()) {
    expect_not_in(*interface.private_key());
    expect_not_in(interface.private_key()->Clamped());
    for (const Peer& peer : interface.peers()) {
      if (peer.preshared_key()) expect_not_in(*peer.preshared_key());
    }
  }
  EXPECT_GT(keys, 4u);
}

void ExpectDamaged(std::string_view bytes, std::string_view why) {
  const auto read = DecodeRecord(bytes);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kState);
  EXPECT_THAT(read.error().message, HasSubstr("the record is damaged: " + std::string(why)));
}

TEST(RecordTest, EveryFlippedBitIsDetected) {
  const std::string bytes = EncodeRecord(Whole());
  std::string flipped = bytes;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(DecodeRecord(flipped).ok()) << "bit " << bit;
    flipped[bit / 8] = bytes[bit / 8];
  }
  std::cout << bytes.size() * 8 << " bits\n";
}

TEST(RecordTest, EveryTruncationIsDetected) {
  const std::string bytes = EncodeRecord(Whole());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(DecodeRecord(bytes.substr(0, size)).ok()) << size;
  }
  ExpectDamaged("", "no header");
  ExpectDamaged(bytes.substr(0, 20), "no header");
  ExpectDamaged(bytes.substr(0, bytes.size() - 1), "its checksum is wrong");
  ExpectDamaged(bytes + '\0', "its checksum is wrong");
  std::cout << bytes.size() << " truncations\n";
}

TEST(RecordTest, AnotherVersionIsNamed) {
  std::string bytes = EncodeRecord({.owner = "o"});
  const uint32_t version = 2;
  std::memcpy(bytes.data() + kVersionAt, &version, sizeof version);
  const auto read = DecodeRecord(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kNotSupported);
  EXPECT_THAT(read.error().message, HasSubstr("of version 2, and this wgnet knows 1"));
}

TEST(RecordTest, FindsClaimsAndAllocations) {
  const Record record{
      .owner = "o", .claims = {{{"a/b", "1"}, "0", {}}}, .allocations = {{"mark of wg0", 7}}};
  EXPECT_EQ(record.FindClaim("a/b"), &record.claims[0]);
  EXPECT_EQ(record.FindClaim("a/c"), nullptr);
  EXPECT_EQ(record.FindAllocation("mark of wg0"), 7u);
  EXPECT_EQ(record.FindAllocation("mark of wg1"), std::nullopt);
  EXPECT_FALSE(record.empty());
}

}  // namespace
}  // namespace wgnet::plan
