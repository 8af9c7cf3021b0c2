// SPDX-License-Identifier: MIT OR Apache-2.0
// Hears what the kernel tells of changes, whoever made them: multicast groups of netlink(7).
#ifndef WGNET_NETLINK_EVENT_SOCKET_H_
#define WGNET_NETLINK_EVENT_SOCKET_H_

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/netlink/network_namespace.h"
#include "wgnet/error.h"

namespace wgnet::netlink {

class EventSocket {
 public:
  /// In no group yet. `protocol` is NETLINK_ROUTE or another; messages of `receive_buffer` bytes
  /// may wait.
  static Result<EventSocket> Open(const NetworkNamespace& netns, int protocol, int receive_buffer);

  int fd() const { return fd_.get(); }

  /// Only messages that this classic BPF program (linux/filter.h) lets pass get into the socket;
  /// the others cost its reader nothing. The program has at least one instruction.
  Status SetFilter(std::span<const sock_filter> program);
  /// From now on it is in these groups (RTNLGRP_*, NFNLGRP_*), and in no others.
  Status SetGroups(const std::vector<int>& groups);

  /// One datagram, without waiting: its size, or a negative errno. -EAGAIN: nothing more is there.
  /// -ENOBUFS: messages were lost.
  ssize_t Receive(std::span<std::byte> buffer) const;

 private:
  explicit EventSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::vector<int> groups_;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_EVENT_SOCKET_H_
