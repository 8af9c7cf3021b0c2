// SPDX-License-Identifier: MIT OR Apache-2.0
// What `wg showconf` prints, byte for byte.
#include <cstdio>

#include "show.h"

namespace cli {
namespace {

void AddLine(std::string_view key, std::string_view value, SecretText& out) {
  out += key;
  out += " = ";
  out += value;
  out += '\n';
}

void AddKey(std::string_view name, const wgnet::SecretKey& key, SecretText& out) {
  if (!key.is_zero()) AddLine(name, TakeSecret(key.Reveal()), out);
}

void AddPeer(const wgnet::PeerStatus& peer, SecretText& out) {
  out += "\n[Peer]\n";
  AddLine("PublicKey", peer.public_key.ToString(), out);
  AddKey("PresharedKey", peer.preshared_key, out);
  std::string ips;
  for (const wgnet::Prefix& ip : peer.allowed_ips) ips += (ips.empty() ? "" : ", ") + ip.ToString();
  if (!ips.empty()) AddLine("AllowedIPs", ips, out);
  if (peer.endpoint) AddLine("Endpoint", peer.endpoint->ToString(), out);
  if (peer.persistent_keepalive != 0) {
    AddLine("PersistentKeepalive", std::to_string(peer.persistent_keepalive), out);
  }
}

}  // namespace

SecretText ShowConfText(const wgnet::DeviceStatus& device) {
  SecretText out = "[Interface]\n";
  if (device.listen_port != 0) AddLine("ListenPort", std::to_string(device.listen_port), out);
  char mark[16];
  std::snprintf(mark, sizeof mark, "0x%x", device.fwmark);
  if (device.fwmark != 0) AddLine("FwMark", mark, out);
  AddKey("PrivateKey", device.private_key, out);
  for (const wgnet::PeerStatus& peer : device.peers) AddPeer(peer, out);
  if (device.peers.empty()) out += '\n';
  return out;
}

}  // namespace cli
