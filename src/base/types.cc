// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/types.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <utility>

#include "src/base/text.h"

namespace wgnet {
namespace {

Error Malformed(std::string_view what, std::string_view text, std::string_view hint) {
  return {.code = ErrorCode::kParse,
          .message = "not " + std::string(what) + ": " + QuoteForMessage(text),
          .hint = std::string(hint)};
}

int ToAf(Family family) { return family == Family::kIpv6 ? AF_INET6 : AF_INET; }

// getservbyname_r, so that "domain" works as it does for wg(8).
Result<uint16_t> ParsePort(std::string_view text) {
  if (const auto number = ParseDecimal(text, 65535)) return static_cast<uint16_t>(*number);
  char buffer[4096];
  servent entry;
  servent* found = nullptr;
  const std::string name(text);
  if (!name.empty() &&
      getservbyname_r(name.c_str(), "udp", &entry, buffer, sizeof buffer, &found) == 0 && found) {
    return ntohs(static_cast<uint16_t>(found->s_port));
  }
  return Malformed("a port", text, "a port is 0 to 65535, or a UDP service of /etc/services");
}

}  // namespace

IpAddress::IpAddress(std::span<const uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return;
  family_ = bytes.size() == 16 ? Family::kIpv6 : Family::kIpv4;
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

IpAddress IpAddress::Any(Family family) {
  IpAddress any;
  any.family_ = family;
  return any;
}

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  address.family_ = text.find(':') == text.npos ? Family::kIpv4 : Family::kIpv6;
  if (text.find('\0') != text.npos ||
      inet_pton(ToAf(address.family_), terminated.c_str(), address.bytes_.data()) != 1) {
    return Malformed("an IP address", text, "such as 10.0.0.1 or fd00::1");
  }
  return address;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(ToAf(family_), bytes_.data(), text, sizeof text);
}

Prefix::Prefix(IpAddress address, int length)
    : address_(address), length_(static_cast<uint8_t>(std::clamp(length, 0, address.bits()))) {}

Result<Prefix> Prefix::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) {
    return Malformed("an address or prefix", text, "such as 10.0.0.0/24, fd00::/64 or 10.0.0.1");
  }
  if (slash == text.npos) return Prefix(*address);
  const auto length = ParseDecimal(text.substr(slash + 1), address->bits());
  if (!length) {
    return Malformed("a prefix length", text.substr(slash + 1),
                     address->is_v6() ? "0 to 128 for IPv6" : "0 to 32 for IPv4");
  }
  return Prefix(*address, static_cast<int>(*length));
}

Prefix Prefix::Masked() const {
  std::array<uint8_t, 16> bytes{};
  const auto from = address_.bytes();
  for (int bit = 0; bit < length_; bit += 8) {
    const int kept = std::min(8, length_ - bit);
    bytes[bit / 8] = static_cast<uint8_t>(from[bit / 8] & (0xff00 >> kept));
  }
  return Prefix(IpAddress(std::span(bytes).first(from.size())), length_);
}

bool Prefix::Contains(const Prefix& other) const {
  return family() == other.family() && length_ <= other.length_ &&
         Masked() == Prefix(other.address_, length_).Masked();
}

std::string Prefix::ToString() const {
  return address_.ToString() + "/" + std::to_string(static_cast<int>(length_));
}

Endpoint::Endpoint(IpAddress address, uint16_t port) : host_(address.ToString()), port_(port) {}

Result<Endpoint> Endpoint::Parse(std::string_view text) {
  constexpr std::string_view kHint = "such as 192.0.2.1:51820, [2001:db8::1]:51820 or host:51820";
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == text.npos || close + 1 >= text.size() || text[close + 1] != ':') {
      return Malformed("an endpoint", text, kHint);
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 2);
  } else {
    const size_t colon = text.rfind(':');
    if (colon == text.npos) return Malformed("an endpoint", text, kHint);
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  // A key that stands here by mistake must not be asked of a name server.
  if (host.empty() || !IsPrintable(host) || MayHoldKey(host)) {
    return Malformed("an endpoint", text, kHint);
  }
  const auto number = ParsePort(port);
  if (!number) return number.error();
  Endpoint endpoint;
  endpoint.host_ = host;
  endpoint.port_ = *number;
  return endpoint;
}

std::string Endpoint::ToString() const {
  const std::string port = ":" + std::to_string(port_);
  return host_.find(':') == host_.npos ? host_ + port : "[" + host_ + "]" + port;
}

std::ostream& operator<<(std::ostream& out, const IpAddress& address) {
  return out << address.ToString();
}
std::ostream& operator<<(std::ostream& out, const Prefix& prefix) {
  return out << prefix.ToString();
}
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) {
  return out << endpoint.ToString();
}

}  // namespace wgnet

size_t std::hash<wgnet::IpAddress>::operator()(const wgnet::IpAddress& address) const noexcept {
  const auto bytes = address.bytes();
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

size_t std::hash<wgnet::Prefix>::operator()(const wgnet::Prefix& prefix) const noexcept {
  return std::hash<wgnet::IpAddress>()(prefix.address()) * 131 +
         static_cast<size_t>(prefix.length());
}
