// SPDX-License-Identifier: MIT OR Apache-2.0
// A WireGuard peer with its allowed IPs: WGDEVICE_A_PEERS of WG_CMD_SET_DEVICE (linux/wireguard.h).
#ifndef WGNET_KERNEL_WG_PEER_H_
#define WGNET_KERNEL_WG_PEER_H_

#include <netinet/in.h>

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "src/kernel/wg_device.h"

namespace wgnet::kernel {

/// Where a peer was last heard, or will be tried first: struct sockaddr_in or sockaddr_in6.
struct SocketAddress {
  IpAddress address;
  uint16_t port = 0;
  uint32_t scope_id = 0;  // the link of an fe80:: address
  bool operator==(const SocketAddress&) const = default;
};

/// When a peer was last heard, since 1970; 0: never. The layout of __kernel_timespec.
struct HandshakeTime {
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  bool operator==(const HandshakeTime&) const = default;
};

struct WgPeer {
  std::optional<LinkRef> dev;
  std::optional<PublicKey> public_key;
  std::optional<SecretKey> preshared_key;  // zero: none
  std::optional<SocketAddress> endpoint;
  std::optional<uint16_t> keepalive;  // seconds; 0: off
  std::optional<HandshakeTime> last_handshake;
  std::optional<uint64_t> rx_bytes;
  std::optional<uint64_t> tx_bytes;
  std::optional<std::vector<Prefix>> allowed_ips;  // masked and sorted, to be compared
};

struct SocketAddressWire {
  using Value = SocketAddress;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const SocketAddress& endpoint);
  static bool Get(netlink::Bytes payload, SocketAddress& endpoint);
  static std::string Text(const SocketAddress& endpoint);
};

struct HandshakeTimeWire {
  using Value = HandshakeTime;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const Value& time) {
    out.Put(attribute, &time, sizeof time);
  }
  static bool Get(netlink::Bytes payload, Value& time) { return netlink::ReadExact(payload, time); }
  static std::string Text(const Value& time) {
    return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
  }
};

/// One allowed IP, as it stands in the list.
struct AllowedIp {
  std::optional<uint16_t> family;
  std::optional<IpAddress> address;
  std::optional<uint8_t> length;
};

struct AllowedIpList : netlink::ListWire {
  using Value = std::vector<Prefix>;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, std::span<const Prefix> list);
  static bool Get(netlink::Bytes payload, Value& list);
  static std::string Text(const Value& list);
  static void WriteJson(const Value& list, JsonWriter& out);
};

/// Where one edit's messages are: by number, and by place in the writer's buffer.
struct PeerMessages {
  uint32_t first = 0;
  uint32_t last = 0;
  size_t begin = 0;
  size_t end = 0;
  size_t last_message = 0;
};

/// An allowed IP of a device: it has one peer there.
struct DeviceIp {
  uint32_t link;
  Prefix ip;
  bool operator==(const DeviceIp&) const = default;
};
struct DeviceIpHash {
  size_t operator()(const DeviceIp& ip) const noexcept {
    return std::hash<Prefix>()(ip.ip) * 31 + ip.link;
  }
};
/// The peers to which edits give allowed IPs.
using GivenIps = std::unordered_map<DeviceIp, PublicKey, DeviceIpHash>;

/// Whether edits share messages, to carry them out, or stand apart, to take some of them back.
/// Those that stand apart leave nothing to each other: a peer that loses an IP, or goes, hands it
/// to the peer that another of the edits gives it to, and a change also removes a throw-away peer
/// that a broken message may have left.
enum class Packing : uint8_t { kTogether, kApart };

/// Edits of peers, in messages as full as the 64 KiB of a nest allow. An IP that leaves a peer and
/// was given to no other is taken away by a throw-away peer that gets it and goes, in one message:
/// the peer's other IPs stay where they are. `given` holds what earlier edits have given, and gets
/// what these give. Returns where each edit's messages are.
std::vector<PeerMessages> EncodePeers(std::span<const Edit<WgPeer>> edits, Packing packing,
                                      const EncodeContext& context, GivenIps& given,
                                      netlink::MessageWriter& out);

Commands CommandsOf(const Edit<WgPeer>& edit, const netlink::SecretWord& secret);

/// Masks and sorts allowed IPs, and drops doubles.
void NormalizeAllowedIps(std::vector<Prefix>& allowed_ips);

/// The messages of WG_CMD_GET_DEVICE dumps, in order. A peer whose list is longer than a message is
/// put together again. Allocates only for peers larger than any before.
class DeviceDump {
 public:
  void Begin(std::function<void(const WgDevice&)> visit_device,
             std::function<void(WgPeer&)> visit_peer);
  /// Makes room for peers with so many allowed IPs.
  void Reserve(size_t allowed_ips);
  /// False when the message is malformed.
  bool Feed(const netlink::Message& message);
  /// Visits the last peer.
  void Finish();

 private:
  bool FeedPeer(netlink::Bytes nest);

  std::function<void(const WgDevice&)> visit_device_;
  std::function<void(WgPeer&)> visit_peer_;
  WgDevice device_;
  WgPeer peer_;  // the one that may go on
  WgPeer next_;
  bool device_read_ = false;
};

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::AllowedIp> {
  using AllowedIp = kernel::AllowedIp;
  static constexpr auto kRows =
      std::tuple{Attr<U16>(WGALLOWEDIP_A_FAMILY, "family", "", &AllowedIp::family),
                 Attr<Ip>(WGALLOWEDIP_A_IPADDR, "address", "", &AllowedIp::address),
                 Attr<U8>(WGALLOWEDIP_A_CIDR_MASK, "length", "/", &AllowedIp::length)};
};

template <>
struct wgnet::netlink::Schema<wgnet::kernel::WgPeer> {
  using WgPeer = kernel::WgPeer;
  using Header = genlmsghdr;
  static constexpr std::string_view kName = "peer";
  static constexpr kernel::Bus kBus = kernel::Bus::kGeneric;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      Attr<Context<kernel::LinkIndex>>(kNoAttribute, "dev", "", &WgPeer::dev, Role::kKey),
      Attr<PublicKeyWire>(WGPEER_A_PUBLIC_KEY, "public_key", "peer", &WgPeer::public_key,
                          Role::kKey),
      Attr<SecretKeyWire>(WGPEER_A_PRESHARED_KEY, "preshared_key", "preshared-key",
                          &WgPeer::preshared_key, Role::kSecret),
      Attr<kernel::SocketAddressWire>(WGPEER_A_ENDPOINT, "endpoint", "endpoint", &WgPeer::endpoint,
                                      Role::kInitial),
      Attr<U16>(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, "persistent_keepalive",
                "persistent-keepalive", &WgPeer::keepalive),
      Attr<kernel::AllowedIpList>(WGPEER_A_ALLOWEDIPS, "allowed_ips", "allowed-ips",
                                  &WgPeer::allowed_ips),
      Attr<kernel::HandshakeTimeWire>(WGPEER_A_LAST_HANDSHAKE_TIME, "last_handshake", kNoWord,
                                      &WgPeer::last_handshake, Role::kObserved),
      Attr<U64>(WGPEER_A_RX_BYTES, "rx_bytes", kNoWord, &WgPeer::rx_bytes, Role::kObserved),
      Attr<U64>(WGPEER_A_TX_BYTES, "tx_bytes", kNoWord, &WgPeer::tx_bytes, Role::kObserved)};
};

#endif  // WGNET_KERNEL_WG_PEER_H_
