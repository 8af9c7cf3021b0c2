// SPDX-License-Identifier: MIT OR Apache-2.0
// Keys: known answers of `wg pubkey` and RFC 7748, canonical base64, and no way to print a secret.
#include "wgnet/key.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace wgnet {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kPrivate = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kZero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

using Bytes = std::array<uint8_t, SecretKey::kSize>;

SecretKey Parsed(std::string_view base64) {
  auto key = SecretKey::Parse(base64);
  EXPECT_TRUE(key.ok()) << base64;
  return key.ok() ? *std::move(key) : SecretKey();
}

Bytes RandomBytes(std::mt19937& random) {
  Bytes bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

template <class Key>
std::string Printed(const Key& key) {
  std::ostringstream out;
  out << key;
  return out.str();
}

TEST(SecretKeyTest, GivesThePublicKeyThatWgGives) {
  struct Case {
    const char* secret;
    const char* of;
  };
  constexpr Case kCases[] = {
      // RFC 7748, section 6.1
      {"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
       "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="},
      {"XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=",
       "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="},
      // wg(8)
      {"kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=",
       "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw="},
      {"+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=",
       "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0="},
      // all bits set, and the same clamped
      {"//////////////////////////////////////////8=",
       "hHwNLDdSNPNl5mCVUYejc1oPdhPRYJ06ak2MU66qWiI="},
      {"+P///////////////////////////////////////38=",
       "hHwNLDdSNPNl5mCVUYejc1oPdhPRYJ06ak2MU66qWiI="},
      // nothing but what clamping sets
      {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
       "L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q="},
  };
  for (const auto& [secret, of] : kCases) {
    EXPECT_EQ(Parsed(secret).Public().ToString(), of);
    EXPECT_EQ(Parsed(secret).Clamped().Public().ToString(), of);
  }
}

TEST(SecretKeyTest, ClampsThreeLowBitsAndTheTwoHighOnes) {
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    const Bytes bytes = RandomBytes(random);
    const SecretKey clamped = SecretKey(bytes).Clamped();
    const auto got = clamped.bytes();
    EXPECT_EQ(got[0], bytes[0] & 0xf8);
    EXPECT_EQ(got[31], (bytes[31] & 0x7f) | 0x40);
    for (size_t at = 1; at < 31; ++at) EXPECT_EQ(got[at], bytes[at]);
    EXPECT_EQ(clamped.Clamped(), clamped);
  }
  EXPECT_TRUE(SecretKey().Clamped().is_zero());
}

TEST(KeyTest, Base64IsReadBackAsItWasPrinted) {
  std::mt19937 random(2);
  for (int i = 0; i < 1000; ++i) {
    const Bytes bytes = RandomBytes(random);
    const PublicKey key(bytes);
    EXPECT_EQ(key.ToString().size(), 44u);
    EXPECT_EQ(*PublicKey::Parse(key.ToString()), key);
    EXPECT_EQ(Parsed(key.ToString()), SecretKey(bytes));
    EXPECT_EQ(SecretKey(bytes).Reveal(), key.ToString());
  }
}

// The last letter holds four bits of the key; the other two must be zero.
TEST(KeyTest, OnlyCanonicalBase64IsTaken) {
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    std::string text(kPrivate);
    text[42] = kAlphabet[i];
    EXPECT_EQ(SecretKey::Parse(text).ok(), i % 4 == 0) << text;
    EXPECT_EQ(PublicKey::Parse(text).ok(), i % 4 == 0) << text;
  }
}

TEST(KeyTest, NoOtherByteIsTakenAnywhere) {
  for (size_t at = 0; at < 44; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      const char letter = static_cast<char>(byte);
      if (at < 43 && kAlphabet.find(letter) != kAlphabet.npos) continue;
      std::string text(kPrivate);
      text[at] = letter;
      EXPECT_EQ(SecretKey::Parse(text).ok(), at == 43 && letter == '=') << at << " " << byte;
    }
  }
}

TEST(KeyTest, NoOtherLengthIsTaken) {
  const std::string text(kPrivate);
  for (size_t size = 0; size < 44; ++size) EXPECT_FALSE(SecretKey::Parse(text.substr(0, size)));
  for (const char* tail : {"=", "A", "\n", " ", "AAAA"})
    EXPECT_FALSE(SecretKey::Parse(text + tail));
  EXPECT_FALSE(SecretKey::Parse(" " + text));
  EXPECT_FALSE(PublicKey::Parse(text.substr(0, 43)));
  EXPECT_FALSE(PublicKey::Parse(text.substr(0, 42) + "=="));
}

TEST(KeyTest, ErrorsDoNotQuoteTheText) {
  std::string text(kPrivate);
  text[10] = '!';
  for (const Error& error : {SecretKey::Parse(text).error(), PublicKey::Parse(text).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kParse);
    EXPECT_FALSE(error.hint.empty());
    EXPECT_EQ(error.ToString().find(text.substr(0, 6)), std::string::npos);
  }
}

TEST(SecretKeyTest, PrintsTheSameForEveryKey) {
  EXPECT_EQ(Printed(SecretKey()), "(none)");
  EXPECT_EQ(Printed(SecretKey(Bytes{})), "(none)");
  EXPECT_EQ(Printed(Parsed(kZero)), "(none)");
  EXPECT_EQ(Printed(Parsed(kPrivate)), "(hidden)");
  EXPECT_EQ(Printed(SecretKey::GeneratePrivate()), "(hidden)");
  EXPECT_EQ(Printed(Parsed(kPrivate).Public()), "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=");
}

TEST(SecretKeyTest, ZeroIsNoKey) {
  EXPECT_TRUE(SecretKey().is_zero());
  EXPECT_EQ(SecretKey(), Parsed(kZero));
  EXPECT_EQ(SecretKey(), SecretKey(Bytes{}));
  EXPECT_EQ(SecretKey().Reveal(), kZero);
  EXPECT_NE(SecretKey(), Parsed(kPrivate));
}

TEST(SecretKeyTest, EqualityLooksAtEveryByte) {
  const Bytes bytes{1};
  for (size_t at = 0; at < bytes.size(); ++at) {
    Bytes other = bytes;
    other[at] ^= 0x80;
    EXPECT_FALSE(SecretKey(bytes) == SecretKey(other)) << at;
  }
  EXPECT_TRUE(SecretKey(bytes) == SecretKey(bytes));
}

TEST(SecretKeyTest, CopiesAreIndependent) {
  const SecretKey original = Parsed(kPrivate);
  SecretKey copy = original;
  EXPECT_EQ(copy, original);
  EXPECT_NE(copy.bytes().data(), original.bytes().data());
  copy = SecretKey::GeneratePreshared();
  EXPECT_EQ(original.Reveal(), kPrivate);
  copy = original;
  EXPECT_EQ(copy, original);
  copy = SecretKey();
  EXPECT_TRUE(copy.is_zero());
  copy = original;
  EXPECT_EQ(copy.Reveal(), kPrivate);
}

TEST(SecretKeyTest, MovesTakeTheBytesAlong) {
  SecretKey from = Parsed(kPrivate);
  const uint8_t* bytes = from.bytes().data();
  SecretKey to = std::move(from);
  EXPECT_EQ(to.bytes().data(), bytes);
  EXPECT_TRUE(from.is_zero());  // NOLINT(bugprone-use-after-move): that is what is tested
  from = std::move(to);
  EXPECT_EQ(from.bytes().data(), bytes);
  EXPECT_EQ(from.Reveal(), kPrivate);
}

TEST(SecretKeyTest, AssignmentToItselfChangesNothing) {
  for (const std::string_view text : {kPrivate, kZero}) {
    SecretKey key = Parsed(text);
    SecretKey& same = key;
    key = same;
    EXPECT_EQ(key.Reveal(), text);
    key = std::move(same);
    EXPECT_EQ(key.Reveal(), text);
  }
}

TEST(SecretKeyTest, GeneratesDifferentKeys) {
  std::set<std::string> keys;
  for (int i = 0; i < 200; ++i) {
    const SecretKey secret = SecretKey::GeneratePrivate();
    EXPECT_EQ(secret.Clamped(), secret);
    keys.insert(secret.Reveal());
    keys.insert(SecretKey::GeneratePreshared().Reveal());
  }
  EXPECT_EQ(keys.size(), 400u);
}

// A preshared key may have the bits that clamping takes away.
TEST(SecretKeyTest, PresharedKeysAreNotClamped) {
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const SecretKey key = SecretKey::GeneratePreshared();
    low = low || (key.bytes()[0] & 7) != 0;
    high = high || (key.bytes()[31] & 0x80) != 0;
  }
  EXPECT_TRUE(low && high);
}

}  // namespace
}  // namespace wgnet
