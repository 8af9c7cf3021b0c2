// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/dump_writer.h"

#include <algorithm>
#include <span>

#include "src/netlink/codec.h"

namespace wgnet::wireguard {
namespace {

constexpr auto kAll = [](const auto&) { return true; };

}  // namespace

void DumpWriter::Device(const kernel::WgDevice& device) {
  replies_.Write(request_, [&](netlink::MessageWriter& out) {
    out.Begin(family_, NLM_F_MULTI, kernel::kGetDevice);
    netlink::EncodeAttributes(device, out, kAll);
  });
}

void DumpWriter::Peer(const kernel::WgPeer& peer) {
  if (!peer.allowed_ips || peer.allowed_ips->size() <= most_ips_) return Part(peer);
  kernel::WgPeer part = peer;
  std::span<const Prefix> rest = *peer.allowed_ips;
  while (!rest.empty()) {
    const auto ips = rest.first(std::min(most_ips_, rest.size()));
    part.allowed_ips.emplace(ips.begin(), ips.end());
    Part(part);
    rest = rest.subspan(ips.size());
    part = {};
    part.public_key = peer.public_key;
  }
}

void DumpWriter::Part(const kernel::WgPeer& part) {
  replies_.Write(request_, [&](netlink::MessageWriter& out) {
    out.Begin(family_, NLM_F_MULTI, kernel::kGetDevice);
    out.Nest(WGDEVICE_A_PEERS,
             [&] { out.Nest(0, [&] { netlink::EncodeAttributes(part, out, kAll); }); });
  });
}

}  // namespace wgnet::wireguard
