// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_DEVICE_UPDATE_H_
#define WGNET_DEVICE_UPDATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"
#include "wgnet/types.h"

namespace wgnet {

/// An allowed IP that a peer gets, or loses.
struct AllowedIpEdit {
  Prefix prefix;
  bool remove = false;
  bool operator==(const AllowedIpEdit&) const = default;
};

/// What `peer KEY ...` of `wg set` says: a value. What is not set stays as it is.
///
/// Setters return the update, for chaining; the first mistake is remembered, and reported when a
/// plan is made. Where text is taken, it is as wg(8) takes it.
class PeerUpdate {
 public:
  PeerUpdate() = default;
  explicit PeerUpdate(wgnet::PublicKey public_key) { PublicKey(public_key); }
  /// 44 characters of base64.
  explicit PeerUpdate(std::string_view public_key) { PublicKey(public_key); }

  PeerUpdate& PublicKey(wgnet::PublicKey key);
  PeerUpdate& PublicKey(std::string_view base64);
  /// The peer goes, whatever else is set. One that is named again after that is made anew.
  PeerUpdate& Remove();
  /// A zero key: none.
  PeerUpdate& PresharedKey(SecretKey key);
  PeerUpdate& PresharedKey(std::string_view base64);
  PeerUpdate& Endpoint(wgnet::Endpoint endpoint);
  /// HOST:PORT, as Endpoint::Parse takes it.
  PeerUpdate& Endpoint(std::string_view endpoint);
  /// Seconds, 0 to 65535. 0: off.
  PeerUpdate& PersistentKeepalive(int seconds);
  /// "off" in any case, or decimal.
  PeerUpdate& PersistentKeepalive(std::string_view interval);
  /// Adds a prefix; host bits are cleared. A peer that has it loses it, also an earlier one of the
  /// same update.
  PeerUpdate& AllowedIp(Prefix prefix);
  PeerUpdate& AllowedIp(std::string_view prefix);
  /// Takes a prefix away, if the peer has it.
  PeerUpdate& RemoveAllowedIp(Prefix prefix);
  PeerUpdate& RemoveAllowedIp(std::string_view prefix);
  /// Whether the peer ends with the prefixes of this update only. Not set: the others stay.
  PeerUpdate& ReplaceAllowedIps(bool replace = true);
  /// `allowed-ips` of `wg set`: prefixes with commas between them, where "" is none. They replace
  /// all others, unless one is marked with `+` or `-`: then those are added, and these taken away.
  PeerUpdate& AllowedIps(std::string_view list);

  const wgnet::PublicKey& public_key() const { return public_key_; }
  /// Whether one was given: a key of zeros is one, too.
  bool has_public_key() const { return has_key_; }
  bool removes() const { return removes_; }
  const std::optional<SecretKey>& preshared_key() const { return preshared_key_; }
  const std::optional<wgnet::Endpoint>& endpoint() const { return endpoint_; }
  const std::optional<uint16_t>& persistent_keepalive() const { return persistent_keepalive_; }
  /// In the order of the calls, which is the order in which they hold.
  const std::vector<AllowedIpEdit>& allowed_ips() const { return allowed_ips_; }
  bool replaces_allowed_ips() const { return replaces_allowed_ips_; }
  /// The first mistake, if one was made.
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const PeerUpdate&) const = default;

 private:
  std::string Where(std::string_view setter) const;

  wgnet::PublicKey public_key_;
  bool has_key_ = false;
  bool removes_ = false;
  std::optional<SecretKey> preshared_key_;
  std::optional<wgnet::Endpoint> endpoint_;
  std::optional<uint16_t> persistent_keepalive_;
  std::vector<AllowedIpEdit> allowed_ips_;
  bool replaces_allowed_ips_ = false;
  std::optional<Error> error_;
};

/// What becomes of a device's peers that an update does not name.
enum class UnnamedPeers : uint8_t {
  kKeep,    ///< as `wg set` and `wg addconf`
  kRemove,  ///< as `wg syncconf`
  /// As `wg setconf`: and those that are named end as new ones, without what the update does not
  /// set. One that is so already keeps its session.
  kReplace,
};

/// A change of one WireGuard device: what `wg set`, `setconf`, `addconf` and `syncconf` do. The
/// device may be anybody's, and who owns what stays as it is. A value; what is not set stays.
class DeviceUpdate {
 public:
  DeviceUpdate() = default;
  explicit DeviceUpdate(std::string_view interface) { Interface(interface); }

  DeviceUpdate& Interface(std::string_view name);
  /// A zero key: none.
  DeviceUpdate& PrivateKey(SecretKey key);
  DeviceUpdate& PrivateKey(std::string_view base64);
  /// UDP port, 0 to 65535. 0: the kernel chooses one, at once if the interface is up; but with
  /// UnnamedPeers::kRemove an interface that is up keeps the port that it has.
  DeviceUpdate& ListenPort(int port);
  /// Decimal, or a UDP service of services(5).
  DeviceUpdate& ListenPort(std::string_view port);
  /// 0 to 2^32-1. 0: none.
  DeviceUpdate& FwMark(uint32_t mark);
  /// "off" in any case, decimal, or "0x" and hexadecimal.
  DeviceUpdate& FwMark(std::string_view mark);
  /// Peers are updated in the order in which they are added.
  DeviceUpdate& AddPeer(PeerUpdate peer);
  /// Not set: UnnamedPeers::kKeep.
  DeviceUpdate& Unnamed(UnnamedPeers unnamed);

  const std::string& interface() const { return interface_; }
  const std::optional<SecretKey>& private_key() const { return private_key_; }
  const std::optional<uint16_t>& listen_port() const { return listen_port_; }
  const std::optional<uint32_t>& fwmark() const { return fwmark_; }
  const std::vector<PeerUpdate>& peers() const { return peers_; }
  UnnamedPeers unnamed() const { return unnamed_; }
  /// The first mistake of the device's own setters, if one was made.
  const std::optional<Error>& error() const { return error_; }
  /// The first mistake, of the peers too: kInvalidArgument, `where` names the setter.
  Status Check() const;

  bool operator==(const DeviceUpdate&) const = default;

 private:
  std::string Where(std::string_view setter) const;

  std::string interface_;
  std::optional<SecretKey> private_key_;
  std::optional<uint16_t> listen_port_;
  std::optional<uint32_t> fwmark_;
  std::vector<PeerUpdate> peers_;
  UnnamedPeers unnamed_ = UnnamedPeers::kKeep;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_DEVICE_UPDATE_H_
