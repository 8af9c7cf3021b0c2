// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/wg_peer.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <iterator>

namespace wgnet::kernel {
namespace {

using netlink::MessageWriter;

// An attribute's length has 16 bits; a little room is left for what ends the last peer.
constexpr size_t kMostNest = 65000;
constexpr size_t kMostIpsPerPart = 512;  // 20 KiB of IPv6

// Takes an allowed IP from another peer, and goes with it. Nobody has its private key.
WgPeer ThrowAwayPeer() {
  static constexpr char kKey[] = "wgnet: takes an allowed IP, goes";
  static_assert(sizeof kKey == PublicKey::kSize + 1);
  WgPeer peer;
  peer.public_key = PublicKey(std::span<const uint8_t, PublicKey::kSize>(
      reinterpret_cast<const uint8_t*>(kKey), PublicKey::kSize));
  return peer;
}

void PutPeer(const WgPeer& peer, uint32_t flags, MessageWriter& out) {
  out.Nest(0, [&] {
    netlink::EncodeAttributes(peer, out, [](const auto&) { return true; });
    if (flags != 0) out.Put(WGPEER_A_FLAGS, flags);
  });
}

// Begins a SET_DEVICE message in which `body` puts peers.
template <class Body>
void PutPeers(const LinkRef& dev, const EncodeContext& context, MessageWriter& out, Body&& body) {
  WgDevice device;
  device.dev = dev;
  out.Begin(context.wireguard_family, 0, kSetDevice);
  netlink::EncodeAttributes(device, out, [](const auto&) { return true; });
  out.Nest(WGDEVICE_A_PEERS, body);
}

// The allowed IPs that an edit adds, those that it takes away from all peers, and those that its
// peer hands to another.
struct IpChanges {
  struct Handover {
    PublicKey to;
    std::vector<Prefix> ips;
  };
  std::vector<Prefix> added;
  std::vector<Prefix> removed;
  std::vector<Handover> handed;
};

IpChanges ChangesOf(const Edit<WgPeer>& edit) {
  IpChanges changes;
  const std::vector<Prefix> none;
  const auto& after = edit.object.allowed_ips ? *edit.object.allowed_ips : none;
  switch (edit.verb) {
    case Verb::kAdd:
      changes.added = after;
      break;
    case Verb::kChange: {
      if (!edit.object.allowed_ips) break;
      const auto& before = edit.before.allowed_ips ? *edit.before.allowed_ips : none;
      std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                          std::back_inserter(changes.added));
      std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                          std::back_inserter(changes.removed));
      break;
    }
    case Verb::kDelete:
      changes.removed = after;
      break;
  }
  return changes;
}

// What one peer's nest, or for kTakeAway two nests, says of one edit.
struct Part {
  enum Kind : uint8_t { kFirst, kMoreIps, kTakeAway, kHandOver } kind;
  size_t edit;
  std::span<const Prefix> ips;
  const PublicKey* to;  // of kHandOver
};

class PeerPacker {
 public:
  PeerPacker(std::span<const Edit<WgPeer>> edits, Packing packing, const EncodeContext& context,
             GivenIps& given, MessageWriter& out)
      : edits_(edits), packing_(packing), context_(context), given_(given), out_(out) {
    for (const auto& edit : edits) {
      changes_.push_back(ChangesOf(edit));
      for (const Prefix& ip : changes_.back().added) {
        given_[{edit.object.dev->index, ip}] = *edit.object.public_key;
      }
    }
    for (size_t i = 0; i < edits.size(); ++i) {
      SortRemoved(edits[i], changes_[i]);
      Split(i);
    }
  }

  std::vector<PeerMessages> Pack() {
    std::vector<PeerMessages> places(edits_.size());
    for (size_t next = 0; next < parts_.size() && out_.ok();) {
      const size_t first = next;
      const size_t begin = out_.size();
      next = PackMessage(first);
      for (size_t i = first; i < next; ++i) {
        PeerMessages& place = places[parts_[i].edit];
        if (parts_[i].kind == Part::kFirst) {
          place.first = out_.message_sequence();
          place.begin = begin;
        }
        place.last = out_.message_sequence();
        place.last_message = begin;
        place.end = out_.size();
      }
    }
    return places;
  }

 private:
  // Giving an IP to another peer moves it; what a peer has goes with it.
  void SortRemoved(const Edit<WgPeer>& edit, IpChanges& change) {
    std::erase_if(change.removed, [&](const Prefix& ip) {
      const auto found = given_.find({edit.object.dev->index, ip});
      if (found == given_.end()) return edit.verb == Verb::kDelete;
      if (packing_ == Packing::kApart) HandOver(found->second, ip, change);
      return true;
    });
  }

  static void HandOver(const PublicKey& to, const Prefix& ip, IpChanges& change) {
    if (change.handed.empty() || change.handed.back().to != to) change.handed.push_back({to, {}});
    change.handed.back().ips.push_back(ip);
  }

  void Split(size_t edit) {
    const IpChanges& change = changes_[edit];
    SplitIps(Part::kFirst, Part::kMoreIps, edit, change.added);
    if (!change.removed.empty()) {
      SplitIps(Part::kTakeAway, Part::kTakeAway, edit, change.removed);
    }
    for (const auto& handover : change.handed) {
      SplitIps(Part::kHandOver, Part::kHandOver, edit, handover.ips, &handover.to);
    }
  }

  void SplitIps(Part::Kind first, Part::Kind more, size_t edit, std::span<const Prefix> ips,
                const PublicKey* to = nullptr) {
    Part::Kind kind = first;
    do {
      const size_t taken = std::min(kMostIpsPerPart, ips.size());
      parts_.push_back({kind, edit, ips.first(taken), to});
      ips = ips.subspan(taken);
      kind = more;
    } while (!ips.empty());
  }

  // Writes parts from `next` on until the nest is full; returns the first that is left.
  size_t PackMessage(size_t next) {
    const LinkRef& dev = *edits_[parts_[next].edit].object.dev;
    const size_t first = next;
    PutPeers(dev, context_, out_, [&] {
      if (packing_ == Packing::kApart && edits_[parts_[next].edit].verb == Verb::kChange) {
        PutPeer(ThrowAwayPeer(), WGPEER_F_REMOVE_ME, out_);
      }
      const size_t start = out_.size();
      while (next < parts_.size() && *edits_[parts_[next].edit].object.dev == dev) {
        if (packing_ == Packing::kApart && parts_[next].edit != parts_[first].edit) break;
        const size_t mark = out_.size();
        PutPart(parts_[next]);
        if (out_.size() - start > kMostNest && next > first) {
          out_.Truncate(mark);
          break;
        }
        ++next;
      }
    });
    return next;
  }

  void PutPart(const Part& part) {
    const Verb verb = edits_[part.edit].verb;
    WgPeer peer = PeerOf(part);
    if (!part.ips.empty()) peer.allowed_ips.emplace(part.ips.begin(), part.ips.end());
    switch (part.kind) {
      case Part::kTakeAway:
        PutPeer(peer, 0, out_);
        PutPeer(ThrowAwayPeer(), WGPEER_F_REMOVE_ME, out_);
        break;
      case Part::kMoreIps:
      case Part::kHandOver:
        PutPeer(peer, WGPEER_F_UPDATE_ONLY, out_);
        break;
      case Part::kFirst:
        PutPeer(peer,
                verb == Verb::kDelete   ? WGPEER_F_REMOVE_ME
                : verb == Verb::kChange ? WGPEER_F_UPDATE_ONLY
                                        : 0,
                out_);
    }
  }

  // The peer that a part is about, without IPs; but in the first part, by its key alone.
  WgPeer PeerOf(const Part& part) const {
    if (part.kind == Part::kTakeAway) return ThrowAwayPeer();
    const Edit<WgPeer>& edit = edits_[part.edit];
    const auto wanted = WantedRows(edit);
    WgPeer peer;
    netlink::ForEachRow<WgPeer>([&](const auto& row) {
      const bool key = row.role == netlink::Role::kKey;
      if (key || (part.kind == Part::kFirst && wanted(row))) {
        peer.*row.member = edit.object.*row.member;
      }
    });
    if (part.kind == Part::kHandOver) peer.public_key = *part.to;
    peer.allowed_ips.reset();
    return peer;
  }

  std::span<const Edit<WgPeer>> edits_;
  const Packing packing_;
  const EncodeContext& context_;
  GivenIps& given_;
  MessageWriter& out_;
  std::vector<IpChanges> changes_;
  std::vector<Part> parts_;
};

}  // namespace

void SocketAddressWire::Put(MessageWriter& out, uint16_t attribute, const SocketAddress& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.scope_id;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&v6.sin6_addr));
    out.Put(attribute, &v6, sizeof v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&v4.sin_addr));
    out.Put(attribute, &v4, sizeof v4);
  }
}

bool SocketAddressWire::Get(netlink::Bytes payload, SocketAddress& endpoint) {
  sockaddr_in v4;
  sockaddr_in6 v6;
  if (netlink::ReadExact(payload, v4) && v4.sin_family == AF_INET) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&v4.sin_addr);
    endpoint = {IpAddress(std::span(bytes, 4)), ntohs(v4.sin_port), 0};
    return true;
  }
  if (netlink::ReadExact(payload, v6) && v6.sin6_family == AF_INET6) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&v6.sin6_addr);
    endpoint = {IpAddress(std::span(bytes, 16)), ntohs(v6.sin6_port), v6.sin6_scope_id};
    return true;
  }
  return false;
}

std::string SocketAddressWire::Text(const SocketAddress& endpoint) {
  if (!endpoint.address.is_v6()) {
    return fmt::format("{}:{}", endpoint.address.ToString(), endpoint.port);
  }
  std::string zone;
  if (endpoint.scope_id != 0) zone = fmt::format("%{}", endpoint.scope_id);
  return fmt::format("[{}{}]:{}", endpoint.address.ToString(), zone, endpoint.port);
}

void AllowedIpList::Put(MessageWriter& out, uint16_t attribute, std::span<const Prefix> list) {
  out.Nest(attribute, [&] {
    for (const Prefix& ip : list) {
      const AllowedIp item{netlink::ToAf(ip.family()), ip.address(),
                           static_cast<uint8_t>(ip.length())};
      out.Nest(0, [&] { netlink::EncodeAttributes(item, out, [](const auto&) { return true; }); });
    }
  });
}

bool AllowedIpList::Get(netlink::Bytes payload, Value& list) {
  bool sound = true;
  const bool whole = netlink::ForEachAttribute(payload, [&](uint16_t, netlink::Bytes nest) {
    AllowedIp item;
    sound = netlink::DecodeAttributes(nest, netlink::ExtraMode::kDrop, item) && sound &&
            item.address && item.length && *item.length <= item.address->bits();
    if (sound) list.emplace_back(*item.address, *item.length);
  });
  return whole && sound;
}

std::string AllowedIpList::Text(const Value& list) {
  std::string text;
  for (const Prefix& ip : list) text += (text.empty() ? "" : ",") + ip.ToString();
  return text;
}

void AllowedIpList::WriteJson(const Value& list, JsonWriter& out) {
  out.Array([&] {
    for (const Prefix& ip : list) out.String(ip.ToString());
  });
}

std::vector<PeerMessages> EncodePeers(std::span<const Edit<WgPeer>> edits, Packing packing,
                                      const EncodeContext& context, GivenIps& given,
                                      MessageWriter& out) {
  return PeerPacker(edits, packing, context, given, out).Pack();
}

Commands CommandsOf(const Edit<WgPeer>& edit, const netlink::SecretWord& secret) {
  return {"wg set" + netlink::Words(edit.object, secret, WantedRows(edit)) +
          (edit.verb == Verb::kDelete ? " remove" : "")};
}

void NormalizeAllowedIps(std::vector<Prefix>& allowed_ips) {
  for (Prefix& ip : allowed_ips) ip = ip.Masked();
  std::sort(allowed_ips.begin(), allowed_ips.end());
  allowed_ips.erase(std::unique(allowed_ips.begin(), allowed_ips.end()), allowed_ips.end());
}

void DeviceDump::Begin(std::function<void(const WgDevice&)> visit_device,
                       std::function<void(WgPeer&)> visit_peer) {
  visit_device_ = std::move(visit_device);
  visit_peer_ = std::move(visit_peer);
  netlink::Reset(peer_);
  device_read_ = false;
}

void DeviceDump::Reserve(size_t allowed_ips) {
  for (WgPeer* peer : {&peer_, &next_}) {
    if (!peer->allowed_ips) peer->allowed_ips.emplace();
    peer->allowed_ips->reserve(allowed_ips);
  }
}

bool DeviceDump::Feed(const netlink::Message& message) {
  genlmsghdr header;
  netlink::Bytes attributes;
  if (!message.Split(header, attributes)) return false;
  if (!device_read_) {
    if (!netlink::DecodeMessage(message, netlink::ExtraMode::kDrop, device_)) return false;
    device_read_ = true;
    visit_device_(device_);
  }
  bool sound = true;
  const bool whole = netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes list) {
    if (type != WGDEVICE_A_PEERS) return;
    sound = netlink::ForEachAttribute(
                list, [&](uint16_t, netlink::Bytes nest) { sound = FeedPeer(nest) && sound; }) &&
            sound;
  });
  return whole && sound;
}

// A list of allowed IPs that did not fit goes on in the next message, under the key alone.
bool DeviceDump::FeedPeer(netlink::Bytes nest) {
  netlink::Reset(next_);
  if (!netlink::DecodeAttributes(nest, netlink::ExtraMode::kDrop, next_) || !next_.public_key) {
    return false;
  }
  if (peer_.public_key == next_.public_key) {
    if (!next_.allowed_ips) return true;
    if (!peer_.allowed_ips) peer_.allowed_ips.emplace();
    peer_.allowed_ips->insert(peer_.allowed_ips->end(), next_.allowed_ips->begin(),
                              next_.allowed_ips->end());
    return true;
  }
  Finish();
  std::swap(peer_, next_);
  return true;
}

void DeviceDump::Finish() {
  if (!peer_.public_key) return;
  peer_.dev = device_.dev;
  if (!peer_.allowed_ips) peer_.allowed_ips.emplace();
  visit_peer_(peer_);
  netlink::Reset(peer_);
}

}  // namespace wgnet::kernel
