// SPDX-License-Identifier: MIT OR Apache-2.0
// Broken files: each mistake is named, with its place and what to do about it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "wgnet/conf.h"

namespace wgnet {
namespace {

using Grammar = ConfFile::Grammar;

constexpr std::string_view kKey = "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=";
constexpr std::string_view kPeerKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr std::string_view kOtherKey = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

struct Broken {
  std::string text;
  std::string place;    // LINE:COLUMN
  std::string message;  // a part of it
  std::string hint;     // a part of it
};

std::string InInterface(std::string_view line) { return "[Interface]\n" + std::string(line); }

// The line is the third.
std::string InPeer(std::string_view line) {
  return "[Peer]\nPublicKey = " + std::string(kPeerKey) + "\n" + std::string(line);
}

// The two sections end in line 6.
std::string TwoPeers(std::string_view first, std::string_view second) {
  return InPeer(first) + "\n[Peer]\nPublicKey = " + std::string(kOtherKey) + "\n" +
         std::string(second);
}

std::string Key(std::string_view key = kKey) { return std::string(key); }

bool ShowsKey(const Error& error) {
  constexpr size_t kPiece = 6;  // shorter ones may stand in an error by chance
  const std::string shown = error.ToString();
  for (const std::string_view key : {kKey, kPeerKey, kOtherKey}) {
    for (size_t i = 0; i + kPiece <= key.size(); ++i) {
      if (shown.find(key.substr(i, kPiece)) != shown.npos) return true;
    }
  }
  return false;
}

template <class T>
void ExpectError(const Broken& broken, const Result<T>& result) {
  SCOPED_TRACE(::testing::PrintToString(broken.text));
  ASSERT_FALSE(result.ok());
  const Error& error = result.error();
  EXPECT_EQ(error.code, ErrorCode::kParse);
  EXPECT_EQ(error.where, "dir/wg0.conf:" + broken.place);
  EXPECT_NE(error.message.find(broken.message), std::string::npos) << error;
  EXPECT_NE(error.hint.find(broken.hint), std::string::npos) << error;
  EXPECT_FALSE(error.message.empty());
  EXPECT_FALSE(error.hint.empty());
  EXPECT_FALSE(ShowsKey(error)) << error;
}

void ExpectBroken(const Broken& broken, Grammar grammar) {
  ExpectError(broken, ConfFile::Parse(broken.text, "dir/wg0.conf", grammar));
}

std::vector<Broken> BrokenLines() {
  return {
      {"\xef\xbb\xbf[Interface]\n", "1:1", "byte order mark", "without BOM"},
      {"\xff\xfe[", "1:1", "byte order mark", "UTF-8"},
      {"\xfe\xff", "1:1", "byte order mark", "UTF-8"},
      {InInterface(std::string_view("ListenPort = 5\0", 15)), "2:15", "NUL byte", "plain"},
      {InInterface(std::string_view("# a\0b", 5)), "2:4", "NUL byte", "plain"},
      {InInterface("# " + std::string(1 << 20, 'x')), "2:1", "longer than 1 MiB", "many lines"},
      {std::string((1 << 20) + 1, '\n'), "1048577:1", "1048576 lines", "configuration"},
      {std::string((16 << 20) + 1, '#'), "1:1", "larger than 16 MiB", "configuration"},
      {InInterface("ListenPort 51820"), "2:1", "KEY = VALUE", "#"},
      {InInterface("  ListenPort: 51820"), "2:3", "KEY = VALUE", "#"},
      {InInterface("; a comment elsewhere"), "2:1", "KEY = VALUE", "`#`"},
      {InInterface("PostUp # = echo"), "2:1", "KEY = VALUE", "#"},
      {InInterface(Key()), "2:1", "unknown key", "[Interface] knows PrivateKey, ListenPort"},
      {InInterface(Key().substr(0, 30)), "2:1", "KEY = VALUE", "#"},
      {InInterface("= 51820"), "2:1", "unknown key", "[Interface] knows"},
      {InInterface("Foo = 1"), "2:1", "unknown key", "[Interface] knows"},
      {"Foo = 1", "1:1", "unknown key", "[Interface] knows PrivateKey"},
      {"\t[Peers]\n", "1:2", "unknown section \"[Peers]\"", "did you mean [Peer]?"},
      {"[interfaces]\r\n", "1:1", "unknown section", "did you mean [Interface]?"},
      {"[Interface] ListenPort = 1\n", "1:1", "unknown section", "alone on its line"},
      {"[" + Key() + "]", "1:1", "unknown section", "[Interface] or [Peer]"},
      {"[Interface", "1:1", "unknown section", "did you mean [Interface]?"},
      {"[Peer] = 1", "1:1", "unknown section", "alone"},
      {"[]", "1:1", "unknown section", "[Peer]"},
  };
}

std::vector<Broken> MisplacedKeys() {
  return {
      {"# a\nListenPort = 1", "2:1", "ListenPort stands before any section", "put [Interface]"},
      {"AllowedIPs = ::/0", "1:1", "AllowedIPs stands before any section", "put [Peer]"},
      {InInterface("  publickey = x"), "2:3", "PublicKey does not belong in [Interface]", "[Peer]"},
      {InPeer("Address = 10.0.0.1"), "3:1", "Address does not belong in [Peer]", "[Interface]"},
      {InPeer("PostUp = true"), "3:1", "PostUp does not belong in [Peer]", "[Interface]"},
      {InPeer("ListenPort = 1"), "3:1", "ListenPort does not belong in [Peer]", "[Interface]"},
      {InInterface("Adress = 10.0.0.1"), "2:1", "\"Adress\"", "did you mean Address?"},
      {InInterface("privtekey = " + Key()), "2:1", "\"privtekey\"", "did you mean PrivateKey?"},
      {InInterface("Post Up = true"), "2:1", "\"Post Up\"", "did you mean PostUp?"},
      {InInterface("MUT = 1420"), "2:1", "\"MUT\"", "did you mean MTU?"},
      {InPeer("AllowedIP = ::/0"), "3:1", "\"AllowedIP\"", "did you mean AllowedIPs?"},
      {InPeer("PersistentKeepaliveInterval = 25"), "3:1", "unknown key", "[Peer] knows PublicKey"},
      {InPeer("PresharedKeyy = " + Key()), "3:1", "\"PresharedKeyy\"", "PresharedKey?"},
      {"[ Interface ]\nMTU = 1420", "2:1", "MTU stands under a header with blanks", "[Interface]"},
      {"[Peer]\n", "1:1", "the peer has no PublicKey", "PublicKey = KEY"},
      {InPeer("\n\n [Peer]\nAllowedIPs = 10.0.0.0/8\n"), "5:2", "no PublicKey", "add PublicKey"},
  };
}

std::vector<Broken> BadValues() {
  return {
      {InInterface("PrivateKey ="), "2:13", "PrivateKey has no value", "leave the line out"},
      {InInterface("ListenPort=  # 51820"), "2:12", "ListenPort has no value", "leave"},
      {InPeer("AllowedIPs ="), "3:13", "AllowedIPs has no value", "leave the line out"},
      {InPeer("PublicKey =\t"), "3:12", "PublicKey has no value", "leave the line out"},
      {InInterface("PrivateKey = short"), "2:14", "PrivateKey: not a private", "44 characters"},
      {InInterface("PrivateKey = " + Key().substr(0, 43)), "2:14", "not a private", "44 char"},
      {InInterface("PrivateKey =" + Key() + "="), "2:13", "not a private", "44 characters"},
      {InInterface("PrivateKey = kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH701="), "2:14",
       "not a private", "44 characters"},
      {InInterface("PrivateKey = \"" + Key() + "\""), "2:14", "not a private", "44 characters"},
      {InPeer("PresharedKey = " + Key().substr(1)), "3:16", "PresharedKey: not a", "wg genkey"},
      {InPeer("PublicKey = " + Key().substr(1)), "3:13", "PublicKey: not a public key", "44 char"},
      {InPeer("PublicKey = " + std::string(43, 'A') + "="), "3:13", "all zero", "wg pubkey"},
      {InInterface("ListenPort = 70000"), "2:14", "not a port: \"70000\"", "0 to 65535"},
      {InInterface("ListenPort = -1"), "2:14", "not a port: \"-1\"", "0 to 65535"},
      {InInterface("ListenPort = 0x10"), "2:14", "not a port", "/etc/services"},
      {InInterface("ListenPort = no-such-service"), "2:14", "not a port", "/etc/services"},
      {InInterface("ListenPort = " + Key()), "2:14", "ListenPort: not a port: (hidden", "65535"},
      {InInterface("FwMark = 0x"), "2:10", "FwMark: not a mark: \"0x\"", "off"},
      {InInterface("FwMark = 0XCA6C"), "2:10", "not a mark", "hexadecimal"},
      {InInterface("FwMark = 4294967296"), "2:10", "not a mark", "4294967295"},
      {InInterface("FwMark = +1"), "2:10", "not a mark", "off"},
      {InInterface("Address = 10.0.0.300"), "2:11", "Address: not an address", "10.0.0.1"},
      {InInterface("Address = 10.0.0.1/24, 10.0.0.2/33"), "2:24", "length: \"33\"", "0 to 32"},
      {InInterface("Address = 10.0.0.1/24, fd00::/129"), "2:24", "length: \"129\"", "0 to 128"},
      {InInterface("Address = 10.0.0.1/024"), "2:11", "not a prefix length", "octal"},
      {InInterface("Address = 10.0.0.1/255.0.255.0"), "2:11", "not a prefix length", "0 to 32"},
      {InInterface("Address = fd00::1/255.255.0.0"), "2:11", "not a prefix length", "0 to 128"},
      {InInterface("Address = " + Key()), "2:11", "Address: not an address or prefix: (hidden",
       "such as"},
      {InInterface("DNS = corp.example, 1.1.1"), "2:21", "DNS: not an IP address", "10.0.0.1"},
      {InInterface("DNS = 1.1.1.1 fe80::1%wg0"), "2:15", "not an IP address", "fd00::1"},
      {InInterface("DNS = b\xc3\xbc"
                   "cher.example"),
       "2:7", "not a domain name", "xn--"},
      {InInterface("MTU = 67"), "2:7", "MTU: not an MTU: \"67\"", "68 to 65535"},
      {InInterface("MTU = 65536"), "2:7", "not an MTU", "68 to 65535"},
      {InInterface("MTU = 01420"), "2:7", "not an MTU", "1280 with an IPv6"},
      {InInterface("MTU = 1200\nAddress = fd00::1/64"), "2:7", "takes all IPv6", "at least 1280"},
      {InInterface("Table = 0"), "2:9", "Table: not a routing table: \"0\"", "rt_tables"},
      {InInterface("Table = Off"), "2:9", "not a routing table", "off"},
      {InInterface("Table = 010"), "2:9", "not a routing table", "number from 1 on"},
      {InInterface("Table = no-such-table"), "2:9", "not a routing table", "rt_tables"},
      {InInterface("SaveConfig = yes"), "2:14", "SaveConfig: not true or false", "write true"},
      {InInterface("SaveConfig ="), "2:13", "SaveConfig: not true or false: \"\"", "write true"},
  };
}

std::vector<Broken> BadPeerValues() {
  return {
      {InPeer("AllowedIPs = 10.0.0.0/8,"), "3:25", "AllowedIPs: not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = , 10.0.0.0/8"), "3:14", "not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = ::/0, 10.0.0.0/33"), "3:20", "not a prefix length", "0 to 32"},
      {InPeer("AllowedIPs = 10.0.0.0/"), "3:14", "not a prefix length", "0 to 32"},
      {InPeer("AllowedIPs = 10.0.0.0/+8"), "3:14", "not a prefix length", "0 to 32"},
      {InPeer("AllowedIPs = 10.0.0.0/255.0.0.0"), "3:14", "not a prefix length", "0 to 32"},
      {InPeer("AllowedIPs = 10.0.0"), "3:14", "not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = 010.0.0.0/8"), "3:14", "not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = 10.0.0.0/8 ::/0"), "3:14", "length: \"8::/0\"", "0 to 32"},
      {InPeer("AllowedIPs = ++10.0.0.0/8"), "3:14", "not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = +"), "3:14", "not an address", "10.0.0.0/24"},
      {InPeer("AllowedIPs = " + Key()), "3:14", "AllowedIPs: not an address or prefix: (hidden",
       "10.0"},
      {InPeer("Endpoint = 192.0.2.1"), "3:12", "Endpoint: not an endpoint", "host:51820"},
      {InPeer("Endpoint = 192.0.2.1:"), "3:12", "not a port", "0 to 65535"},
      {InPeer("Endpoint = [fd00::1]"), "3:12", "not an endpoint", "[2001:db8::1]:51820"},
      {InPeer("Endpoint = [fd00::1]51820"), "3:12", "not an endpoint", "[2001:db8::1]:51820"},
      {InPeer("Endpoint = [fd00::1:51820"), "3:12", "not an endpoint", "[2001:db8::1]:51820"},
      {InPeer("Endpoint = :51820"), "3:12", "not an endpoint", "host:51820"},
      {InPeer("Endpoint = host:70000"), "3:12", "not a port", "0 to 65535"},
      {InPeer("Endpoint = https://host:51820"), "3:12", "not a host", "host:51820"},
      {InPeer("Endpoint = fd00::1]:1"), "3:12", "not a host", "[2001:db8::1]:51820"},
      {InPeer("PersistentKeepalive = 65536"), "3:23", "not an interval: \"65536\"", "65535"},
      {InPeer("PersistentKeepalive = 25s"), "3:23", "not an interval", "off"},
      {InPeer("PersistentKeepalive = 0x19"), "3:23", "not an interval", "seconds"},
      {InPeer("PersistentKeepalive = -1"), "3:23", "not an interval", "seconds"},
  };
}

// What wg(8) takes, but no node can have.
std::vector<Broken> ForWgOnly() {
  return {
      {InPeer("AllowedIPs = ::/0,  -10.0.0.0/8"), "3:21", "cannot be taken away",
       "leave the prefix"},
      {TwoPeers("AllowedIPs = 10.0.0.0/8", "AllowedIPs = ::/0, 10.0.0.0/8"), "6:20",
       "10.0.0.0/8 belongs to the peer of line 1 already", "one peer only"},
      {TwoPeers("AllowedIPs = 10.1.0.0/16", "AllowedIPs = 10.1.2.3/16"), "6:14",
       "10.1.0.0/16 belongs to the peer of line 1 already", "one peer only"},
  };
}

TEST(ConfErrorTest, Lines) {
  for (const Broken& broken : BrokenLines()) ExpectBroken(broken, Grammar::kWgQuick);
}

TEST(ConfErrorTest, MisplacedKeys) {
  for (const Broken& broken : MisplacedKeys()) ExpectBroken(broken, Grammar::kWgQuick);
}

TEST(ConfErrorTest, Values) {
  for (const Broken& broken : BadValues()) ExpectBroken(broken, Grammar::kWgQuick);
}

TEST(ConfErrorTest, PeerValues) {
  for (const Broken& broken : BadPeerValues()) {
    ExpectBroken(broken, Grammar::kWgQuick);
    ExpectBroken(broken, Grammar::kWg);
  }
}

TEST(ConfErrorTest, WhatOnlyWgTakesIsNoNode) {
  for (const Broken& broken : ForWgOnly()) {
    ExpectBroken(broken, Grammar::kWgQuick);
    const auto file = ConfFile::Parse(broken.text, "dir/wg0.conf", Grammar::kWg);
    ASSERT_TRUE(file.ok()) << file.error();
    EXPECT_TRUE(file->ToDeviceUpdate("wg0", ConfFile::Update::kAdd).ok());
    ExpectError(broken, file->ToNode("wg0"));
  }
}

TEST(ConfErrorTest, WgKnowsNoKeyOfWgQuick) {
  for (const std::string key :
       {"Address", "DNS", "MTU", "Table", "SaveConfig", "PreUp", "PostUp", "PreDown", "PostDown"}) {
    ExpectBroken({InInterface(key + " = 1"), "2:1", key + " is a key of wg-quick(8)", "strip"},
                 Grammar::kWg);
  }
  ExpectBroken({InInterface("MUT = 1420"), "2:1", "unknown key",
                "[Interface] knows PrivateKey, ListenPort, FwMark"},
               Grammar::kWg);
}

TEST(ConfErrorTest, TheFirstMistakeIsReported) {
  ExpectBroken({InInterface("ListenPort = x\n[Nothing]\nFoo = 1"), "2:14", "not a port", "65535"},
               Grammar::kWgQuick);
}

TEST(ConfErrorTest, LimitsAreInclusive) {
  EXPECT_TRUE(ConfFile::Parse("#" + std::string((1 << 20) - 1, 'x'), "f").ok());
  EXPECT_TRUE(ConfFile::Parse(std::string(1 << 20, '\n'), "f").ok());
}

TEST(ConfErrorTest, EveryPrefixOfAFileIsReadOrRefused) {
  const std::string whole = "[Interface]\r\nPrivateKey = " + Key() + "\nAddress = 10.0.0.1/24\n" +
                            TwoPeers("AllowedIPs = 10.0.0.2/32", "Endpoint = host:1 # x\n");
  for (size_t size = 0; size <= whole.size(); ++size) {
    const auto file = ConfFile::Parse(whole.substr(0, size), "f");
    if (file.ok()) continue;
    EXPECT_FALSE(ShowsKey(file.error())) << file.error();
    EXPECT_TRUE(file.error().where.starts_with("f:")) << file.error();
  }
}

}  // namespace
}  // namespace wgnet
