// SPDX-License-Identifier: MIT OR Apache-2.0
// Messages as bytes: the writer's sticky error and its limits, and readers that never over-read.
#include "src/netlink/message.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <random>
#include <string>
#include <vector>

#include "src/netlink/wire.h"
#include "tests/support/wire_text.h"

namespace wgnet::netlink {
namespace {

using testing::BytesOfHex;
using testing::HexOf;

constexpr size_t kMostPayload = UINT16_MAX - NLA_HDRLEN;

struct Header {
  uint32_t value;
};

// A writer with one message begun.
class MessageWriterTest : public ::testing::Test {
 protected:
  MessageWriterTest() { out_.Begin(0x10, NLM_F_CREATE, Header{0x04030201}); }

  // The attributes of the current message.
  std::string Attributes() {
    return HexOf(bytes_.bytes().subspan(bytes_.size() - out_.message_size() + NLMSG_HDRLEN +
                                        sizeof(Header)));
  }

  SecretBuffer bytes_;
  uint32_t sequence_ = 7;
  MessageWriter out_{bytes_, sequence_};
};

TEST_F(MessageWriterTest, BeginsWithBothHeaders) {
  EXPECT_EQ(HexOf(bytes_.bytes()), "14 00 00 00 10 00 01 04 07 00 00 00 00 00 00 00 01 02 03 04");
  EXPECT_EQ(sequence_, 8u);
  EXPECT_EQ(out_.message_sequence(), 7u);
  EXPECT_EQ(out_.message_size(), 20u);
  EXPECT_EQ(out_.header<Header>().value, 0x04030201u);
  EXPECT_TRUE(out_.ok());
}

TEST_F(MessageWriterTest, AHeaderOfAnOddSizeIsPadded) {
  struct [[gnu::packed]] Odd {
    uint8_t bytes[5];
  };
  out_.Begin(1, 0, Odd{{1, 2, 3, 4, 5}});
  out_.Put(9, uint8_t{6});
  EXPECT_EQ(HexOf(bytes_.bytes().subspan(20)),
            "20 00 00 00 01 00 01 00 08 00 00 00 00 00 00 00 01 02 03 04 05 00 00 00 "
            "05 00 09 00 06 00 00 00");
}

TEST_F(MessageWriterTest, PutsNumbersInHostOrderWithPadding) {
  out_.Put(1, uint8_t{0xab});
  out_.Put(2, uint16_t{0x0102});
  out_.Put(3, uint32_t{0x01020304});
  out_.Put(4, uint64_t{1});
  EXPECT_EQ(Attributes(),
            "05 00 01 00 ab 00 00 00 06 00 02 00 02 01 00 00 08 00 03 00 04 03 02 01 "
            "0c 00 04 00 01 00 00 00 00 00 00 00");
  EXPECT_EQ(out_.message().nlmsg_len, out_.message_size());
}

TEST_F(MessageWriterTest, StringsEndWithAZero) {
  out_.PutString(1, "");
  out_.PutString(2, "abc");
  out_.PutString(3, "abcd");
  EXPECT_EQ(Attributes(),
            "05 00 01 00 00 00 00 00 08 00 02 00 61 62 63 00 09 00 03 00 61 62 63 64 00 00 00 00");
}

TEST_F(MessageWriterTest, NestsCloseByThemselvesAndCarryTheFlag) {
  out_.Nest(1, [&] {
    out_.Nest(2, [] {});
    out_.Nest(3, [&] { out_.Put(4, uint8_t{5}); });
  });
  out_.Put(6, uint8_t{7});
  EXPECT_EQ(Attributes(),
            "14 00 01 80 04 00 02 80 0c 00 03 80 05 00 04 00 05 00 00 00 05 00 06 00 07 00 00 00");
}

TEST_F(MessageWriterTest, RawAttributesStandAsTheyCameAndArePadded) {
  out_.PutRaw(BytesOfHex("05 00 01 00 ff 00 00 00 06 00 02 00 01 02"));
  out_.PutRaw({});
  out_.Put(3, uint8_t{4});
  EXPECT_EQ(Attributes(),
            "05 00 01 00 ff 00 00 00 06 00 02 00 01 02 00 00 05 00 03 00 04 00 00 00");
  EXPECT_EQ(out_.message().nlmsg_len, out_.message_size());
}

TEST_F(MessageWriterTest, TruncateForgetsTheEndOfAMessage) {
  out_.Put(1, uint32_t{1});
  const size_t mark = out_.size();
  out_.Put(2, uint32_t{2});
  out_.Truncate(mark);
  EXPECT_EQ(out_.message().nlmsg_len, out_.message_size());
  out_.Put(3, uint32_t{3});
  EXPECT_EQ(Attributes(), "08 00 01 00 01 00 00 00 08 00 03 00 03 00 00 00");
}

TEST_F(MessageWriterTest, TruncateInsideANestLeavesTheNestWithWhatIsLeft) {
  out_.Nest(1, [&] {
    out_.Put(2, uint32_t{2});
    const size_t mark = out_.size();
    out_.Nest(3, [&] { out_.Put(4, uint32_t{4}); });
    out_.Truncate(mark);
  });
  EXPECT_EQ(Attributes(), "0c 00 01 80 08 00 02 00 02 00 00 00");
}

TEST_F(MessageWriterTest, ExtendTakesWhatWasFilledAndNoMore) {
  out_.Put(1, uint8_t{1});
  out_.Extend(1024, [](nlmsghdr* message) {
    auto* at = reinterpret_cast<std::byte*>(message) + message->nlmsg_len;
    const auto attribute = BytesOfHex("08 00 02 00 aa bb cc dd");
    std::copy(attribute.begin(), attribute.end(), at);
    message->nlmsg_len += static_cast<uint32_t>(attribute.size());
  });
  out_.Put(3, uint8_t{3});
  EXPECT_EQ(Attributes(),
            "05 00 01 00 01 00 00 00 08 00 02 00 aa bb cc dd 05 00 03 00 03 00 00 00");
}

TEST_F(MessageWriterTest, ASecondMessageLeavesTheFirstAlone) {
  out_.Put(1, uint32_t{1});
  const std::string first = HexOf(bytes_.bytes());
  out_.Begin(0x11, 0, Header{0});
  out_.Put(2, uint32_t{2});
  EXPECT_EQ(HexOf(bytes_.bytes().first(28)), first);
  EXPECT_EQ(out_.message().nlmsg_seq, 8u);
  EXPECT_EQ(out_.message().nlmsg_flags, NLM_F_REQUEST);
  EXPECT_EQ(out_.message_size(), 28u);
}

// ---- limits ----

TEST_F(MessageWriterTest, AnAttributeOfJustUnder64KiBFits) {
  const std::vector<std::byte> most(kMostPayload, std::byte{1});
  out_.Put(1, most.data(), most.size());
  out_.PutString(2, std::string(kMostPayload - 1, 'a'));
  ASSERT_TRUE(out_.ok()) << out_.error();
  std::vector<size_t> sizes;
  EXPECT_TRUE(ForEachAttribute(bytes_.bytes().subspan(20),
                               [&](uint16_t, Bytes payload) { sizes.push_back(payload.size()); }));
  EXPECT_EQ(sizes, (std::vector<size_t>{kMostPayload, kMostPayload}));
}

TEST_F(MessageWriterTest, OneByteMoreIsAnError) {
  const std::vector<std::byte> more(kMostPayload + 1);
  out_.Put(1, more.data(), more.size());
  EXPECT_STREQ(out_.error(), "an attribute is longer than 64 KiB");
  EXPECT_EQ(bytes_.size(), 20u);
}

TEST_F(MessageWriterTest, OneCharacterMoreIsAnError) {
  out_.PutString(1, std::string(kMostPayload, 'a'));
  EXPECT_STREQ(out_.error(), "a string is longer than 64 KiB");
  EXPECT_EQ(bytes_.size(), 20u);
}

// A nest of 65532 bytes is the longest whose length is a multiple of 4.
TEST_F(MessageWriterTest, ANestHolds64KiBAndNotOneAttributeMore) {
  const auto fill = [&](size_t payload) {
    out_.Nest(1, [&] {
      const std::vector<std::byte> half(32756);
      out_.Put(2, half.data(), half.size());
      const std::vector<std::byte> rest(payload);
      out_.Put(3, rest.data(), rest.size());
    });
  };
  fill(32764);
  ASSERT_TRUE(out_.ok()) << out_.error();
  out_.Begin(1, 0, Header{0});
  fill(32768);
  EXPECT_STREQ(out_.error(), "a nested attribute is longer than 64 KiB");
}

TEST_F(MessageWriterTest, TheFirstErrorSticksAndNothingIsWrittenAfterIt) {
  const std::vector<std::byte> more(kMostPayload + 1);
  out_.Put(1, more.data(), more.size());
  const std::string before = HexOf(bytes_.bytes());
  out_.PutString(1, std::string(kMostPayload, 'a'));
  out_.Put(1, uint32_t{1});
  out_.PutString(2, "a");
  out_.PutRaw(BytesOfHex("04 00 01 00"));
  out_.Nest(3, [&] { out_.Put(4, uint32_t{4}); });
  out_.Extend(64, [](nlmsghdr*) { FAIL() << "nothing may be filled in"; });
  out_.Truncate(16);
  out_.Begin(1, 0, Header{1});
  EXPECT_FALSE(out_.ok());
  EXPECT_STREQ(out_.error(), "an attribute is longer than 64 KiB");
  EXPECT_EQ(HexOf(bytes_.bytes()), before);
  EXPECT_EQ(sequence_, 8u);
}

// ---- readers ----

using Attribute = std::pair<uint16_t, std::string>;

struct Walk {
  std::vector<Attribute> attributes;
  bool whole = false;
};

Walk WalkAttributes(Bytes bytes) {
  Walk walk;
  walk.whole = ForEachAttribute(bytes, [&](uint16_t type, Bytes payload) {
    walk.attributes.emplace_back(type, HexOf(payload));
  });
  return walk;
}

TEST(ForEachAttributeTest, VisitsEachWithItsPayload) {
  const Walk walk =
      WalkAttributes(BytesOfHex("05 00 01 00 ab 00 00 00 04 00 02 00 06 00 03 00 01 02"));
  EXPECT_TRUE(walk.whole);
  EXPECT_EQ(walk.attributes, (std::vector<Attribute>{{1, "ab"}, {2, ""}, {3, "01 02"}}));
}

TEST(ForEachAttributeTest, NothingIsWhole) { EXPECT_TRUE(WalkAttributes({}).whole); }

TEST(ForEachAttributeTest, TypesComeWithoutTheFlagsOfNestsAndByteOrder) {
  const Walk walk = WalkAttributes(BytesOfHex("04 00 01 80 04 00 02 40 04 00 ff ff"));
  EXPECT_TRUE(walk.whole);
  EXPECT_EQ(walk.attributes, (std::vector<Attribute>{{1, ""}, {2, ""}, {0x3fff, ""}}));
}

TEST(ForEachAttributeTest, WhatStandsBeforeAWrongLengthIsVisited) {
  for (const char* tail : {
           "03 00 02 00",              // shorter than its own header
           "00 00 02 00",              // which would never end
           "05 00 02 00",              // longer than what is left
           "ff ff 02 00 00 00 00 00",  // much longer
           "04",                       // no header
           "04 00 02",                 // half of one
       }) {
    auto bytes = BytesOfHex("08 00 01 00 01 02 03 04");
    const auto end = BytesOfHex(tail);
    bytes.insert(bytes.end(), end.begin(), end.end());
    const Walk walk = WalkAttributes(bytes);
    EXPECT_FALSE(walk.whole) << tail;
    EXPECT_EQ(walk.attributes, (std::vector<Attribute>{{1, "01 02 03 04"}})) << tail;
  }
}

// Every cut of a message: what is visited is a beginning of the whole, and only cuts between
// attributes, or inside the padding, are whole. The bytes are copied so that a sanitizer sees the
// end.
TEST(ForEachAttributeTest, EveryCutIsNoticed) {
  const auto bytes =
      BytesOfHex("05 00 01 00 ab 00 00 00 08 00 02 00 01 02 03 04 06 00 03 00 01 02 00 00");
  const Walk all = WalkAttributes(bytes);
  const std::vector<size_t> whole = {0, 5, 6, 7, 8, 16, 22, 23, 24};
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    const Walk walk = WalkAttributes(cut);
    EXPECT_EQ(walk.whole, std::count(whole.begin(), whole.end(), size) == 1) << size;
    ASSERT_LE(walk.attributes.size(), all.attributes.size());
    EXPECT_TRUE(std::equal(walk.attributes.begin(), walk.attributes.end(), all.attributes.begin()));
  }
}

TEST(ForEachAttributeTest, GarbageEndsAndStaysInside) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> bytes(random() % 64);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % (i % 2 == 0 ? 256 : 8));
    size_t visited = 0;
    ForEachAttribute(bytes, [&](uint16_t, Bytes payload) {
      ++visited;
      if (payload.empty()) return;
      EXPECT_GE(payload.data(), bytes.data());
      EXPECT_LE(payload.data() + payload.size(), bytes.data() + bytes.size());
    });
    EXPECT_LE(visited, bytes.size() / NLA_HDRLEN);
  }
}

std::vector<std::byte> MessageBytes(uint32_t length, uint16_t type, size_t size) {
  std::vector<std::byte> bytes(size);
  const nlmsghdr header{length, type, 0, 0, 0};
  std::memcpy(bytes.data(), &header, std::min(sizeof header, size));
  return bytes;
}

std::vector<std::byte> operator+(std::vector<std::byte> a, const std::vector<std::byte>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<uint16_t> TypesOf(Bytes datagram, bool& whole) {
  std::vector<uint16_t> types;
  whole = ForEachMessage(datagram, [&](const Message& message) {
    types.push_back(message.header.nlmsg_type);
    return true;
  });
  return types;
}

TEST(ForEachMessageTest, VisitsEachBehindThePaddingOfTheOneBefore) {
  bool whole = false;
  const auto datagram = MessageBytes(17, 1, 20) + MessageBytes(16, 2, 16) + MessageBytes(21, 3, 21);
  EXPECT_EQ(TypesOf(datagram, whole), (std::vector<uint16_t>{1, 2, 3}));
  EXPECT_TRUE(whole);
}

TEST(ForEachMessageTest, StopsWhereTheVisitorSaysSo) {
  int visited = 0;
  EXPECT_TRUE(ForEachMessage(MessageBytes(16, 1, 16) + MessageBytes(0, 2, 16), [&](const Message&) {
    ++visited;
    return false;
  }));
  EXPECT_EQ(visited, 1);
}

TEST(ForEachMessageTest, AWrongLengthIsNoticed) {
  for (const uint32_t length : {0u, 1u, 15u, 17u, 32u, 0x7fffffffu, 0xfffffffdu, 0xffffffffu}) {
    bool whole = true;
    const auto datagram = MessageBytes(16, 1, 16) + MessageBytes(length, 2, 16);
    EXPECT_EQ(TypesOf(datagram, whole), std::vector<uint16_t>{1}) << length;
    EXPECT_FALSE(whole) << length;
  }
}

TEST(ForEachMessageTest, AHeaderCutShortIsNoticed) {
  for (size_t size = 1; size < sizeof(nlmsghdr); ++size) {
    bool whole = true;
    EXPECT_TRUE(TypesOf(MessageBytes(16, 1, size), whole).empty());
    EXPECT_FALSE(whole) << size;
  }
}

TEST(MessageTest, SplitsTheFamilyHeaderFromTheAttributes) {
  const auto payload = BytesOfHex("01 02 03 04 05 00 01 00 ab");
  const Message message{{}, payload};
  Header header{};
  Bytes attributes;
  ASSERT_TRUE(message.Split(header, attributes));
  EXPECT_EQ(header.value, 0x04030201u);
  EXPECT_EQ(HexOf(attributes), "05 00 01 00 ab");
}

TEST(MessageTest, APayloadTooShortForTheHeaderIsNotSplit) {
  const auto payload = BytesOfHex("01 02 03");
  Header header{};
  Bytes attributes;
  EXPECT_FALSE((Message{{}, payload}.Split(header, attributes)));
  EXPECT_FALSE((Message{{}, {}}.Split(header, attributes)));
}

TEST(MessageTest, AHeaderAloneHasNoAttributes) {
  struct [[gnu::packed]] Odd {
    uint8_t bytes[5];
  };
  const auto payload = BytesOfHex("01 02 03 04 05");
  Odd header{};
  Bytes attributes = payload;
  EXPECT_TRUE((Message{{}, payload}.Split(header, attributes)));
  EXPECT_TRUE(attributes.empty());
}

TEST(ReadExactTest, TakesTheSizeOfTheValueOnly) {
  const auto bytes = BytesOfHex("01 02 03 04 05");
  uint32_t value = 9;
  EXPECT_FALSE(ReadExact(Bytes(bytes), value));
  EXPECT_FALSE(ReadExact(Bytes(bytes).first(3), value));
  EXPECT_FALSE(ReadExact(Bytes(), value));
  EXPECT_EQ(value, 9u);
  EXPECT_TRUE(ReadExact(Bytes(bytes).first(4), value));
  EXPECT_EQ(value, 0x04030201u);
}

}  // namespace
}  // namespace wgnet::netlink
