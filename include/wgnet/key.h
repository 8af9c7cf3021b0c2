// SPDX-License-Identifier: MIT OR Apache-2.0
// WireGuard's 32-byte keys, as base64 text of 44 characters (wg(8)).
#ifndef WGNET_KEY_H_
#define WGNET_KEY_H_

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

/// Which keys a text may show.
enum class Secrets : uint8_t { kHide, kReveal };

/// A peer's public key.
class PublicKey {
 public:
  static constexpr size_t kSize = 32;

  PublicKey() = default;  ///< all zero
  explicit PublicKey(std::span<const uint8_t, kSize> bytes);
  /// 44 characters of canonical base64.
  static Result<PublicKey> Parse(std::string_view base64);

  std::span<const uint8_t, kSize> bytes() const { return bytes_; }
  std::string ToString() const;

  auto operator<=>(const PublicKey&) const = default;

 private:
  std::array<uint8_t, kSize> bytes_{};
};

/// A private or a preshared key. Its bytes live in memory that is locked, left out of core files
/// and zeroed when freed; nothing prints them but Reveal().
class SecretKey {
 public:
  static constexpr size_t kSize = 32;

  SecretKey() = default;  ///< all zero: "no key", as WireGuard has it
  explicit SecretKey(std::span<const uint8_t, kSize> bytes);
  SecretKey(const SecretKey& other);
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(const SecretKey& other);
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  /// A new private key, clamped as Curve25519 wants it (`wg genkey`).
  static SecretKey GeneratePrivate();
  /// A new preshared key (`wg genpsk`).
  static SecretKey GeneratePreshared();
  /// 44 characters of canonical base64, decoded in constant time. The error never quotes the text.
  static Result<SecretKey> Parse(std::string_view base64);

  /// As a private key, the way Curve25519 uses it and WireGuard reports it (RFC 7748, section 5). A
  /// zero key stays zero.
  SecretKey Clamped() const;
  /// The public key of this private key (`wg pubkey`).
  PublicKey Public() const;
  bool is_zero() const;
  /// Valid until this key is changed or destroyed.
  std::span<const uint8_t, kSize> bytes() const;
  /// The key itself, in base64. The caller wipes the text.
  std::string Reveal() const;

  /// In constant time.
  bool operator==(const SecretKey& other) const;

 private:
  uint8_t* slot_ = nullptr;  // null: all zero
};

std::ostream& operator<<(std::ostream& out, const PublicKey& key);
/// Prints "(hidden)", or "(none)" for a zero key.
std::ostream& operator<<(std::ostream& out, const SecretKey& key);

}  // namespace wgnet

template <>
struct std::hash<wgnet::PublicKey> {
  size_t operator()(const wgnet::PublicKey& key) const noexcept;
};

#endif  // WGNET_KEY_H_
