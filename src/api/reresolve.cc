// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/reresolve.h"

namespace wgnet {

Reresolve Reresolve::Of(const Node& node) {
  Reresolve all;
  for (const Interface& interface : node.interfaces()) {
    for (const wgnet::Peer& peer : interface.peers()) {
      if (!peer.endpoint()) continue;
      all.peers.push_back({interface.name(), peer.public_key(), *peer.endpoint()});
    }
  }
  return all;
}

}  // namespace wgnet
