// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/finish.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "src/base/mtu.h"
#include "src/base/try.h"

namespace wgnet::conf {
namespace {

using Place = ConfFile::Place;
using PrefixSet = std::unordered_set<Prefix, std::hash<Prefix>>;

Status CheckKeys(const Draft& draft) {
  for (const PeerDraft& peer : draft.peers) {
    if (!peer.has_key) {
      return draft.report.At(peer.header, "the peer has no PublicKey",
                             "a peer is known by its key: add PublicKey = KEY");
    }
  }
  return {};
}

// What the kernel makes of two updates of one peer, one after the other.
void Merge(PeerDraft& peer, PeerDraft& update) {
  if (auto& key = update.peer.preshared_key()) peer.peer.PresharedKey(*key);
  if (auto& endpoint = update.peer.endpoint()) peer.peer.Endpoint(*endpoint);
  if (auto& seconds = update.peer.persistent_keepalive()) peer.peer.PersistentKeepalive(*seconds);
  if (update.replaces) peer.allowed_ips.clear();
  peer.allowed_ips.insert(peer.allowed_ips.end(), update.allowed_ips.begin(),
                          update.allowed_ips.end());
}

void MergePeers(Draft& draft) {
  std::unordered_map<PublicKey, size_t, std::hash<PublicKey>> known;
  std::vector<PeerDraft> merged;
  for (PeerDraft& peer : draft.peers) {
    const auto [entry, fresh] = known.emplace(peer.peer.public_key(), merged.size());
    if (fresh) {
      merged.push_back(std::move(peer));
      continue;
    }
    PeerDraft& first = merged[entry->second];
    draft.report.Warn(peer.header,
                      fmt::format("the peer of line {} stands here again{}", first.header.line,
                                  peer.replaces && !first.allowed_ips.empty()
                                      ? ", and its AllowedIPs there do not hold"
                                      : ""));
    Merge(first, peer);
  }
  draft.peers = std::move(merged);
}

// The kernel passes over a peer with the interface's own key, so that all members of a mesh can
// share one list of peers.
void DropOwnPeer(Draft& draft) {
  const auto& key = draft.meaning.interface.private_key();
  if (!key || key->is_zero()) return;
  const PublicKey own = key->Public();
  std::erase_if(draft.peers, [&](const PeerDraft& peer) {
    const bool is_own = peer.peer.public_key() == own;
    if (is_own) {
      draft.report.Warn(peer.header, "the peer is this interface itself, and is passed over");
    }
    return is_own;
  });
}

// What wg(8) takes, but no peer of a node can be.
Status CheckPeers(const Draft& draft) {
  for (const PeerDraft& peer : draft.peers) {
    if (peer.peer.public_key() == PublicKey()) {
      return draft.report.At(peer.header, "the peer's key is all zero",
                             "`wg pubkey` prints a public key");
    }
    for (const auto& allowed_ip : peer.allowed_ips) {
      if (!allowed_ip.value.remove) continue;
      Error error = CannotTakeAway();
      return draft.report.At(allowed_ip.place, "AllowedIPs: " + error.message, error.hint);
    }
  }
  return {};
}

Status CheckClaims(const Draft& draft) {
  std::unordered_map<Prefix, const PeerDraft*, std::hash<Prefix>> claims;
  for (const PeerDraft& peer : draft.peers) {
    for (const auto& [edit, place] : peer.allowed_ips) {
      const Prefix& prefix = edit.prefix;
      const auto [claim, fresh] = claims.emplace(prefix, &peer);
      if (fresh || claim->second == &peer) continue;
      return draft.report.At(place,
                             fmt::format("AllowedIPs: {} belongs to the peer of line {} already",
                                         prefix.ToString(), claim->second->header.line),
                             "WireGuard sends a prefix to one peer only: take it from one of them");
    }
  }
  return {};
}

Status CheckMtu(const Draft& draft) {
  const bool has_v6 = std::any_of(draft.addresses.begin(), draft.addresses.end(),
                                  [](const auto& address) { return address.value.is_v6(); });
  if (!has_v6 || !draft.mtu || draft.mtu->value >= kIpv6MinimumMtu) return {};
  return draft.report.At(draft.mtu->place,
                         "MTU: under 1280 takes all IPv6 addresses from the interface",
                         "write at least 1280, or leave the IPv6 addresses out");
}

void AddAddresses(Draft& draft) {
  PrefixSet known;
  for (const auto& [address, place] : draft.addresses) {
    if (known.insert(address).second) {
      draft.meaning.interface.Address(address);
    } else {
      draft.report.Warn(place, fmt::format("Address: {} stands twice", address.ToString()));
    }
  }
}

void AddPeers(Draft& draft) {
  for (PeerDraft& peer : draft.peers) {
    PrefixSet known;
    for (const auto& allowed_ip : peer.allowed_ips) {
      const Prefix& prefix = allowed_ip.value.prefix;
      if (known.insert(prefix).second) peer.peer.AllowedIp(prefix);
    }
    draft.meaning.interface.AddPeer(std::move(peer.peer));
  }
}

PeerUpdate UpdateOf(const PeerDraft& peer) {
  PeerUpdate update(peer.peer.public_key());
  if (const auto& key = peer.peer.preshared_key()) update.PresharedKey(*key);
  if (const auto& endpoint = peer.peer.endpoint()) update.Endpoint(*endpoint);
  if (const auto& seconds = peer.peer.persistent_keepalive()) update.PersistentKeepalive(*seconds);
  update.ReplaceAllowedIps(peer.replaces);
  for (const auto& allowed_ip : peer.allowed_ips) {
    const auto& [prefix, remove] = allowed_ip.value;
    remove ? update.RemoveAllowedIp(prefix) : update.AllowedIp(prefix);
  }
  return update;
}

}  // namespace

Error CannotTakeAway() {
  return {.message = "a prefix cannot be taken away in a file",
          .hint = "a file says what there is: leave the prefix out"};
}

Result<Meaning> FinishDraft(Draft& draft) {
  WGNET_RETURN_IF_ERROR(CheckKeys(draft));
  WGNET_RETURN_IF_ERROR(CheckMtu(draft));
  for (const PeerDraft& peer : draft.peers) draft.meaning.peers.push_back(UpdateOf(peer));
  MergePeers(draft);
  DropOwnPeer(draft);
  Status sound = CheckPeers(draft);
  if (sound) sound = CheckClaims(draft);
  if (!sound && draft.grammar == ConfFile::Grammar::kWgQuick) return sound.error();
  if (!sound) draft.meaning.no_node = sound.error();
  AddAddresses(draft);
  AddPeers(draft);
  if (draft.mtu) draft.meaning.interface.Mtu(draft.mtu->value);
  if (draft.table) draft.meaning.interface.Table(*draft.table);
  return std::move(draft.meaning);
}

}  // namespace wgnet::conf
