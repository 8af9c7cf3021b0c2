// SPDX-License-Identifier: MIT OR Apache-2.0
// Stands before the kernel, and lets userspace implementations of WireGuard look like its own: what
// netlink says of the links that they serve goes to them, in their protocol, and what they answer
// comes back as netlink messages.
#ifndef WGNET_WIREGUARD_USERSPACE_TRANSPORT_H_
#define WGNET_WIREGUARD_USERSPACE_TRANSPORT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/kernel/wg_device.h"
#include "src/netlink/forwarding_transport.h"
#include "src/netlink/reply_queue.h"
#include "src/wireguard/userspace_links.h"

namespace wgnet::wireguard {

/// The program serves links where the kernel has no WireGuard; others are used where they serve a
/// link already. On a kernel with WireGuard and without such links, everything goes straight
/// through, and nothing is allocated.
class UserspaceTransport final : public netlink::ForwardingTransport {
 public:
  /// `netns` is the namespace of `inner`, and outlives this.
  UserspaceTransport(std::unique_ptr<netlink::Transport> inner,
                     const netlink::NetworkNamespace& netns, std::string program,
                     SocketDirectory sockets = SocketDirectory());

  int Send(netlink::Bus bus, std::span<const iovec> parts) override;
  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override;

 private:
  // A message as it stands in what is sent.
  struct Outgoing {
    nlmsghdr header;
    netlink::Bytes bytes;
    netlink::Message message() const { return {header, bytes.subspan(sizeof header)}; }
  };

  // ---- which messages are for us ----
  bool KernelLacksWireguard();
  bool Concerns(netlink::Bus bus, std::span<const iovec> parts);
  bool ConcernsLinks(const Outgoing& out);
  bool ConcernsDevices(const Outgoing& out);

  // ---- messages between ours go on together ----
  void Forward(const Outgoing& out);
  int Flush(netlink::Bus bus);
  void Collect(netlink::Bus bus);

  int SendEach(netlink::Bus bus, std::span<const iovec> parts);
  int SendLink(const Outgoing& out);
  int SendGeneric(const Outgoing& out);
  void AnswerFamily(const nlmsghdr& request);
  int AnswerDevice(const Outgoing& out);
  void Dump(const nlmsghdr& request, const kernel::Link& link);
  Outcome Set(const kernel::Link& link, const kernel::WgDevice& wanted, netlink::Bytes attributes);
  bool WantsTakenPort(const kernel::Link& link, const kernel::WgDevice& wanted) const;
  void RenameKinds(std::span<std::byte> datagram);

  netlink::ReplyQueue& RepliesOf(netlink::Bus bus) { return replies_[static_cast<size_t>(bus)]; }

  UserspaceLinks links_;
  std::optional<bool> lacks_wireguard_;  // as the kernel last said
  uint16_t family_ = 0;                  // the kernel's number for WireGuard, or one of ours
  std::vector<iovec> run_;
  netlink::ReplyQueue replies_[netlink::kNetlinkBuses];
  SecretBuffer request_;
  SecretBuffer answer_;
};

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_USERSPACE_TRANSPORT_H_
