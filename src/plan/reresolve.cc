// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/reresolve.h"

#include <algorithm>
#include <map>

#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::plan {
namespace {

using kernel::SocketAddress;
using kernel::WgPeer;

std::string WhereOf(const Reresolve::Peer& peer) {
  return "Interface(" + QuoteForMessage(peer.interface) + ").Peer(\"" + peer.public_key.ToString() +
         "\").Endpoint";
}

template <class T>
const T* Find(const Snapshot& snapshot, const T& key) {
  const kernel::Object* found = snapshot.Find(key);
  return found != nullptr ? std::get_if<T>(found) : nullptr;
}

const kernel::Link* FindLink(const Snapshot& snapshot, std::string_view name) {
  for (const kernel::Object& object : snapshot.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->name->view() == name) return link;
  }
  return nullptr;
}

bool IsSilent(const WgPeer& peer, std::chrono::seconds older_than,
              std::chrono::system_clock::time_point now) {
  const int64_t last = peer.last_handshake ? peer.last_handshake->seconds : 0;
  return last == 0 ||
         now - std::chrono::system_clock::time_point(std::chrono::seconds(last)) > older_than;
}

// Whether the endpoint in use was tried, and gave nothing. A peer without keepalive may just have
// had nothing to say.
bool IsTriedInVain(const WgPeer& peer) {
  const bool never_heard = !peer.last_handshake || peer.last_handshake->seconds == 0;
  return peer.tx_bytes.value_or(0) > 0 && (never_heard || peer.keepalive.value_or(0) > 0);
}

Result<std::vector<SocketAddress>> EndpointsOf(const SilentPeer& peer, const HostAnswer& answer,
                                               const Snapshot& snapshot, Paths& paths) {
  const uint32_t mark = peer.device->fwmark.value_or(0);
  WGNET_ASSIGN_OR_RETURN(const auto reachable, paths.Reachable(answer.addresses, mark));
  const auto find_link = [&](std::string_view name) -> std::optional<uint32_t> {
    const kernel::Link* link = FindLink(snapshot, name);
    return link != nullptr ? link->index : std::nullopt;
  };
  std::vector<SocketAddress> endpoints;
  for (const IpAddress& address : reachable) {
    WGNET_ASSIGN_OR_RETURN(endpoints.emplace_back(),
                           AddressOf(peer.wanted->endpoint, address, find_link));
  }
  return endpoints;
}

}  // namespace

std::vector<uint32_t> LinksOf(const Reresolve& reresolve, const Snapshot& links) {
  std::vector<uint32_t> found;
  for (const Reresolve::Peer& peer : reresolve.peers) {
    if (const kernel::Link* link = FindLink(links, peer.interface)) AddOnce(found, *link->index);
  }
  return found;
}

std::vector<SilentPeer> FindSilent(const Reresolve& reresolve, const Snapshot& snapshot,
                                   std::chrono::system_clock::time_point now) {
  std::vector<SilentPeer> silent;
  for (const Reresolve::Peer& wanted : reresolve.peers) {
    const kernel::Link* link = FindLink(snapshot, wanted.interface);
    if (link == nullptr || !HasName(wanted.endpoint)) continue;
    WgPeer key;
    key.dev = link->ref();
    key.public_key = wanted.public_key;
    kernel::WgDevice device;
    device.dev = link->ref();
    const WgPeer* found = Find(snapshot, key);
    if (found == nullptr || !IsSilent(*found, reresolve.older_than, now)) continue;
    silent.push_back({&wanted, found, Find(snapshot, device)});
  }
  return silent;
}

Hosts ResolveHosts(std::span<const SilentPeer> peers, const LookUpOptions& options) {
  std::set<std::string> names;
  for (const SilentPeer& peer : peers) names.insert(HostOf(peer.wanted->endpoint));
  return LookUp(names, options);
}

std::optional<SocketAddress> NextEndpoint(const WgPeer& found,
                                          std::span<const SocketAddress> endpoints) {
  const auto used = std::find(endpoints.begin(), endpoints.end(), found.endpoint);
  if (used == endpoints.end()) return endpoints.front();
  if (!IsTriedInVain(found)) return std::nullopt;
  // By address: name servers shuffle their answers, and each is to have its turn.
  std::optional<SocketAddress> first, next;
  for (const SocketAddress& each : endpoints) {
    if (!first || each.address < first->address) first = each;
    const bool later = used->address < each.address;
    if (later && (!next || each.address < next->address)) next = each;
  }
  const auto chosen = next ? next : first;
  return chosen == found.endpoint ? std::nullopt : chosen;
}

Result<Reresolution> PlanReresolve(std::span<const SilentPeer> peers, const Hosts& hosts,
                                   const Snapshot& snapshot, Paths& paths) {
  Reresolution plan;
  for (const SilentPeer& peer : peers) {
    const HostAnswer* answer = AnswerFor(peer.wanted->endpoint, hosts);
    if (answer == nullptr) continue;  // it was not silent when names were looked up
    if (answer->kind != HostAnswer::Kind::kFound) {
      plan.warnings.push_back(
          UnresolvedWarning(Unresolved(peer.wanted->endpoint, *answer, WhereOf(*peer.wanted))));
      continue;
    }
    const auto endpoints = EndpointsOf(peer, *answer, snapshot, paths);
    if (!endpoints) {
      plan.warnings.push_back(WhereOf(*peer.wanted) + ": " + endpoints.error().message);
      continue;
    }
    const auto next = NextEndpoint(*peer.found, *endpoints);
    if (!next) continue;
    WgPeer after = *peer.found;
    after.endpoint = next;
    plan.ops.push_back({.verb = kernel::Verb::kChange,
                        .object = after,
                        .before = *peer.found,
                        .phase = Phase::kPeer});
    plan.names.push_back(
        {after.dev->index, peer.wanted->public_key, peer.wanted->endpoint.ToString()});
  }
  return plan;
}

void NoteEndpoints(const Reresolution& done, Record& record) {
  std::map<std::pair<uint32_t, PublicKey>, size_t> given;
  for (size_t i = 0; i < done.ops.size(); ++i) {
    given[{done.names[i].link, done.names[i].peer}] = i;
  }
  for (kernel::Object& object : record.objects) {
    auto* peer = std::get_if<WgPeer>(&object);
    if (peer == nullptr) continue;
    const auto found = given.find({peer->dev->index, *peer->public_key});
    if (found == given.end()) continue;
    const EndpointName& name = done.names[found->second];
    peer->endpoint = std::get_if<WgPeer>(&done.ops[found->second].object)->endpoint;
    std::erase_if(record.names, [&](const EndpointName& known) {
      return known.link == name.link && known.peer == name.peer;
    });
    record.names.push_back(name);
  }
}

}  // namespace wgnet::plan
