// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_PEER_H_
#define WGNET_PEER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"
#include "wgnet/types.h"

namespace wgnet {

/// A peer of a WireGuard interface: a value with the options of wg(8)'s [Peer] section.
///
/// Setters return the peer, for chaining. The first mistake is remembered, and reported when a plan
/// is made of the node that the peer is in. An option that was not set differs from one set to
/// zero, see each.
class Peer {
 public:
  Peer() = default;
  explicit Peer(wgnet::PublicKey public_key) : public_key_(public_key) {}
  /// 44 characters of base64.
  explicit Peer(std::string_view public_key) { PublicKey(public_key); }

  Peer& PublicKey(wgnet::PublicKey key);
  Peer& PublicKey(std::string_view base64);
  /// A second, symmetric secret. All zero: none. Not set: left as it is, but one that the node had
  /// set before is taken away. A new peer has none.
  Peer& PresharedKey(SecretKey key);
  Peer& PresharedKey(std::string_view base64);
  /// Where to send until the peer is heard from somewhere else: WireGuard then follows the peer,
  /// and wgnet leaves it alone until this option is given another value. Not set: wait to be
  /// called.
  Peer& Endpoint(wgnet::Endpoint endpoint);
  /// HOST:PORT, as Endpoint::Parse takes it.
  Peer& Endpoint(std::string_view endpoint);
  /// A prefix that the peer may send from, and that is sent to it. Host bits are cleared. May be
  /// called many times; a prefix belongs to one peer of an interface.
  Peer& AllowedIp(Prefix prefix);
  Peer& AllowedIp(std::string_view prefix);
  /// Seconds between empty packets, 0 to 65535, to keep a way through NAT open. 0 or not set: off.
  Peer& PersistentKeepalive(int seconds);

  const wgnet::PublicKey& public_key() const { return public_key_; }
  const std::optional<SecretKey>& preshared_key() const { return preshared_key_; }
  const std::optional<wgnet::Endpoint>& endpoint() const { return endpoint_; }
  const std::vector<Prefix>& allowed_ips() const { return allowed_ips_; }
  const std::optional<uint16_t>& persistent_keepalive() const { return persistent_keepalive_; }
  /// The first mistake, if one was made.
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const Peer&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    using Text = std::string_view;
    visit("public_key", static_cast<Peer& (Peer::*)(Text)>(&Peer::PublicKey), self.public_key_);
    visit("preshared_key", static_cast<Peer& (Peer::*)(Text)>(&Peer::PresharedKey),
          self.preshared_key_);
    visit("endpoint", static_cast<Peer& (Peer::*)(Text)>(&Peer::Endpoint), self.endpoint_);
    visit("allowed_ips", static_cast<Peer& (Peer::*)(Text)>(&Peer::AllowedIp), self.allowed_ips_);
    visit("persistent_keepalive", &Peer::PersistentKeepalive, self.persistent_keepalive_);
  }

 private:
  wgnet::PublicKey public_key_;
  std::optional<SecretKey> preshared_key_;
  std::optional<wgnet::Endpoint> endpoint_;
  std::vector<Prefix> allowed_ips_;
  std::optional<uint16_t> persistent_keepalive_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_PEER_H_
