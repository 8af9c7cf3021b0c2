// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/device_plan.h"

#include <linux/wireguard.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;
using kernel::WgDevice;
using kernel::WgPeer;

std::string WhereOf(const DeviceUpdate& update) {
  return "DeviceUpdate(" + QuoteForMessage(update.interface()) + ")";
}

std::string WhereOf(const DeviceUpdate& update, const PeerUpdate& peer) {
  return WhereOf(update) + ".PeerUpdate(\"" + peer.public_key().ToString() + "\").Endpoint";
}

Error NoDevice(const DeviceUpdate& update) {
  return {.code = ErrorCode::kNotFound,
          .message = "there is no such WireGuard interface",
          .where = WhereOf(update),
          .hint = "`wgnet show interfaces` lists those that exist",
          .error_number = ENODEV};
}

Error NoProgram(const DeviceUpdate& update) {
  return {.code = ErrorCode::kNotFound,
          .message = "no program serves the interface any more",
          .where = WhereOf(update),
          .hint = "bringing it up, or applying its node, again starts the program",
          .error_number = ECONNREFUSED};
}

const kernel::Link* FindLink(const Snapshot& snapshot, std::string_view name) {
  for (const kernel::Object& object : snapshot.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->name->view() == name) return link;
  }
  return nullptr;
}

template <class T>
bool Differs(const T& before, const T& after) {
  bool differs = false;
  netlink::ForEachRow<T>(
      [&](const auto& row) { differs = differs || netlink::IsChanged(row, before, after); });
  return differs;
}

// A peer as it was found, and as it is to be: its allowed IPs are gathered at the end.
struct PeerState {
  const WgPeer* found = nullptr;
  WgPeer wanted;
  bool present = false;
  bool removed = false;  // in between, so that nothing of it stays
  uint32_t list = 0;     // grows when all allowed IPs go
};

// Which list of which peer an allowed IP is in.
struct Holder {
  size_t peer;
  uint32_t list;
  bool operator==(const Holder&) const = default;
};

// Does to a copy of the device what the kernel would do (drivers/net/wireguard/netlink.c), in its
// order: the device's own values, then peer by peer.
class DevicePlanner {
 public:
  DevicePlanner(const DeviceUpdate& update, const Hosts& hosts, const Snapshot& snapshot,
                const kernel::Link& link)
      : update_(update), hosts_(hosts), snapshot_(snapshot), link_(link) {}

  Result<std::vector<Op>> Run() {
    Load();
    UpdateDevice();
    for (const PeerUpdate& peer : update_.peers()) WGNET_RETURN_IF_ERROR(UpdatePeer(peer));
    GatherAllowedIps();
    PushDevice();
    for (const PeerState& peer : peers_) PushPeer(peer);
    std::stable_sort(ops_.begin(), ops_.end(),
                     [](const Op& a, const Op& b) { return a.phase < b.phase; });
    return std::move(ops_);
  }

 private:
  // ---- what there is ----

  void Load() {
    std::unordered_set<PublicKey, std::hash<PublicKey>> named;
    for (const PeerUpdate& peer : update_.peers()) named.insert(peer.public_key());
    for (const kernel::Object& object : snapshot_.objects()) {
      const kernel::LinkRef* dev = kernel::LinkOf(object);
      if (dev == nullptr || dev->index != *link_.index) continue;
      if (const auto* device = std::get_if<WgDevice>(&object)) found_ = device;
      const auto* peer = std::get_if<WgPeer>(&object);
      if (peer != nullptr) LoadPeer(*peer, named.contains(*peer->public_key));
    }
    wanted_ = *found_;
  }

  void LoadPeer(const WgPeer& found, bool is_named) {
    PeerState& peer = StateOf(*found.public_key);
    peer.found = &found;
    peer.present = update_.unnamed() == UnnamedPeers::kKeep ||
                   (update_.unnamed() == UnnamedPeers::kRemove && is_named);
    if (!peer.present) return;
    peer.wanted = found;
    for (const Prefix& ip : *found.allowed_ips) holders_[ip] = HolderOf(peer);
  }

  PeerState& StateOf(const PublicKey& key) {
    const auto known = by_key_.emplace(key, peers_.size());
    if (known.second) peers_.emplace_back().wanted = NewPeer(key);
    return peers_[known.first->second];
  }

  WgPeer NewPeer(const PublicKey& key) const {
    WgPeer peer;
    peer.dev = link_.ref();
    peer.public_key = key;
    peer.preshared_key.emplace();
    peer.keepalive = 0;
    return peer;
  }

  Holder HolderOf(const PeerState& peer) const {
    return {static_cast<size_t>(&peer - peers_.data()), peer.list};
  }

  // ---- the update ----

  // wg(8) gives an interface a new port at every `syncconf` of a file without one. The others know
  // the port that it has, so it keeps that while it is up.
  bool KeepsPort() const {
    return update_.listen_port() == uint16_t{0} && update_.unnamed() == UnnamedPeers::kRemove &&
           link_.up.value_or(false);
  }

  void UpdateDevice() {
    if (update_.listen_port() && !KeepsPort()) wanted_.listen_port = update_.listen_port();
    if (update_.fwmark()) wanted_.fwmark = update_.fwmark();
    if (update_.private_key()) wanted_.private_key = update_.private_key()->Clamped();
    if (wanted_.private_key->is_zero()) return;
    own_key_ = wanted_.private_key == found_->private_key ? found_->public_key
                                                          : wanted_.private_key->Public();
    if (by_key_.contains(*own_key_)) Remove(StateOf(*own_key_));
  }

  static void Remove(PeerState& peer) {
    peer.removed = peer.removed || peer.present;
    peer.present = false;
    ++peer.list;
  }

  Status UpdatePeer(const PeerUpdate& update) {
    if (update.public_key() == own_key_) return {};  // the kernel passes over it
    PeerState& peer = StateOf(update.public_key());
    if (update.removes()) {
      Remove(peer);
      return {};
    }
    if (!peer.present) peer.wanted = NewPeer(update.public_key());
    peer.present = true;
    if (update.preshared_key()) peer.wanted.preshared_key = update.preshared_key();
    if (update.persistent_keepalive()) peer.wanted.keepalive = update.persistent_keepalive();
    UpdateAllowedIps(update, peer);
    return update.endpoint() ? UpdateEndpoint(update, peer) : Status();
  }

  Status UpdateEndpoint(const PeerUpdate& update, PeerState& peer) {
    const HostAnswer& host = *AnswerFor(*update.endpoint(), hosts_);
    auto address = AddressOf(*update.endpoint(), host.addresses.front(),
                             [&](std::string_view name) -> std::optional<uint32_t> {
                               const kernel::Link* link = FindLink(snapshot_, name);
                               return link != nullptr ? link->index : std::nullopt;
                             });
    if (!address) {
      address.error().where = WhereOf(update_, update);
      return address.error();
    }
    peer.wanted.endpoint = *address;
    return {};
  }

  void UpdateAllowedIps(const PeerUpdate& update, PeerState& peer) {
    if (update.replaces_allowed_ips()) ++peer.list;
    for (const AllowedIpEdit& edit : update.allowed_ips()) {
      if (!edit.remove) {
        holders_[edit.prefix] = HolderOf(peer);
      } else if (const auto held = holders_.find(edit.prefix);
                 held != holders_.end() && held->second == HolderOf(peer)) {
        holders_.erase(held);
      }
    }
  }

  void GatherAllowedIps() {
    for (PeerState& peer : peers_) peer.wanted.allowed_ips.emplace();
    for (const auto& [ip, holder] : holders_) {
      PeerState& peer = peers_[holder.peer];
      if (holder.list == peer.list) peer.wanted.allowed_ips->push_back(ip);
    }
    for (PeerState& peer : peers_) kernel::NormalizeAllowedIps(*peer.wanted.allowed_ips);
  }

  // ---- the ops ----

  void Push(Verb verb, kernel::Object object, Phase phase) {
    ops_.push_back({.verb = verb, .object = std::move(object), .phase = phase});
  }

  template <class T>
  void PushChange(const T& before, const T& after, Phase phase) {
    if (!Differs(before, after)) return;
    ops_.push_back({.verb = Verb::kChange, .object = after, .before = before, .phase = phase});
  }

  // A new private key ends all sessions.
  void PushDevice() {
    WgDevice set = wanted_;
    set.private_key = found_->private_key;
    PushChange(*found_, set, Phase::kDevice);
    PushChange(set, wanted_, Phase::kRekey);
  }

  void PushPeer(const PeerState& peer) {
    if (peer.found == nullptr) {
      const bool kept_out = peer.wanted.public_key == found_->public_key;
      if (peer.present) Push(Verb::kAdd, peer.wanted, kept_out ? Phase::kRekey : Phase::kPeer);
    } else if (!peer.present) {
      Push(Verb::kDelete, *peer.found, Phase::kPeerRemoval);
    } else if (peer.removed || (peer.found->endpoint && !peer.wanted.endpoint)) {
      Push(Verb::kDelete, *peer.found, Phase::kPeerRemoval);
      Push(Verb::kAdd, peer.wanted, Phase::kPeerRemoval);
    } else {
      PushChange(*peer.found, peer.wanted, Phase::kPeer);
    }
  }

  const DeviceUpdate& update_;
  const Hosts& hosts_;
  const Snapshot& snapshot_;
  const kernel::Link& link_;
  const WgDevice* found_ = nullptr;
  WgDevice wanted_;
  std::optional<PublicKey> own_key_;
  std::vector<PeerState> peers_;
  std::unordered_map<PublicKey, size_t, std::hash<PublicKey>> by_key_;
  std::unordered_map<Prefix, Holder, std::hash<Prefix>> holders_;
  std::vector<Op> ops_;
};

}  // namespace

Result<Hosts> ResolveHosts(const DeviceUpdate& update, const LookUpOptions& options) {
  std::set<std::string> names;
  for (const PeerUpdate& peer : update.peers()) {
    if (peer.endpoint()) names.insert(HostOf(*peer.endpoint()));
  }
  Hosts hosts = LookUp(names, options);
  for (const PeerUpdate& peer : update.peers()) {
    if (!peer.endpoint()) continue;
    const HostAnswer& answer = *AnswerFor(*peer.endpoint(), hosts);
    if (answer.kind == HostAnswer::Kind::kFound) continue;
    return Unresolved(*peer.endpoint(), answer, WhereOf(update, peer));
  }
  return hosts;
}

Result<uint32_t> FindDevice(const DeviceUpdate& update, const Snapshot& links) {
  const kernel::Link* link = FindLink(links, update.interface());
  if (link != nullptr && link->kind && link->kind->view() == WG_GENL_NAME) return *link->index;
  return NoDevice(update);
}

bool LacksDevice(const kernel::Link& link, const Snapshot& snapshot) {
  WgDevice key;
  key.dev = link.ref();
  return link.kind && link.kind->view() == WG_GENL_NAME && snapshot.Find(key) == nullptr;
}

Result<std::vector<Op>> PlanDevice(const DeviceUpdate& update, const Hosts& hosts,
                                   const Snapshot& snapshot) {
  const kernel::Link* link = FindLink(snapshot, update.interface());
  WgDevice key;
  if (link != nullptr) key.dev = link->ref();
  if (link != nullptr && LacksDevice(*link, snapshot)) return NoProgram(update);
  if (link == nullptr || snapshot.Find(key) == nullptr) return NoDevice(update);
  return DevicePlanner(update, hosts, snapshot, *link).Run();
}

}  // namespace wgnet::plan
