// SPDX-License-Identifier: MIT OR Apache-2.0
// Addresses as values. Texts are those of `ip` and `wg`.
#ifndef WGNET_TYPES_H_
#define WGNET_TYPES_H_

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "wgnet/error.h"

namespace wgnet {

enum class Family : uint8_t { kIpv4 = 4, kIpv6 = 6 };

/// An IPv4 or IPv6 address.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  /// `bytes` holds 4 or 16 bytes in network order; anything else gives 0.0.0.0.
  explicit IpAddress(std::span<const uint8_t> bytes);
  /// 0.0.0.0 or ::
  static IpAddress Any(Family family);
  /// Dotted quad or RFC 4291 text. No zone, no prefix length, no blanks.
  static Result<IpAddress> Parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v6() const { return family_ == Family::kIpv6; }
  /// Bits in an address of this family: 32 or 128.
  int bits() const { return is_v6() ? 128 : 32; }
  /// The 4 or 16 bytes, in network order.
  std::span<const uint8_t> bytes() const { return {bytes_.data(), is_v6() ? 16u : 4u}; }
  std::string ToString() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::kIpv4;
  std::array<uint8_t, 16> bytes_{};
};

/// An address with a prefix length. Host bits are kept as given: `10.0.0.1/24` is an interface's
/// address, and Masked() is the network that it is in.
class Prefix {
 public:
  Prefix() = default;  ///< 0.0.0.0/0
  /// `length` above the family's bits is cut to them.
  Prefix(IpAddress address, int length);
  /// The address alone: /32 or /128.
  explicit Prefix(IpAddress address) : Prefix(address, address.bits()) {}
  /// ADDRESS or ADDRESS/LENGTH; without a length, /32 or /128.
  static Result<Prefix> Parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  Family family() const { return address_.family(); }
  bool is_v6() const { return address_.is_v6(); }
  bool is_default() const { return length_ == 0; }  ///< 0.0.0.0/0 or ::/0
  bool is_host() const { return length_ == address_.bits(); }
  /// With the host bits cleared.
  Prefix Masked() const;
  /// Whether every address of `other` is in this prefix. Host bits do not count.
  bool Contains(const Prefix& other) const;
  std::string ToString() const;

  auto operator<=>(const Prefix&) const = default;

 private:
  IpAddress address_;
  uint8_t length_ = 0;
};

/// Where a peer is reached: an address or a name, and a UDP port.
class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(IpAddress address, uint16_t port);
  /// HOST:PORT or [ADDRESS]:PORT, as wg(8) takes it; `[fe80::1%eth0]:51820` names a zone. The port
  /// may be a service name of services(5). The host is not looked up here.
  static Result<Endpoint> Parse(std::string_view text);

  /// The host as it was written, without brackets.
  const std::string& host() const { return host_; }
  uint16_t port() const { return port_; }
  std::string ToString() const;

  auto operator<=>(const Endpoint&) const = default;

 private:
  std::string host_;
  uint16_t port_ = 0;
};

std::ostream& operator<<(std::ostream& out, const IpAddress& address);
std::ostream& operator<<(std::ostream& out, const Prefix& prefix);
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint);

}  // namespace wgnet

template <>
struct std::hash<wgnet::IpAddress> {
  size_t operator()(const wgnet::IpAddress& address) const noexcept;
};
template <>
struct std::hash<wgnet::Prefix> {
  size_t operator()(const wgnet::Prefix& prefix) const noexcept;
};

#endif  // WGNET_TYPES_H_
