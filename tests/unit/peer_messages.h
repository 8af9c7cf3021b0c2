// SPDX-License-Identifier: MIT OR Apache-2.0
// Peers for tests, SET_DEVICE messages taken apart, and what the kernel does with them.
#ifndef WGNET_TESTS_UNIT_PEER_MESSAGES_H_
#define WGNET_TESTS_UNIT_PEER_MESSAGES_H_

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "src/kernel/wg_peer.h"
#include "tests/support/object_cases.h"

namespace wgnet::kernel {

inline PublicKey KeyOf(int number) {
  std::array<uint8_t, PublicKey::kSize> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  return PublicKey(bytes);
}

inline Prefix Ipv4(uint32_t number) {
  const uint8_t bytes[] = {10, static_cast<uint8_t>(number >> 16),
                           static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)};
  return Prefix(IpAddress(bytes));
}

inline Prefix Ipv6(uint32_t number) {
  std::array<uint8_t, 16> bytes{0xfd};
  bytes[14] = static_cast<uint8_t>(number >> 8);
  bytes[15] = static_cast<uint8_t>(number);
  return Prefix(IpAddress(bytes));
}

inline WgPeer PeerWith(int key, std::vector<Prefix> ips, const LinkRef& dev = testing::Wg0()) {
  WgPeer peer;
  peer.dev = dev;
  peer.public_key = KeyOf(key);
  NormalizeAllowedIps(ips);
  peer.allowed_ips = std::move(ips);
  return peer;
}

inline std::vector<Prefix> Range(uint32_t first, uint32_t count, Prefix (*make)(uint32_t) = Ipv4) {
  std::vector<Prefix> ips;
  for (uint32_t i = 0; i < count; ++i) ips.push_back(make(first + i));
  return ips;
}

// ---- a SET_DEVICE as the kernel sees it ----

struct PeerNest {
  PublicKey key;
  uint32_t flags = 0;
  bool has_psk = false;
  std::vector<Prefix> ips;
};

struct SetDevice {
  uint32_t sequence = 0;
  uint32_t link = 0;
  size_t nest = 0;  // bytes of WGDEVICE_A_PEERS
  std::vector<PeerNest> peers;
};

inline PeerNest ParsePeer(netlink::Bytes bytes) {
  PeerNest nest;
  EXPECT_TRUE(netlink::ForEachAttribute(bytes, [&](uint16_t type, netlink::Bytes payload) {
    if (type == WGPEER_A_PUBLIC_KEY) netlink::PublicKeyWire::Get(payload, nest.key);
    if (type == WGPEER_A_FLAGS) netlink::U32::Get(payload, nest.flags);
    if (type == WGPEER_A_PRESHARED_KEY) nest.has_psk = true;
    if (type == WGPEER_A_ALLOWEDIPS) {
      EXPECT_TRUE(AllowedIpList::Get(payload, nest.ips));
    }
  }));
  return nest;
}

inline std::vector<SetDevice> Parse(netlink::Bytes messages) {
  std::vector<SetDevice> all;
  EXPECT_TRUE(netlink::ForEachMessage(messages, [&](const netlink::Message& message) {
    SetDevice& set = all.emplace_back();
    set.sequence = message.header.nlmsg_seq;
    genlmsghdr header{};
    netlink::Bytes attributes;
    EXPECT_TRUE(message.Split(header, attributes));
    EXPECT_EQ(header.cmd, WG_CMD_SET_DEVICE);
    EXPECT_TRUE(netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes payload) {
      if (type == WGDEVICE_A_IFINDEX) netlink::U32::Get(payload, set.link);
      if (type != WGDEVICE_A_PEERS) return;
      set.nest = payload.size() + NLA_HDRLEN;
      EXPECT_TRUE(netlink::ForEachAttribute(
          payload, [&](uint16_t, netlink::Bytes nest) { set.peers.push_back(ParsePeer(nest)); }));
    }));
    return true;
  }));
  return all;
}

// Peers of one device by the rules of drivers/net/wireguard/netlink.c.
using Device = std::map<PublicKey, std::set<Prefix>>;

inline void Deliver(const PeerNest& nest, Device& device) {
  if ((nest.flags & WGPEER_F_REMOVE_ME) != 0) {
    device.erase(nest.key);
    return;
  }
  if ((nest.flags & WGPEER_F_UPDATE_ONLY) != 0 && !device.contains(nest.key)) return;
  device[nest.key];
  for (const Prefix& ip : nest.ips) {
    for (auto& [key, ips] : device) ips.erase(ip);
    device[nest.key].insert(ip);
  }
}

inline void Deliver(const std::vector<SetDevice>& messages, Device& device) {
  for (const SetDevice& message : messages) {
    for (const PeerNest& nest : message.peers) Deliver(nest, device);
  }
}

}  // namespace wgnet::kernel

#endif  // WGNET_TESTS_UNIT_PEER_MESSAGES_H_
