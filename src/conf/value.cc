// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/value.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>

#include "src/base/mtu.h"
#include "src/base/text.h"
#include "src/conf/ascii.h"
#include "src/conf/route_tables.h"

namespace wgnet::conf {
namespace {

Error Malformed(std::string_view what, std::string_view text, std::string_view hint) {
  return {.code = ErrorCode::kParse,
          .message = "not " + std::string(what) + ": " + QuoteForMessage(text),
          .hint = std::string(hint)};
}

bool IsOff(std::string_view text) { return EqualsIgnoreCase(text, "off"); }

// ip(8) would read 010 as 8.
bool LooksOctal(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && IsDigit(text[1]);
}

std::optional<int> NetmaskLength(std::string_view netmask) {
  const auto address = IpAddress::Parse(netmask);
  if (!address || address->is_v6()) return std::nullopt;
  uint32_t bits = 0;
  for (const uint8_t byte : address->bytes()) bits = bits << 8 | byte;
  const int length = std::countl_one(bits);
  if (std::popcount(bits) != length) return std::nullopt;
  return length;
}

// An address, with a zone perhaps, or what getaddrinfo(3) may know a host by.
bool IsHost(std::string_view host) {
  if (host.find(':') != host.npos) return IpAddress::Parse(host.substr(0, host.find('%'))).ok();
  constexpr std::string_view kAlso = ".-_";
  return std::all_of(host.begin(), host.end(), [&](char c) {
    return IsLetter(c) || IsDigit(c) || kAlso.find(c) != kAlso.npos;
  });
}

}  // namespace

Result<uint16_t> ReadPort(std::string_view text) {
  const auto endpoint = Endpoint::Parse("[::]:" + std::string(text));
  if (!endpoint) return endpoint.error();
  return endpoint->port();
}

Result<uint32_t> ReadFwMark(std::string_view text) {
  if (IsOff(text)) return uint32_t{0};
  if (const auto mark = ParseNumber(text, UINT32_MAX)) return static_cast<uint32_t>(*mark);
  return Malformed("a mark", text,
                   "off, 0 to 4294967295, or 0x and up to eight hexadecimal digits");
}

Result<uint16_t> ReadKeepalive(std::string_view text) {
  if (IsOff(text)) return uint16_t{0};
  if (const auto seconds = ParseDecimal(text, UINT16_MAX)) return static_cast<uint16_t>(*seconds);
  return Malformed("an interval", text, "off, or 1 to 65535 seconds; 25 suits most NATs");
}

Result<Endpoint> ReadEndpoint(std::string_view text) {
  auto endpoint = Endpoint::Parse(text);
  if (!endpoint || IsHost(endpoint->host())) return endpoint;
  return Malformed("a host", endpoint->host(),
                   "such as 192.0.2.1:51820, [2001:db8::1]:51820 or host:51820");
}

Result<Prefix> ReadAddress(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash != text.npos) {
    const std::string_view length = text.substr(slash + 1);
    if (LooksOctal(length)) {
      return Malformed("a prefix length", length, "ip(8) reads a leading 0 as octal: leave it out");
    }
    const auto address = IpAddress::Parse(text.substr(0, slash));
    const auto bits = NetmaskLength(length);
    if (address && !address->is_v6() && bits) return Prefix(*address, *bits);
  }
  return Prefix::Parse(text);
}

bool IsMarked(std::string_view allowed_ip) {
  return allowed_ip.starts_with('+') || allowed_ip.starts_with('-');
}

Result<AllowedIpEdit> ReadAllowedIp(std::string_view text) {
  const auto prefix = Prefix::Parse(IsMarked(text) ? text.substr(1) : text);
  if (!prefix) return prefix.error();
  return AllowedIpEdit{*prefix, text.starts_with('-')};
}

Result<uint16_t> ReadMtu(std::string_view text) {
  const auto mtu = ParseDecimal(text, UINT16_MAX);
  if (!mtu || *mtu < kIpv4MinimumMtu || LooksOctal(text)) {
    return Malformed("an MTU", text, "68 to 65535 bytes, and at least 1280 with an IPv6 address");
  }
  return static_cast<uint16_t>(*mtu);
}

Result<RouteTable> ReadTable(std::string_view text) {
  if (const auto number = RouteTableByName(text)) return RouteTable::Number(*number);
  auto table = RouteTable::Parse(text);
  if (table && !LooksOctal(text)) return table;
  return Malformed("a routing table", text,
                   "auto, off, a number from 1 on, or a name of /etc/iproute2/rt_tables");
}

Result<bool> ReadBool(std::string_view text) {
  for (const bool value : {true, false}) {
    if (EqualsIgnoreCase(text, value ? "true" : "false")) return value;
  }
  return Malformed("true or false", text, "write true or false");
}

}  // namespace wgnet::conf
