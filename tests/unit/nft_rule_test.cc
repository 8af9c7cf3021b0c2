// SPDX-License-Identifier: MIT OR Apache-2.0
// Rules of nftables: each expression as nft's text and as the kernel's instructions, in
// golden/nft_expressions.txt (WGNET_UPDATE_GOLDENS=1 writes it anew); the hash that tells rules
// apart.
#include "src/kernel/nft_rule.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "src/kernel/nft_backend.h"
#include "tests/support/golden.h"
#include "tests/support/wire_text.h"

namespace wgnet::kernel {
namespace {

using nft::Expression;
using nft::TableFamily;

Prefix ParsePrefix(std::string_view text) { return *Prefix::Parse(text); }

// Each of the expressions, in each of its forms.
std::vector<Expression> AllExpressions() {
  using namespace nft;  // NOLINT: a list of everything in it
  std::vector<Expression> all;
  for (const Direction direction : {Direction::kIn, Direction::kOut}) {
    for (const char* name : {"wg0", "eth*", "interfacename15", "interfacename1*"}) {
      all.push_back(MatchInterface{direction, name});
    }
    all.push_back(MatchInterface{direction, "wg0", true});
  }
  for (const Side side : {Side::kSource, Side::kDestination}) {
    for (const char* prefix : {"10.0.0.0/8", "10.1.2.3/24", "192.0.2.1/32", "10.0.0.0/7",
                               "0.0.0.0/0", "fd00::/8", "fd00::/64", "fd00::1/128", "fd00::/63"}) {
      all.push_back(MatchAddress{side, ParsePrefix(prefix)});
    }
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      all.push_back(MatchAddressSet{side, family, "sources"});
    }
  }
  for (const MarkOf of : {MarkOf::kPacket, MarkOf::kConnection}) {
    for (const uint32_t mask : {0xffffffffu, 0x1000u}) {
      all.push_back(MatchMark{of, 0x1000, mask});
      all.push_back(MergeMark{of, 0x1000, mask});
    }
  }
  all.insert(all.end(),
             {MatchSourceNotLocal{}, MatchUdp{}, MatchUdpPort{51820}, MatchIcmpv6Types{133, 137},
              MatchHopLimit{255}, MatchReply{}, Masquerade{}, Verdict{true}, Verdict{false}});
  return all;
}

std::string WireOf(const NftRule& rule, TableFamily family) {
  SecretBuffer bytes;
  uint32_t sequence = 1;
  netlink::MessageWriter out(bytes, sequence);
  EncodeRule(rule, family, "t", "c", out);
  EXPECT_TRUE(out.ok());
  return testing::WireText(netlink::Bus::kNetfilter, bytes.bytes());
}

// The instructions only; what stands around them is in the goldens of chains.
std::string InstructionsOf(const Expression& expression, TableFamily family) {
  const std::string wire = WireOf(MakeRule({expression}), family);
  const size_t at = wire.find('\n', wire.find("NFTA_RULE_EXPRESSIONS"));
  return wire.substr(at + 1);
}

std::string GoldenText() {
  std::string text;
  for (const Expression& expression : AllExpressions()) {
    const NftRule rule = MakeRule({expression});
    const std::string plain = InstructionsOf(expression, TableFamily::kIpv4);
    const std::string inet = InstructionsOf(expression, TableFamily::kInet);
    text += "== " + rule.text.text + "\ncomment " + rule.comment->str() + "\n" + plain;
    // In an inet table it may have to ask for the family first.
    if (inet != plain) text += "in an inet table:\n" + inet;
    text += "\n";
  }
  return text;
}

TEST(NftExpressionGoldenTest, TextAndInstructionsAreThoseOfTheGolden) {
  EXPECT_EQ(testing::CompareWithGolden(WGNET_SOURCE_DIR "/tests/unit/golden/nft_expressions.txt",
                                       GoldenText()),
            "");
}

template <size_t... I>
std::set<size_t> EveryIndex(std::index_sequence<I...>) {
  return {I...};
}

TEST(NftExpressionGoldenTest, EveryExpressionIsInTheGolden) {
  std::set<size_t> seen;
  for (const Expression& expression : AllExpressions()) seen.insert(expression.index());
  EXPECT_EQ(seen, EveryIndex(std::make_index_sequence<std::variant_size_v<Expression>>()));
}

TEST(NftExpressionGoldenTest, EveryInstructionIsInTheGolden) {
  std::set<size_t> seen;
  for (const Expression& expression : AllExpressions()) {
    for (const auto& instruction : nft::InstructionsOf({expression}, TableFamily::kInet)) {
      seen.insert(instruction.index());
    }
  }
  EXPECT_EQ(seen, EveryIndex(std::make_index_sequence<std::variant_size_v<nft::Instruction>>()));
}

// libnftnl ends the process on a wrong length, so all lengths are tried.
TEST(NftExpressionTest, PrefixesAndNamesOfEveryLengthAreWritten) {
  for (int length = 0; length <= 128; ++length) {
    const Prefix v6(ParsePrefix("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff").address(), length);
    const Prefix v4(ParsePrefix("203.0.113.255").address(), length);
    for (const Prefix& prefix : {v4, v6}) {
      const NftRule rule = MakeRule({nft::MatchAddress{nft::Side::kSource, prefix}});
      EXPECT_NE(WireOf(rule, TableFamily::kInet).find("payload"), std::string::npos);
    }
  }
  for (size_t length = 0; length <= 20; ++length) {
    for (const char* end : {"", "*"}) {
      const std::string name = std::string(length, 'a') + end;
      const NftRule rule = MakeRule({nft::MatchInterface{nft::Direction::kIn, name}});
      const std::string wire = WireOf(rule, TableFamily::kInet);
      EXPECT_NE(wire.find("NFTA_CMP_DATA"), wire.npos) << name;
      EXPECT_EQ(wire.find("GARBAGE"), wire.npos) << name;
    }
  }
}

size_t CountOf(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(NftExpressionTest, TheFamilyIsAskedForOnceInARule) {
  const auto address = nft::MatchAddress{nft::Side::kSource, ParsePrefix("10.0.0.0/8")};
  const auto to = nft::MatchAddress{nft::Side::kDestination, ParsePrefix("10.0.0.0/8")};
  const std::string wire = WireOf(MakeRule({address, to}), TableFamily::kInet);
  EXPECT_EQ(CountOf(wire, "\"meta\""), 1u);
  EXPECT_EQ(CountOf(WireOf(MakeRule({address, to}), TableFamily::kIpv4), "\"meta\""), 0u);
}

// ---- rules ----

TEST(NftRuleTest, TheTextIsThatOfItsExpressionsInOrder) {
  const NftRule rule = MakeRule(
      {nft::MatchInterface{nft::Direction::kIn, "wg0"}, nft::MatchUdp{}, nft::Verdict{false}});
  EXPECT_EQ(rule.text.text, "iifname \"wg0\" meta l4proto udp drop");
  EXPECT_TRUE(rule.text.expressible);
}

TEST(NftRuleTest, ANameThatNftCannotSayIsRememberedAsSuch) {
  const NftRule rule = MakeRule({nft::MatchInterface{nft::Direction::kIn, "a\"b"}});
  EXPECT_FALSE(rule.text.expressible);
  EXPECT_FALSE(MakeRule({nft::MatchInterface{nft::Direction::kIn, "a\"b"}, nft::MatchUdp{}})
                   .text.expressible);
}

TEST(NftRuleTest, TheCommentIsAHashOfTheText) {
  const NftRule rule = MakeRule({nft::Verdict{true}});
  EXPECT_TRUE(rule.comment->view().starts_with("wgnet:"));
  EXPECT_EQ(rule.comment->view().size(), 22u);
  EXPECT_EQ(rule.comment, MakeRule({nft::Verdict{true}}).comment);
  EXPECT_NE(rule.comment, MakeRule({nft::Verdict{false}}).comment);
}

TEST(NftRuleTest, NoTwoRulesOfTheGoldenHaveOneHash) {
  std::map<std::string, std::string> texts;
  for (const Expression& expression : AllExpressions()) {
    const NftRule rule = MakeRule({expression});
    const auto [found, fresh] = texts.emplace(rule.comment->str(), rule.text.text);
    EXPECT_TRUE(fresh || found->second == rule.text.text) << rule.text.text;
  }
}

NftRule ReadRule(std::string_view comment, const char* raw) {
  NftRule rule;
  rule.comment = FixedString<128>(comment);
  rule.raw = testing::BytesOfHex(raw);
  return rule;
}

TEST(NftRuleTest, RulesWithHashesAreComparedByThemAndOthersByTheirBytes) {
  const NftRule ours = MakeRule({nft::Masquerade{}});
  EXPECT_TRUE(ours == ReadRule(ours.comment->view(), "01 02")) << "as a dump gives it";
  EXPECT_FALSE(ours == ReadRule("wgnet:0000000000000000", "01 02"));
  EXPECT_FALSE(ours == ReadRule("masquerade", "01 02"));
  EXPECT_TRUE(ReadRule("a", "01 02") == ReadRule("a", "01 02"));
  EXPECT_FALSE(ReadRule("a", "01 02") == ReadRule("a", "01 03"));
  EXPECT_FALSE(ReadRule("a", "01 02") == ReadRule("b", "01 02"));
}

TEST(NftRuleTest, ARuleThatWasReadIsPutBackAsItCame) {
  NftRule rule = ReadRule("somebody's", "08 00 01 00 01 02 03 04");
  rule.extra = testing::BytesOfHex("04 00 05 80");
  const std::string wire = WireOf(rule, TableFamily::kIpv4);
  EXPECT_NE(wire.find("4 NFTA_RULE_EXPRESSIONS, 8 bytes: 08 00 01 00 01 02 03 04\n"), wire.npos);
  EXPECT_NE(wire.find("5 NFTA_RULE_COMPAT, 0 bytes, nested\n"), wire.npos);
  EXPECT_EQ(CountOf(wire, "NFTA_RULE_EXPRESSIONS"), 1u);
}

// 128 instructions stand in one rule.
TEST(NftRuleTest, ALongRuleFitsIntoItsMessage) {
  std::vector<Expression> expressions(
      60, nft::MatchAddress{nft::Side::kSource, ParsePrefix("fd00::/63")});
  const std::string wire = WireOf(MakeRule(std::move(expressions)), TableFamily::kIpv6);
  EXPECT_EQ(CountOf(wire, "\"payload\""), 60u);
  EXPECT_EQ(CountOf(wire, "\"bitwise\""), 60u);
  EXPECT_EQ(wire.find("GARBAGE"), wire.npos);
}

TEST(NftBackendTest, ThisBuildHasOne) { EXPECT_TRUE(nft::BackendAvailable()); }

// ---- commands ----

TEST(NftCommandTest, OneShellWordThatNftReads) {
  NftCommand command = NftCommandFor("add rule", TableFamily::kInet, "t", "c");
  command.Word("").Word("accept").Word("comment").Quoted("it's");
  EXPECT_EQ(command.Finish(), R"(nft 'add rule inet t c accept comment "it'\''s"')");
}

TEST(NftCommandTest, WhatNftCannotSayIsAComment) {
  for (const char* name : {"two words", "1st", "a\"b", "$(id)", "-a", "a;b", "#"}) {
    const std::string text = NftCommandFor("add table", TableFamily::kInet, name).Finish();
    EXPECT_TRUE(text.starts_with("# not expressible: the name ")) << text;
  }
  for (const char* name : {"a", "_a", ".a", "wgnet-gateway", "a/b", "A1"}) {
    EXPECT_EQ(NftCommandFor("add table", TableFamily::kInet, name).Finish(),
              "nft 'add table inet " + std::string(name) + "'");
  }
}

TEST(NftCommandTest, TheFirstReasonIsTheOneThatIsTold) {
  NftCommand command = NftCommandFor("add rule", TableFamily::kInet, "a b", "c d");
  command.Quoted("\"").NotExpressible("another reason");
  EXPECT_EQ(command.Finish(), "# not expressible: the name \"a b\"");
}

}  // namespace
}  // namespace wgnet::kernel
