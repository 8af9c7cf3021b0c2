// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/peer_watch.h"

#include <algorithm>

namespace wgnet::plan {
namespace {

std::optional<Endpoint> EndpointOf(const std::optional<kernel::SocketAddress>& address) {
  if (!address) return std::nullopt;
  auto endpoint = Endpoint::Parse(kernel::SocketAddressWire::Text(*address));
  return endpoint ? std::optional(*std::move(endpoint)) : std::nullopt;
}

// How long ago the handshake was, at least none and at most `most`.
BootClock::duration AgeOf(const kernel::HandshakeTime& handshake,
                          std::chrono::system_clock::time_point wall, BootClock::duration most) {
  const BootClock::duration age =
      wall.time_since_epoch() -
      (std::chrono::seconds(handshake.seconds) + std::chrono::nanoseconds(handshake.nanoseconds));
  return std::clamp(age, BootClock::duration::zero(), most);
}

}  // namespace

Event PeerWatch::EventOf(Event::Kind kind, const PublicKey& peer, const Known& known) {
  Event event;
  event.kind = kind;
  event.interface = known.interface;
  event.peer = peer;
  event.endpoint = EndpointOf(known.endpoint);
  return event;
}

void PeerWatch::SeeOne(const SeenPeer& peer, bool fresh, Moment now,
                       std::chrono::system_clock::time_point wall, Known& known,
                       std::vector<Event>& events) const {
  const PublicKey& key = *peer.recorded->public_key;
  if (peer.last_handshake != known.handshake) {
    const auto most = fresh ? now.time_since_epoch() : now - last_round_;
    known.heard = now - AgeOf(peer.last_handshake, wall, most);
    known.handshake = peer.last_handshake;
  }
  Known next = known;
  next.endpoint = peer.endpoint;
  next.up = known.handshake.seconds != 0 && now - known.heard < timeout_;
  // Where memory runs out in between, the next look tells it again.
  if (!fresh && known.endpoint && next.endpoint && *known.endpoint != *next.endpoint) {
    events.push_back(EventOf(Event::Kind::kPeerMoved, key, next));
    events.back().previous = EndpointOf(known.endpoint);
  }
  known.endpoint = next.endpoint;
  if (next.up == known.up) return;
  events.push_back(EventOf(next.up ? Event::Kind::kPeerUp : Event::Kind::kPeerDown, key, next));
  known.up = next.up;
}

void PeerWatch::See(std::span<const SeenPeer> peers, Moment now,
                    std::chrono::system_clock::time_point wall, std::vector<Event>& events) {
  for (auto& [key, known] : known_) known.seen = false;
  for (const SeenPeer& peer : peers) {
    const kernel::LinkRef& dev = *peer.recorded->dev;
    const auto [entry, fresh] = known_.try_emplace({dev.index, *peer.recorded->public_key});
    Known& known = entry->second;
    known.interface = dev.name.str();
    known.seen = true;
    SeeOne(peer, fresh, now, wall, known, events);
  }
  for (auto next = known_.begin(); next != known_.end();) {
    const auto& [key, known] = *next;
    if (!known.seen && known.up) {
      events.push_back(EventOf(Event::Kind::kPeerDown, key.second, known));
    }
    next = known.seen ? std::next(next) : known_.erase(next);
  }
  last_round_ = now;
}

}  // namespace wgnet::plan
