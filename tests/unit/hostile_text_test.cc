// SPDX-License-Identifier: MIT OR Apache-2.0
// Whatever the kernel takes for a name goes through a shell as one word, and does nothing there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "src/base/text.h"
#include "src/kernel/object.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

using kernel::Verb;

constexpr int kCases = 10000;

// The commands of a plan become functions that write down their words.
constexpr char kRecorders[] = R"(record() { printf '%s\0' "$@" >&3; printf 'done\0' >&3; }
ip() { record ip "$@"; }
nft() { record nft "$@"; }
sysctl() { record sysctl "$@"; }
)";

class Hostile {
 public:
  // What a shell, nft, or a terminal might take for more than text, glued at random.
  std::string Text(size_t most, bool blanks) {
    static const std::vector<std::string> kPieces = {
        "$(>x)", "`>x`", ";>x;", "|>x", "&>x&", "'",       "\"",   "\\",    "$x",
        "${x}",  "#",    "*",    "?",   "[a]",  "~",       "!",    "{a,b}", "<x",
        "(x)",   "-rf",  "--",   "%s",  "\xff", "\x1b[0m", "\x01", "é",     "=",
        "a",     "wg0",  ".",    ",",   "..",   "@",       "+",    "^"};
    static const std::vector<std::string> kBlanks = {" ", "\n", "\t", "\r", " >x ", "\n>x\n"};
    std::string text;
    while (text.empty() || Below(4) != 0) {
      const auto& pieces = blanks && Below(3) == 0 ? kBlanks : kPieces;
      const std::string& piece = pieces[Below(pieces.size())];
      if (text.size() + piece.size() > most) break;
      text += piece;
    }
    return text;
  }
  Prefix Network() {
    std::array<uint8_t, 16> bytes;
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(Below(256));
    const size_t size = Below(2) == 0 ? 4 : 16;
    return Prefix(IpAddress(std::span<const uint8_t>(bytes.data(), size)),
                  static_cast<int>(Below(129)))
        .Masked();
  }

 private:
  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }
  std::mt19937 random_{20240229};
};

std::string NoSecret(const SecretKey&) { return "secret"; }

std::string CommandsFor(const kernel::Object& object) {
  std::string text;
  for (const std::string& line : kernel::CommandsOf(Verb::kAdd, object, object, NoSecret)) {
    text += line + "\n";
  }
  return text;
}

kernel::Link LinkOf(const std::string& name, const std::string& alias) {
  kernel::Link link;
  link.name = FixedString<IFNAMSIZ - 1>(name);
  link.index = 7;
  link.kind = FixedString<31>("wireguard");
  link.alias = FixedString<255>(alias);
  return link;
}

kernel::Rule RuleOf(const std::string& name, const Prefix& to) {
  kernel::Rule rule;
  rule.family = to.family();
  rule.priority = 5;
  rule.to = to;
  rule.iif = FixedString<IFNAMSIZ - 1>(name);
  rule.action = FR_ACT_TO_TBL;
  rule.table = 7;
  return rule;
}

kernel::NftChain ChainOf(const std::string& name, const Prefix& source) {
  kernel::NftChain chain;
  chain.family = kernel::nft::TableFamily::kInet;
  chain.table = kernel::NftName("wgnet-x");
  chain.name = kernel::NftName("forward");
  chain.rules.emplace();
  chain.rules->push_back(kernel::MakeRule(
      {kernel::nft::MatchInterface{kernel::nft::Direction::kIn, name},
       kernel::nft::MatchAddress{kernel::nft::Side::kSource, source}, kernel::nft::Verdict{true}}));
  return chain;
}

kernel::Sysctl SettingOf(const std::string& name) {
  kernel::Sysctl sysctl;
  sysctl.name = kernel::SysctlName("net/ipv4/conf/" + name + "/forwarding");
  sysctl.value = kernel::SysctlText("1");
  return sysctl;
}

using Record = std::vector<std::string>;

std::vector<Record> ReadRecords(const std::string& path) {
  std::ifstream in(path);
  std::vector<Record> records(1);
  for (std::string word; std::getline(in, word, '\0');) {
    if (word == "done") {
      records.emplace_back();
    } else {
      records.back().push_back(word);
    }
  }
  records.pop_back();
  return records;
}

TEST(HostileText, GoesThroughAShellAsItIs) {
  Hostile hostile;
  const TemporaryDirectory directory;
  std::string script = kRecorders;
  std::vector<std::pair<std::string, std::string>> links;
  for (int i = 0; i < kCases; ++i) {
    const std::string name = hostile.Text(IFNAMSIZ - 1, false);
    const std::string alias = hostile.Text(200, true);
    const Prefix network = hostile.Network();
    links.emplace_back(name, alias);
    script += CommandsFor(LinkOf(name, alias)) + CommandsFor(RuleOf(name, network)) +
              CommandsFor(ChainOf(name, network)) + CommandsFor(SettingOf(name));
  }
  std::filesystem::create_directory(directory.path() + "/cwd");
  std::ofstream(directory.path() + "/script") << script;
  const std::string said = Shell("cd " + directory.path() + "/cwd && sh ../script 3>../words");
  EXPECT_EQ(said, "");
  EXPECT_TRUE(std::filesystem::is_empty(directory.path() + "/cwd")) << "a side effect";

  const auto records = ReadRecords(directory.path() + "/words");
  size_t added = 0, aliased = 0, rules = 0, settings = 0, programs = 0;
  for (const Record& record : records) {
    if (record.size() > 2 && record[0] == "ip" && record[2] == "add" && record[1] == "link") {
      EXPECT_EQ(record.at(4), links.at(added++).first);
    } else if (record.size() > 6 && record[0] == "ip" && record[5] == "alias") {
      EXPECT_EQ(record.at(6), links.at(aliased++).second);
    } else if (record[0] == "sysctl") {
      // sysctl(8) takes dots for slashes, but where the name has dots of its own.
      std::string wanted = "net/ipv4/conf/" + links.at(settings++).first + "/forwarding=1";
      if (wanted.find('.') == wanted.npos) std::replace(wanted.begin(), wanted.end(), '/', '.');
      EXPECT_EQ(record.at(2), wanted);
    } else if (record[0] == "nft") {
      EXPECT_EQ(record.size(), 2u);
      ++programs;
    } else {
      EXPECT_THAT(record, ::testing::Contains(links.at(rules++).first));
    }
  }
  for (const size_t seen : {added, aliased, rules, settings}) EXPECT_EQ(seen, size_t{kCases});
  EXPECT_GE(programs, size_t{kCases});
  std::cout << kCases << " names, aliases and prefixes; " << records.size() << " commands\n";
}

}  // namespace
}  // namespace wgnet::testing
