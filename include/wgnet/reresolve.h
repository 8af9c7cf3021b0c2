// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_RERESOLVE_H_
#define WGNET_RERESOLVE_H_

#include <chrono>
#include <string>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"
#include "wgnet/node.h"
#include "wgnet/types.h"

namespace wgnet {

/// Endpoints by name, to be looked up again for those peers that are silent: what the
/// reresolve-dns.sh of wireguard-tools does. A timer calls Session::Apply with it, every half
/// minute say.
///
/// A silent peer gets a new endpoint when its name no longer has the address that it uses, and, if
/// it has several, the next of them when the one in use was tried in vain: it never gave a
/// handshake, or none lately in spite of a persistent keepalive. Nothing else of the peer changes,
/// and no other peer does. Endpoints that are addresses, and peers that the interface does not
/// have, are passed over; a name that does not resolve is a warning.
struct Reresolve {
  struct Peer {
    std::string interface;
    PublicKey public_key;
    Endpoint endpoint;
  };
  std::vector<Peer> peers;
  /// A peer is silent if its last handshake is older. A live one has a handshake every two minutes
  /// (REKEY_AFTER_TIME), and a try takes seconds.
  std::chrono::seconds older_than{135};

  /// All peers of a node that have an endpoint.
  static Reresolve Of(const Node& node);
};

}  // namespace wgnet

#endif  // WGNET_RERESOLVE_H_
