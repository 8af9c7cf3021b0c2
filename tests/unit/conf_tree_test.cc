// SPDX-License-Identifier: MIT OR Apache-2.0
// Files as they were written: every byte stays, and every part has a place.
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/conf/key_table.h"
#include "wgnet/conf.h"

namespace wgnet {
namespace {

using LineKind = ConfFile::LineKind;
using Place = ConfFile::Place;
using SectionKind = ConfFile::SectionKind;

constexpr std::string_view kNasty =
    "\r\n"
    "  # before everything\n"
    "[Interface] # the server\r\n"
    "\tListen Port\t=  51820  # a port\n"
    "PostUp = echo a # b = c \t\n"
    "# PrivateKey = x\n"
    "Address=\n"
    "\v\n"
    "  [ peer ]  \n"
    "# Laptop\n"
    "PublicKey=HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=#\xff\xfe\n"
    "\r";

ConfFile MustParse(std::string_view text) {
  auto file = ConfFile::Parse(text, "wg0.conf");
  if (!file) ADD_FAILURE() << file.error();
  return file ? *std::move(file) : *ConfFile::Parse("", "");
}

std::string Joined(const ConfFile& file) {
  std::string text;
  for (const ConfFile::Line& line : file.lines())
    text += std::string(line.text) + std::string(line.end);
  return text;
}

struct WantedLine {
  LineKind kind;
  std::string_view key;
  std::string_view value;
  std::string_view comment;
  std::string_view end;
  int key_column;
  int value_column;
  bool is_wg_quick = false;
};

TEST(ConfTreeTest, LinesHaveTheirParts) {
  const WantedLine want[] = {
      {LineKind::kBlank, "", "", "", "\r\n", 0, 0},
      {LineKind::kComment, "", "", "# before everything", "\n", 0, 0},
      {LineKind::kSection, "[Interface]", "", "# the server", "\r\n", 1, 0},
      {LineKind::kKey, "Listen Port", "51820", "# a port", "\n", 2, 17},
      {LineKind::kKey, "PostUp", "echo a # b = c", "", "\n", 1, 10, true},
      {LineKind::kComment, "", "", "# PrivateKey = x", "\n", 0, 0},
      {LineKind::kKey, "Address", "", "", "\n", 1, 9, true},
      {LineKind::kBlank, "", "", "", "\n", 0, 0},
      {LineKind::kSection, "[ peer ]", "", "", "\n", 3, 0},
      {LineKind::kComment, "", "", "# Laptop", "\n", 0, 0},
      {LineKind::kKey, "PublicKey", "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=", "#\xff\xfe",
       "\n", 1, 11},
      {LineKind::kBlank, "", "", "", "", 0, 0},
  };
  const ConfFile file = MustParse(kNasty);
  ASSERT_EQ(file.lines().size(), std::size(want));
  for (size_t i = 0; i < std::size(want); ++i) {
    const ConfFile::Line& line = file.lines()[i];
    const int number = static_cast<int>(i) + 1;
    SCOPED_TRACE(number);
    EXPECT_EQ(line.kind, want[i].kind);
    EXPECT_EQ(line.number, number);
    EXPECT_EQ(line.key, want[i].key);
    EXPECT_EQ(line.value, want[i].value);
    EXPECT_EQ(line.comment, want[i].comment);
    EXPECT_EQ(line.end, want[i].end);
    EXPECT_EQ(line.is_wg_quick, want[i].is_wg_quick);
    if (want[i].key_column != 0) {
      EXPECT_EQ(line.PlaceOf(line.key), (Place{number, want[i].key_column}));
    }
    if (want[i].value_column != 0) {
      EXPECT_EQ(line.PlaceOf(line.value), (Place{number, want[i].value_column}));
    }
  }
}

TEST(ConfTreeTest, SectionsHoldTheirLines) {
  const ConfFile file = MustParse(kNasty);
  const auto sections = file.sections();
  ASSERT_EQ(sections.size(), 3u);
  EXPECT_EQ(sections[0].kind, SectionKind::kNone);
  EXPECT_EQ(sections[0].lines.size(), 2u);
  EXPECT_EQ(sections[1].kind, SectionKind::kInterface);
  EXPECT_EQ(sections[1].lines.size(), 6u);
  EXPECT_EQ(sections[2].kind, SectionKind::kPeer);
  EXPECT_EQ(sections[2].lines.size(), 4u);
  EXPECT_EQ(sections[2].lines[1].comment, "# Laptop");
  EXPECT_EQ(sections[2].lines[0].number, 9);
  EXPECT_TRUE(MustParse("").sections().empty());
  EXPECT_EQ(
      MustParse("[Peer]\nPublicKey = HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=\n[Interface]")
          .sections()
          .size(),
      2u);
}

TEST(ConfTreeTest, EveryByteStays) {
  for (const std::string_view text :
       {kNasty, std::string_view(""), std::string_view("\n"), std::string_view("\r"),
        std::string_view("\r\n"), std::string_view("\n\r\n\r"), std::string_view("#"),
        std::string_view("[Interface]"), std::string_view("[Interface]\r\r\n"),
        std::string_view("[Interface]\nPostUp=a\r\n\n\n")}) {
    const ConfFile file = MustParse(text);
    EXPECT_EQ(file.ToString(), text);
    EXPECT_EQ(file.text(), text);
    EXPECT_EQ(Joined(file), text);
  }
}

TEST(ConfTreeTest, ALineEndsWithItsNewline) {
  const ConfFile file = MustParse("#a\n#b\r\n\n#c");
  ASSERT_EQ(file.lines().size(), 4u);
  EXPECT_EQ(file.lines()[1].text, "#b");
  EXPECT_EQ(file.lines()[2].text, "");
  EXPECT_EQ(file.lines()[3].end, "");
}

TEST(ConfTreeTest, TheTextIsTheFilesOwn) {
  std::string text = "[Interface]\nPreUp = true\n";
  ConfFile file = MustParse(text);
  text.assign(text.size(), 'x');
  const std::string_view command = file.hooks()[0].command;
  const ConfFile moved = std::move(file);
  EXPECT_EQ(command, "true");
  EXPECT_EQ(moved.hooks()[0].command.data(), command.data());
  EXPECT_EQ(moved.lines()[0].text, "[Interface]");
  EXPECT_EQ(moved.name(), "wg0.conf");
  EXPECT_EQ(moved.grammar(), ConfFile::Grammar::kWgQuick);
}

// Texts of pieces that mean something, so that many are accepted.
class RandomText {
 public:
  explicit RandomText(uint32_t seed) : random_(seed) {}

  std::string Next() {
    std::string text = Pick({"", "", "[Interface]\n", "[Interface]\n"});
    for (int left = Below(12); left > 0; --left) text += Piece();
    return text;
  }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }

  std::string Pick(const std::vector<std::string>& pieces) {
    return pieces[static_cast<size_t>(Below(static_cast<int>(pieces.size())))];
  }

  std::string Piece() {
    const std::string blank = Pick({"", "", " ", "\t", " \v", "\f"});
    return blank +
           Pick({"[Interface]", "[interface]", "ListenPort = 1", "PostUp = a # b", "#", "# x=y",
                 "[Peer]\nPublicKey = HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=", "",
                 "Address =", "MTU=1420", "DNS = a,b # c", "\xc3\xa4 = \x01", "Foo"}) +
           blank + Pick({"", "", "#", " # \xff"}) +
           Pick({"\n", "\n", "\n", "\r\n", "\r\n", "\r", ""});
  }

  std::mt19937 random_;
};

void ExpectWhole(const ConfFile& file, std::string_view text) {
  ASSERT_EQ(file.ToString(), text);
  ASSERT_EQ(Joined(file), text);
  size_t lines = 0;
  for (const ConfFile::Section& section : file.sections()) lines += section.lines.size();
  ASSERT_EQ(lines, file.lines().size());
  for (const ConfFile::Line& line : file.lines()) {
    ASSERT_EQ(line.text.find('\n'), line.text.npos);
    for (const std::string_view part : {line.key, line.value, line.comment}) {
      if (part.empty()) continue;
      const size_t at = static_cast<size_t>(line.PlaceOf(part).column) - 1;
      ASSERT_EQ(line.text.substr(at, part.size()), part);
    }
  }
}

TEST(ConfTreeTest, RandomTextsStay) {
  constexpr uint32_t kSeed = 51820;
  constexpr int kTexts = 4000;
  RandomText texts(kSeed);
  int accepted = 0;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = texts.Next();
    SCOPED_TRACE(::testing::PrintToString(text));
    const auto file = ConfFile::Parse(text, "f");
    if (!file) {
      EXPECT_FALSE(file.error().hint.empty());
      continue;
    }
    ++accepted;
    ExpectWhole(*file, text);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, kTexts / 10);
}

TEST(ConfTreeTest, RandomBytesAreReadOrRefused) {
  constexpr uint32_t kSeed = 4711;
  constexpr std::string_view kBytes = "[]=#\n\r \tIiPe0/,:+-\xff";
  std::mt19937 random(kSeed);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = kBytes[random() % kBytes.size()];
    if (const auto file = ConfFile::Parse(text, "f")) ExpectWhole(*file, text);
    if (HasFatalFailure()) return;
  }
}

TEST(ConfKeyTableTest, EveryKeyIsFoundInAnyCase) {
  for (const conf::KeyRow& row : conf::KeyTable()) {
    std::string lower(row.name);
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(conf::FindKey(row.name), &row);
    EXPECT_EQ(conf::FindKey(lower), &row);
    const bool squeezes = row.grammar == ConfFile::Grammar::kWg;
    EXPECT_EQ(conf::FindKey(lower.substr(0, 2) + " " + lower.substr(2)), squeezes ? &row : nullptr);
    EXPECT_EQ(conf::NearestKey(lower + "x", row.grammar, row.section), &row);
  }
}

TEST(ConfKeyTableTest, EditDistance) {
  EXPECT_EQ(conf::EditDistance("", ""), 0);
  EXPECT_EQ(conf::EditDistance("", "abc"), 3);
  EXPECT_EQ(conf::EditDistance("abc", ""), 3);
  EXPECT_EQ(conf::EditDistance("Address", "aDDRESS"), 0);
  EXPECT_EQ(conf::EditDistance("Adress", "Address"), 1);
  EXPECT_EQ(conf::EditDistance("MUT", "MTU"), 1);
  EXPECT_EQ(conf::EditDistance("kitten", "sitting"), 3);
}

}  // namespace
}  // namespace wgnet
