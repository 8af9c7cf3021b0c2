// SPDX-License-Identifier: MIT OR Apache-2.0
// Sets of addresses: prefixes merged into ranges, ranges as boundaries on the wire, and boundaries
// of a dump joined to ranges again. A bitmap of a small corner of the address space is the judge.
#include "src/kernel/nft_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <random>

#include "tests/support/wire_text.h"

namespace wgnet::kernel {
namespace {

using testing::BytesOfHex;
using testing::HexOf;

IpAddress ParseIp(std::string_view text) { return *IpAddress::Parse(text); }

std::string TextOf(const std::vector<AddressRange>& ranges) {
  std::string text;
  for (const AddressRange& range : ranges) {
    text += (text.empty() ? "" : " ") + NftRangeWire::Text(range);
  }
  return text;
}

std::string Merged(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> prefixes;
  for (const std::string_view text : texts) prefixes.push_back(*Prefix::Parse(text));
  return TextOf(MergePrefixes(prefixes));
}

TEST(MergePrefixesTest, NeighboursAndOverlapsBecomeOne) {
  EXPECT_EQ(Merged({}), "");
  EXPECT_EQ(Merged({"10.0.0.0/8"}), "10.0.0.0/8");
  EXPECT_EQ(Merged({"10.1.2.3/8"}), "10.0.0.0/8") << "host bits do not count";
  EXPECT_EQ(Merged({"10.0.0.0/9", "10.128.0.0/9"}), "10.0.0.0/8");
  EXPECT_EQ(Merged({"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"}), "10.0.0.0/8");
  EXPECT_EQ(Merged({"10.0.0.2", "10.0.0.1"}), "10.0.0.1-10.0.0.2");
  EXPECT_EQ(Merged({"10.0.0.1", "10.0.0.3"}), "10.0.0.1 10.0.0.3");
  EXPECT_EQ(Merged({"10.0.0.255", "10.0.1.0"}), "10.0.0.255-10.0.1.0");
  EXPECT_EQ(Merged({"fd00::/65", "fd00:0:0:0:8000::/65"}), "fd00::/64");
  EXPECT_EQ(Merged({"fd00::ffff", "fd00::1:0"}), "fd00::ffff-fd00::1:0");
}

TEST(MergePrefixesTest, TheAddressSpaceEndsAndDoesNotGoRound) {
  EXPECT_EQ(Merged({"0.0.0.0/0"}), "0.0.0.0/0");
  EXPECT_EQ(Merged({"0.0.0.0/1", "128.0.0.0/1"}), "0.0.0.0/0");
  EXPECT_EQ(Merged({"255.255.255.255", "0.0.0.0"}), "0.0.0.0 255.255.255.255");
  EXPECT_EQ(Merged({"255.255.255.254", "255.255.255.255"}), "255.255.255.254/31");
  EXPECT_EQ(Merged({"0.0.0.0/0", "255.255.255.255"}), "0.0.0.0/0");
  EXPECT_EQ(Merged({"::/0"}), "::/0");
  EXPECT_EQ(Merged({"::/1", "8000::/1"}), "::/0");
  EXPECT_EQ(Merged({"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"}),
            ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(NftRangeTest, ARangeIsAPrefixWhereItIsOne) {
  const auto text = [](std::string_view first, std::string_view last) {
    return NftRangeWire::Text({ParseIp(first), ParseIp(last)});
  };
  EXPECT_EQ(text("10.0.0.1", "10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(text("10.0.0.0", "10.0.0.255"), "10.0.0.0/24");
  EXPECT_EQ(text("10.0.0.0", "10.0.0.254"), "10.0.0.0-10.0.0.254");
  EXPECT_EQ(text("10.0.0.1", "10.0.1.0"), "10.0.0.1-10.0.1.0");
  EXPECT_EQ(text("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
  EXPECT_EQ(text("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
  EXPECT_EQ(text("fd00::", "fd00::1"), "fd00::/127");
}

// ---- the bitmap ----

// A corner of 256 addresses: the first, the last, or one in the middle, of either family.
struct Corner {
  const char* base;
  IpAddress At(unsigned offset) const {
    std::array<uint8_t, 16> bytes{};
    const IpAddress address = ParseIp(base);
    std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin());
    const size_t size = address.bytes().size();
    bytes[size - 1] = static_cast<uint8_t>(offset);
    return IpAddress(std::span(bytes).first(size));
  }
  unsigned OffsetOf(const IpAddress& address) const { return address.bytes().back(); }
};
constexpr Corner kCorners[] = {{"0.0.0.0"},  {"255.255.255.0"},
                               {"10.0.0.0"}, {"::"},
                               {"fd00::"},   {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00"}};
using Bitmap = std::bitset<256>;

std::vector<Prefix> RandomPrefixes(const Corner& corner, std::mt19937& random) {
  std::vector<Prefix> prefixes;
  const size_t count = random() % 12;
  for (size_t i = 0; i < count; ++i) {
    const IpAddress address = corner.At(random() % 256);
    prefixes.emplace_back(address, address.bits() - static_cast<int>(random() % 9));
  }
  return prefixes;
}

Bitmap BitmapOf(const Corner& corner, const std::vector<Prefix>& prefixes) {
  Bitmap bitmap;
  for (unsigned offset = 0; offset < 256; ++offset) {
    for (const Prefix& prefix : prefixes) {
      if (prefix.Contains(Prefix(corner.At(offset)))) bitmap.set(offset);
    }
  }
  return bitmap;
}

// Also asserts that ranges are in order, and neither overlap nor touch.
Bitmap BitmapOf(const Corner& corner, const std::vector<AddressRange>& ranges) {
  Bitmap bitmap;
  int last = -2;
  for (const AddressRange& range : ranges) {
    const auto from = static_cast<int>(corner.OffsetOf(range.first));
    const auto to = static_cast<int>(corner.OffsetOf(range.last));
    EXPECT_GT(from, last + 1);
    EXPECT_GE(to, from);
    for (int offset = from; offset <= to; ++offset) bitmap.set(static_cast<size_t>(offset));
    last = to;
  }
  return bitmap;
}

TEST(MergePrefixesTest, RangesHoldTheSameAddresses) {
  std::mt19937 random(1);
  for (const Corner& corner : kCorners) {
    for (int i = 0; i < 300; ++i) {
      const auto prefixes = RandomPrefixes(corner, random);
      EXPECT_EQ(BitmapOf(corner, MergePrefixes(prefixes)), BitmapOf(corner, prefixes));
    }
  }
}

// ---- the wire ----

// A dump message with the elements of these ranges.
std::vector<std::byte> DumpOf(const std::vector<AddressRange>& ranges) {
  SecretBuffer bytes;
  uint32_t sequence = 1;
  netlink::MessageWriter out(bytes, sequence);
  out.Begin(NftMessage(NFT_MSG_NEWSETELEM), 0, nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0});
  out.PutString(NFTA_SET_ELEM_LIST_TABLE, "t");
  std::vector<std::byte> items;
  for (const AddressRange& range : ranges) {
    SecretBuffer one;
    netlink::MessageWriter writer(one, sequence);
    writer.Begin(0, 0, uint32_t{0});
    NftRangeWire::Put(writer, NFTA_SET_ELEM_LIST_ELEMENTS, range);
    const auto nest = one.bytes().subspan(NLMSG_HDRLEN + 4 + NLA_HDRLEN);
    items.insert(items.end(), nest.begin(), nest.end());
  }
  out.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] { out.PutRaw(items); });
  return {bytes.bytes().begin() + NLMSG_HDRLEN, bytes.bytes().end()};
}

std::vector<AddressRange> Join(std::vector<NftBoundary> boundaries) {
  std::vector<AddressRange> ranges;
  JoinBoundaries(boundaries, [&](const AddressRange& range) { ranges.push_back(range); });
  return ranges;
}

TEST(NftElementTest, RangesComeBackFromADumpInAnyOrder) {
  std::mt19937 random(2);
  for (const Corner& corner : kCorners) {
    for (int i = 0; i < 300; ++i) {
      const auto ranges = MergePrefixes(RandomPrefixes(corner, random));
      std::vector<NftBoundary> boundaries;
      const auto dump = DumpOf(ranges);
      ASSERT_TRUE(ReadBoundaries({{}, dump}, boundaries));
      std::shuffle(boundaries.begin(), boundaries.end(), random);
      EXPECT_EQ(TextOf(Join(boundaries)), TextOf(ranges));
    }
  }
}

TEST(NftElementTest, ADumpInSeveralMessagesIsReadTogether) {
  std::vector<NftBoundary> boundaries;
  EXPECT_TRUE(
      ReadBoundaries({{}, DumpOf({{ParseIp("10.0.0.0"), ParseIp("10.0.0.9")}})}, boundaries));
  EXPECT_TRUE(
      ReadBoundaries({{}, DumpOf({{ParseIp("10.0.1.0"), ParseIp("10.0.1.9")}})}, boundaries));
  EXPECT_EQ(TextOf(Join(boundaries)), "10.0.0.0-10.0.0.9 10.0.1.0-10.0.1.9");
}

NftBoundary Begin(std::string_view text) { return {ParseIp(text), false}; }
NftBoundary End(std::string_view text) { return {ParseIp(text), true}; }

TEST(JoinBoundariesTest, AnEndStandsBehindTheLastAddress) {
  EXPECT_EQ(TextOf(Join({Begin("10.0.0.0"), End("10.0.0.1")})), "10.0.0.0");
  EXPECT_EQ(TextOf(Join({Begin("10.0.0.0"), End("10.0.1.0")})), "10.0.0.0/24");
  EXPECT_EQ(TextOf(Join({Begin("fd00::"), End("fd00:0:0:1::")})), "fd00::/64");
}

TEST(JoinBoundariesTest, OneIntervalMayBeginWhereAnotherEnds) {
  EXPECT_EQ(TextOf(Join({Begin("10.0.0.0"), Begin("10.0.0.1"), End("10.0.0.1"), End("10.0.0.2")})),
            "10.0.0.0 10.0.0.1");
}

TEST(JoinBoundariesTest, AnIntervalWithoutAnEndGoesToTheLastAddress) {
  EXPECT_EQ(TextOf(Join({Begin("0.0.0.0")})), "0.0.0.0/0");
  EXPECT_EQ(TextOf(Join({Begin("::")})), "::/0");
  EXPECT_EQ(TextOf(Join({Begin("10.0.0.0"), End("10.0.0.1"), Begin("255.255.255.255")})),
            "10.0.0.0 255.255.255.255");
}

// nft(8) marks the space before the first interval so.
TEST(JoinBoundariesTest, AnEndBeforeAnyBeginIsIgnored) {
  EXPECT_EQ(TextOf(Join({End("0.0.0.0"), Begin("10.0.0.0"), End("10.0.0.1")})), "10.0.0.0");
  EXPECT_EQ(TextOf(Join({End("0.0.0.0")})), "");
  EXPECT_EQ(TextOf(Join({})), "");
}

TEST(ReadBoundariesTest, DumpsWithoutElementsAreSound) {
  std::vector<NftBoundary> boundaries;
  EXPECT_TRUE(ReadBoundaries({{}, BytesOfHex("01 00 00 00")}, boundaries));
  EXPECT_TRUE(ReadBoundaries({{}, BytesOfHex("01 00 00 00 04 00 03 80")}, boundaries));
  EXPECT_TRUE(boundaries.empty());
}

TEST(ReadBoundariesTest, ElementsWithoutAnAddressAreMalformed) {
  for (const char* attributes : {
           "08 00 03 80 04 00 01 80",                          // no key
           "0c 00 03 80 08 00 01 80 04 00 01 80",              // an empty key
           "10 00 03 80 0c 00 01 80 08 00 01 80 04 00 01 00",  // a key of no bytes
           "10 00 03 80 0c 00 01 80 08 00 03 00 00 00 00 01",  // flags only
           "0c 00 03 80 09 00 01 80 04 00 01 80",              // longer than the list
           "0c 00 03",                                         // cut
       }) {
    std::vector<NftBoundary> boundaries;
    const auto payload = BytesOfHex(std::string("01 00 00 00 ") + attributes);
    EXPECT_FALSE(ReadBoundaries({{}, payload}, boundaries)) << attributes;
  }
  std::vector<NftBoundary> boundaries;
  EXPECT_FALSE(ReadBoundaries({{}, BytesOfHex("01 00")}, boundaries));
}

// ---- neighbours of a set ----

NftElement ElementOf(std::string_view first, std::string_view last, const char* set = "s") {
  NftElement element;
  element.family = nft::TableFamily::kInet;
  element.table = "t";
  element.set = set;
  element.range = {ParseIp(first), ParseIp(last)};
  return element;
}

TEST(NftElementTest, ElementsExcludeEachOtherWhereTheyOverlapInOneSet) {
  const NftElement middle = ElementOf("10.0.0.10", "10.0.0.20");
  for (const auto& [first, last, excludes] : {std::tuple{"10.0.0.10", "10.0.0.20", true},
                                              {"10.0.0.0", "10.0.0.10", true},
                                              {"10.0.0.20", "10.0.0.30", true},
                                              {"10.0.0.12", "10.0.0.13", true},
                                              {"10.0.0.0", "10.0.0.255", true},
                                              {"10.0.0.0", "10.0.0.9", false},
                                              {"10.0.0.21", "10.0.0.30", false}}) {
    EXPECT_EQ(Exclude(middle, ElementOf(first, last)), excludes) << first;
    EXPECT_EQ(Exclude(ElementOf(first, last), middle), excludes) << first;
    EXPECT_FALSE(Exclude(middle, ElementOf(first, last, "other")));
  }
}

TEST(NftSetTest, ItsUserdataSaysThatKeysAreInNetworkOrder) {
  EXPECT_EQ(HexOf(NftAddressSetUserdata()), "00 04 02 00 00 00");
}

}  // namespace
}  // namespace wgnet::kernel
