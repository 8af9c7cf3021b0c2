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
    if (peer.peer.public_key() == PublicKey()) {
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

Status CheckClaims(const Draft& draft) {
  std::unordered_map<Prefix, const PeerDraft*, std::hash<Prefix>> claims;
  for (const PeerDraft& peer : draft.peers) {
    for (const auto& [prefix, place] : peer.allowed_ips) {
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
      if (known.insert(allowed_ip.value).second) peer.peer.AllowedIp(allowed_ip.value);
    }
    draft.meaning.interface.AddPeer(std::move(peer.peer));
  }
}

}  // namespace

Result<Meaning> FinishDraft(Draft& draft) {
  WGNET_RETURN_IF_ERROR(CheckKeys(draft));
  WGNET_RETURN_IF_ERROR(CheckMtu(draft));
  MergePeers(draft);
  DropOwnPeer(draft);
  WGNET_RETURN_IF_ERROR(CheckClaims(draft));
  AddAddresses(draft);
  AddPeers(draft);
  if (draft.mtu) draft.meaning.interface.Mtu(draft.mtu->value);
  if (draft.table) draft.meaning.interface.Table(*draft.table);
  return std::move(draft.meaning);
}

}  // namespace wgnet::conf
