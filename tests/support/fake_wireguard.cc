// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/fake_wireguard.h"

#include <fmt/format.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/mtu.h"
#include "src/netlink/codec.h"
#include "src/wireguard/dump_writer.h"
#include "src/wireguard/tun.h"

namespace wgnet::testing {
namespace {

using netlink::Bus;
using netlink::Bytes;
using netlink::Message;

constexpr uint16_t kFamily = 0x40;
constexpr size_t kIpsPerMessage = 3;       // so that long lists come in parts
constexpr std::string_view kKind = "ifb";  // without ARP and always with a carrier, as WireGuard

std::vector<std::byte> Flatten(std::span<const iovec> parts) {
  std::vector<std::byte> bytes;
  for (const iovec& part : parts) {
    const auto* data = static_cast<const std::byte*>(part.iov_base);
    bytes.insert(bytes.end(), data, data + part.iov_len);
  }
  return bytes;
}

std::string KindOf(Bytes linkinfo) {
  std::string kind;
  netlink::ForEachAttribute(linkinfo, [&](uint16_t type, Bytes payload) {
    if (type == IFLA_INFO_KIND) kind = reinterpret_cast<const char*>(payload.data());
  });
  return kind;
}

bool HasIpv6(Bytes attributes_of_link) {
  std::optional<uint32_t> mtu;
  netlink::ForEachAttribute(attributes_of_link, [&](uint16_t type, Bytes payload) {
    if (type == IFLA_MTU) netlink::GetValue<netlink::U32>(payload, mtu);
  });
  return mtu.value_or(kIpv6MinimumMtu) >= kIpv6MinimumMtu;
}

// The message with another kind of link.
void WriteLink(const Message& message, std::string_view kind, SecretBuffer& out) {
  ifinfomsg header;
  Bytes attributes;
  message.Split(header, attributes);
  uint32_t sequence = message.header.nlmsg_seq;
  netlink::MessageWriter writer(out, sequence);
  writer.Begin(message.header.nlmsg_type, message.header.nlmsg_flags, header);
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    if (type != IFLA_LINKINFO) {
      writer.Put(type, payload.data(), payload.size());
    } else {
      writer.Nest(type, [&] { writer.PutString(IFLA_INFO_KIND, kind); });
    }
  });
}

// The module asks for no link-local address.
void WriteNoAddresses(uint32_t index, SecretBuffer& out) {
  uint32_t sequence = 0;
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  netlink::MessageWriter writer(out, sequence);
  writer.Begin(RTM_NEWLINK, 0, header);
  writer.Nest(IFLA_AF_SPEC, [&] {
    writer.Nest(AF_INET6,
                [&] { writer.Put(IFLA_INET6_ADDR_GEN_MODE, uint8_t{IN6_ADDR_GEN_MODE_NONE}); });
  });
}

void Copy(const Message& message, SecretBuffer& out) {
  out.Append(&message.header, sizeof message.header);
  out.Append(message.payload.data(), message.payload.size());
  out.Resize(NLMSG_ALIGN(out.size()));
}

}  // namespace

std::string FakeWireguard::State() const {
  std::string text;
  char name[IF_NAMESIZE];
  for (const auto& entry : devices_) {
    const Device& device = entry.second;
    if (if_indextoname(entry.first, name) == nullptr) continue;
    JsonWriter json(false);
    json.Object([&] { netlink::WriteJsonMembers(device.device, Secrets::kReveal, json); });
    text += json.text() + "\n";
    std::vector<std::string> peers;
    for (kernel::WgPeer peer : device.peers) {
      kernel::NormalizeAllowedIps(*peer.allowed_ips);
      JsonWriter out(false);
      out.Object([&] { netlink::WriteJsonMembers(peer, Secrets::kReveal, out); });
      peers.push_back(out.text());
    }
    std::sort(peers.begin(), peers.end());
    for (const auto& peer : peers) text += peer + "\n";
  }
  return text;
}

int FakeWireguard::Send(Bus bus, std::span<const iovec> parts) {
  if (bus == Bus::kRoute) return SendLinks(parts);
  if (bus != Bus::kGeneric) return next().Send(bus, parts);
  const auto bytes = Flatten(parts);
  netlink::ForEachMessage(bytes, [&](const Message& message) {
    if (message.header.nlmsg_type >= NLMSG_MIN_TYPE) Handle(message);
    return true;
  });
  return 0;
}

int FakeWireguard::SendLinks(std::span<const iovec> parts) {
  const auto bytes = Flatten(parts);
  SecretBuffer out;
  netlink::ForEachMessage(bytes, [&](const Message& message) {
    ifinfomsg header{};
    Bytes attributes;
    bool wireguard = false;
    if (message.header.nlmsg_type == RTM_NEWLINK && message.Split(header, attributes)) {
      netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
        wireguard = wireguard || (type == IFLA_LINKINFO && KindOf(payload) == "wireguard");
      });
    }
    const auto index = static_cast<uint32_t>(header.ifi_index);
    if (!wireguard) {
      const bool moves = message.header.nlmsg_type == RTM_NEWLINK && (header.ifi_change & IFF_UP);
      const int error = moves ? SetUp(index, (header.ifi_flags & IFF_UP) != 0) : 0;
      if (error == 0) {
        Copy(message, out);
      } else {
        link_errors_.Answer(message.header, error);
      }
      return true;
    }
    devices_[index] = {};
    devices_[index].up = (header.ifi_flags & IFF_UP) != 0;
    devices_[index].device.dev = kernel::LinkRef{index, {}};
    devices_[index].device.listen_port = 0;
    devices_[index].device.fwmark = 0;
    devices_[index].device.private_key = SecretKey();
    WriteLink(message, kKind, out);
    if (HasIpv6(attributes)) WriteNoAddresses(index, out);
    return true;
  });
  const iovec part{out.data(), out.size()};
  return out.empty() ? 0 : next().Send(Bus::kRoute, {&part, 1});
}

ssize_t FakeWireguard::Receive(Bus bus, std::span<std::byte> buffer) {
  if (bus == Bus::kGeneric) return replies_.Receive(buffer);
  if (bus == Bus::kRoute && !link_errors_.empty()) return link_errors_.Receive(buffer);
  const ssize_t size = next().Receive(bus, buffer);
  if (size <= 0 || bus != Bus::kRoute) return size;
  const auto datagram = RenameKinds(buffer.first(static_cast<size_t>(size)));
  std::copy(datagram.begin(), datagram.end(), buffer.begin());
  return static_cast<ssize_t>(datagram.size());
}

std::vector<std::byte> FakeWireguard::RenameKinds(Bytes datagram) const {
  SecretBuffer out;
  netlink::ForEachMessage(datagram, [&](const Message& message) {
    ifinfomsg header;
    Bytes attributes;
    const bool ours = message.header.nlmsg_type == RTM_NEWLINK &&
                      message.Split(header, attributes) &&
                      devices_.contains(static_cast<uint32_t>(header.ifi_index));
    if (ours) {
      WriteLink(message, "wireguard", out);
    } else {
      Copy(message, out);
    }
    return true;
  });
  return {out.data(), out.data() + out.size()};
}

FakeWireguard::Device* FakeWireguard::Find(Bytes attributes) {
  kernel::WgDevice wanted;
  netlink::DecodeAttributes(attributes, netlink::ExtraMode::kDrop, wanted);
  char name[IF_NAMESIZE];
  if (!wanted.dev || if_indextoname(wanted.dev->index, name) == nullptr) return nullptr;
  const auto found = devices_.find(wanted.dev->index);
  return found == devices_.end() ? nullptr : &found->second;
}

void FakeWireguard::Handle(const Message& message) {
  genlmsghdr header;
  Bytes attributes;
  message.Split(header, attributes);
  if (message.header.nlmsg_type == GENL_ID_CTRL) {
    replies_.Write(message.header, [](netlink::MessageWriter& out) {
      out.Begin(GENL_ID_CTRL, 0, genlmsghdr{CTRL_CMD_NEWFAMILY, 2, 0});
      out.Put(CTRL_ATTR_FAMILY_ID, kFamily);
    });
  } else if (header.cmd == WG_CMD_GET_DEVICE) {
    Dump(message);
  } else {
    replies_.Answer(message.header, SetDevice(attributes));
  }
}

int FakeWireguard::SetUp(uint32_t index, bool up) {
  const auto found = devices_.find(index);
  if (found == devices_.end()) return 0;
  found->second.up = up;
  const int error = up ? SetPort(found->second, *found->second.device.listen_port) : 0;
  if (error != 0) found->second.up = false;
  return error;
}

int FakeWireguard::SetPort(Device& device, uint16_t port) {
  if (device.up && port != 0 && wireguard::IsPortTaken(port)) return EADDRINUSE;
  for (const auto& [index, other] : devices_) {
    char name[IF_NAMESIZE];
    const bool bound = other.up && if_indextoname(index, name) != nullptr;
    if (device.up && &other != &device && bound && other.device.listen_port == port) {
      return EADDRINUSE;
    }
  }
  device.device.listen_port = device.up && port == 0 ? next_port_++ : port;
  return 0;
}

// Device settings first; then the peers in their order, until one fails.
int FakeWireguard::SetDevice(Bytes attributes) {
  Device* device = Find(attributes);
  if (device == nullptr) return ENODEV;
  const uint16_t port = device->device.listen_port.value_or(0);
  netlink::DecodeAttributes(attributes, netlink::ExtraMode::kDrop, device->device);
  const uint16_t wanted_port = std::exchange(device->device.listen_port, port).value_or(0);
  if (wanted_port != port) {
    if (const int error = SetPort(*device, wanted_port)) return error;
  }
  const PublicKey before = device->device.public_key.value_or(PublicKey());
  if (device->device.private_key) device->device.public_key = device->device.private_key->Public();
  if (device->device.public_key != before) {
    std::erase_if(device->peers, [&](const kernel::WgPeer& peer) {
      return peer.public_key == device->device.public_key;
    });
  }
  int error = 0;
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes list) {
    uint32_t flags = 0;
    if (type == WGDEVICE_A_FLAGS) netlink::ReadExact(list, flags);
    if ((flags & WGDEVICE_F_REPLACE_PEERS) != 0) device->peers.clear();
    if (type != WGDEVICE_A_PEERS) return;
    netlink::ForEachAttribute(list, [&](uint16_t, Bytes nest) {
      if (error == 0) error = SetPeer(*device, nest);
    });
  });
  return error;
}

int FakeWireguard::SetPeer(Device& device, Bytes nest) {
  kernel::WgPeer change;
  uint32_t flags = 0;
  if (!netlink::DecodeAttributes(nest, netlink::ExtraMode::kDrop, change)) return EINVAL;
  netlink::ForEachAttribute(nest, [&](uint16_t type, Bytes payload) {
    if (type == WGPEER_A_FLAGS) netlink::ReadExact(payload, flags);
  });
  auto& peers = device.peers;
  auto found = std::find_if(peers.begin(), peers.end(), [&](const kernel::WgPeer& peer) {
    return peer.public_key == change.public_key;
  });
  if (found == peers.end()) {
    if ((flags & (WGPEER_F_REMOVE_ME | WGPEER_F_UPDATE_ONLY)) != 0) return 0;
    if (change.public_key == device.device.public_key) return 0;
    kernel::WgPeer fresh;
    fresh.dev = device.device.dev;
    fresh.public_key = change.public_key;
    fresh.preshared_key = SecretKey();
    fresh.keepalive = 0;
    fresh.allowed_ips.emplace();
    found = peers.insert(peers.end(), fresh);
  }
  if ((flags & WGPEER_F_REMOVE_ME) != 0) {
    peers.erase(found);
    return 0;
  }
  if (change.preshared_key) found->preshared_key = change.preshared_key;
  if (change.endpoint) found->endpoint = change.endpoint;
  if (change.keepalive) found->keepalive = change.keepalive;
  if ((flags & WGPEER_F_REPLACE_ALLOWEDIPS) != 0) found->allowed_ips->clear();
  if (!change.allowed_ips) return 0;
  for (const Prefix& ip : *change.allowed_ips) {
    for (kernel::WgPeer& peer : peers) std::erase(*peer.allowed_ips, ip.Masked());
    found->allowed_ips->push_back(ip.Masked());
  }
  return 0;
}

void FakeWireguard::Dump(const Message& request) {
  genlmsghdr header;
  Bytes attributes;
  request.Split(header, attributes);
  const Device* device = Find(attributes);
  if (device == nullptr) {
    replies_.Answer(request.header, ENODEV);
    return;
  }
  kernel::WgDevice shown = device->device;
  if (shown.private_key && shown.private_key->is_zero()) {
    shown.private_key.reset();  // a device without a key tells of none
    shown.public_key.reset();
  }
  wireguard::DumpWriter dump(request.header, kFamily, kIpsPerMessage, replies_);
  dump.Device(shown);
  for (const kernel::WgPeer& peer : device->peers) dump.Peer(peer);
  replies_.Done(request.header);
}

}  // namespace wgnet::testing
