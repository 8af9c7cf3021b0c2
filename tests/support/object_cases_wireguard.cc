// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/object_cases.h"

namespace wgnet::testing {

using kernel::SocketAddress;
using kernel::WgDevice;
using kernel::WgPeer;

void AddWireguardCases(CaseList& list) {
  WgDevice device;
  device.dev = Wg0();
  device.private_key = CountingKey<SecretKey>(0x40).Clamped();
  device.listen_port = 51820;
  device.fwmark = 0xca6c;
  device.public_key = device.private_key->Public();
  list.Add("everything but the public key, which the kernel makes", device);
  list.Delete("no message: it goes with its link", device);

  WgDevice unset;
  unset.dev = Wg0();
  unset.private_key = SecretKey();
  unset.listen_port = 0;
  unset.fwmark = 0;
  list.Add("zeros are sent: they mean none, and any port", unset);
  list.Change("everything to none", device, unset);

  WgDevice port = device;
  port.listen_port = 51821;
  list.Change("the port", device, port);
  WgDevice key = device;
  key.private_key = CountingKey<SecretKey>(0x80).Clamped();
  key.public_key = key.private_key->Public();
  list.Change("the private key", device, key);
}

namespace {

std::vector<Prefix> Prefixes(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> prefixes;
  for (const std::string_view text : texts) prefixes.push_back(ParsePrefix(text));
  kernel::NormalizeAllowedIps(prefixes);
  return prefixes;
}

WgPeer FullPeer() {
  WgPeer peer;
  peer.dev = Wg0();
  peer.public_key = CountingKey<PublicKey>(1);
  peer.preshared_key = CountingKey<SecretKey>(0xa0);
  peer.endpoint = SocketAddress{ParseIp("192.0.2.1"), 51820};
  peer.keepalive = 25;
  peer.allowed_ips = Prefixes({"10.0.0.0/8", "fd00::/64"});
  return peer;
}

void AddPeerChanges(CaseList& list) {
  const WgPeer before = FullPeer();
  WgPeer after;
  after.dev = Wg0();
  after.public_key = before.public_key;
  after.keepalive = 0;
  list.Change("keepalive off: nothing else is sent", before, after);
  after.keepalive.reset();
  after.preshared_key = SecretKey();
  list.Change("no preshared key any more", before, after);
  after = before;
  after.endpoint = SocketAddress{ParseIp("192.0.2.2"), 443};
  list.Change("the endpoint", before, after);
  after = before;
  after.allowed_ips = Prefixes({"10.0.0.0/8", "fd00::/64", "192.0.2.9/32"});
  list.Change("one allowed IP more: it alone is sent", before, after);
  after.allowed_ips = Prefixes({"fd00::/64"});
  list.Change("one allowed IP less: a throw-away peer takes it and goes", before, after);
  after.allowed_ips = Prefixes({});
  list.Change("no allowed IP any more", before, after);
}

}  // namespace

void AddPeerCases(CaseList& list) {
  const WgPeer full = FullPeer();
  list.Add("everything, IPv4 endpoint", full);
  list.Delete("by key", full);
  WgPeer bare;
  bare.dev = Wg0();
  bare.public_key = CountingKey<PublicKey>(2);
  list.Add("a key alone", bare);
  bare.endpoint = SocketAddress{ParseIp("fe80::1"), 51820, 3};
  bare.allowed_ips = Prefixes({"0.0.0.0/0", "::/0"});
  list.Add("IPv6 endpoint with a zone, and everything allowed", bare);
  bare.last_handshake = {1700000000, 5};
  bare.rx_bytes = 1000;
  bare.tx_bytes = 2000;
  bare.endpoint.reset();
  list.Add("what was observed is not sent", bare);
  AddPeerChanges(list);
}

}  // namespace wgnet::testing
