// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_SNAPSHOT_H_
#define WGNET_SNAPSHOT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wgnet/confirm.h"
#include "wgnet/key.h"
#include "wgnet/types.h"

namespace wgnet {

/// A peer as the kernel has it: what wg(8) shows.
struct PeerStatus {
  PublicKey public_key;
  SecretKey preshared_key;             ///< zero: none
  std::optional<Endpoint> endpoint;    ///< where the peer was last heard, or will be tried
  std::vector<Prefix> allowed_ips;     ///< in the kernel's order
  int64_t last_handshake_seconds = 0;  ///< since 1970; 0: never
  int64_t last_handshake_nanoseconds = 0;
  uint64_t rx_bytes = 0;
  uint64_t tx_bytes = 0;
  uint16_t persistent_keepalive = 0;  ///< seconds; 0: off
  bool operator==(const PeerStatus&) const = default;
};

/// A WireGuard interface as the kernel has it, anybody's.
struct DeviceStatus {
  std::string name;
  SecretKey private_key;  ///< zero: none
  PublicKey public_key;   ///< zero: none
  uint16_t listen_port = 0;
  uint32_t fwmark = 0;            ///< 0: none
  uint32_t mtu = 0;               ///< bytes
  std::vector<Prefix> addresses;  ///< in the kernel's order
  std::vector<PeerStatus> peers;  ///< in the order of their making
  bool operator==(const DeviceStatus&) const = default;
};

/// What an owner has.
struct OwnerStatus {
  std::string owner;
  std::vector<std::string> interfaces;
  size_t objects = 0;  ///< kernel objects on record
  size_t missing = 0;  ///< of those, how many the kernel does not have any more
  bool operator==(const OwnerStatus&) const = default;
};

/// The state of one network namespace at one moment: a value.
struct Snapshot {
  std::vector<DeviceStatus> devices;  ///< by the number of their links
  std::vector<OwnerStatus> owners;    ///< by name
  /// WireGuard interfaces without a device: the program that served them has ended. Their links,
  /// addresses and routes stand; applying the owner's node again starts the program.
  std::vector<std::string> unserved;

  std::optional<PendingChange> pending;  ///< a change that waits to be confirmed

  /// A document of schema "wgnet/1".
  std::string ToJson(Secrets secrets = Secrets::kHide) const;
};

}  // namespace wgnet

#endif  // WGNET_SNAPSHOT_H_
