// SPDX-License-Identifier: MIT OR Apache-2.0
// Which peers are up, and where they are.
#ifndef WGNET_PLAN_PEER_WATCH_H_
#define WGNET_PLAN_PEER_WATCH_H_

#include <chrono>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "src/plan/drift.h"
#include "wgnet/watch.h"

namespace wgnet::plan {

class PeerWatch {
 public:
  explicit PeerWatch(std::chrono::seconds timeout) : timeout_(timeout) {}

  /// All peers of the record that the kernel has, as they were read at `now`. `wall` is the clock
  /// of handshakes: it tells the age of the first one only, since somebody may set it.
  void See(std::span<const SeenPeer> peers, Moment now, std::chrono::system_clock::time_point wall,
           std::vector<Event>& events);

 private:
  struct Known {
    std::string interface;
    std::optional<kernel::SocketAddress> endpoint;
    kernel::HandshakeTime handshake;
    Moment heard;  // when the handshake was; of no meaning before the first
    bool up = false;
    bool seen = false;  // in the round that runs
  };
  using Key = std::pair<uint32_t, PublicKey>;

  void SeeOne(const SeenPeer& peer, bool fresh, Moment now,
              std::chrono::system_clock::time_point wall, Known& known,
              std::vector<Event>& events) const;
  static Event EventOf(Event::Kind kind, const PublicKey& peer, const Known& known);

  std::chrono::seconds timeout_;
  std::map<Key, Known> known_;
  Moment last_round_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PEER_WATCH_H_
