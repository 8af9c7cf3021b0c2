// SPDX-License-Identifier: MIT OR Apache-2.0
// Every change of every kernel object, as the kernel gets it, as a shell would say it, and as JSON.
// The texts are golden/KIND.txt; WGNET_UPDATE_GOLDENS=1 unit_tests --gtest_filter='*Golden*' writes
// them anew.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/golden.h"
#include "tests/support/object_cases.h"
#include "tests/support/wire_text.h"

namespace wgnet {
namespace {

using kernel::Bus;
using kernel::Object;
using kernel::Verb;
using testing::AllObjectCases;
using testing::ObjectCase;

constexpr Verb kVerbs[] = {Verb::kAdd, Verb::kChange, Verb::kDelete};
constexpr kernel::EncodeContext kContext{.wireguard_family = 33};

template <size_t... I>
std::vector<Object> OneOfEachKind(std::index_sequence<I...>) {
  return {Object(std::in_place_index<I>)...};
}
std::vector<Object> OneOfEachKind() {
  return OneOfEachKind(std::make_index_sequence<std::variant_size_v<Object>>());
}

// In place of the file with the key.
std::string SecretWord(const SecretKey& key) {
  return "\"$WGNET_SECRETS/" + std::to_string(key.bytes()[0]) + ".key\"";
}

// ---- what the goldens show ----

SecretBuffer MessagesOf(Verb verb, const ObjectCase& shown) {
  SecretBuffer bytes;
  uint32_t sequence = 1;
  netlink::MessageWriter out(bytes, sequence);
  if (const auto* peer = std::get_if<kernel::WgPeer>(&shown.object)) {
    const kernel::Edit<kernel::WgPeer> edit{verb, *peer,
                                            *std::get_if<kernel::WgPeer>(&shown.before)};
    kernel::GivenIps given;
    kernel::EncodePeers({&edit, 1}, kernel::Packing::kTogether, kContext, given, out);
  } else {
    kernel::Encode(verb, shown.object, shown.before, kContext, out);
  }
  EXPECT_TRUE(out.ok()) << out.error();
  return bytes;
}

std::string WireOf(Verb verb, const ObjectCase& shown) {
  std::string text;
  if (const auto* sysctl = std::get_if<kernel::Sysctl>(&shown.object)) {
    const kernel::Edit<kernel::Sysctl> edit{verb, *sysctl,
                                            *std::get_if<kernel::Sysctl>(&shown.before)};
    for (const auto& [name, value] : kernel::WritesOf(edit)) {
      text += "write /proc/sys/" + name.str() + ": " + value.str() + "\n";
    }
    return text;
  }
  if (std::holds_alternative<kernel::DnsSetting>(shown.object)) return "told to the resolver\n";
  const SecretBuffer bytes = MessagesOf(verb, shown);
  return bytes.empty() ? "no message\n"
                       : testing::WireText(kernel::BusOf(shown.object), bytes.bytes());
}

std::string JsonOf(const Object& object) {
  JsonWriter out(false);
  out.Object([&] { kernel::WriteJsonMembers(object, Secrets::kHide, out); });
  return out.text();
}

std::string TextOf(Verb verb, const ObjectCase& shown) {
  std::string text = "-- " + shown.name + "\n";
  for (const auto& command : kernel::CommandsOf(verb, shown.object, shown.before, SecretWord)) {
    text += "$ " + command + "\n";
  }
  return text + "json " + JsonOf(shown.object) + "\n" + WireOf(verb, shown) + "\n";
}

std::string GoldenOf(const std::string& kind) {
  std::string text;
  for (const Verb verb : kVerbs) {
    const auto found = AllObjectCases().find({kind, verb});
    if (found == AllObjectCases().end()) continue;
    text += "== " + kind + " " + std::string(kernel::VerbName(verb)) + "\n";
    if (!found->second.no_meaning.empty()) text += "none: " + found->second.no_meaning + "\n\n";
    for (const ObjectCase& shown : found->second.cases) text += TextOf(verb, shown);
  }
  return text;
}

// ---- the tests ----

TEST(ObjectVerbGoldenTest, EveryKindHasCasesOrAReasonForEveryVerb) {
  for (const Object& object : OneOfEachKind()) {
    for (const Verb verb : kVerbs) {
      const std::string kind(kernel::KindOf(object));
      const auto found = AllObjectCases().find({kind, verb});
      ASSERT_NE(found, AllObjectCases().end())
          << kind << " " << kernel::VerbName(verb) << " has no golden: add it to the object cases";
      EXPECT_NE(found->second.cases.empty(), found->second.no_meaning.empty()) << kind;
    }
  }
}

TEST(ObjectVerbGoldenTest, NoTwoKindsAndNoTwoCasesHaveOneName) {
  std::set<std::string> names;
  for (const Object& object : OneOfEachKind()) {
    EXPECT_TRUE(names.insert(std::string(kernel::KindOf(object))).second);
  }
  for (const auto& [pair, shown] : AllObjectCases()) {
    EXPECT_TRUE(names.contains(pair.first)) << pair.first << " is no kind";
    std::set<std::string> cases;
    for (const ObjectCase& one : shown.cases)
      EXPECT_TRUE(cases.insert(one.name).second) << one.name;
  }
}

class KindGoldenTest : public ::testing::TestWithParam<Object> {};

TEST_P(KindGoldenTest, WireCommandsAndJsonAreThoseOfTheGolden) {
  const std::string kind(kernel::KindOf(GetParam()));
  const std::string path = WGNET_SOURCE_DIR "/tests/unit/golden/" + kind + ".txt";
  EXPECT_EQ(testing::CompareWithGolden(path, GoldenOf(kind)), "");
}

TEST_P(KindGoldenTest, TheCasesStateEveryRowThatIsSent) {
  std::visit(
      []<class T>(const T&) {
        netlink::ForEachRow<T>([](const auto& row) {
          if (row.role == netlink::Role::kObserved) return;
          bool stated = false;
          for (const auto& [pair, shown] : AllObjectCases()) {
            for (const ObjectCase& one : shown.cases) {
              const auto* object = std::get_if<T>(&one.object);
              stated = stated || (object != nullptr && object->*row.member);
            }
          }
          EXPECT_TRUE(stated) << netlink::Schema<T>::kName << " " << row.json;
        });
      },
      GetParam());
}

TEST_P(KindGoldenTest, WhatIsNothingButKeyIsNeverChanged) {
  std::visit(
      []<class T>(const T&) {
        bool all_key = true;
        netlink::ForEachRow<T>(
            [&](const auto& row) { all_key = all_key && row.role == netlink::Role::kKey; });
        if (!all_key) return;
        const std::string kind(netlink::Schema<T>::kName);
        EXPECT_NE(AllObjectCases().at({kind, Verb::kChange}).no_meaning, "") << kind;
      },
      GetParam());
}

// The words of a value's JSON are the only place where a key could show.
TEST_P(KindGoldenTest, NoTextHoldsASecret) {
  const std::string kind(kernel::KindOf(GetParam()));
  std::string text;
  for (const Verb verb : kVerbs) {
    for (const ObjectCase& shown : AllObjectCases().at({kind, verb}).cases) {
      text += JsonOf(shown.object);
      for (const auto& line : kernel::CommandsOf(verb, shown.object, shown.before, SecretWord)) {
        text += line;
      }
    }
  }
  for (const uint8_t first : {0x40, 0x80, 0xa0}) {
    const auto key = testing::CountingKey<SecretKey>(first);
    EXPECT_EQ(text.find(key.Reveal()), text.npos);
    EXPECT_EQ(text.find(key.Clamped().Reveal()), text.npos);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KindGoldenTest, ::testing::ValuesIn(OneOfEachKind()),
                         [](const auto& info) { return std::string(kernel::KindOf(info.param)); });

TEST(ObjectVerbGoldenTest, JsonRevealsSecretsOnlyWhenAsked) {
  kernel::WgDevice device;
  device.private_key = testing::CountingKey<SecretKey>(0x40);
  for (const Secrets secrets : {Secrets::kHide, Secrets::kReveal}) {
    JsonWriter out(false);
    kernel::WriteJsonMembers(device, secrets, out);
    EXPECT_EQ(out.text().find(device.private_key->Reveal()) != std::string::npos,
              secrets == Secrets::kReveal);
  }
}

// Numbered from the counter on, without a gap: errors are told apart by these numbers.
TEST(ObjectVerbGoldenTest, MessagesAreNumberedInOrder) {
  for (const auto& each : AllObjectCases()) {
    const auto& pair = each.first;
    for (const ObjectCase& one : each.second.cases) {
      const SecretBuffer bytes = MessagesOf(pair.second, one);
      uint32_t expected = 1;
      EXPECT_TRUE(netlink::ForEachMessage(bytes.bytes(), [&](const netlink::Message& message) {
        EXPECT_EQ(message.header.nlmsg_seq, expected++) << pair.first << " " << one.name;
        EXPECT_EQ(message.header.nlmsg_pid, 0u);
        return true;
      }));
    }
  }
}

}  // namespace
}  // namespace wgnet
