// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers from text, and the quoting functions: a shell and a JSON parser read back what was
// quoted.
#include "src/base/text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sandbox.h"
#include "wgnet/key.h"

namespace wgnet {
namespace {

using namespace std::string_view_literals;

// What `sh` makes of the words.
std::string ReadByShell(const std::vector<std::string>& texts) {
  const testing::TemporaryDirectory directory;
  const std::string script = directory.path() + "/script";
  std::ofstream out(script, std::ios::binary);
  for (const std::string& text : texts) out << "printf '%s\\0' " << QuoteForShell(text) << "\n";
  out.close();
  return testing::Shell("LC_ALL=C sh " + script);
}

void ExpectTheShellReadsBack(const std::vector<std::string>& texts) {
  const std::string read = ReadByShell(texts);
  size_t at = 0;
  for (const std::string& text : texts) {
    ASSERT_EQ(read.substr(at, text.size() + 1), text + '\0') << QuoteForShell(text);
    at += text.size() + 1;
  }
  EXPECT_EQ(at, read.size()) << read.substr(at);
}

// Bytes that mean something somewhere come more often than others; a word holds no zero byte.
std::string RandomWord(std::mt19937& random) {
  constexpr std::string_view kSpecial = "'\"\\$`!*?[]{}()<>|&;#~=%^ \t\n\r-+@,:./_a0";
  std::string word;
  for (size_t size = random() % 24; word.size() < size;) {
    word += random() % 3 != 0 ? kSpecial[random() % kSpecial.size()]
                              : static_cast<char>(1 + random() % 255);
  }
  return word;
}

TEST(QuoteForShellTest, EveryByteAndEveryPairOfBytesIsReadBack) {
  std::vector<std::string> texts;
  for (int a = 1; a < 256; ++a) texts.push_back({static_cast<char>(a)});
  for (int a = 1; a < 128; ++a) {
    for (int b = 1; b < 128; ++b) texts.push_back({static_cast<char>(a), static_cast<char>(b)});
  }
  ExpectTheShellReadsBack(texts);
}

TEST(QuoteForShellTest, RandomBytesAreReadBack) {
  std::mt19937 random(1);
  std::vector<std::string> texts;
  while (texts.size() < 10000) texts.push_back(RandomWord(random));
  ExpectTheShellReadsBack(texts);
}

TEST(QuoteForShellTest, LeavesPlainWordsAlone) {
  for (const char* word : {"wg0", "10.0.0.0/24", "fd00::1", "eth0.100", "a=b", "user@host", "a,b",
                           "-x", "+x", "100%", "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw="}) {
    EXPECT_EQ(QuoteForShell(word), word);
  }
}

TEST(QuoteForShellTest, QuotesTheRest) {
  EXPECT_EQ(QuoteForShell(""), "''");
  EXPECT_EQ(QuoteForShell("$(id)"), "'$(id)'");
  EXPECT_EQ(QuoteForShell("it's"), R"('it'\''s')");
  EXPECT_EQ(QuoteForShell("~"), "'~'");
  EXPECT_EQ(QuoteForShell("=ls"), "'=ls'");
  EXPECT_EQ(QuoteForShell("%1"), "'%1'");
}

TEST(QuoteForNftTest, TakesWhatNftCanSayBetweenQuotes) {
  EXPECT_EQ(QuoteForNft("eth*"), "\"eth*\"");
  EXPECT_EQ(QuoteForNft(""), "\"\"");
  EXPECT_EQ(QuoteForNft("a b$c'd`e"), "\"a b$c'd`e\"");
}

TEST(QuoteForNftTest, RefusesEveryByteThatNftHasNoEscapeFor) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool sayable = byte >= ' ' && byte <= '~' && c != '"' && c != '\\';
    const auto quoted = QuoteForNft("a" + std::string(1, c) + "b");
    EXPECT_EQ(quoted.has_value(), sayable) << byte;
    if (quoted) {
      EXPECT_EQ(*quoted, "\"a" + std::string(1, c) + "b\"");
    }
  }
}

TEST(QuoteForJsonTest, AParserReadsBackWhatIsUtf8) {
  const std::vector<std::string> kPieces = {"a",
                                            "\"",
                                            "\\",
                                            "/",
                                            "\b",
                                            "\n",
                                            "\x1f",
                                            "\x7f",
                                            "ä",
                                            "€",
                                            "𝄞",
                                            "\u2028",
                                            std::string(1, '\0'),
                                            "'",
                                            " "};
  std::mt19937 random(2);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (size_t size = random() % 12; size > 0; --size) text += kPieces[random() % kPieces.size()];
    const auto parsed = nlohmann::json::parse(QuoteForJson(text), nullptr, false);
    ASSERT_TRUE(parsed.is_string()) << QuoteForJson(text);
    EXPECT_EQ(parsed.get<std::string>(), text);
  }
}

TEST(QuoteForJsonTest, OtherBytesBecomeTheReplacementCharacter) {
  EXPECT_EQ(QuoteForJson("a\xff"
                         "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = RandomWord(random);
    EXPECT_TRUE(nlohmann::json::parse(QuoteForJson(text), nullptr, false).is_string());
  }
}

TEST(QuoteForMessageTest, ShowsEveryByteOnOneLine) {
  EXPECT_EQ(QuoteForMessage("wg0"), "\"wg0\"");
  EXPECT_EQ(QuoteForMessage("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(QuoteForMessage("\x00\n\x7f\xff"sv), R"("\x00\x0a\x7f\xff")");
  EXPECT_EQ(QuoteForMessage(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(QuoteForMessage(std::string(65, 'x')), "\"" + std::string(64, 'x') + "\"...");
}

TEST(QuoteForMessageTest, HidesWhatMayHoldAKey) {
  const std::string key = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
  for (const std::string& text : {key, "x " + key, key + "/24", std::string(100, ' ') + key}) {
    EXPECT_EQ(QuoteForMessage(text), "(hidden, as it may hold a key)");
  }
}

TEST(MayHoldKeyTest, FindsEveryKeyInAnyText) {
  for (int i = 0; i < 10000; ++i) {
    const std::string key = SecretKey::GeneratePreshared().Reveal();
    ASSERT_TRUE(MayHoldKey(key)) << key;
    ASSERT_TRUE(MayHoldKey("PrivateKey = " + key + "\n")) << key;
  }
}

TEST(MayHoldKeyTest, IsNotFooledByPathsAndNames) {
  for (const char* text :
       {"", "wg0", "/home/alice/projects/vpn/configuration/production/wg0.conf",
        "averyveryveryveryveryverylongnameofahost.example.com", "/etc/NetworkManager/wg0.conf",
        "2001:0db8:0000:0000:0000:0000:0000:0001/128", "550e8400-e29b-41d4-a716-446655440000",
        "/var/lib/docker/overlay2/0123456789abcdef0123456789abcdef0123456789abcdef"}) {
    EXPECT_FALSE(MayHoldKey(text)) << text;
  }
}

TEST(IsPrintableTest, MeansAscii) {
  EXPECT_TRUE(IsPrintable(" ~"));
  EXPECT_TRUE(IsPrintable(""));
  for (const std::string_view text : {"\x1f"sv, "\x7f"sv, "\x80"sv, "a\0"sv, "ä"sv}) {
    EXPECT_FALSE(IsPrintable(text));
  }
}

struct NumberCase {
  std::string_view text;
  uint64_t most;
  std::optional<uint64_t> decimal;
  std::optional<uint64_t> number;
};

TEST(ParseNumberTest, TakesDigitsAndNothingElse) {
  const NumberCase kCases[] = {
      {"0", 10, 0, 0},
      {"007", 10, 7, 7},
      {"65535", 65535, 65535, 65535},
      {"65536", 65535, {}, {}},
      {"18446744073709551615", UINT64_MAX, UINT64_MAX, UINT64_MAX},
      {"18446744073709551616", UINT64_MAX, {}, {}},
      {"0x0", 10, {}, 0},
      {"0xCa6C", 65535, {}, 0xca6c},
      {"0x10000", 65535, {}, {}},
      {"0x", 10, {}, {}},
      {"0X1", 10, {}, {}},
      {"0x0x1", 10, {}, {}},
      {"0x-1", 10, {}, {}},
      {"", 10, {}, {}},
      {"+1", 10, {}, {}},
      {"-1", 10, {}, {}},
      {"-0", 10, {}, {}},
      {" 1", 10, {}, {}},
      {"1 ", 10, {}, {}},
      {"1\0"sv, 10, {}, {}},
      {"1.0", 10, {}, {}},
      {"1e1", 10, {}, {}},
      {"a", 10, {}, {}},
  };
  for (const auto& [text, most, decimal, number] : kCases) {
    EXPECT_EQ(ParseDecimal(text, most), decimal) << text;
    EXPECT_EQ(ParseNumber(text, most), number) << text;
  }
}

}  // namespace
}  // namespace wgnet
