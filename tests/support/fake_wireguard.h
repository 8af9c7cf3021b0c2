// SPDX-License-Identifier: MIT OR Apache-2.0
// WireGuard for a kernel that has none: links are of another kind, and their devices and peers live
// here, by the rules of drivers/net/wireguard/netlink.c. Everything else is the real kernel's.
#ifndef WGNET_TESTS_SUPPORT_FAKE_WIREGUARD_H_
#define WGNET_TESTS_SUPPORT_FAKE_WIREGUARD_H_

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/kernel/wg_peer.h"
#include "src/netlink/forwarding_transport.h"
#include "src/netlink/reply_queue.h"

namespace wgnet::testing {

class FakeWireguard final : public netlink::ForwardingTransport {
 public:
  explicit FakeWireguard(std::unique_ptr<netlink::Transport> inner)
      : ForwardingTransport(std::move(inner)) {}

  /// Devices and peers as text, without keys' bytes.
  std::string State() const;

  int Send(netlink::Bus bus, std::span<const iovec> parts) override;
  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override;

 private:
  struct Device {
    kernel::WgDevice device;
    std::vector<kernel::WgPeer> peers;
    bool up = false;  // only then it has a socket
  };

  int SendLinks(std::span<const iovec> parts);
  void Handle(const netlink::Message& message);
  // Goes up, or down; or takes another port. 0 or an errno.
  int SetUp(uint32_t index, bool up);
  int SetPort(Device& device, uint16_t port);
  int SetDevice(netlink::Bytes attributes);
  int SetPeer(Device& device, netlink::Bytes nest);
  void Dump(const netlink::Message& request);
  Device* Find(netlink::Bytes attributes);
  std::vector<std::byte> RenameKinds(netlink::Bytes datagram) const;

  std::map<uint32_t, Device> devices_;  // by link
  netlink::ReplyQueue replies_;
  netlink::ReplyQueue link_errors_;
  uint16_t next_port_ = 40000;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAKE_WIREGUARD_H_
