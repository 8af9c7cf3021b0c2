// SPDX-License-Identifier: MIT OR Apache-2.0
// The walks over rows: on an object made for it, which has a row of every role, and to and from
// bytes on every kernel object.
#include "src/netlink/codec.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/object_cases.h"
#include "tests/support/wire_text.h"

namespace wgnet::netlink {
namespace {

struct ToyHeader {
  uint32_t id;
};

struct Toy {
  std::optional<uint32_t> id;
  std::optional<FixedString<15>> name;
  std::optional<uint32_t> size;
  std::optional<uint32_t> most;
  std::optional<SecretKey> key;
  std::optional<uint32_t> start;
  std::optional<uint32_t> seen;
  std::optional<std::vector<std::byte>> list;
  Extra extra;
};

// As words, the bytes' count.
struct ListOfBytes : ListWire {
  using Value = std::vector<std::byte>;
  static void Put(MessageWriter& out, uint16_t attribute, const Value& value) {
    out.Put(attribute, value.data(), value.size());
  }
  static bool Get(Bytes payload, Value& value) {
    value.insert(value.end(), payload.begin(), payload.end());
    return true;
  }
  static std::string Text(const Value& value) {
    return value.empty() ? "" : std::to_string(value.size());
  }
};

}  // namespace

template <>
struct Schema<Toy> {
  using Header = ToyHeader;
  static constexpr auto kRows =
      std::tuple{netlink::Header<InHeader<&ToyHeader::id, U32>>("id", "id", &Toy::id, Role::kKey),
                 Attr<String<15>>(1, "name", "", &Toy::name, Role::kKey),
                 Attr<NonZero<U32>>(2, "size", "size", &Toy::size),
                 Attr<U32>(3, "most", "/", &Toy::most),
                 Attr<SecretKeyWire>(4, "key", "key", &Toy::key, Role::kSecret),
                 Attr<U32>(5, "start", kNoWord, &Toy::start, Role::kInitial),
                 Attr<U32>(6, "seen", "seen", &Toy::seen, Role::kObserved),
                 Attr<ListOfBytes>(7, "", "list", &Toy::list)};
  static constexpr bool Replays(uint16_t attribute) { return attribute == 100; }
};

namespace {

using testing::AllObjectCases;
using testing::BytesOfHex;
using testing::HexOf;

constexpr auto kAll = [](const auto&) { return true; };

Toy FullToy() {
  Toy toy;
  toy.id = 1;
  toy.name = "a b";
  toy.size = 2;
  toy.most = 3;
  toy.key = testing::CountingKey<SecretKey>(1);
  toy.start = 4;
  toy.seen = 5;
  toy.list = BytesOfHex("01 02");
  return toy;
}

// All rows of an object in one message, and what is kept of others.
template <class Object>
SecretBuffer EncodeWhole(const Object& object) {
  SecretBuffer bytes;
  uint32_t sequence = 1;
  MessageWriter out(bytes, sequence);
  typename Schema<Object>::Header header{};
  EncodeHeader(object, header, kAll);
  out.Begin(1, 0, header);
  EncodeAttributes(object, out, kAll);
  if constexpr (requires { object.extra; }) out.PutRaw(object.extra);
  EXPECT_TRUE(out.ok());
  return bytes;
}

Message MessageOf(const SecretBuffer& bytes) { return {{}, bytes.bytes().subspan(NLMSG_HDRLEN)}; }

template <class Object>
std::string JsonOf(const Object& object) {
  JsonWriter out(false);
  out.Object([&] { WriteJsonMembers(object, Secrets::kReveal, out); });
  return out.text();
}

// ---- to and from bytes ----

TEST(CodecTest, OnlyWantedRowsAreSent) {
  const Toy toy = FullToy();
  SecretBuffer bytes;
  uint32_t sequence = 1;
  MessageWriter out(bytes, sequence);
  const auto wanted = [](const auto& row) { return row.json == "size" || row.json == "most"; };
  ToyHeader header{};
  EncodeHeader(toy, header, wanted);
  out.Begin(1, 0, header);
  EncodeAttributes(toy, out, wanted);
  EXPECT_EQ(HexOf(bytes.bytes().subspan(NLMSG_HDRLEN)),
            "00 00 00 00 08 00 02 00 02 00 00 00 08 00 03 00 03 00 00 00");
}

TEST(CodecTest, WhatIsUnsetIsNotSent) {
  Toy toy;
  toy.most = 0;
  EXPECT_EQ(HexOf(MessageOf(EncodeWhole(toy)).payload), "00 00 00 00 08 00 03 00 00 00 00 00");
}

TEST(CodecTest, WhatWasSentIsReadBack) {
  const Toy toy = FullToy();
  Toy back;
  const SecretBuffer bytes = EncodeWhole(toy);
  ASSERT_TRUE(DecodeMessage(MessageOf(bytes), ExtraMode::kKeep, back));
  EXPECT_EQ(JsonOf(back), JsonOf(toy));
  EXPECT_EQ(back.list, toy.list);
  EXPECT_TRUE(back.extra.empty());
}

TEST(CodecTest, DecodingForgetsWhatStoodThereBefore) {
  Toy toy = FullToy();
  toy.extra = BytesOfHex("04 00 64 00");
  Toy small;
  small.id = 9;
  const SecretBuffer bytes = EncodeWhole(small);
  ASSERT_TRUE(DecodeMessage(MessageOf(bytes), ExtraMode::kKeep, toy));
  EXPECT_EQ(JsonOf(toy), R"({"id":9})");
  EXPECT_TRUE(toy.extra.empty());
}

TEST(CodecTest, ResetKeepsTheMemoryOfListsAndNoValue) {
  Toy toy = FullToy();
  toy.list->assign(1000, std::byte{1});
  toy.extra.assign(1000, std::byte{1});
  const std::byte* list = toy.list->data();
  Reset(toy);
  EXPECT_EQ(JsonOf(toy), "{}");
  EXPECT_TRUE(toy.extra.empty());
  EXPECT_GE(toy.extra.capacity(), 1000u);
  ASSERT_TRUE(toy.list);
  EXPECT_TRUE(toy.list->empty());
  toy.list->resize(1000);
  EXPECT_EQ(toy.list->data(), list);
}

struct ExtraCase {
  const char* hex;  // attributes
  const char* kept;
};

TEST(CodecTest, UnknownAttributesAreKeptWhereTheSchemaReplaysThem) {
  for (const auto& [hex, kept] : {
           ExtraCase{"05 00 64 00 ab 00 00 00", "05 00 64 00 ab 00 00 00"},
           ExtraCase{"05 00 65 00 ab 00 00 00", ""},
           ExtraCase{"05 00 64 00 ab 00 00 00 08 00 02 00 01 00 00 00 04 00 64 00",
                     "05 00 64 00 ab 00 00 00 04 00 64 00"},
           ExtraCase{"05 00 64 00 ab", "05 00 64 00 ab 00 00 00"},
       }) {
    Toy toy;
    EXPECT_TRUE(DecodeAttributes(BytesOfHex(hex), ExtraMode::kKeep, toy));
    EXPECT_EQ(HexOf(toy.extra), kept) << hex;
    Toy dropped;
    EXPECT_TRUE(DecodeAttributes(BytesOfHex(hex), ExtraMode::kDrop, dropped));
    EXPECT_TRUE(dropped.extra.empty());
  }
}

TEST(CodecTest, OneBadAttributeMakesTheMessageBad) {
  Toy toy;
  EXPECT_FALSE(DecodeAttributes(BytesOfHex("06 00 02 00 01 02 00 00"), ExtraMode::kDrop, toy));
  EXPECT_FALSE(DecodeAttributes(BytesOfHex("06 00 02 00 01 02 00 00 08 00 03 00 01 00 00 00"),
                                ExtraMode::kDrop, toy));
  EXPECT_FALSE(
      DecodeAttributes(BytesOfHex("08 00 03 00 01 00 00 00 03 00 02 00"), ExtraMode::kDrop, toy));
  const Message no_header{{}, {}};
  EXPECT_FALSE(DecodeMessage(no_header, ExtraMode::kDrop, toy));
}

// ---- comparing ----

TEST(CodecTest, TheKeyIsWhatHasThatRole) {
  const Toy toy = FullToy();
  Toy other = toy;
  other.size = 9;
  other.key.reset();
  other.start = 9;
  other.seen = 9;
  EXPECT_TRUE(SameKey(toy, other));
  EXPECT_EQ(HashKey(toy), HashKey(other));
  other.id = 2;
  EXPECT_FALSE(SameKey(toy, other));
  EXPECT_NE(HashKey(toy), HashKey(other));
  other = toy;
  other.name.reset();
  EXPECT_FALSE(SameKey(toy, other));
  EXPECT_NE(HashKey(toy), HashKey(other));
}

TEST(CodecTest, HoldsAsksForWhatIsStatedAndMayBeCompared) {
  const Toy actual = FullToy();
  Toy expected;
  EXPECT_TRUE(Holds(actual, expected));
  expected.size = 2;
  EXPECT_TRUE(Holds(actual, expected));
  EXPECT_FALSE(Holds(expected, actual)) << "something stated is not there";
  expected.start = 99;
  expected.seen = 99;
  EXPECT_TRUE(Holds(actual, expected)) << "initial and observed values are not compared";
  expected.key = SecretKey();
  EXPECT_FALSE(Holds(actual, expected)) << "secrets are";
}

template <class Change>
std::string ChangedRows(const Change& change) {
  const Toy before = FullToy();
  Toy after = before;
  change(after);
  std::string rows;
  ForEachRow<Toy>([&](const auto& row) {
    if (IsChanged(row, before, after)) rows += std::string(row.json) + " ";
  });
  return rows;
}

TEST(CodecTest, AChangeSendsWhatIsStatedAndDiffers) {
  EXPECT_EQ(ChangedRows([](Toy&) {}), "");
  EXPECT_EQ(ChangedRows([](Toy& toy) { toy.size = 9; }), "size ");
  EXPECT_EQ(ChangedRows([](Toy& toy) { toy.size.reset(); }), "");
  EXPECT_EQ(ChangedRows([](Toy& toy) { toy.start = 9; }), "start ");
  EXPECT_EQ(ChangedRows([](Toy& toy) { toy.seen = 9; }), "");
  EXPECT_EQ(ChangedRows([](Toy& toy) { toy.key = SecretKey(); }), "key ");
}

TEST(CodecTest, CompleteTakesOnlyWhatIsNotStated) {
  const Toy from = FullToy();
  Toy into;
  into.size = 9;
  Complete(into, from);
  Toy expected = from;
  expected.size = 9;
  EXPECT_EQ(JsonOf(into), JsonOf(expected));
}

// ---- printing ----

std::string WordsOf(const Toy& toy) {
  return Words(
      toy, [](const SecretKey&) { return "\"$FILE\""; }, kAll);
}

TEST(CodecTest, WordsStandInTheOrderOfTheRows) {
  EXPECT_EQ(WordsOf(FullToy()), " id 1 'a b' size 2/3 key \"$FILE\" seen 5 list 2");
}

TEST(CodecTest, ZeroSecretsAndEmptyListsAreWordsToo) {
  Toy toy;
  toy.key = SecretKey();
  toy.list.emplace();
  EXPECT_EQ(WordsOf(toy), " key /dev/null list ''");
  Toy silent;
  silent.size = 0;
  silent.name = "";
  EXPECT_EQ(WordsOf(silent), "") << "what has no text is left out with its word";
}

TEST(CodecTest, JsonHasNumbersStringsAndNoRowWithoutAName) {
  Toy toy = FullToy();
  toy.name = "\"";
  JsonWriter out(false);
  out.Object([&] { WriteJsonMembers(toy, Secrets::kHide, out); });
  EXPECT_EQ(out.text(),
            R"x({"id":1,"name":"\"","size":2,"most":3,"key":"(hidden)","start":4,"seen":5})x");
}

// ---- every kernel object ----

template <class Object>
constexpr bool kHasMessage = requires {
  typename Schema<Object>::Header;
};

// What is sent in the form in which it is reported. Settings of net.ipv4.conf are not: a dump has
// an array of them.
template <class Object, class Wire>
constexpr bool IsReadBack(const Row<Object, Wire>& row) {
  const bool attribute = requires { Wire::Put; }
  &&(
      requires { Wire::Get; } || requires { Wire::GetInto; });
  const bool header = requires { Wire::PutHeader; }
  &&requires { Wire::GetHeader; };
  return (attribute || header) && row.json != "forwarding";
}

template <class Object>
void ExpectReadBack(const std::string& name, const Object& object) {
  const SecretBuffer bytes = EncodeWhole(object);
  Object back;
  ASSERT_TRUE(DecodeMessage(MessageOf(bytes), ExtraMode::kKeep, back)) << name;
  ForEachRow<Object>([&](const auto& row) {
    if (!IsReadBack(row) || !(object.*row.member)) return;
    EXPECT_TRUE(back.*row.member == object.*row.member) << name << ": " << row.json;
  });
  if constexpr (requires { object.extra; }) {
    EXPECT_EQ(HexOf(back.extra), HexOf(object.extra)) << name;
  }
}

template <class Visit>
void ForEachCase(Visit&& visit) {
  for (const auto& entry : AllObjectCases()) {
    for (const auto& one : entry.second.cases) {
      std::visit(
          [&]<class T>(const T& object) {
            if constexpr (kHasMessage<T>) visit(entry.first.first + ": " + one.name, object);
          },
          one.object);
    }
  }
}

TEST(CodecTest, EveryObjectIsReadBackAsItWasSent) {
  ForEachCase([](const std::string& name, const auto& object) { ExpectReadBack(name, object); });
}

// A message cut anywhere is refused, or gives less; each cut is a copy, so that a sanitizer sees an
// over-read.
TEST(CodecTest, EveryCutOfEveryObjectIsSafe) {
  ForEachCase([]<class T>(const std::string& name, const T& object) {
    const SecretBuffer bytes = EncodeWhole(object);
    const Bytes payload = MessageOf(bytes).payload;
    for (size_t size = 0; size < payload.size(); ++size) {
      const std::vector<std::byte> cut(payload.begin(),
                                       payload.begin() + static_cast<ptrdiff_t>(size));
      T back;
      const bool sound = DecodeMessage(Message{{}, cut}, ExtraMode::kKeep, back);
      if (size < sizeof(typename Schema<T>::Header)) {
        EXPECT_FALSE(sound) << name << " " << size;
      }
    }
  });
}

// One byte of each message changed at random: no crash, and what is accepted can be sent again.
TEST(CodecTest, DamagedMessagesAreSafe) {
  std::mt19937 random(1);
  size_t accepted = 0;
  size_t refused = 0;
  ForEachCase([&]<class T>(const std::string&, const T& object) {
    const SecretBuffer bytes = EncodeWhole(object);
    const Bytes payload = MessageOf(bytes).payload;
    for (int i = 0; i < 300; ++i) {
      std::vector<std::byte> damaged(payload.begin(), payload.end());
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
      T back;
      const bool sound = DecodeMessage(Message{{}, damaged}, ExtraMode::kKeep, back);
      (sound ? accepted : refused) += 1;
      if (sound) EncodeWhole(back);
    }
  });
  EXPECT_GT(accepted, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(CodecTest, EveryObjectHoldsItselfAndHasItsOwnKey) {
  for (const auto& [pair, shown] : AllObjectCases()) {
    for (const auto& one : shown.cases) {
      EXPECT_TRUE(kernel::SameKey(one.object, one.before)) << pair.first << ": " << one.name;
      EXPECT_EQ(kernel::HashKey(one.object), kernel::HashKey(one.before));
      EXPECT_TRUE(kernel::Holds(one.object, one.object));
    }
  }
}

TEST(CodecTest, ObjectsOfDifferentKindsNeverHaveOneKey) {
  for (const auto& [a, cases_of_a] : AllObjectCases()) {
    for (const auto& [b, cases_of_b] : AllObjectCases()) {
      if (a.first == b.first || cases_of_a.cases.empty() || cases_of_b.cases.empty()) continue;
      EXPECT_FALSE(kernel::SameKey(cases_of_a.cases[0].object, cases_of_b.cases[0].object));
    }
  }
}

}  // namespace
}  // namespace wgnet::netlink
