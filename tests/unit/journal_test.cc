// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>

#include "src/kernel/wg_peer.h"
#include "src/plan/explain.h"
#include "tests/support/object_cases.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;
using ::testing::HasSubstr;
using wgnet::testing::AllObjectCases;
using wgnet::testing::CountingKey;

constexpr size_t kMarkSize = sizeof(JournalMark);
constexpr size_t kMarksSize = kMarkSize + sizeof(PendingMark);

// What is removed or changed was read, and rules come from a dump as they stand there.
kernel::Object AsRead(kernel::Object object) {
  auto* chain = std::get_if<kernel::NftChain>(&object);
  if (chain == nullptr || !chain->rules) return object;
  for (kernel::NftRule& rule : *chain->rules) {
    rule.expressions.clear();
    rule.raw = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    rule.extra = wgnet::testing::RawAttribute(NFTA_RULE_COMPAT, {std::byte{5}, std::byte{6}});
  }
  return object;
}

// One op for each example of each verb of each kind.
std::vector<Op> AllOps() {
  std::vector<Op> ops;
  for (const auto& [kind_and_verb, examples] : AllObjectCases()) {
    for (const auto& example : examples.cases) {
      const Verb verb = kind_and_verb.second;
      ops.push_back({.verb = verb, .object = example.object});
      if (verb == Verb::kDelete) ops.back().object = AsRead(example.object);
      if (verb == Verb::kChange) ops.back().before = AsRead(example.before);
    }
  }
  return ops;
}

// What takes an op back: the bytes for the kernel, and the commands.
std::string UndoOf(const Op& op) {
  std::string text;
  for (const Op& inverse : InverseOf(op)) {
    for (const std::string& command : CommandsOf(inverse, SecretFileOf(inverse)))
      text += command + "\n";
    if (!netlink::IsNetlink(kernel::BusOf(inverse.object))) continue;
    SecretBuffer bytes;
    uint32_t sequence = 1;
    netlink::MessageWriter out(bytes, sequence);
    const kernel::EncodeContext context{.wireguard_family = 30};
    const auto* peer = std::get_if<kernel::WgPeer>(&inverse.object);
    if (peer != nullptr) {
      const std::vector<kernel::Edit<kernel::WgPeer>> edits = {
          {inverse.verb, *peer, *std::get_if<kernel::WgPeer>(&inverse.image())}};
      kernel::GivenIps given;
      kernel::EncodePeers(edits, kernel::Packing::kApart, context, given, out);
    } else {
      kernel::Encode(inverse.verb, inverse.object, inverse.image(), context, out);
    }
    EXPECT_TRUE(out.ok());
    text += bytes.text();
  }
  return text;
}

Journal Reread(const Journal& journal) {
  auto read = DecodeJournal(EncodeJournal(journal).text());
  EXPECT_TRUE(read.ok()) << read.error();
  return *std::move(read);
}

TEST(JournalTest, WhatTakesAnOpBackComesBackToTheByte) {
  const Journal journal{.owner = "o", .ops = AllOps()};
  const Journal read = Reread(journal);
  ASSERT_EQ(read.ops.size(), journal.ops.size());
  for (size_t i = 0; i < journal.ops.size(); ++i) {
    EXPECT_EQ(UndoOf(read.ops[i]), UndoOf(journal.ops[i]))
        << kernel::KindOf(journal.ops[i].object) << " op " << i;
  }
  std::cout << journal.ops.size() << " ops\n";
}

TEST(JournalTest, TheRestComesBack) {
  Journal journal{.owner = "wg-quick:wg0", .transaction = UINT64_MAX - 1, .ops = AllOps()};
  journal.ops.front().foreign = true;
  journal.ops.back().undo_only = true;
  journal.ops.front().phase = Phase::kDnsRemoval;
  journal.keeps_record = true;
  journal.begun = 3;
  const Journal read = Reread(journal);
  EXPECT_EQ(read.owner, journal.owner);
  EXPECT_EQ(read.transaction, journal.transaction);
  EXPECT_FALSE(read.had_record);
  EXPECT_TRUE(read.keeps_record);
  EXPECT_EQ(read.begun, 3u);
  EXPECT_TRUE(read.ops.front().foreign);
  EXPECT_FALSE(read.ops.front().undo_only);
  EXPECT_TRUE(read.ops.back().undo_only);
  EXPECT_EQ(read.ops.front().phase, Phase::kDnsRemoval);
}

TEST(JournalTest, HowItIsConfirmedComesBack) {
  Journal journal{.owner = "o", .ops = AllOps()};
  journal.pending = {.deadline = 5'000'000'000, .changed = 7};
  journal.confirmation = Confirmation{.token = "0123456789abcdef",
                                      .persists = true,
                                      .issuer = {.pid = 12, .start_time = 34},
                                      .before = {.owner = "o", .transaction = 99},
                                      .waiting = {.owner = "o"}};
  journal.confirmation->waiting.objects.push_back(journal.ops.front().object);
  const Journal read = Reread(journal);
  ASSERT_TRUE(read.confirmation);
  EXPECT_EQ(read.confirmation->token, "0123456789abcdef");
  EXPECT_TRUE(read.confirmation->persists);
  EXPECT_EQ(read.confirmation->issuer, journal.confirmation->issuer);
  EXPECT_EQ(read.confirmation->before.transaction, 99u);
  ASSERT_EQ(read.confirmation->waiting.objects.size(), 1u);
  EXPECT_TRUE(kernel::SameKey(read.confirmation->waiting.objects[0], journal.ops.front().object));
  EXPECT_EQ(read.pending.deadline, 5'000'000'000u);
  EXPECT_EQ(read.pending.changed, 7u);
  EXPECT_EQ(read.pending.decision, Decision::kNone);
}

TEST(JournalTest, ATornTimeMeansThatItIsTakenBack) {
  Journal journal{.owner = "o"};
  journal.pending = {.deadline = 0x0102030405060708, .changed = 0x1112131415161718};
  const std::string bytes(EncodeJournal(journal).text());
  for (size_t at = PendingMark::kPlace; at < PendingMark::kPlace + sizeof(PendingMark); ++at) {
    std::string torn = bytes;
    torn[at] = static_cast<char>(torn[at] ^ 4);
    const auto read = DecodeJournal(torn);
    ASSERT_TRUE(read.ok()) << read.error();
    EXPECT_EQ(read->pending.decision, Decision::kTakenBack) << "byte " << at;
  }
}

// ---- keys ----

kernel::Object PeerWithKey(uint8_t first) {
  kernel::WgPeer peer;
  peer.dev = wgnet::testing::Wg0();
  peer.public_key = CountingKey<PublicKey>(1);
  peer.preshared_key = CountingKey<SecretKey>(first);
  peer.allowed_ips.emplace();
  return peer;
}

bool Holds(const Op& op, uint8_t first) {
  const SecretKey key = CountingKey<SecretKey>(first);
  const std::string_view bytes(reinterpret_cast<const char*>(key.bytes().data()), SecretKey::kSize);
  const SecretBuffer journal = EncodeJournal({.owner = "o", .ops = {op}});
  return journal.text().find(bytes.substr(4, 8)) != std::string_view::npos;
}

TEST(JournalTest, HoldsKeysOnlyOfWhatIsChangedOrRemoved) {
  constexpr uint8_t kOld = 60, kNew = 120;
  const Op add{.verb = Verb::kAdd, .object = PeerWithKey(kNew)};
  EXPECT_FALSE(Holds(add, kNew));
  EXPECT_FALSE(NeedsKeys({.ops = {add}}));
  const Op change{.verb = Verb::kChange, .object = PeerWithKey(kNew), .before = PeerWithKey(kOld)};
  EXPECT_FALSE(Holds(change, kNew));
  EXPECT_TRUE(Holds(change, kOld));
  EXPECT_TRUE(NeedsKeys({.ops = {add, change}}));
  const Op keep{.verb = Verb::kChange, .object = PeerWithKey(kOld), .before = PeerWithKey(kOld)};
  EXPECT_TRUE(Holds(keep, kOld));
  EXPECT_TRUE(NeedsKeys({.ops = {keep}}));
  const Op remove{.verb = Verb::kDelete, .object = PeerWithKey(kOld)};
  EXPECT_TRUE(Holds(remove, kOld));
  EXPECT_TRUE(NeedsKeys({.ops = {remove}}));
  Op without = remove;
  std::get_if<kernel::WgPeer>(&without.object)->preshared_key = SecretKey();
  EXPECT_FALSE(NeedsKeys({.ops = {without}}));
}

TEST(JournalTest, OfOneThatGoesForwardHoldsAllKeys) {
  const Op add{.verb = Verb::kAdd, .object = PeerWithKey(120)};
  const Journal journal{.owner = "o", .ops = {add}, .after = Record{.owner = "o"}};
  EXPECT_TRUE(NeedsKeys(journal));
  const auto read = DecodeJournal(EncodeJournal(journal).text());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::get<kernel::WgPeer>(read->ops[0].object).preshared_key,
            CountingKey<SecretKey>(120));
}

// What would be sent for what stands in the file, is what is sent now.
TEST(JournalTest, OfOneThatGoesForwardMakesTheSameMessages) {
  const auto messages_of = [](const Op& op) {
    SecretBuffer bytes;
    uint32_t sequence = 1;
    netlink::MessageWriter out(bytes, sequence);
    kernel::Encode(op.verb, op.object, op.image(), {.wireguard_family = 30}, out);
    return std::string(bytes.text());
  };
  size_t compared = 0;
  for (const Op& op : AllOps()) {
    if (op.verb != Verb::kAdd || !netlink::IsNetlink(kernel::BusOf(op.object))) continue;
    if (std::holds_alternative<kernel::WgPeer>(op.object)) continue;
    const Journal journal{.owner = "o", .ops = {op}, .after = Record{.owner = "o"}};
    const auto read = DecodeJournal(EncodeJournal(journal).text());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(messages_of(read->ops[0]).size(), messages_of(op).size())
        << kernel::KindOf(op.object);
    ++compared;
  }
  EXPECT_GT(compared, 10u);
}

// ---- damage ----

TEST(JournalTest, EveryFlippedBitIsDetectedButInTheMarks) {
  const SecretBuffer whole = EncodeJournal({.owner = "o", .ops = AllOps()});
  const std::string bytes(whole.text());
  std::string flipped = bytes;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at == JournalMark::kPlace) at += kMarksSize;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    ASSERT_FALSE(DecodeJournal(flipped).ok()) << "byte " << at;
    flipped[at] = bytes[at];
  }
  std::cout << bytes.size() << " bytes\n";
}

TEST(JournalTest, EveryTruncationIsDetected) {
  const SecretBuffer whole = EncodeJournal({.owner = "o", .ops = AllOps()});
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_FALSE(DecodeJournal(whole.text().substr(0, size)).ok()) << size;
  }
}

TEST(JournalTest, ATornMarkMeansAllOps) {
  const std::vector<Op> ops = AllOps();
  std::string bytes(EncodeJournal({.owner = "o", .ops = ops, .begun = 2}).text());
  for (size_t at = JournalMark::kPlace; at < JournalMark::kPlace + kMarkSize; ++at) {
    std::string torn = bytes;
    torn[at] = static_cast<char>(torn[at] ^ 4);
    const auto read = DecodeJournal(torn);
    ASSERT_TRUE(read.ok()) << read.error();
    EXPECT_EQ(read->begun, ops.size()) << "byte " << at;
  }
}

TEST(JournalTest, DamageIsNamed) {
  const auto read = DecodeJournal("wgnetjnl");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kState);
  EXPECT_THAT(read.error().message, HasSubstr("the journal is damaged: no header"));
}

}  // namespace
}  // namespace wgnet::plan
