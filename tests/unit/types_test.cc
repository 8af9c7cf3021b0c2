// SPDX-License-Identifier: MIT OR Apache-2.0
// Addresses, prefixes and endpoints against texts, and against a slow and obvious way to count
// bits.
#include "wgnet/types.h"

#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>

#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace wgnet {
namespace {

// An address as 32 or 128 characters, each 0 or 1.
std::string BitsOf(const IpAddress& address) {
  std::string bits;
  for (const uint8_t byte : address.bytes()) {
    for (int bit = 7; bit >= 0; --bit) bits += (byte >> bit & 1) != 0 ? '1' : '0';
  }
  return bits;
}

IpAddress FromBits(const std::string& bits) {
  std::vector<uint8_t> bytes(bits.size() / 8);
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == '1') bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] + (128 >> i % 8));
  }
  return IpAddress(bytes);
}

std::string SlowMask(const std::string& bits, int length) {
  const auto kept = static_cast<size_t>(length);
  return bits.substr(0, kept) + std::string(bits.size() - kept, '0');
}

bool SlowContains(const Prefix& outer, const Prefix& inner) {
  const std::string a = BitsOf(outer.address());
  const std::string b = BitsOf(inner.address());
  const auto length = static_cast<size_t>(outer.length());
  return a.size() == b.size() && outer.length() <= inner.length() &&
         a.substr(0, length) == b.substr(0, length);
}

std::string SlowIpv4Text(const IpAddress& address) {
  std::string text;
  for (const uint8_t byte : address.bytes()) {
    text += (text.empty() ? "" : ".") + std::to_string(byte);
  }
  return text;
}

std::string SlowIpv6Text(const IpAddress& address) {
  std::ostringstream text;
  for (size_t i = 0; i < 16; i += 2) {
    text << (i == 0 ? "" : ":") << std::hex << address.bytes()[i] * 256 + address.bytes()[i + 1];
  }
  return text.str();
}

IpAddress RandomAddress(std::mt19937& random, Family family) {
  std::vector<uint8_t> bytes(family == Family::kIpv6 ? 16 : 4);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(random() % 3 == 0 ? 0 : random());  // zeros are written short
  }
  return IpAddress(bytes);
}

constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

TEST(IpAddressTest, ParsesAndPrints) {
  struct Case {
    const char* text;
    const char* printed;
    Family family;
  };
  constexpr Case kCases[] = {
      {"0.0.0.0", "0.0.0.0", Family::kIpv4},
      {"255.255.255.255", "255.255.255.255", Family::kIpv4},
      {"::", "::", Family::kIpv6},
      {"::1", "::1", Family::kIpv6},
      {"2001:DB8::A", "2001:db8::a", Family::kIpv6},
      {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", Family::kIpv6},
      {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0", Family::kIpv6},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1", Family::kIpv6},
      {"fe80::1", "fe80::1", Family::kIpv6},
  };
  for (const auto& [text, printed, family] : kCases) {
    const auto address = IpAddress::Parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->ToString(), printed);
    EXPECT_EQ(address->family(), family);
    EXPECT_EQ(address->bits(), family == Family::kIpv6 ? 128 : 32);
  }
}

TEST(IpAddressTest, RefusesOtherTexts) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "."sv,
                                      ":"sv,
                                      "1"sv,
                                      "1.2.3"sv,
                                      "1.2.3.4.5"sv,
                                      "256.0.0.1"sv,
                                      "01.2.3.4"sv,
                                      "1..2.3"sv,
                                      "-1.2.3.4"sv,
                                      "0x1.2.3.4"sv,
                                      " 1.2.3.4"sv,
                                      "1.2.3.4 "sv,
                                      "1.2.3.4/8"sv,
                                      "1.2.3.4\0"sv,
                                      "1.2.3.4\0x"sv,
                                      "::1\0"sv,
                                      ":::"sv,
                                      "1::2::3"sv,
                                      "12345::"sv,
                                      "g::"sv,
                                      "1:2:3:4:5:6:7"sv,
                                      "1:2:3:4:5:6:7:8:9"sv,
                                      "::1%lo"sv,
                                      "[::1]"sv,
                                      "::1.2.3"sv,
                                      "localhost"sv}) {
    const auto address = IpAddress::Parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kParse);
    EXPECT_FALSE(address.error().hint.empty());
  }
}

TEST(IpAddressTest, PrintsWhatAnObviousPrinterPrints) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const IpAddress v4 = RandomAddress(random, Family::kIpv4);
    EXPECT_EQ(v4.ToString(), SlowIpv4Text(v4));
    const IpAddress v6 = RandomAddress(random, Family::kIpv6);
    const auto from_long = IpAddress::Parse(SlowIpv6Text(v6));
    const auto from_short = IpAddress::Parse(v6.ToString());
    ASSERT_TRUE(from_long.ok() && from_short.ok()) << v6;
    EXPECT_EQ(*from_long, v6);
    EXPECT_EQ(*from_short, v6);
    EXPECT_EQ(std::hash<IpAddress>()(*from_short), std::hash<IpAddress>()(v6));
  }
}

TEST(IpAddressTest, BytesOfAnotherLengthGiveTheZeroAddress) {
  const uint8_t bytes[17] = {1, 2, 3, 4, 5};
  for (size_t size = 0; size <= sizeof bytes; ++size) {
    const IpAddress address(std::span(bytes, size));
    EXPECT_EQ(address.is_v6(), size == 16) << size;
    EXPECT_EQ(address == IpAddress(), size != 4 && size != 16) << size;
  }
}

TEST(IpAddressTest, FamiliesAreApart) {
  EXPECT_NE(IpAddress::Any(Family::kIpv4), IpAddress::Any(Family::kIpv6));
  EXPECT_LT(*IpAddress::Parse("255.255.255.255"), *IpAddress::Parse("::"));
  EXPECT_LT(*IpAddress::Parse("10.0.0.9"), *IpAddress::Parse("10.0.0.10"));
}

TEST(PrefixTest, ParsesAndPrints) {
  struct Case {
    const char* text;
    const char* printed;
    const char* masked;
  };
  constexpr Case kCases[] = {
      {"10.0.0.1", "10.0.0.1/32", "10.0.0.1/32"},
      {"10.0.0.1/24", "10.0.0.1/24", "10.0.0.0/24"},
      {"255.255.255.255/0", "255.255.255.255/0", "0.0.0.0/0"},
      {"fd00::1", "fd00::1/128", "fd00::1/128"},
      {"fd00::ffff/113", "fd00::ffff/113", "fd00::8000/113"},
      {"::/0", "::/0", "::/0"},
  };
  for (const auto& [text, printed, masked] : kCases) {
    const auto prefix = Prefix::Parse(text);
    ASSERT_TRUE(prefix.ok()) << text;
    EXPECT_EQ(prefix->ToString(), printed);
    EXPECT_EQ(prefix->Masked().ToString(), masked);
  }
}

TEST(PrefixTest, RefusesOtherTexts) {
  for (const char* text :
       {"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+1", "10.0.0.0/ 8",
        "10.0.0.0/8 ", "10.0.0.0/0x8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::/129", "::/",
        "10.0.0.0 /8", "10.0.0.0/99999999999999999999"}) {
    const auto prefix = Prefix::Parse(text);
    ASSERT_FALSE(prefix.ok()) << text;
    EXPECT_EQ(prefix.error().code, ErrorCode::kParse);
    EXPECT_FALSE(prefix.error().hint.empty());
  }
}

TEST(PrefixTest, LengthsOutOfRangeAreCut) {
  EXPECT_EQ(Prefix(IpAddress::Any(Family::kIpv4), 33).length(), 32);
  EXPECT_EQ(Prefix(IpAddress::Any(Family::kIpv6), 1000).length(), 128);
  EXPECT_EQ(Prefix(IpAddress::Any(Family::kIpv6), -1).length(), 0);
}

TEST(PrefixTest, EveryLengthMasksAndContainsAsBitsDo) {
  std::mt19937 random(2);
  for (const Family family : kFamilies) {
    const IpAddress address = RandomAddress(random, family);
    for (int length = 0; length <= address.bits(); ++length) {
      const Prefix prefix(address, length);
      EXPECT_EQ(BitsOf(prefix.Masked().address()), SlowMask(BitsOf(address), length));
      EXPECT_EQ(prefix.Masked().length(), length);
      EXPECT_EQ(prefix.is_default(), length == 0);
      EXPECT_EQ(prefix.is_host(), length == address.bits());
      EXPECT_EQ(*Prefix::Parse(prefix.ToString()), prefix);
      for (int flipped = 0; flipped < address.bits(); ++flipped) {
        std::string bits = BitsOf(address);
        char& bit = bits[static_cast<size_t>(flipped)];
        bit = bit == '0' ? '1' : '0';
        const Prefix other(FromBits(bits), address.bits());
        EXPECT_EQ(prefix.Contains(other), flipped >= length) << prefix << " " << other;
      }
    }
  }
}

TEST(PrefixTest, ContainsEveryPairAsBitsDo) {
  std::mt19937 random(3);
  std::vector<Prefix> prefixes;
  for (const Family family : kFamilies) {
    const IpAddress base = RandomAddress(random, family);
    for (int length = 0; length <= base.bits(); length += 3) {
      prefixes.emplace_back(base, length);
      prefixes.emplace_back(RandomAddress(random, family), length);
    }
  }
  for (const Prefix& a : prefixes) {
    for (const Prefix& b : prefixes) {
      EXPECT_EQ(a.Contains(b), SlowContains(a, b)) << a << " " << b;
    }
  }
}

TEST(PrefixTest, HostBitsCountForEqualityOnly) {
  const Prefix with(*IpAddress::Parse("10.0.0.1"), 24);
  const Prefix without(*IpAddress::Parse("10.0.0.0"), 24);
  EXPECT_NE(with, without);
  EXPECT_TRUE(with.Contains(without));
  EXPECT_TRUE(without.Contains(with));
  EXPECT_EQ(with.Masked(), without);
  EXPECT_EQ(std::hash<Prefix>()(with.Masked()), std::hash<Prefix>()(without));
}

TEST(EndpointTest, TakesTheFormsOfWg) {
  struct Case {
    const char* text;
    const char* host;
    uint16_t port;
    const char* printed;
  };
  constexpr Case kCases[] = {
      {"192.0.2.1:51820", "192.0.2.1", 51820, "192.0.2.1:51820"},
      {"[2001:db8::1]:51820", "2001:db8::1", 51820, "[2001:db8::1]:51820"},
      {"2001:db8::1:51820", "2001:db8::1", 51820, "[2001:db8::1]:51820"},
      {"[fe80::1%eth0]:1", "fe80::1%eth0", 1, "[fe80::1%eth0]:1"},
      {"vpn.example.com:65535", "vpn.example.com", 65535, "vpn.example.com:65535"},
      {"[vpn.example.com]:0", "vpn.example.com", 0, "vpn.example.com:0"},
  };
  for (const auto& [text, host, port, printed] : kCases) {
    const auto endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint->host(), host);
    EXPECT_EQ(endpoint->port(), port);
    EXPECT_EQ(endpoint->ToString(), printed);
    EXPECT_EQ(*Endpoint::Parse(printed), *endpoint);
  }
  EXPECT_EQ(Endpoint(*IpAddress::Parse("::1"), 9).ToString(), "[::1]:9");
}

TEST(EndpointTest, RefusesOtherTexts) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv,         ":"sv,          ":51820"sv,     "host"sv,
        "host:"sv,    "host:65536"sv, "host:-1"sv,    "host:+1"sv,
        "host: 1"sv,  "host:1 "sv,    "host:0x10"sv,  "host:no-such-service"sv,
        "[::1"sv,     "[::1]"sv,      "[::1]51820"sv, "[::1]:"sv,
        "[]:51820"sv, "ho\0st:1"sv,   "ho\nst:1"sv,   "host:1\0"sv}) {
    const auto endpoint = Endpoint::Parse(text);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().code, ErrorCode::kParse);
    EXPECT_FALSE(endpoint.error().hint.empty());
  }
}

TEST(EndpointTest, APortMayBeTheNameOfAUdpService) {
  const servent* service = getservbyname("domain", "udp");
  const auto endpoint = Endpoint::Parse("host:domain");
  ASSERT_EQ(endpoint.ok(), service != nullptr);
  if (service != nullptr) {
    EXPECT_EQ(endpoint->port(), ntohs(static_cast<uint16_t>(service->s_port)));
  }
}

TEST(TypesTest, GoIntoStreamsAsText) {
  std::ostringstream out;
  out << *IpAddress::Parse("::1") << " " << *Prefix::Parse("10.0.0.0/8") << " "
      << *Endpoint::Parse("host:1");
  EXPECT_EQ(out.str(), "::1 10.0.0.0/8 host:1");
}

}  // namespace
}  // namespace wgnet
